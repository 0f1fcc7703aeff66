"""The part for what follows the end of a run: a rule that starts an Express state machine, and a role for each of the
two.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.asl.language.needs import Resource
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.patterns.ending import EVENT_PART, event_pattern
from elt_redshift.aws.template import machine, tables
from elt_redshift.aws.template.binding import bound, substitutions
from elt_redshift.aws.template.intrinsics import arn, ref
from elt_redshift.aws.template.part import Named, Part
from elt_redshift.aws.template.parts import logical
from elt_redshift.aws.template.roles import allow, document, rights, role

#: Logical names.
MACHINE = "RunEndStepFunction"
MACHINE_ROLE = "RunEndRole"
RULE = "RunEndRule"
RULE_ROLE = "RunEndRuleRole"
#: What the machine may do to itself: a policy apart from the role, which the machine names.
RIGHTS = "RunEndRights"
#: The output that names the machine.
OUTPUT = "RunEndStateMachineArn"


def itself() -> Part:
    """How policies name the machine."""
    return Part(named={"machine behind ends": Named(ref(MACHINE))})


def part(compiled: StateMachine, named: Mapping[Resource, Named]) -> Part:
    """The rule and the machine, each with its role.

    :param named: what the other parts of the template have.
    """
    needs = frozenset(compiled.at_ends.needs())
    in_redshift = compiled.job.audit_in_redshift
    named_in_it = {**_named(compiled), **substitutions(in_redshift)}
    on_itself = frozenset(need for need in needs if need.on in itself().named)
    statements = rights(needs - on_itself, named)
    start = [allow(["states:StartExecution"], ref(MACHINE))]
    return Part(
        resources={
            MACHINE_ROLE: role("states.amazonaws.com", {"follow-runs": statements}),
            MACHINE: machine.express(MACHINE_ROLE, bound(compiled.ending(), in_redshift), named_in_it),
            RIGHTS: _policy(rights(on_itself, named)),
            RULE_ROLE: role("events.amazonaws.com", {"start-following": start}),
            RULE: _rule(compiled.job.job_id),
        },
        outputs={OUTPUT: {"Description": "The state machine behind the ends of runs.", "Value": ref(MACHINE)}},
    )


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    properties = {"PolicyName": "follow-missed-runs", "Roles": [ref(MACHINE_ROLE)]}
    return {"Type": "AWS::IAM::Policy", "Properties": {**properties, "PolicyDocument": document(*statements)}}


def _named(compiled: StateMachine) -> dict[str, Any]:
    """What is named within an expression, where only a substitution reaches: tables, and machines of parts."""
    joins = [tables.JOINS] if compiled.arrangement is None else []
    return {name: ref(name) for name in (tables.HISTORY, *joins, *map(logical, range(1, len(compiled.parts) + 1)))}


def _rule(job_id: str) -> dict[str, Any]:
    target = {"Id": "follow", "Arn": ref(MACHINE), "RoleArn": arn(RULE_ROLE), "InputPath": EVENT_PART}
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": f"Starts and ends of the runs of ELT job {job_id}.",
            "EventPattern": event_pattern(ref(machine.MACHINE)),
            "Targets": [target],
        },
    }
