"""The part of a job whose statements are followed by executions of their own: the machine that does.

It runs as the role of the job's machine, since Redshift shows a statement to the role that has submitted it.
"""

from __future__ import annotations

from elt_redshift.asl.machine import StateMachine
from elt_redshift.aws.template.binding import FOLLOWER, bound, substitutions
from elt_redshift.aws.template.intrinsics import arn, ref
from elt_redshift.aws.template.machine import ROLE
from elt_redshift.aws.template.part import Named, Part

#: Logical name.
MACHINE = FOLLOWER


def part(machine: StateMachine) -> Part:
    """The machine, and how policies name it."""
    in_redshift = machine.job.audit_in_redshift
    properties = {
        "StateMachineType": "STANDARD",
        "RoleArn": arn(ROLE),
        "Definition": bound(machine.following(), in_redshift),
        **({"DefinitionSubstitutions": substitutions(in_redshift)} if in_redshift else {}),
    }
    made = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    return Part(resources={MACHINE: made}, named={"follower": Named(ref(MACHINE))})
