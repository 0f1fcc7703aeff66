"""The resources by which a job's tasks learn of their statements' ends: a rule that starts an Express state machine,
and a role for each of the two.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-rule.html
"""

from __future__ import annotations

from typing import Any

from elt_redshift.asl.answering import EVENT_PART, event_pattern
from elt_redshift.aws.roles import role

MACHINE = "StatementEventStepFunction"
MACHINE_ROLE = "StatementEventRole"
RULE = "StatementEventRule"
RULE_ROLE = "StatementEventRuleRole"


def resources(job_id: str, definition: dict[str, Any], table: str) -> dict[str, Any]:
    """The resources by their logical names.

    :param definition: of the Express state machine.
    :param table: logical name of the table of join items.
    """
    return {
        MACHINE_ROLE: role("states.amazonaws.com", {"answer-tasks": _answering(table)}),
        MACHINE: _machine(definition),
        RULE_ROLE: role(
            "events.amazonaws.com", {"start-answering": [_allow(["states:StartExecution"], _ref(MACHINE))]}
        ),
        RULE: _rule(job_id),
    }


def _answering(table: str) -> list[dict[str, Any]]:
    return [
        # These know no resource; who has a task's token may answer it.
        _allow(["states:SendTaskFailure", "states:SendTaskSuccess"], "*"),
        _allow(["dynamodb:UpdateItem"], {"Fn::GetAtt": [table, "Arn"]}),
    ]


def _machine(definition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineType": "EXPRESS",
            "RoleArn": {"Fn::GetAtt": [MACHINE_ROLE, "Arn"]},
            "Definition": definition,
        },
    }


def _rule(job_id: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": f"Ends of the statements of ELT job {job_id}.",
            "EventPattern": event_pattern(job_id),
            "Targets": [
                {
                    "Id": "answer",
                    "Arn": _ref(MACHINE),
                    "RoleArn": {"Fn::GetAtt": [RULE_ROLE, "Arn"]},
                    "InputPath": EVENT_PART,
                }
            ],
        },
    }


def _allow(actions: list[str], resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}
