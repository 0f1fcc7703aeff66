"""What the state machine's role may do: what the parts of the template need, and no more."""

from __future__ import annotations

from typing import Any, get_args

from elt_redshift.asl.language.needs import Resource
from elt_redshift.aws.template.intrinsics import ref, when
from elt_redshift.aws.template.machine import ROLE
from elt_redshift.aws.template.part import Part
from elt_redshift.aws.template.roles import allowed

#: Logical name of the policy.
RIGHTS = "StateMachineRights"


def part(whole: Part) -> Part:
    """The policy, apart from the role, since it names the state machine, which names the role.

    :param whole: the sum of all other parts.
    :raises KeyError: something is needed that no part has.
    """
    policy = {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": "run-the-job",
            "Roles": [ref(ROLE)],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": _statements(whole)},
        },
    }
    return Part(resources={RIGHTS: policy})


def _statements(whole: Part) -> list[dict[str, Any]]:
    known = {resource: whole.named[resource] for resource in get_args(Resource) if resource in whole.named}
    statements = allowed(whole.needs, {resource: named.resource for resource, named in known.items()})
    return [when(only, one) if (only := known[on].only) else one for on, one in statements.items()]
