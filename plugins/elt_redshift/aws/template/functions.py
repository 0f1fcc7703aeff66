"""The part for a job's Lambda functions: each with a role that may do what its calls need, and a log.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.asl.language.needs import Resource
from elt_redshift.asl.machine import StateMachine
from elt_redshift.aws.template import logs
from elt_redshift.aws.template.intrinsics import arn, ref, sub
from elt_redshift.aws.template.part import Named, Part, object_parameters
from elt_redshift.aws.template.roles import allow, rights, role
from elt_redshift.protocol.limits import LONGEST_FUNCTION_WAIT, LONGEST_INVOCATION

#: Logical names of the functions, and of the parameters that say where their code is.
SQL, STATE = "SqlFunction", "StateFunction"
SQL_ROLE = f"{SQL}Role"
BUCKET, KEY = "FunctionsBucket", "FunctionsKey"

#: Newer than Lambda has them for longest, and the cheaper processors.
_RUNTIME, _PROCESSORS = "python3.13", ["arm64"]
#: In MB, the least that there is: a function mostly waits.
_MEMORY = 128
#: Seconds for a write or a read, in DynamoDB and in Redshift. None goes on for longer than a take-over waits for it.
STATE_SECONDS, STATE_SECONDS_IN_REDSHIFT = 30, 110

_FUNCTIONS: Mapping[Resource, tuple[str, str]] = {
    "sql function": (SQL, "elt_redshift.functions.sql.handler"),
    "state function": (STATE, "elt_redshift.functions.state.handler"),
}


def part(compiled: StateMachine, named: Mapping[Resource, Named]) -> Part:
    """The functions of a job that has them.

    :param named: what the other parts of the template have.
    """
    state = STATE_SECONDS_IN_REDSHIFT if compiled.job.audit_in_redshift else STATE_SECONDS
    seconds = {SQL: _sql_seconds(compiled), STATE: state}
    resources: dict[str, Any] = {}
    for function, needs in sorted(compiled.functions.items()):
        name, handler = _FUNCTIONS[function]
        allowed = [*rights(needs, named), allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn(f"{name}Logs"))]
        resources |= {
            f"{name}Role": role("lambda.amazonaws.com", {"make-calls": allowed}),
            f"{name}Logs": _log(name),
            name: _function(name, handler, seconds[name]),
        }
    return Part(parameters=_PARAMETERS, resources=resources)


def itself() -> Part:
    """How policies name the functions."""
    return Part(named={function: Named(arn(name)) for function, (name, _) in _FUNCTIONS.items()})


def _sql_seconds(compiled: StateMachine) -> int:
    """What its longest task may take, and a minute for what is around it."""
    timeouts = [task.timeout.total_seconds() for task in compiled.job.tasks if task.timeout]
    longest = int(max(timeouts, default=LONGEST_FUNCTION_WAIT))
    return longest + LONGEST_INVOCATION - LONGEST_FUNCTION_WAIT


def _function(name: str, handler: str, seconds: int) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"S3Bucket": ref(BUCKET), "S3Key": ref(KEY)},
            "Handler": handler,
            "Runtime": _RUNTIME,
            "Architectures": _PROCESSORS,
            "MemorySize": _MEMORY,
            "Timeout": seconds,
            "Role": arn(f"{name}Role"),
            "LoggingConfig": {"LogGroup": ref(f"{name}Logs")},
        },
    }


def _log(function: str) -> dict[str, Any]:
    named = {"LogGroupName": sub(f"/aws/lambda/${{AWS::StackName}}/{function}")}
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {**named, "RetentionInDays": ref(logs.DAYS)},
    }


_ABOUT_KEY = "Key of that code; `elt-redshift deploy` uploads it under a hash of its content."
_PARAMETERS = object_parameters(BUCKET, "the code of the Lambda functions", KEY, _ABOUT_KEY)
