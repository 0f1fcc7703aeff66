"""Which ends of runs are told, in which words."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.patterns.notifying import MAX_PLACES
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import Notify
from elt_redshift.local.stepfunctions.jsonata import evaluate
from elt_redshift.protocol import notices
from tests.unit.protocol.test_writes import written

from .jobs import job, task

ARN = "arn:aws:states:eu-west-1:123456789012:execution:job:run"
DAY = notices.AGAIN
RUN = {
    "executionArn": ARN,
    "name": "run",
    "redriveCount": 0,
    "redrives": 0,
    "startDate": 1_767_225_600_500,
    "stopDate": 1_767_225_642_500,
    "parameters": "",
    "by": "",
    "resumed": "",
    "task": "",
    "statement": "",
    "message": "",
    "after": "",
}
FAILED = {**RUN, "kind": "failure", "outcome": "failed", "task": "b", "statement": "s:2", "message": "ERROR: no"}


def _value(code: Any, given: Any) -> Any:
    if isinstance(code, dict):
        return {name: _value(one, given) for name, one in code.items()}
    return evaluate(code[2:-2].strip(), {"states": {"input": given}}) if str(code).startswith("{%") else code


def _states(notify: Notify | None = None, **more: Any) -> Any:
    made = job(task("a"), task("b", sql=("x", "y")), notify=notify or Notify(), **more)
    return compile_job(made).ending()["States"]


def _published(given: dict[str, Any], states: Any = None) -> dict[str, Any]:
    return dict(_value((states or _states())["publish"]["Arguments"], given))


def test_a_failure_is_told_so_that_one_can_act() -> None:
    """Job, task, file and line, Redshift's message, statement, run, console, and what to do next."""
    told = _published({**FAILED, "after": "hold", "redrives": 1, "parameters": '{"d":"0"}', "resumed": "arn:old"})
    assert told["Subject"] == "Job sample failed in task b"
    page = "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details"
    assert (
        told["Message"]
        == f"""Job sample failed in task b (job 101).

Task:       b
At:         b.sql:2
Message:    ERROR: no
Statement:  s:2
Run:        run
Started:    2026-01-01T00:00:00.500Z
Ended:      2026-01-01T00:00:42.500Z, after 42 s
Redrives:   1
Parameters: {{"d":"0"}}
Resumes:    arn:old
Console:    {page}/{ARN}

Next step:  {"".join(notices.next_steps("sample", "run")["task"])}{notices.lock_after("sample")["hold"]}"""
    )
    assert {name: one["StringValue"] for name, one in told["MessageAttributes"].items()} == {
        "job": "sample",
        "kind": "failure",
        "outcome": "failed",
    }


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"statement": ""}, "b.sql:1"),  # nothing was submitted
        ({"statement": "s:1"}, "b.sql:1"),
        ({"statement": "101/run/b/1"}, "b.sql:1"),  # it is forgotten
        ({"statement": "101/run/b/1/AQ:7"}, "b.sql:1"),
        ({"statement": "s:3"}, None),  # the job was deployed anew since
        ({"task": "c"}, None),
        ({"task": ""}, None),
    ],
)
def test_the_place_is_that_of_the_statement_that_failed(given: dict[str, str], place: str | None) -> None:
    """Where a batch's part is told by its number, it is that part's."""
    lines = _published({**FAILED, **given})["Message"].splitlines()
    assert [line for line in lines if line.startswith("At:")] == ([f"At:         {place}"] if place else [])


