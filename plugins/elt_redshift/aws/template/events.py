"""The part by which a job's tasks learn of their statements' ends: a rule that starts an Express state machine,
and a role for each of the two.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-rule.html
"""

from __future__ import annotations

from typing import Any

from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.patterns.answering import EVENT_PART, answering_flow, event_pattern
from elt_redshift.aws.template import tables
from elt_redshift.aws.template.binding import bound
from elt_redshift.aws.template.intrinsics import arn, ref
from elt_redshift.aws.template.machine import express
from elt_redshift.aws.template.part import Part
from elt_redshift.aws.template.roles import allow, allowed, role

MACHINE = "StatementEventStepFunction"
MACHINE_ROLE = "StatementEventRole"
RULE = "StatementEventRule"
RULE_ROLE = "StatementEventRuleRole"


def part(machine: StateMachine) -> Part:
    """The rule and the machine, each with its role."""
    rights = allowed(answering_flow(machine.target).needs(), {"anything": "*", "join table": arn(tables.JOINS)})
    start = [allow(["states:StartExecution"], ref(MACHINE))]
    return Part(
        resources={
            MACHINE_ROLE: role("states.amazonaws.com", {"answer-tasks": [*rights.values()]}),
            MACHINE: express(MACHINE_ROLE, bound(machine.answering())),
            RULE_ROLE: role("events.amazonaws.com", {"start-answering": start}),
            RULE: _rule(machine.job.job_id),
        }
    )


def _rule(job_id: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": f"Ends of the statements of ELT job {job_id}.",
            "EventPattern": event_pattern(job_id),
            "Targets": [
                {
                    "Id": "answer",
                    "Arn": ref(MACHINE),
                    "RoleArn": arn(RULE_ROLE),
                    "InputPath": EVENT_PART,
                }
            ],
        },
    }
