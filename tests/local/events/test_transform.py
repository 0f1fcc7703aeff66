"""Targets receive what EventBridge's documentation says they receive."""

from __future__ import annotations

import json
from typing import Any

import pytest

from elt_redshift.local.events.transform import target_input

EVENT = {
    "version": "0",
    "id": "e1",
    "time": "2026-11-24T03:20:30Z",
    "source": "my.app",
    "detail": {"state": "FAILED", "rows": 3, "say": 'a "b"', "items": [{"id": "x"}], "flag": True},
}
RULE = {"name": "r", "arn": "arn:r"}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        ({"InputPath": "$.detail"}, EVENT["detail"]),
        ({"InputPath": "$.detail.items[0].id"}, "x"),
        ({"InputPath": "$.nothing"}, None),
    ],
)
def test_whole_constant_or_part(target: dict[str, Any], expected: Any) -> None:
    """A target gets the event, a constant, or a part of the event."""
    assert json.loads(target_input(target, EVENT, RULE)) == expected


def test_template() -> None:
    """Between quotes values lose theirs, elsewhere they are JSON; predefined variables work; unknown ones are empty."""
    paths = {"state": "$.detail.state", "say": "$.detail.say", "items": "$.detail.items", "no": "$.nope"}
    template = (
        '{"text": "<state> in <aws.events.rule-name>: <say><no>", "state": <state>, "items": <items>, '
        '"event": <aws.events.event.json>, "kept": "<br>"}'
    )
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    assert json.loads(target_input({"InputTransformer": transformer}, EVENT, RULE)) == {
        "text": 'FAILED in r: a "b"',
        "state": "FAILED",
        "items": [{"id": "x"}],
        "event": EVENT,
        "kept": "<br>",
    }
