"""The Express state machine for what follows the end of a run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.patterns.ending import MAX_LOOKS
from elt_redshift.local.stepfunctions.jsonata import evaluate
from elt_redshift.protocol import audit
from tests.unit.protocol.test_writes import written

from .jobs import JOBS

GOLDEN = Path(__file__).parent / "ending.json"
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
    return evaluate(code[2:-2].strip(), {"states": states}) if str(code).startswith("{%") else code


def _judged(event: dict[str, Any], found: dict[str, Any]) -> tuple[str, Any]:
    """Where an event leads, and what is known by then."""
    states = _definition()["States"]
    given = _value(states["ask for run"]["Output"], input={"executionArn": ARN, **event}, result=found)
    rules = states["judge end"]["Choices"]
    return next((rule["Next"] for rule in rules if _value(rule["Condition"], input=given)), "settled"), given


@pytest.mark.parametrize(
    ("event", "found", "then"),
    [
        ({"redriveCount": 0}, {"Status": "ABORTED", "RedriveCount": 0}, "settle item"),
        ({"redriveCount": 1}, {"Status": "FAILED", "RedriveCount": 1}, "settle item"),
        ({}, {"Status": "TIMED_OUT"}, "settle item"),
        ({"redriveCount": None}, {"Status": "ABORTED", "RedriveCount": 2}, "settle item"),
        # DescribeExecution does not know of the end yet, or of the redrive that has ended.
        ({"redriveCount": 0}, {"Status": "RUNNING", "RedriveCount": 0}, "wait for news"),
        ({"redriveCount": 1}, {"Status": "FAILED", "RedriveCount": 0}, "settle item"),
        ({"redriveCount": 0, "looks": MAX_LOOKS - 1}, {"Status": "RUNNING", "RedriveCount": 0}, "settled"),
        # It has been redriven since.
        ({"redriveCount": 0}, {"Status": "RUNNING", "RedriveCount": 1}, "settled"),
        ({"redriveCount": 0}, {"Status": "PENDING_REDRIVE", "RedriveCount": 1}, "settled"),
        ({}, {"Status": "RUNNING", "RedriveCount": 0}, "settled"),
        ({"redriveCount": 0}, {"Status": "SUCCEEDED", "RedriveCount": 0}, "settled"),
    ],
)
def test_ends_are_judged(event: dict[str, Any], found: dict[str, Any], then: str) -> None:
    """Ends without success are settled; what runs again, or may, is left alone."""
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
