"""Read and check a CloudFormation template. Pure: text in, dictionaries out, AWS's words for every mistake.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from elt_redshift.local.cloudformation.errors import CloudFormationError

INLINE_BYTES = 51_200
S3_BYTES = 1_048_576
SUB_VARIABLE = re.compile(r"\$\{([^!][^}]*)\}")
CONDITION_FUNCTIONS = frozenset({"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition"})

Template = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions, and without YAML's dates (``Version: 2012-10-17`` is a text)."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_function(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    """``!Sub x`` is ``{"Fn::Sub": x}``; ``!Ref`` and ``!Condition`` have no ``Fn::``."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in {"Ref", "Condition"} else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _short_function)


def parse(text: str) -> Template:
    """A template from JSON or YAML, checked as far as that goes without parameters.

    :raises CloudFormationError: ``ValidationError``, in AWS's words.
    """
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_Loader)  # noqa: S506 - derives from SafeLoader
    except (ValueError, yaml.YAMLError) as error:
        raise CloudFormationError(f"Template format error: {_first_line(error)}") from error
    if not isinstance(document, dict):
        raise CloudFormationError("Template format error: unsupported structure.")
    template: Template = _normalise(document)
    _check(template)
    return template


def _first_line(error: Exception) -> str:
    kind = "YAML not well-formed." if isinstance(error, yaml.YAMLError) else "JSON not well-formed."
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"{kind} (line {mark.line + 1}, column {mark.column + 1})"
    return f"{kind} ({error})"


def _normalise(node: Any) -> Any:
    """Give ``Fn::GetAtt`` one form: a pair of resource and attribute (which may itself hold dots)."""
    if isinstance(node, list):
        return [_normalise(item) for item in node]
    if not isinstance(node, dict):
        return node
    attribute = node.get("Fn::GetAtt")
    if len(node) == 1 and isinstance(attribute, str):
        return {"Fn::GetAtt": attribute.split(".", 1)}
    return {str(key): _normalise(value) for key, value in node.items()}


def _check(template: Template) -> None:
    if "Transform" in template:
        raise CloudFormationError(f"The embedded AWS does not know the transform {template['Transform']}")
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise CloudFormationError("Template format error: At least one Resources member must be defined.")
    for name, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise CloudFormationError(
                f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
            )
    for path in _nulls(template, ""):
        raise CloudFormationError(f"[{path}] 'null' values are not allowed in templates")
    _check_references(template)
    order(template)


def _nulls(node: Any, path: str) -> Iterator[str]:
    if node is None:
        yield path
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _nulls(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _nulls(value, f"{path}/{index}")


def _check_references(template: Template) -> None:
    known = set(template["Resources"]) | set(template.get("Parameters") or {})
    for section in ("Resources", "Outputs"):
        found = references(template.get(section) or {})
        if missing := sorted(name for name in found - known if not name.startswith("AWS::")):
            raise CloudFormationError(
                f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] "
                f"in the {section} block of the template"
            )
    conditions = set(template.get("Conditions") or {})
    for name, resource in template["Resources"].items():
        condition = resource.get("Condition")
        if condition is not None and condition not in conditions:
            raise CloudFormationError(
                f"Template format error: Unresolved condition {condition} "
                f"in the Resources block of the template ({name})"
            )


def references(node: Any) -> set[str]:
    """Names that a part of a template refers to, by Ref, Fn::GetAtt, Fn::Sub and DependsOn."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    found: set[str] = set()
    for key, value in node.items():
        if key == "Ref" and isinstance(value, str):
            found.add(value)
        elif key == "Fn::GetAtt" and isinstance(value, list):
            found.add(value[0])
        elif key == "Fn::Sub":
            found |= _sub_references(value)
        elif key == "DependsOn":
            found |= {value} if isinstance(value, str) else set(value)
        else:
            found |= references(value)
    return found


def _sub_references(value: Any) -> set[str]:
    text, own = (value, {}) if isinstance(value, str) else (value[0], value[1])
    names = {name.strip().split(".")[0] for name in SUB_VARIABLE.findall(text)}
    return (names - set(own)) | references(own)


def order(template: Template) -> list[str]:
    """Names of the resources, each after those that it refers to.

    :raises CloudFormationError: they refer to each other in a circle.
    """
    resources = template["Resources"]
    waiting = {name: references(resource) & set(resources) - {name} for name, resource in resources.items()}
    done: list[str] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if needs <= set(done)]
        if not ready:
            raise CloudFormationError(f"Circular dependency between resources: [{', '.join(sorted(waiting))}]")
        done += ready
        for name in ready:
            del waiting[name]
    return done
