"""The job's state machine, and the role that it runs as."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.needs import Resource
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.target import Target
from elt_redshift.aws.template import tables
from elt_redshift.aws.template.binding import bound, substitutions
from elt_redshift.aws.template.intrinsics import ARN, HERE, arn, ref, sub
from elt_redshift.aws.template.names import DATABASE_USER
from elt_redshift.aws.template.part import Named, Part
from elt_redshift.aws.template.roles import role
from elt_redshift.aws.template.warehouse import IDENTITY
from elt_redshift.aws.template.warehouse import ROLE as WAREHOUSE_ROLE
from elt_redshift.protocol import metrics

#: Logical names.
MACHINE = "RedshiftETLStepFunction"
ROLE = "StateMachineRole"

#: cfn-lint does not know that TimeoutSeconds may be JSONata, as https://states-language.net/spec.html#timeouts says.
_UNLINTED = {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3601"]}}}}


def role_of_machine(other_account: bool = False, connecting: str = ROLE) -> Part:
    """The role; what it may do stands in a policy of its own, since that names the machine, which names the role.

    :param other_account: whether the warehouse is in another one, where another role connects to it.
    :param connecting: the logical name of the role that connects to the warehouse.
    """
    user = {
        "Description": "The database user that the SQL runs as; grant it what the SQL needs.",
        "Condition": IDENTITY,
        "Value": sub(f"IAMR:${{{connecting}}}"),
    }
    return Part(resources={ROLE: role("states.amazonaws.com")}, outputs={} if other_account else {DATABASE_USER: user})


def part(machine: StateMachine) -> Part:
    """The machine, and what programs and people look for."""
    in_redshift = machine.job.audit_in_redshift
    made = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineType": "STANDARD",
            "RoleArn": arn(ROLE),
            "Definition": bound(machine.definition(), in_redshift),
            "DefinitionSubstitutions": {
                WAREHOUSE_ROLE: ref(WAREHOUSE_ROLE),
                **substitutions(in_redshift),
                **_named(machine),
            },
        },
        **(_UNLINTED if machine.events else {}),
    }
    outputs = {
        "StateMachineArn": {"Description": "The state machine of the job.", "Value": ref(MACHINE)},
        "JobID": {"Description": "The key of the job's audit item.", "Value": machine.job.job_id},
    }
    return Part(resources={MACHINE: made}, outputs=outputs, needs=machine.needs(), named=_NAMED)


def _named(machine: StateMachine) -> dict[str, Any]:
    """What is named within an expression, where only a substitution reaches: machines of parts, and the items of
    transactions."""
    names = [Target.part(part.number)[2:-1] for part in machine.parts]
    if calls.GET_JOIN_ITEMS.needs[0] in set(machine.flow.needs()):
        names.append(tables.JOINS)
    return {name: ref(name) for name in names}


def express(
    role: str, definition: dict[str, Any], substitutions: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """A small machine beside it.

    :param role: the logical name of the role that it runs as.
    :param substitutions: what stands for ``${name}`` in the definition, by the name.
    """
    named = {"DefinitionSubstitutions": dict(substitutions)} if substitutions else {}
    properties = {"StateMachineType": "EXPRESS", "RoleArn": arn(role), "Definition": definition, **named}
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}


_EXECUTIONS = f"{ARN}states:{HERE}:execution:${{{MACHINE}.Name}}"
#: The executions of the machine.
EXECUTIONS = sub(f"{_EXECUTIONS}:*")
_NAMED: dict[Resource, Named] = {
    "executions": Named(EXECUTIONS),
    "children": Named(sub(f"{_EXECUTIONS}/{names.LABEL}:*")),
    "machine": Named(ref(MACHINE)),
    "event bus": Named(sub(f"{ARN}events:{HERE}:event-bus/default")),
    "own metrics": Named("*", context={"StringEquals": {"cloudwatch:namespace": metrics.NAMESPACE}}),
    "anything": Named("*"),
}
