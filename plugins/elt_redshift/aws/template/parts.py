"""The part of a job that is cut into parts: a state machine for each, whose definition stands in S3.

A template holds no such definitions: it has no more bytes than one of them. They are put into S3 under a key made of
what they are, by whoever deploys. They run as the role of the job's machine, since Redshift shows a statement to the
role that has submitted it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.patterns.part import PartMachine
from elt_redshift.asl.target import Target
from elt_redshift.aws.template.binding import filled
from elt_redshift.aws.template.intrinsics import ARN, HERE, arn, ref, sub
from elt_redshift.aws.template.machine import ROLE
from elt_redshift.aws.template.names import PART_MACHINES
from elt_redshift.aws.template.part import Named, Part, object_parameters

#: Logical names of the parameters.
BUCKET, KEY = "PartsBucket", "PartsKey"

#: By which Step Functions learns of the ends of executions that it waits for.
_RULE = sub(f"{ARN}events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")

_PLACEHOLDER = re.compile(r"(?<!\\)\$\{(\w+)\}")


def logical(number: int) -> str:
    """The logical name of the machine of a part, from 1."""
    return Target.part(number)[2:-1]


def is_part(name: str) -> bool:
    """Whether it is the logical name of a part's machine."""
    number = "".join(filter(str.isdecimal, name))
    return bool(number) and name == logical(int(number))


def dump(part: PartMachine) -> bytes:
    """A definition as it is uploaded."""
    return json.dumps(part.definition(), separators=(",", ":"), ensure_ascii=False).encode()


def part(machine: StateMachine) -> Part:
    """The machines, and how policies name them."""
    numbers = [part.number for part in machine.parts]
    executions = [sub(f"{ARN}states:{HERE}:execution:${{{logical(number)}.Name}}:*") for number in numbers]
    told = {"Description": "The state machines of the job's parts.", "Value": {"Fn::Join": [" ", _refs(numbers)]}}
    return Part(
        parameters=_PARAMETERS,
        resources={logical(part.number): _machine(part) for part in machine.parts},
        outputs={PART_MACHINES: told},
        named={
            "parts": Named(_refs(numbers)),
            "executions of parts": Named(executions),
            "rule of ends": Named(_RULE),
        },
    )


def _refs(numbers: Sequence[int]) -> list[Any]:
    return [ref(logical(number)) for number in numbers]


def _machine(part: PartMachine) -> dict[str, Any]:
    names = sorted({*_PLACEHOLDER.findall(dump(part).decode())})
    properties = {
        "StateMachineType": "STANDARD",
        "RoleArn": arn(ROLE),
        "DefinitionS3Location": {"Bucket": ref(BUCKET), "Key": sub(f"${{{KEY}}}/{part.number}.json")},
        "DefinitionSubstitutions": {name: filled(name) for name in names},
    }
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}


_ABOUT_KEY = "What the keys of the definitions begin with; `elt-redshift deploy` uploads them."
_PARAMETERS = object_parameters(BUCKET, "the definitions of the job's parts", KEY, _ABOUT_KEY)
