"""The Express state machine for what follows the end of a run."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.patterns.ending import MAX_LOOKS
from elt_redshift.local.stepfunctions.jsonata import evaluate
from elt_redshift.protocol import audit, messages, records
from tests.unit.protocol.test_writes import written

from .jobs import JOBS

GOLDEN = Path(__file__).parent / "ending.json"
RAISED = "The JSONata expression '…' specified for the field 'Choices[0]/Condition' threw an error during evaluation"
ARN = "arn:aws:states:us-east-1:123456789012:execution:job:run"


def _definition() -> Any:
    return compile_job(JOBS["one_task"]).ending()


def test_the_machine_is_the_golden_one() -> None:
    """It is exactly the one that was reviewed, whatever the job's tasks are."""
    if os.environ.get("ELT_REDSHIFT_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(_definition(), indent=1, ensure_ascii=False) + "\n")
    assert _definition() == json.loads(GOLDEN.read_text()) == compile_job(JOBS["n"]).ending()


def _value(code: Any, **states: Any) -> Any:
    if isinstance(code, dict):
        return {name: _value(one, **states) for name, one in code.items()}
    if isinstance(code, list):
        return [_value(one, **states) for one in code]
    return evaluate(code[2:-2].strip(), {"states": states}) if str(code).startswith("{%") else code


def _judged(event: dict[str, Any], found: dict[str, Any]) -> tuple[str, Any]:
    """Where an event leads, and what is known by then."""
    states = _definition()["States"]
    result = {"Name": "run", "StartDate": "2026-01-01T00:00:00.5Z", "StopDate": "2026-01-01T00:00:01Z", **found}
    given = _value(states["ask for run"]["Output"], input={"executionArn": ARN, **event}, result=result)
    return _chosen(states["judge end"], given), given


def _chosen(choice: Any, given: Any) -> str:
    """The state that a Choice leads to."""
    rules = choice["Choices"]
    return next((rule["Next"] for rule in rules if _value(rule["Condition"], input=given)), choice["Default"])


@pytest.mark.parametrize(
    ("event", "found", "then"),
    [
        ({"redriveCount": 0}, {"Status": "ABORTED", "RedriveCount": 0}, "settle item"),
        ({"redriveCount": 1}, {"Status": "FAILED", "RedriveCount": 1}, "settle item"),
        ({}, {"Status": "TIMED_OUT"}, "settle item"),
        ({"redriveCount": None}, {"Status": "ABORTED", "RedriveCount": 2}, "settle item"),
        # DescribeExecution does not know of the end yet, or of the redrive that has ended.
        ({"redriveCount": 0}, {"Status": "RUNNING", "RedriveCount": 0}, "wait for news"),
        ({"redriveCount": 1}, {"Status": "FAILED", "RedriveCount": 0}, "wait for news"),
        # It tells of a redrive, but of an end that may be the one before it.
        ({"redriveCount": 0}, {"Status": "ABORTED", "RedriveCount": 1}, "wait for news"),
        ({"redriveCount": 0, "looks": MAX_LOOKS - 1}, {"Status": "ABORTED", "RedriveCount": 1}, "settle item"),
        ({"redriveCount": 0, "looks": MAX_LOOKS - 1}, {"Status": "RUNNING", "RedriveCount": 0}, "settled"),
        # It has been redriven since.
        ({"redriveCount": 0}, {"Status": "RUNNING", "RedriveCount": 1}, "settled"),
        ({"redriveCount": 0}, {"Status": "PENDING_REDRIVE", "RedriveCount": 1}, "settled"),
        ({}, {"Status": "RUNNING", "RedriveCount": 0}, "settled"),
        ({"redriveCount": 0}, {"Status": "SUCCEEDED", "RedriveCount": 0}, "read item"),
    ],
)
def test_ends_are_judged(event: dict[str, Any], found: dict[str, Any], then: str) -> None:
    """Ends without success are settled first; what runs again, or may, is left alone."""
    assert _judged(event, found)[0] == then


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"Status": "ABORTED", "Cause": "Ann stopped it."}, "Ann stopped it."),
        ({"Status": "ABORTED"}, "The execution was stopped, and no reason was given."),
        ({"Status": "TIMED_OUT", "Cause": None}, "The execution ran into its time limit."),
        ({"Status": "FAILED", "Cause": "No such table (Service: DynamoDb, Status Code: 400)"}, "No such table"),
        ({"Status": "FAILED", "Cause": "The JSONata expression '…' threw an error"}, "its history in Step Functions"),
        ({"Status": "FAILED"}, "its history in Step Functions"),
        ({"Status": "ABORTED", "Cause": "x" * 5000}, "x" * 100),
        ({"Status": "FAILED", "Cause": f"{RAISED}. D3137: Task a failed: ERROR: no"}, "Task a failed: ERROR: no"),
        ({"Status": "FAILED", "Cause": f"{RAISED}: Task a failed: ERROR: no"}, "Task a failed: ERROR: no"),
        (
            {
                "Status": "FAILED",
                "Error": "States.QueryEvaluationError",
                "Cause": f"{RAISED}: T2010: these cannot be compared",
            },
            f"The execution failed: {messages.NOT_EXPECTED}.",
        ),
        (
            {"Status": "FAILED", "Error": "States.ItemReaderFailed", "Cause": "NoSuchKey"},
            "The execution failed: the job file could not be read. Deploy the job again.",
        ),
        (
            {"Status": "FAILED", "Error": "DynamoDB.ConditionalCheckFailedException", "Cause": "The conditional …"},
            f"The execution failed: {messages.LOCK_LOST}.",
        ),
        (
            {"Status": "FAILED", "Error": "RedshiftData.X", "Cause": "Read timed out (SDK Attempt Count: 1)"},
            "Read timed out",
        ),
        ({"Status": "FAILED", "Error": "States.Runtime", "Cause": "The JSONPath '$.x' …"}, "its history in Step"),
    ],
)
def test_the_item_says_why_the_run_ended(found: dict[str, Any], message: str) -> None:
    """In words that a person may read."""
    then, given = _judged({"redriveCount": 0}, found)
    values = _value(_definition()["States"][then]["Arguments"]["ExpressionAttributeValues"][":message"], input=given)
    assert message in values["S"]
    assert len(values["S"]) < 5000


