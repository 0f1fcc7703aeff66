"""docs/verify-on-aws.md as a program: what only AWS can show, looked at in an account."""
