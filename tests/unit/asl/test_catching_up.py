"""Each end of a run looks for ends that nobody has followed."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.local.stepfunctions.jsonata import evaluate
from elt_redshift.protocol.times import iso_time

from .jobs import JOBS

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:job"
ARN = "arn:aws:states:us-east-1:123456789012:execution:job:run"
NOW = time.time()
DAY = 86_400


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may begin long after this module was read."""
    monkeypatch.setattr(sys.modules[__name__], "NOW", time.time())


def _at(seconds: float) -> str:
    return iso_time(datetime.fromtimestamp(NOW - seconds, UTC))


def _listed(name: str, ended: float, status: str = "FAILED", **more: Any) -> dict[str, Any]:
    """A run as ListExecutions tells of it, which ended so many seconds ago."""
    times = {"StartDate": _at(ended + 60), **({} if status == "RUNNING" else {"StopDate": _at(ended)})}
    return {"ExecutionArn": f"{ARN}-{name}", "Name": name, "Status": status, **times, **more}


def _kept(name: str, redrives: int) -> dict[str, Any]:
    return {"Entry": {"S": f"2026-01-01T00:00:00.000Z/{name}"}, "ToldOf": {"N": str(redrives)}}


def _value(code: str, event: Any = None, **states: Any) -> Any:
    context = {"Execution": {"Input": event or {"executionArn": ARN}}, "StateMachine": {"Id": "arn:behind"}}
    return evaluate(code[2:-2].strip(), {"states": {"context": context, **states}})


def _states() -> Any:
    return compile_job(JOBS["one_task"]).ending()["States"]


def test_the_newest_runs_are_looked_at() -> None:
    """Of the job's machine; those that have ended some time ago, but not so long that nothing is to be kept."""
    listing = _states()["list runs"]
    assert _value(listing["Arguments"]) == {"StateMachineArn": MACHINE, "MaxResults": 10}
    runs = [_listed("new", 30), _listed("runs", 900, "RUNNING"), _listed("old", 91 * DAY), _listed("due", 900)]
    (found,) = _value(listing["Output"], result={"Executions": runs})["ended"]
    assert (found["name"], found["executionArn"], found["redriveCount"]) == ("due", f"{ARN}-due", 0)
    assert _value(listing["Output"], result={"Executions": [_listed("new", 30)]}) == {"ended": []}


def test_those_are_missing_whose_last_end_is_not_kept() -> None:
    """Also one that was redriven since it was."""
    states = _states()
    names = ("kept", "redriven", "gone")
    runs = [_listed(name, 900, RedriveCount=int(name == "redriven")) for name in names]
    ended = _value(states["list runs"]["Output"], result={"Executions": runs})
    find = states["find runs"]
    since = _value(find["Arguments"], input=ended)["ExpressionAttributeValues"][":since"]["S"]
    assert since == _at(961)
    kept = {"Items": [_kept("kept", 0), _kept("redriven", 0), _kept("other", 3)]}
    missing = _value(find["Output"], input=ended, result=kept)["missed"]
    assert [one["name"] for one in missing] == ["redriven", "gone"]
    assert len(_value(find["Output"], input=ended, result={"Items": []})["missed"]) == 3
    assert _value(find["Output"], input={"ended": []}, result={"Items": []}) == {"missed": []}
    assert _value(find["Arguments"], input={"ended": []})["KeyConditionExpression"] == "#of = :job and #at >= :since"


def test_one_is_followed_behind_the_other() -> None:
    """Each start is told those that are left, so that there is an end to it."""
    states = _states()
    (some,) = states["judge next"]["Choices"]
    assert states["judge next"]["Default"] == "settled"
    assert _value(some["Condition"], input={"missed": []}) is False
    missed: list[dict[str, Any]] = [{"executionArn": f"{ARN}-{number}", "redriveCount": 0} for number in range(3)]
    for left in (2, 1, 0):
        assert _value(some["Condition"], input={"missed": missed}) is True
        start = _value(states["follow missed run"]["Arguments"], input={"missed": missed})
        event = json.loads(start["Input"])
        assert (start["StateMachineArn"], event.pop("missed")) == ("arn:behind", missed[1:])
        assert event == missed[0]
        (known,) = states["judge missed"]["Choices"]
        told = {**event, "missed": missed[1:]}
        assert _value(known["Condition"], event=told, input={}) is True
        missed = _value(known["Output"], event=told, input={})["missed"]
        assert len(missed) == left
    assert _value(known["Condition"], input={}) is False


def test_what_fails_there_fails_nothing_else() -> None:
    """The next run looks again."""
    states = _states()
    for name in ("list runs", "find runs", "follow missed run"):
        assert [(one["ErrorEquals"], one["Next"]) for one in states[name]["Catch"]] == [(["States.ALL"], "settled")]