RUNNING = {"JobID": "101", "JobState": "Running", "Owner": ARN, "RedriveCount": "1"}


@pytest.mark.parametrize(
    ("item", "redrives", "settled"),
    [
        (RUNNING, "1", True),
        (RUNNING, "2", True),  # it was redriven, and stopped before it took the lock again
        (RUNNING, "0", False),  # an event of the end before the redrive
        ({**RUNNING, "Owner": "another"}, "1", False),
        ({**RUNNING, "JobState": "Failed"}, "1", False),
        ({"JobID": "101", "JobState": "Ready", "LastOwner": ARN}, "1", False),
        ({"JobID": "101"}, "1", False),
    ],
)
def test_only_the_ended_run_s_own_item_is_settled(item: dict[str, str], redrives: str, settled: bool) -> None:
    """An event that comes twice or late changes nothing of others, nor of the same run after a redrive."""
    told = {"owner": ARN, "redrives": redrives, "end": "e", "task": "none", "statement": "none", "message": "m"}
    after = written(audit.SETTLE, item, told)
    assert (after is not None) == settled
    if after is not None:
        assert (after["JobState"], after["AfterFailure"], after["Owner"]) == ("Failed", "release", ARN)
        assert written(audit.SETTLE, after, told) is None  # the event came twice
        reclaimed = written(audit.RECLAIM, after, {**told, "redrives": "3"})
        assert reclaimed is not None
        assert written(audit.SETTLE, reclaimed, told) is None  # and once more, after a redrive


