"""IAM roles as templates hold them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def role(service: str, policies: Mapping[str, list[dict[str, Any]]] | None = None) -> dict[str, Any]:
    """A role that only ``service``, on behalf of this account, may assume.

    :param policies: the statements of its inline policies, by the policies' names; default: none.
    """
    inline = [
        {"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}
        for name, statements in (policies or {}).items()
    ]
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            **({"Policies": inline} if inline else {}),
        },
    }
