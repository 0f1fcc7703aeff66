"""The CloudFormation template of a job, made of parts: one module for each concern, and :mod:`.rendering`, which adds
them up."""
