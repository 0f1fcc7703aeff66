"""What EventBridge hands to a target: the event, a constant, a part of the event or a text made from parts of it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")
_MISSING = object()


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, str]) -> str:
    """The text that a target receives for an event.

    :param target: a target of PutTargets; at most one of ``Input``, ``InputPath``, ``InputTransformer`` is set.
    :param event: the event as EventBridge shows it, ``time`` as ISO 8601.
    :param rule: ``name`` and ``arn`` of the rule, for the predefined variables.
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        found = at_path(event, target["InputPath"])
        return json.dumps(None if found is _MISSING else found)
    if "InputTransformer" in target:
        return _transform(target["InputTransformer"], event, rule)
    return json.dumps(event)


def at_path(document: Any, path: str) -> Any:
    """The value at a path such as ``$.detail.items[0].id``; a private marker when there is none."""
    found, position = document, 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return _MISSING
        key: str | int = int(step[2]) if step[2] else step[1] or step[3]
        try:
            found = found[key]
        except (KeyError, IndexError, TypeError):
            return _MISSING
        position = step.end()
    return found


def _transform(transformer: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, str]) -> str:
    """Fill a template. Between quotes a value loses its own quotes; elsewhere it is JSON; a missing one is empty."""
    variables = {name: at_path(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
    variables |= {
        "aws.events.rule-arn": rule["arn"],
        "aws.events.rule-name": rule["name"],
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.json": event,
    }
    template: str = transformer["InputTemplate"]

    def fill(match: re.Match[str]) -> str:
        value = variables.get(match[1], _MISSING)
        if value is _MISSING:
            return "" if match[1] in variables else match[0]
        text = json.dumps(value)
        quoted = _inside_quotes(template, match.start())
        return text[1:-1] if quoted and isinstance(value, str) else text

    return _PLACEHOLDER.sub(fill, template)


def _inside_quotes(text: str, position: int) -> bool:
    """Whether a position of a JSON text lies within a string."""
    inside = False
    index = 0
    while index < position:
        if inside and text[index] == "\\":
            index += 1
        elif text[index] == '"':
            inside = not inside
        index += 1
    return inside
