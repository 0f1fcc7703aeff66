"""Check and complete the parameters of a stack. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from elt_redshift.local.cloudformation.errors import CloudFormationError

Values = dict[str, str]


def given(entries: Sequence[Mapping[str, Any]], previous: Mapping[str, str]) -> Values:
    """The values of a request's ``Parameters``, ``UsePreviousValue`` replaced by what the stack has.

    :raises CloudFormationError: there is no previous value, or both are given.
    """
    values: Values = {}
    for entry in entries:
        key = entry["ParameterKey"]
        if not entry.get("UsePreviousValue"):
            values[key] = str(entry.get("ParameterValue", ""))
        elif entry.get("ParameterValue"):
            raise CloudFormationError(
                f"Invalid input for parameter key {key}. "
                "Cannot specify usePreviousValue as true and non empty value for a parameter"
            )
        elif key not in previous:
            raise CloudFormationError(
                f"Invalid input for parameter key {key}. "
                "Cannot specify usePreviousValue as true for a parameter key not in the previous template"
            )
        else:
            values[key] = previous[key]
    return values


def complete(declared: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]) -> Values:
    """All parameters of a template with their values, defaults filled in, every constraint checked.

    :returns: texts, also for numbers and lists, as CloudFormation keeps them.
    :raises CloudFormationError: ``ValidationError`` in AWS's words.
    """
    if unknown := sorted(set(values) - set(declared)):
        raise CloudFormationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing := [name for name, rule in declared.items() if name not in values and "Default" not in rule]:
        raise CloudFormationError(f"Parameters: [{', '.join(missing)}] must have values")
    completed = {name: _text(values.get(name, rule.get("Default"))) for name, rule in declared.items()}
    for name, rule in declared.items():
        for item in _items(completed[name], rule):
            _check(name, item, rule)
    return completed


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _items(value: str, rule: Mapping[str, Any]) -> list[str]:
    """What the constraints apply to: the value, or each item of a list."""
    kind = rule.get("Type", "String")
    return (
        [item.strip() for item in value.split(",")]
        if kind == "CommaDelimitedList" or kind.startswith("List<")
        else [value]
    )


def _check(name: str, value: str, rule: Mapping[str, Any]) -> None:
    if "AllowedValues" in rule and value not in [_text(allowed) for allowed in rule["AllowedValues"]]:
        _refuse(name, rule, f"Parameter '{name}' must be one of AllowedValues")
    if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
        _refuse(name, rule, f"Parameter '{name}' must match pattern {rule['AllowedPattern']}")
    if "MinLength" in rule and len(value) < int(rule["MinLength"]):
        _refuse(name, rule, f"Parameter '{name}' must contain at least {rule['MinLength']} characters")
    if "MaxLength" in rule and len(value) > int(rule["MaxLength"]):
        _refuse(name, rule, f"Parameter '{name}' must contain at most {rule['MaxLength']} characters")
    if rule.get("Type") in {"Number", "List<Number>"}:
        _check_number(name, value, rule)


def _check_number(name: str, value: str, rule: Mapping[str, Any]) -> None:
    try:
        number = float(value)
    except ValueError:
        raise CloudFormationError(f"Parameter '{name}' must be a number.") from None
    if "MinValue" in rule and number < float(rule["MinValue"]):
        _refuse(name, rule, f"Parameter '{name}' must be a number not less than {rule['MinValue']}")
    if "MaxValue" in rule and number > float(rule["MaxValue"]):
        _refuse(name, rule, f"Parameter '{name}' must be a number not greater than {rule['MaxValue']}")


def _refuse(name: str, rule: Mapping[str, Any], message: str) -> None:
    """The author's own words, if the template has any, take the place of AWS's."""
    if words := rule.get("ConstraintDescription"):
        message = f"Parameter {name} failed to satisfy constraint: {words}"
    raise CloudFormationError(message)
