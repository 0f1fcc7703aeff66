"""Which rights a role or user lacks, as IAM's simulator tells.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
It knows the policies of the principal and of the account's organization, not those of resources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from elt_redshift.aws.callers.policies import Grant
from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.exceptions import EltError

How = Literal["not allowed", "denied", "unclear"]

_DECISIONS: dict[str, How] = {"implicitDeny": "not allowed", "explicitDeny": "denied"}
_SESSION = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+")


@dataclass(frozen=True)
class Lack:
    """An action that a principal may not take.

    :param resource: an ARN, or ``*``.
    :param why: completes "needed to …".
    :param keys: condition keys on which it depends, where that is unclear.
    """

    action: str
    resource: str
    why: str
    how: How
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        on = "" if self.resource == "*" else f" on {self.resource}"
        told = f"depends on {', '.join(self.keys)}" if self.how == "unclear" else f"is {self.how}"
        return f"{self.action}{on} {told}: needed to {self.why}."


def principal(client: Any, caller: str) -> str:
    """The ARN of the role or user whose policies a caller's rights come from.

    A session's ARN tells the role's name and leaves out its path, which IAM knows.

    :param client: a boto3 IAM client.
    :param caller: as ``sts:GetCallerIdentity`` gives it.
    :raises EltError: it is the account's root user, or someone whose policies IAM does not tell.
    """
    if caller.endswith(":root"):
        raise EltError(f"{caller} is the account's root user, who may do everything. Use a role.")
    if found := _SESSION.fullmatch(caller):
        try:
            with aws_errors(f"role {found['role']}"):
                return str(client.get_role(RoleName=found["role"])["Role"]["Arn"])
        except AwsError as error:
            if error.code != "AccessDenied":
                raise
            return f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}"
    if ":iam::" not in caller:
        raise EltError(f"IAM's simulator does not know {caller}. Name the role or user with --principal ARN.")
    return caller


def lacks(client: Any, arn: str, grants: Iterable[Grant]) -> Iterator[Lack]:
    """The rights of ``grants`` that a role or user lacks.

    :param client: a boto3 IAM client.
    :param arn: the principal's.
    :raises EltError: IAM refuses to tell.
    """
    for grant in grants:
        keys, values = tuple(grant.context), product(*grant.context.values())
        for resource, given in product(map(_example, grant.resources), list(values)):
            context = dict(zip(keys, given, strict=True))
            for result in _simulated(client, arn, sorted(grant.why), resource, context):
                if lack := _lack(grant, resource, result):
                    yield lack


def _lack(grant: Grant, resource: str, result: dict[str, Any]) -> Lack | None:
    action, decision = result["EvalActionName"], result["EvalDecision"]
    if decision == "allowed":
        return None
    missing = tuple(result.get("MissingContextValues", ()))
    unclear = decision == "implicitDeny" and missing
    return Lack(action, resource, grant.why[action], "unclear" if unclear else _DECISIONS[decision], missing)


def _simulated(
    client: Any, arn: str, actions: list[str], resource: str, context: dict[str, str]
) -> Iterator[dict[str, Any]]:
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in context.items()
    ]
    pages = client.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn,
        ActionNames=actions,
        **({} if resource == "*" else {"ResourceArns": [resource]}),
        **({"ContextEntries": entries} if entries else {}),
    )
    try:
        with aws_errors(f"rights of {arn}"):
            for page in pages:
                yield from page["EvaluationResults"]
    except AwsError as error:
        raise EltError(_refused(arn, error)) from error


def _refused(arn: str, error: AwsError) -> str:
    if error.code == "NoSuchEntity":
        return f"There is no role or user {arn} in this account. Name it with --principal ARN, with its path."
    if error.code == "AccessDenied":
        return (
            f"Which rights {arn} has was not told: who asks needs iam:SimulatePrincipalPolicy on it. Have somebody ask "
            f"who may: `elt-redshift check JOB --aws --principal {arn}`; or compare its policies with what "
            "`elt-redshift policy` prints."
        )
    return str(error)


def _example(resource: str) -> str:
    """A resource that a pattern of ours stands for."""
    if resource == "*":
        return resource
    # What may stand before a machine's name in the template is nothing, see resource_types.
    return re.sub(r"(:stateMachine|:execution|:mapRun):\*", r"\1:", resource).replace("*", "example")
