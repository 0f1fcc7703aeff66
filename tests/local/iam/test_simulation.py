"""IAM's policy simulator, and what is made of its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from elt_redshift.aws.callers.policies import Grant
from elt_redshift.aws.callers.simulation import lacks, principal
from elt_redshift.exceptions import EltError
from tests.local.conftest import ClientFactory

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table"


def _statement(effect: str, action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


@pytest.fixture
def role(client: ClientFactory, unique: str) -> str:
    """May get items, but none of one table; scans from some addresses; passes roles to Step Functions."""
    iam = client("iam")
    made: str = iam.create_role(RoleName=unique, AssumeRolePolicyDocument=json.dumps({"Statement": []}))["Role"]["Arn"]
    passing = {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}
    statements = [
        _statement("Allow", "dynamodb:GetItem"),
        _statement("Deny", "dynamodb:GetItem", f"{TABLE}/secret-*"),
        _statement("Allow", "dynamodb:Scan", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        _statement("Allow", "iam:PassRole", Condition=passing),
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=unique, PolicyName="all", PolicyDocument=document)
    return made


def test_what_is_lacking_is_told_with_its_kind(client: ClientFactory, role: str) -> None:
    """Nobody allows it, somebody denies it, or it depends on what only the call itself has; for each resource, and each
    value of a condition."""
    needed = [
        Grant("tables", (f"{TABLE}/open", f"{TABLE}/secret-*"), {"dynamodb:GetItem": "see locks"}),
        Grant("all", ("*",), {"dynamodb:Scan": "see all locks", "dynamodb:ListTables": "list"}),
        Grant(
            "roles",
            ("arn:aws:iam::123456789012:role/x",),
            {"iam:PassRole": "deploy"},
            {"iam:PassedToService": ("states.amazonaws.com", "events.amazonaws.com")},
        ),
    ]
    assert [str(one) for one in lacks(client("iam"), role, needed)] == [
        f"dynamodb:GetItem on {TABLE}/secret-example is denied: needed to see locks.",
        "dynamodb:ListTables is not allowed: needed to list.",
        "dynamodb:Scan depends on aws:SourceIp: needed to see all locks.",
        "iam:PassRole on arn:aws:iam::123456789012:role/x is not allowed: needed to deploy.",
    ]


def test_whom_to_ask_about(client: ClientFactory, role: str, unique: str) -> None:
    """A user is asked about itself, a session about its role; the root user and federated ones cannot be."""
    iam, user = client("iam"), "arn:aws:iam::123456789012:user/ann"
    assert principal(iam, user) == user
    assert principal(iam, f"arn:aws:sts::123456789012:assumed-role/{unique}/me") == role
    with pytest.raises(EltError, match="who may do everything"):
        principal(iam, "arn:aws:iam::123456789012:root")
    with pytest.raises(EltError, match="Name the role or user with --principal ARN"):
        principal(iam, "arn:aws:sts::123456789012:federated-user/ann")