def test_a_redrive_that_took_nothing_is_over_too() -> None:
    """It was stopped before it took the lock again: the failure stays, and what arrives late changes nothing."""
    failed = {**RUNNING, "JobState": "Failed", "RedriveCount": "0", "FailedTask": "a", "AfterFailure": "hold"}
    told = {"owner": ARN, "redrives": "1", "end": "e", "task": "none", "statement": "none", "message": "m"}
    assert written(audit.SETTLE, failed, told) is None
    noted = written(audit.OUTLIVE, failed, told)
    assert noted == {**failed, "RedriveCount": "1"}
    assert written(audit.OUTLIVE, noted, told) is None
    assert written(audit.RECLAIM, noted, told) is None
    assert written(audit.RECLAIM, noted, {**told, "redrives": "2"})


HELD = "".join(
    map(str, messages.held_by_failure("101", task="a", since="t", message="m", owner="o", redrive="", unlock="u"))
)
LOCKED = "".join(messages.running("101", state="Running", owner="another"))
MINE = {"JobState": "Failed", "Owner": ARN, "FailedTask": "a", "FailedStatement": "s:2", "FailureMessage": "ERROR: no"}


@pytest.mark.parametrize(
    ("found", "item", "told"),
    [
        ({"Status": "SUCCEEDED", "Output": "{}"}, {}, ("succeeded", "", "", "")),
        ({"Status": "SUCCEEDED"}, {}, ("succeeded", "", "", "")),
        ({"Status": "SUCCEEDED", "Output": json.dumps({"skipped": LOCKED})}, {}, ("skipped", "", "", LOCKED)),
        ({"Status": "SUCCEEDED", "Output": json.dumps({"skipped": HELD})}, MINE, ("held", "", "", HELD)),
        ({"Status": "FAILED", "Cause": f"{RAISED}. D3137: {HELD}"}, {}, ("held", "", "", HELD)),
        ({"Status": "FAILED", "Cause": f"{RAISED}. D3137: {messages.unowned('101', 'u')}"}, {}, ("held", "", "")),
        ({"Status": "FAILED", "Cause": f"{RAISED}. D3137: {LOCKED}"}, {}, ("failed", "", "", LOCKED)),
        (
            {"Status": "FAILED", "Cause": f"{RAISED}. D3137: Task a failed: x"},
            MINE,
            ("failed", "a", "s:2", "ERROR: no"),
        ),
        # In the map layout Step Functions says only that a child has failed.
        (
            {"Status": "FAILED", "Error": "States.ExceedToleratedFailureThreshold", "Cause": "The specified …"},
            MINE,
            ("failed", "a", "s:2", "ERROR: no"),
        ),
        # The next run has the item by now.
        (
            {"Status": "FAILED", "Cause": f"{RAISED}. D3137: Task a failed: ERROR: no"},
            {**MINE, "Owner": "another"},
            ("failed", "a", "", "Task a failed: ERROR: no"),
        ),
        ({"Status": "ABORTED", "Cause": "Ann"}, {**MINE, "FailureMessage": "Ann"}, ("stopped", "a", "s:2", "Ann")),
        # The item tells of the failure before the redrive that was stopped.
        ({"Status": "ABORTED", "Cause": "Ann"}, MINE, ("stopped", "", "", "Ann")),
        ({"Status": "TIMED_OUT"}, {}, ("timed_out", "", "", "The execution ran into its time limit.")),
    ],
)
def test_how_a_run_ended_is_found_out(found: dict[str, Any], item: dict[str, str], told: tuple[str, ...]) -> None:
    """By what Step Functions says of the run, and by the audit item as long as that is the run's."""
    given = _judged({"redriveCount": 0}, {"RedriveCount": 0, **found})[1]
    if "skipped" in found.get("Output", "") and item:
        item = {**item, "Owner": "another"}
    typed = {name: {"S": value} for name, value in item.items()}
    known = _value(_definition()["States"]["read item"]["Output"], input=given, result={"Item": typed} if item else {})
    assert (known["outcome"], known["task"], known["statement"], known["message"])[: len(told)] == told


