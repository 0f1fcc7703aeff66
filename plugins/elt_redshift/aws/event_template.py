"""The resources by which a job's tasks learn of their statements' ends: a rule that starts an Express state machine,
and a role for each of the two.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-rule.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from elt_redshift.asl.answering import EVENT_PART, event_pattern
from elt_redshift.asl.needs import Need
from elt_redshift.aws.roles import allow, allowed, role

MACHINE = "StatementEventStepFunction"
MACHINE_ROLE = "StatementEventRole"
RULE = "StatementEventRule"
RULE_ROLE = "StatementEventRuleRole"


def resources(job_id: str, definition: dict[str, Any], needs: Iterable[Need], table: Any) -> dict[str, Any]:
    """The resources by their logical names.

    :param definition: of the Express state machine.
    :param needs: of its states.
    :param table: the ARN of the table of join items.
    """
    rights = allowed(needs, {"anything": "*", "join table": table})
    start = allow(["states:StartExecution"], _ref(MACHINE))
    return {
        MACHINE_ROLE: role("states.amazonaws.com", {"answer-tasks": [*rights.values()]}),
        MACHINE: _machine(definition),
        RULE_ROLE: role("events.amazonaws.com", {"start-answering": [start]}),
        RULE: _rule(job_id),
    }


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


def _ref(name: str) -> dict[str, str]:
    return {"Ref": name}