def test_places_are_left_out_where_they_would_be_too_many() -> None:
    """A definition has a limit; a large job's notification tells task and statement."""
    tasks = [task(f"{number:03}".join(["t", "x" * 100])) for number in range(400)]
    large = job(*tasks, notify=Notify(), layout="map")
    assert sum(len(one.name) for one in tasks) < MAX_PLACES
    states = compile_job(large).ending()["States"]
    assert "At:" not in _published({**FAILED, "task": tasks[0].name}, states)["Message"]


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ({**FAILED, "task": ""}, "Job sample failed"),
        ({**FAILED, "outcome": "stopped"}, "A run of job sample was stopped"),
        ({**FAILED, "outcome": "timed_out"}, "A run of job sample ran into its time limit"),
        ({**RUN, "kind": "held", "outcome": "held", "message": "m"}, "Job sample is held: a run did nothing"),
        ({**RUN, "kind": "skipped", "outcome": "skipped", "message": "m"}, "A run of job sample was skipped"),
        ({**RUN, "kind": "success", "outcome": "succeeded"}, "Job sample succeeded"),
        ({**RUN, "kind": "recovered", "outcome": "succeeded"}, "Job sample works again"),
    ],
)
def test_each_notification_has_a_subject_and_a_next_step(given: dict[str, Any], subject: str) -> None:
    """The first line repeats the subject, and the last one says what to do."""
    told = _published(given)
    lines = told["Message"].splitlines()
    assert (told["Subject"], lines[0]) == (subject, f"{subject} (job 101).")
    assert lines[-1].startswith("Next step:  ")
    assert lines[-1].removeprefix("Next step:  ") in map("".join, notices.next_steps("sample", "run").values())


def test_texts_keep_within_sns_s_limits() -> None:
    """The longest names and messages: a subject below 100 characters of ASCII in one line, and a body below 256 KB."""
    long = "t" * 128
    longest = EltJob(job_id="9" * 64, name="j" * 64, tasks=(task(long),), notify=Notify())
    states = compile_job(longest).ending()["States"]
    told = _published({**FAILED, "task": long, "message": "ü" * 2000, "parameters": "p" * 200_000}, states)
    assert told["Subject"].isascii()
    assert told["Subject"].isprintable()
    assert len(told["Subject"]) < 100
    assert len(told["Message"].encode()) < 10_000


def _told(on: tuple[notices.Kind, ...], kind: str) -> bool:
    choice = _states(Notify(on=on))["judge notice"]
    (rule,) = choice["Choices"]
    return bool(_value(rule["Condition"], {"kind": kind}))


def test_only_what_was_asked_for_is_told() -> None:
    """Whoever asks for successes is told of one that ends a failure, too."""
    assert [kind for kind in notices.KINDS if _told(("failure", "held"), kind)] == ["failure", "held"]
    assert [kind for kind in notices.KINDS if _told(("success",), kind)] == ["success", "recovered"]
    assert [kind for kind in notices.KINDS if _told(("recovered",), kind)] == ["recovered"]


def _noted(
    state: str, given: dict[str, Any], before: dict[str, str], on: tuple[notices.Kind, ...] = notices.KINDS
) -> Any:
    """What is remembered of the job behind one of the states that note something; None: the condition failed."""
    request = _value(_states(Notify(on=on))[state]["Arguments"], {**RUN, **given})
    assert request["Key"] == {"RunsOf": {"S": "101"}, "Entry": {"S": "standing"}}
    write = {
        "note failure": notices.NOTE_FAILURE,
        "note held": notices.NOTE_HELD,
        "note success": notices.NOTE_SUCCESS,
    }[state]
    values = {name: _value(one, RUN) for name, one in request.get("ExpressionAttributeValues", {}).items()}
    given_values = {
        name[1:]: str(next(iter(one.values()))) for name, one in values.items() if name not in (":broken", ":works")
    }
    return written(write, before, given_values)


def test_a_job_that_stays_held_is_told_once_and_then_daily() -> None:
    """By the failure, if that is told; else by the first run that meets it; then again when a day has passed."""
    held = _noted("note failure", {"after": "hold"}, {})
    assert _noted("note held", {}, held) is None
    a_day_later = {**held, "HeldTold": str(int(held["HeldTold"]) - DAY)}
    assert _noted("note held", {}, _noted("note held", {}, a_day_later)) is None
    for untold in (
        _noted("note failure", {"after": "hold"}, {}, on=("held",)),
        _noted("note failure", {"after": "release"}, {}),
        {},
    ):
        told = _noted("note held", {}, untold)
        assert told is not None
        assert _noted("note held", {}, told) is None


def test_the_first_success_after_a_failure_is_told_as_such() -> None:
    """Once; and behind it a job that is held again is told at once."""
    failed = _noted("note failure", {"after": "hold"}, {})
    recovered = _noted("note success", {}, failed)
    assert recovered == {"Standing": "works"}
    assert _noted("note success", {}, recovered) is None
    assert _noted("note success", {}, {}) is None
    assert _noted("note held", {}, recovered) is not None
