"""Evaluate CloudFormation's intrinsic functions and conditions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from elt_redshift.local.cloudformation.errors import CloudFormationError
from elt_redshift.local.cloudformation.template import SUB_VARIABLE, Template

NO_VALUE = object()
"""``AWS::NoValue``: the property or list item that holds it disappears."""


class Referable(Protocol):
    """A resource as references see it."""

    @property
    def physical_id(self) -> str: ...

    def attribute(self, name: str) -> Any: ...


@dataclass
class Scope:
    """What names mean while a template is evaluated.

    :param template: a checked template.
    :param parameters: all of its parameters, as texts.
    :param pseudo: pseudo parameters such as ``AWS::Region``.
    :param resources: those that exist, by logical id; it may grow while the scope is in use.
    :param exports: values of other stacks, by export name.
    """

    template: Template
    parameters: Mapping[str, str]
    pseudo: Mapping[str, Any]
    resources: Mapping[str, Referable]
    exports: Mapping[str, str] = field(default_factory=dict)

    def included(self, logical_id: str) -> bool:
        """Whether the condition of a resource, if it has one, holds."""
        condition = self.template["Resources"][logical_id].get("Condition")
        return condition is None or self.condition(condition)

    def condition(self, name: str) -> bool:
        conditions = self.template.get("Conditions") or {}
        if name not in conditions:
            raise CloudFormationError(f"Template format error: Unresolved condition dependency {name}")
        return self.holds(conditions[name])

    def evaluate(self, node: Any) -> Any:
        """A part of the template with every function replaced by its value."""
        if isinstance(node, list):
            return [value for value in map(self.evaluate, node) if value is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
            if name.startswith("Fn::"):
                raise CloudFormationError(f"Template error: the embedded AWS does not evaluate {name}")
        values = {key: self.evaluate(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not NO_VALUE}

    def holds(self, node: Any) -> bool:
        """Whether a condition function, or a reference to a condition, is true."""
        if isinstance(node, bool):
            return node
        ((name, argument),) = node.items()
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            left, right = map(self.evaluate, argument)
            return _text(left) == _text(right)
        results = [self.holds(item) for item in argument]
        if name == "Fn::Not":
            return not results[0]
        if name == "Fn::And":
            return all(results)
        if name == "Fn::Or":
            return any(results)
        raise CloudFormationError(f"Template format error: unknown condition function {name}")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.parameters:
            kind = self.template["Parameters"][name].get("Type", "String")
            value = self.parameters[name]
            is_list = kind == "CommaDelimitedList" or kind.startswith("List<")
            return [item.strip() for item in value.split(",")] if is_list else value
        if name in self.pseudo:
            return self.pseudo[name]
        return self._resource(name).physical_id

    def _resource(self, name: str) -> Referable:
        if name not in self.resources:
            raise CloudFormationError(
                f"Template format error: Unresolved resource dependencies [{name}] "
                "in the Resources block of the template"
            )
        return self.resources[name]

    def _get_att(self, argument: Any) -> Any:
        name, attribute = argument
        return self._resource(name).attribute(self.evaluate(attribute))

    def _if(self, argument: Any) -> Any:
        name, then, otherwise = argument
        return self.evaluate(then if self.condition(name) else otherwise)

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        own = {key: self.evaluate(value) for key, value in own.items()}

        def fill(match: Any) -> str:
            name = match[1].strip()
            if name in own:
                return _text(own[name])
            if "." in name and name not in self.parameters:
                return _text(self._get_att(name.split(".", 1)))
            return _text(self._ref(name))

        return SUB_VARIABLE.sub(fill, text).replace("${!", "${")

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second, *_ = map(self.evaluate, argument)
        try:
            return self.template["Mappings"][name][first][second]
        except KeyError as error:
            raise CloudFormationError(f"Template error: Unable to get mapping for {name}::{first}::{second}") from error

    def _import(self, argument: Any) -> str:
        name = self.evaluate(argument)
        if name not in self.exports:
            raise CloudFormationError(f"No export named {name} found.")
        return self.exports[name]

    def _join(self, argument: Any) -> str:
        separator, items = argument
        return str(separator).join(map(_text, self.evaluate(items)))

    def _select(self, argument: Any) -> Any:
        index, items = map(self.evaluate, argument)
        try:
            return items[int(index)]
        except IndexError:
            raise CloudFormationError(
                f"Template error: Fn::Select cannot select nonexistent value at index {index}"
            ) from None

    def _split(self, argument: Any) -> list[str]:
        separator, text = argument
        return _text(self.evaluate(text)).split(separator)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Ref": Scope._ref,
    "Fn::GetAtt": Scope._get_att,
    "Fn::If": Scope._if,
    "Fn::Sub": Scope._sub,
    "Fn::FindInMap": Scope._find_in_map,
    "Fn::ImportValue": Scope._import,
    "Fn::Join": Scope._join,
    "Fn::Select": Scope._select,
    "Fn::Split": Scope._split,
    "Fn::GetAZs": lambda scope, region: [
        f"{scope.evaluate(region) or scope.pseudo['AWS::Region']}{zone}" for zone in "abc"
    ],
    "Fn::Base64": lambda scope, text: base64.b64encode(_text(scope.evaluate(text)).encode()).decode(),
    "Fn::ToJsonString": lambda scope, node: json.dumps(scope.evaluate(node)),
    "Fn::Length": lambda scope, items: len(scope.evaluate(items)),
}
