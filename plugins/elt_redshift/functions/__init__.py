"""What runs in AWS Lambda for jobs with ``runtime: lambda``: two functions that make the calls of their state machine.

They are given a request as the state machine would send it, and answer as the service would have answered there, errors
by the same names: so the states are the same, whoever makes the calls. They need what Lambda's runtime has,
``protocol``, and what ``aws`` knows of boto3; :data:`elt_redshift.aws.functions.FILES` is all that is packaged.
``docs/adr/0024-lambda-functions.md`` says why.
"""