def _recorded(event: dict[str, Any], found: dict[str, Any], before: dict[str, str]) -> dict[str, str] | None:
    """The run's item in the history after an end was taken up; None: it had been."""
    states = _definition()["States"]
    given = _value(states["read item"]["Output"], input=_judged(event, found)[1], result={})
    request = _value(states["record run"]["Arguments"], input=given)
    assert request["Key"] == {"RunsOf": {"S": "101"}, "Entry": {"S": "2026-01-01T00:00:00.500Z/run"}}
    values = {name[1:]: str(next(iter(one.values()))) for name, one in request["ExpressionAttributeValues"].items()}
    return written(records.TAKE_UP, before, values)


def test_a_run_is_recorded_once_for_each_end() -> None:
    """With all that is known of it; an event that comes twice, or late, changes nothing."""
    given = {"parameters": {"year": "1998"}, "started_by": "airflow", "resume": {"from": "arn:old"}}
    found = {"Status": "ABORTED", "Cause": "Ann", "RedriveCount": 0, "Input": json.dumps(given)}
    first = _recorded({"redriveCount": 0}, found, {})
    assert first is not None
    expiry = int(first.pop("ExpiresAt")) - time.time()
    assert 89 * 86_400 < expiry < 91 * 86_400
    assert first == {
        "Execution": ARN,
        "Outcome": "stopped",
        "JobOutcome": "101/stopped",
        "StartedAt": "2026-01-01T00:00:00.500Z",
        "EndedAt": "2026-01-01T00:00:01.000Z",
        "RedriveCount": "0",
        "FailedTask": "",
        "FailedStatement": "",
        "FailureMessage": "Ann",
        "Given": '{"year":"1998"}',
        "StartedBy": "airflow",
        "ResumedFrom": "arn:old",
        "ToldOf": "0",
    }
    assert _recorded({"redriveCount": 0}, found, first) is None
    redriven = {"Status": "SUCCEEDED", "RedriveCount": 1}
    second = _recorded({"redriveCount": 1, "startDate": 1767225600500}, redriven, first)
    assert second is not None
    assert (second["Outcome"], second["FailureMessage"], second["ToldOf"]) == ("succeeded", "", "1")
    assert _recorded({"redriveCount": 0}, found, second) is None  # the first event comes once more, and late
    assert _recorded({}, redriven, second) is None


@pytest.mark.parametrize("given", ["[]", '"text"', "null", "{}", '{"parameters": null}'])
def test_any_input_is_recorded(given: str) -> None:
    """A run may have been started with whatever is JSON."""
    assert _recorded({}, {"Status": "FAILED", "Input": given}, {}) is not None


@pytest.mark.parametrize(
    ("event", "then"),
    [({"status": "RUNNING"}, "tell of start"), ({"status": "FAILED"}, "ask for run"), ({}, "ask for run")],
)
def test_starts_are_only_told(event: dict[str, str], then: str) -> None:
    """Whatever else the machine does follows ends."""
    assert _chosen(_definition()["States"]["judge event"], event) == then


def test_the_event_of_a_start() -> None:
    """It tells what Step Functions' event tells, as far as that is about the run."""
    told = {"executionArn": ARN, "name": "run", "status": "RUNNING", "startDate": 1767225600500, "input": "[]"}
    (entry,) = _value(_definition()["States"]["tell of start"]["Arguments"], input=told)["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("elt-redshift", "ELT Run Started")
    assert entry["Detail"] == {
        "jobId": "101",
        "jobName": "sample",
        "execution": ARN,
        "name": "run",
        "redriveCount": 0,
        "startedAt": "2026-01-01T00:00:00.500Z",
    }
