"""The simulation makes of AWS's answers what AWS made of them, as far as that was recorded (``tests/vectors``)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from elt_redshift.aws.verification.recording import ACCOUNT, TOKEN
from elt_redshift.testing.interpreter import matches
from elt_redshift.testing.program import program, template
from elt_redshift.testing.values import Environment
from tests.vectors.answers import FILES, unlike

Call = Mapping[str, Any]

#: The state that shows whether States.TaskFailed stands for an error of an expression: nothing here depends on that.
EITHER = ("late",)


def _notes() -> Iterator[Any]:
    """Of each recording the states that note what they got: the definition, the name, what it got, what it noted."""
    for file in FILES:
        calls = json.loads(file.read_text())["calls"]
        for made in (one for one in calls if one["call"] == "states:CreateStateMachine"):
            definition, machine = json.loads(made["request"]["definition"]), made["request"]["name"]
            *_, read = (one for one in calls if _reads(one, machine))
            history = read["answer"]["events"]
            (end,) = [one for one in history if "executionSucceededEventDetails" in one]
            noted = json.loads(end["executionSucceededEventDetails"]["output"])
            for name in noted:
                yield pytest.param(definition, name, _got(history, name), noted[name], id=f"{file.stem}-{name}")


def _reads(call: Call, machine: str) -> bool:
    return call["call"] == "states:GetExecutionHistory" and f":{machine}:" in call["request"]["executionArn"]


def _got(history: list[dict[str, Any]], state: str) -> dict[str, Any]:
    """What a state has got: the result of its call, or the error that was caught."""
    got: dict[str, Any] = {}
    inside = False
    for event in history:
        inside = inside or event.get("stateEnteredEventDetails", {}).get("name") == state
        if inside and "taskSucceededEventDetails" in event:
            got = {"result": json.loads(event["taskSucceededEventDetails"]["output"])}
        for failed in ("taskFailedEventDetails", "taskTimedOutEventDetails", "evaluationFailedEventDetails"):
            if inside and failed in event:
                got = {"error": event[failed]["error"]}
        if event.get("stateExitedEventDetails", {}).get("name") == state:
            return got
    return got


@pytest.mark.parametrize(("definition", "name", "got", "noted"), [*_notes()])
def test_a_state_notes_what_it_noted_there(definition: Any, name: str, got: Mapping[str, Any], noted: Any) -> None:
    """The same catcher catches the same error; the same expression makes the same of the same result."""
    if "error" in got:
        catcher = next(one for one in program(definition).states[name].catchers if matches(one.errors, got["error"]))
        assert noted["error"] == got["error"]
        assert noted["by"] == catcher.errors[0] or name in EITHER
        return
    code = definition["States"][name]["Assign"][name]
    made = template(code)(Environment({"states": {"result": got.get("result"), "input": {}}}, 0, Random(0)))
    if name != "digest":
        assert made == noted
    else:  # besides the digest it notes the time
        assert made["hash"] == noted["hash"]


def test_what_answers_otherwise_is_seen() -> None:
    """An error that is none here, a member that is not there, one of another type; and nothing in what is alike."""
    here = json.loads(FILES[0].read_text())
    there = copy.deepcopy(here)
    assert unlike(there, here) == []
    one, *_ = (call for call in there["calls"] if call["call"] == "redshift-data:DescribeStatement")
    one["answer"] |= {"Colour": "red", "Id": 7}
    there["calls"].append({"call": "dynamodb:UpdateItem", "request": {}, "error": "Teapot", "message": ""})
    assert unlike(there, here) == [
        "dynamodb:UpdateItem fails with Teapot",
        "redshift-data:DescribeStatement answers with .Colour: str",
        "redshift-data:DescribeStatement answers with .Id: int",
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_recordings_name_no_account(file: Path) -> None:
    """Its number is replaced in every ARN, and every token."""
    text = file.read_text()
    assert {*re.findall(r"arn:aws[\w-]*:\w+:[\w-]*:(\d+):", text)} == {ACCOUNT}
    assert {*re.findall(r'[tT]askToken\\*": ?\\*"(?!{%)([^"\\]+)', text)} <= {TOKEN}
