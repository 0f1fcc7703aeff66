"""The States Language as generated definitions use it: states, their names, JSONata, the calls to AWS and the needs."""
