"""What the state machine's role may do: what the parts of the template need, and no more."""

from __future__ import annotations

from elt_redshift.aws.template.intrinsics import ref
from elt_redshift.aws.template.machine import ROLE
from elt_redshift.aws.template.part import Part
from elt_redshift.aws.template.roles import document, rights

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
            "PolicyDocument": document(*rights(whole.needs, whole.named)),
        },
    }
    return Part(resources={RIGHTS: policy})
