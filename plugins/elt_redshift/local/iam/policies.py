"""Evaluation of IAM policies, as far as roles of services need it: identity policies, and a role's trust policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
Not known: policy variables, NotPrincipal, principals other than services, roles and accounts. A condition whose
operator is not known is never met.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from elt_redshift.local.regions import REGION

#: The parts of an ARN, which wildcards of ArnLike do not cross.
_ARN_PARTS = 6


@dataclass(frozen=True)
class Asked:
    """What a call needs to be allowed.

    :param action: as IAM names it, such as ``dynamodb:GetItem``.
    :param resource: an ARN; ``*`` where the action knows no resources.
    :param context: the values of condition keys.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Grant:
    """One action on one resource, as a statement spells them: the smallest piece of a policy that may be needless.

    :param policy: the policy's name.
    """

    policy: str
    action: str
    resource: str


def grants(policies: Mapping[str, Mapping[str, Any]]) -> set[Grant]:
    """All that policies allow.

    :param policies: documents by the policies' names.
    """
    return {
        Grant(name, action, resource)
        for name, statement in _statements(policies)
        if statement["Effect"] == "Allow"
        for action in _list(statement.get("Action"))
        for resource in _list(statement.get("Resource"))
    }


def allowing(policies: Mapping[str, Mapping[str, Any]], asked: Asked) -> set[Grant]:
    """What of policies allows that; nothing where it is denied, or nobody allows it."""
    found: set[Grant] = set()
    for name, statement in _statements(policies):
        actions = [one for one in _list(statement.get("Action")) if matches(one.lower(), asked.action.lower())]
        resources = [one for one in _list(statement.get("Resource")) if matches(one, asked.resource)]
        if not (actions and resources and _met(statement, asked.context)):
            continue
        if statement["Effect"] == "Deny":
            return set()
        found |= {Grant(name, action, resource) for action in actions for resource in resources}
    return found


def decide(policies: Mapping[str, Mapping[str, Any]], asked: Asked) -> str:
    """``allowed``, ``explicitDeny`` or ``implicitDeny``, as IAM's simulator names it."""
    if allowing(policies, asked):
        return "allowed"
    refusing = {name: {"Statement": [*_refusals(document)]} for name, document in policies.items()}
    return "explicitDeny" if allowing(refusing, asked) else "implicitDeny"


def _refusals(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The refusals of a policy, as if they were permissions."""
    for _, statement in _statements({"": document}):
        if statement["Effect"] == "Deny":
            yield {**statement, "Effect": "Allow"}


def missing_context(policies: Mapping[str, Mapping[str, Any]], asked: Asked) -> list[str]:
    """The condition keys of statements about that action and resource of which the call has no value."""
    known = {key.lower() for key in asked.context}
    keys = (
        key
        for _, statement in _statements(policies)
        if any(matches(one.lower(), asked.action.lower()) for one in _list(statement.get("Action")))
        and any(matches(one, asked.resource) for one in _list(statement.get("Resource")))
        for named in statement.get("Condition", {}).values()
        for key in named
    )
    return sorted({key for key in keys if key.lower() not in known})


def trusts(document: Mapping[str, Any], service: str, context: Mapping[str, str]) -> bool:
    """Whether a role's trust policy lets a service assume it, by its own name or by that in the region.

    :param service: the principal, such as ``states.amazonaws.com``.
    """
    names = {service, service.replace(".", f".{REGION}.", 1)}
    return any(
        statement["Effect"] == "Allow"
        and "sts:AssumeRole" in _list(statement["Action"])
        and names & {*_list(statement["Principal"].get("Service"))}
        and _met(statement, context)
        for _, statement in _statements({"trust": document})
    )


def trusts_role(document: Mapping[str, Any], role_arn: str) -> bool:
    """Whether a role's trust policy lets another role assume it: one that it names, or any of an account."""
    account = role_arn.split(":")[4]
    named = {role_arn, account, role_arn.partition("::")[0] + f"::{account}:root"}
    return any(
        statement["Effect"] == "Allow"
        and "sts:AssumeRole" in _list(statement["Action"])
        and named & {*_list(statement["Principal"].get("AWS"))}
        and _met(statement, {"aws:PrincipalArn": role_arn})
        for _, statement in _statements({"trust": document})
    )


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(character, re.escape(character)) for character in text), re.DOTALL)


def matches(pattern: str, value: str) -> bool:
    """Whether a value is what a pattern with ``*`` and ``?`` says."""
    return bool(_pattern(pattern).fullmatch(value))


def _arn_like(pattern: str, value: str) -> bool:
    of_pattern, of_value = pattern.split(":", _ARN_PARTS - 1), value.split(":", _ARN_PARTS - 1)
    return len(of_pattern) == len(of_value) and all(map(matches, of_pattern, of_value))


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": matches,
    "ArnLike": _arn_like,
    "ArnEquals": _arn_like,
    "ForAllValues:StringEquals": str.__eq__,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
}


def _met(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Whether all conditions are; a key that the call does not have meets none."""
    values = {key.lower(): value for key, value in context.items()}
    return all(
        key.lower() in values
        and operator in _OPERATORS
        and any(_OPERATORS[operator](one, values[key.lower()]) for one in _list(wanted))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _statements(policies: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, document in policies.items():
        statements = document["Statement"]
        for statement in [statements] if isinstance(statements, Mapping) else statements:
            yield name, statement


def _list(value: str | Iterable[str] | None) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
