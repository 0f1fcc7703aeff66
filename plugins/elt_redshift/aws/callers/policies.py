"""The policy document that a caller needs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from elt_redshift.aws.callers import resource_types
from elt_redshift.aws.callers.resource_types import TYPES, WIDER
from elt_redshift.aws.callers.rights import RIGHTS, THINGS, Caller
from elt_redshift.aws.callers.scope import ANY, Scope
from elt_redshift.exceptions import EltError

#: The characters that a managed policy holds, and the inline policies of a role, white space not counted.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAX_CHARACTERS = 6_144
MAX_INLINE = 10_240

MACHINE = "AWS::StepFunctions::StateMachine"

#: Of a machine's logical name: which part of its job it has, of which there may be many.
_OF_PARTS = re.compile(r"^Part\d+")

PASSED_TO = "iam:PassedToService"
BOUNDARY = "iam:PermissionsBoundary"

#: Of the actions on roles, those that IAM can hold to a permissions boundary.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
_BOUNDED = ("iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
_UNBINDING = "iam:DeleteRolePermissionsBoundary"


@dataclass(frozen=True)
class Grant:
    """What a policy allows: actions on resources, and what each action is for.

    :param name: of what it is about, such as ``audit table``.
    :param why: by the action; completes "needed to …".
    :param context: values that the call must have, by condition key.
    """

    name: str
    resources: tuple[str, ...]
    why: Mapping[str, str]
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def statement(self) -> dict[str, Any]:
        """As a policy has it."""
        said = {"StringEquals": {key: _short(values) for key, values in self.context.items()}}
        return {
            "Sid": "".join(word[:1].upper() + word[1:] for word in self.name.split()),
            "Effect": "Allow",
            "Action": _short(sorted(self.why)),
            "Resource": _short(self.resources),
            **({"Condition": said} if self.context else {}),
        }


def _short(values: Iterable[str]) -> Any:
    found = list(values)
    return found[0] if len(found) == 1 else found


def document(grants: Iterable[Grant]) -> dict[str, Any]:
    """The policy that allows that, in few statements: what is allowed on the same, and where the same is allowed."""
    on_the_same = _together(grants, lambda one: one.resources)
    few = _together(on_the_same, lambda one: tuple(sorted(one.why)))
    return {"Version": "2012-10-17", "Statement": [one.statement for one in few]}


def _together(grants: Iterable[Grant], same: Callable[[Grant], tuple[str, ...]]) -> Iterable[Grant]:
    """Those with the same value, and the same conditions, as one."""
    found: dict[Any, Grant] = {}
    for one in grants:
        key = same(one), tuple(one.context.items())
        found[key] = _both(found[key], one) if key in found else one
    return found.values()


def _both(one: Grant, other: Grant) -> Grant:
    resources = tuple(dict.fromkeys((*one.resources, *other.resources)))
    return replace(one, name=f"{one.name} {other.name}", resources=resources, why={**one.why, **other.why})


def size(policy: Mapping[str, Any]) -> int:
    """As IAM counts it against :data:`MAX_CHARACTERS`."""
    return len(json.dumps(policy, separators=(",", ":")))


def needed(
    caller: Caller, scope: Scope, templates: Iterable[Mapping[str, Any]] = (), boundary: str = ""
) -> list[Grant]:
    """What a caller needs, one grant a thing.

    :param templates: of the deployer's jobs.
    :param boundary: ARN of the permissions boundary that roles must have.
    :raises EltError: a template has a type of resource whose rights nobody has written down.
    """
    found: list[Grant] = []
    for thing in THINGS:
        why = {action: one.why for one in RIGHTS[caller] if one.on == thing for action in one.actions}
        if why and (resources := scope.on(thing)):
            found.append(Grant(thing, resources, why))
    return [*found, *(_of_stacks(scope, list(templates), boundary) if caller == "deployer" else ())]


def _of_stacks(scope: Scope, templates: list[Mapping[str, Any]], boundary: str) -> Iterator[Grant]:
    """What CloudFormation does with the deployer's rights."""
    made = {name: one["Type"] for template in templates for name, one in template["Resources"].items()}
    types = sorted(set(made.values()))
    if unknown := [one for one in types if one not in TYPES]:
        raise EltError(
            f"What rights it takes to make {', '.join(unknown)} is not known: see {resource_types.__name__}."
        )
    machines = sorted({_OF_PARTS.sub("Part*", name) for name, kind in made.items() if kind == MACHINE})
    together: dict[tuple[str, ...], Grant] = {}
    for kind in types:
        grant = _of_type(kind, scope, machines)
        before = together.get(grant.resources, grant)
        together[grant.resources] = Grant(before.name, grant.resources, {**before.why, **grant.why})
    for grant in together.values():
        yield from _bounded(grant, boundary) if boundary else (grant,)
    passed = {one for kind in types if (one := TYPES[kind].passes_to)}
    roles = _of_type("AWS::IAM::Role", scope, []).resources
    if passed:
        why = {"iam:PassRole": "give what a stack makes its roles"}
        yield Grant("passed roles", roles, why, {PASSED_TO: tuple(sorted(passed))})
    for kind in types:
        if kind in WIDER:
            yield Grant(f"all {_short_name(kind)}s", (ANY,), {WIDER[kind]: _why(kind)})


def _of_type(kind: str, scope: Scope, machines: list[str]) -> Grant:
    made = TYPES[kind]
    why = {f"{made.service}:{action}": _why(kind) for action in made.actions}
    return Grant(_short_name(kind), scope.of_type(kind, machines), why)


def _short_name(kind: str) -> str:
    return kind.removeprefix("AWS::").replace("::", " ")


def _why(kind: str) -> str:
    return f"make, change and remove {kind}"


def _bounded(grant: Grant, boundary: str) -> Iterator[Grant]:
    """A grant about roles, which all must have a permissions boundary, and keep it."""
    bounded = {action: why for action, why in grant.why.items() if action in _BOUNDED}
    rest = {action: why for action, why in grant.why.items() if action not in (*_BOUNDED, _UNBINDING)}
    yield Grant(grant.name, grant.resources, rest)
    if bounded:
        yield Grant(f"bounded {grant.name}", grant.resources, bounded, {BOUNDARY: (boundary,)})
