"""What a deployment would change, without changing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.local.cloudformation.functions import Referable
from elt_redshift.local.cloudformation.resources import Resource, handler
from elt_redshift.local.cloudformation.stack import Stack, Target, outputs_of
from elt_redshift.local.cloudformation.template import order

KNOWN_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


class _Later(str):
    """A value that only the deployment will know: unlike any other, itself included."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


@dataclass(frozen=True)
class _Future:
    """A resource that is not there yet."""

    physical_id: str = _Later(KNOWN_LATER)

    def attribute(self, name: str) -> Any:
        return _Later(KNOWN_LATER)


@dataclass(frozen=True)
class _Changing:
    """A resource that will be changed in place: some of its attributes will be others."""

    resource: Resource

    @property
    def physical_id(self) -> str:
        return self.resource.physical_id

    def attribute(self, name: str) -> Any:
        worker = handler(self.resource.type)
        if worker and name in worker.changing:
            return _Later(KNOWN_LATER)
        return self.resource.attribute(name)


def changes(stack: Stack, target: Target, exports: Mapping[str, str]) -> list[dict[str, Any]]:
    """The changes of resources that a deployment would make, as DescribeChangeSet shows them.

    :returns: ``{"Type": "Resource", "ResourceChange": {...}}`` each, in the order of the deployment, removals last.
    """
    resources: dict[str, Referable] = {**stack.resources}
    scope = stack.scope(target, resources, exports)
    found, wanted = [], set()
    for name in order(target.template):
        if not scope.included(name):
            resources.pop(name, None)
            continue
        wanted.add(name)
        spec = target.template["Resources"][name]
        properties = scope.evaluate(spec.get("Properties", {}))
        old = stack.resources.get(name)
        if old is None:
            resources[name] = _Future()
            found.append(_change("Add", name, spec["Type"]))
        elif is_replaced(old, spec["Type"], properties):
            resources[name] = _Future()
            found.append(_change("Modify", name, spec["Type"], old.physical_id, "True"))
        elif old.properties != properties:
            resources[name] = _Changing(old)
            found.append(_change("Modify", name, spec["Type"], old.physical_id, "False"))
    gone = [resource for name, resource in reversed(stack.resources.items()) if name not in wanted]
    return found + [_change("Remove", old.logical_id, old.type, old.physical_id) for old in gone]


def is_replaced(old: Resource, type_name: str, properties: Mapping[str, Any]) -> bool:
    """Whether a resource has to be made anew to get these properties."""
    worker = handler(type_name)
    return old.type != type_name or (worker is not None and worker.replaces(old.properties, properties))


def is_no_change(stack: Stack, target: Target, exports: Mapping[str, str]) -> bool:
    """Whether an update has nothing to do: no resource, output or tag would change."""
    if changes(stack, target, exports) or dict(stack.tags) != dict(target.tags):
        return False
    return outputs_of(target, stack.scope(target, stack.resources, exports)) == stack.outputs


def _change(
    action: str, logical_id: str, type_name: str, physical_id: str | None = None, replacement: str | None = None
) -> dict[str, Any]:
    change: dict[str, Any] = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": type_name}
    if physical_id:
        change["PhysicalResourceId"] = physical_id
    if replacement:
        change |= {"Replacement": replacement, "Scope": ["Properties"], "Details": []}
    return {"Type": "Resource", "ResourceChange": change}
