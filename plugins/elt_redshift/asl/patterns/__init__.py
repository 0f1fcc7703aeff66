"""The groups of states of which a definition is made: the lock's, a task's, the joins'."""
