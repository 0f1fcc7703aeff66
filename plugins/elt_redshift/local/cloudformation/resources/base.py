"""What resource types have in common: how CloudFormation creates, changes and deletes one through its service's API.

Like AWS's resource handlers, these call the public API of the service. So a resource of a stack is in no way different
from one made with boto3, and whatever the service refuses, the stack refuses.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from elt_redshift.local.cloudformation.errors import CloudFormationError, ResourceError

SUFFIX_LENGTH = 12
SUFFIX_ALPHABET = string.ascii_letters + string.digits

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Context:
    """Where a resource lives.

    :param client: gives a boto3 client for a service name.
    """

    account: str
    region: str
    stack_name: str
    stack_id: str
    logical_id: str
    client: Callable[[str], Any]


@dataclass(frozen=True)
class Resource:
    """A resource of a stack.

    :param properties: as last deployed, every function evaluated.
    :param physical_id: what ``Ref`` gives.
    :param attributes: what ``Fn::GetAtt`` gives.
    :param policy: the ``DeletionPolicy``.
    """

    type: str
    logical_id: str
    properties: Properties
    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    policy: str = "Delete"
    status: str = "CREATE_COMPLETE"

    @property
    def retained(self) -> bool:
        """Whether it outlives its stack."""
        return self.policy in ("Retain", "RetainExceptOnCreate")

    def attribute(self, name: str) -> Any:
        if name not in self.attributes:
            raise CloudFormationError(
                f"Template error: resource {self.logical_id} does not support attribute type {name} in Fn::GetAtt"
            )
        return self.attributes[name]


@dataclass(frozen=True)
class Made:
    """What a handler hands back: the physical id and the attributes."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Handler:
    """How resources of one type are made. Subclasses call the service's API; its errors fail the resource.

    :cvar type: such as ``AWS::SNS::Topic``.
    :cvar name_property: property with the name, if the type has one.
    :cvar name_length: longest name the service takes, for names that CloudFormation makes up.
    :cvar attributes: what ``Fn::GetAtt`` knows; None when only the service knows.
    :cvar changing: attributes that change when the resource is updated in place.
    :cvar replacing: properties whose change makes a new resource instead.
    :cvar iam: the stack needs the caller's consent (``CAPABILITY_IAM``).
    """

    type: ClassVar[str]
    name_property: ClassVar[str | None] = None
    name_length: ClassVar[int] = 64
    attributes: ClassVar[frozenset[str] | None] = frozenset()
    changing: ClassVar[frozenset[str]] = frozenset()
    replacing: ClassVar[frozenset[str]] = frozenset()
    iam: ClassVar[bool] = False

    def create(self, context: Context, properties: Properties) -> Made:
        raise NotImplementedError

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        """Change in place; only called when no replacing property has changed."""
        raise NotImplementedError

    def delete(self, context: Context, resource: Resource) -> None:
        raise NotImplementedError

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Whether going from old to new properties takes a new resource."""
        return any(old.get(name) != new.get(name) for name in self.replacing)

    def name(self, context: Context, properties: Properties) -> str:
        """The name given in the template, or one made from stack, logical id and chance, as CloudFormation does it."""
        if self.name_property and self.name_property in properties:
            return str(properties[self.name_property])
        suffix = "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(SUFFIX_LENGTH))
        room = self.name_length - SUFFIX_LENGTH - 1
        return f"{f'{context.stack_name}-{context.logical_id}'[:room]}-{suffix}"


def updated(resource: Resource, properties: Properties, made: Made) -> Resource:
    """The resource after an update in place."""
    return replace(
        resource,
        properties=properties,
        physical_id=made.physical_id,
        attributes=made.attributes,
        status="UPDATE_COMPLETE",
    )


def tags(properties: Properties, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """The ``Tags`` of a resource, with the names that its API wants."""
    return [{key: str(tag["Key"]), value: str(tag["Value"])} for tag in properties.get("Tags", [])]


def lower_camel(node: Any) -> Any:
    """Properties with the first letter of every key in lower case, as the API of Step Functions has them."""
    if isinstance(node, dict):
        return {f"{key[:1].lower()}{key[1:]}": lower_camel(value) for key, value in node.items()}
    return [lower_camel(item) for item in node] if isinstance(node, list) else node


def fitted(client: Any, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of an API call with the types that its model wants: a template's ``"7"`` may stand for 7.

    Arguments that are None are left out; unknown ones too, for properties that only CloudFormation has.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    return {
        name: _fit(value, shape.members[name])
        for name, value in arguments.items()
        if value is not None and name in shape.members
    }


def _fit(value: Any, shape: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {name: _fit(item, shape.members[name]) for name, item in value.items() if name in shape.members}
    if kind == "list" and isinstance(value, list):
        return [_fit(item, shape.member) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _fit(item, shape.value) for name, item in value.items()}
    if kind in {"integer", "long"} and isinstance(value, str):
        return int(value)
    if kind in {"float", "double"} and isinstance(value, str):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if kind == "string" and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def require(context: Context, properties: Properties, *names: str) -> None:
    """Refuse a resource without its required properties, before its service is asked."""
    if missing := [name for name in names if name not in properties]:
        required = ", ".join(f"required key [{name}] not found" for name in missing)
        raise ResourceError(
            context.logical_id,
            f"Properties validation failed for resource {context.logical_id} with message: #: {required}",
        )
