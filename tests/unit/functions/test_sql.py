"""The function that runs SQL waits for a statement's end, and submits nothing late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from elt_redshift.functions.sql import LATE, MARGIN, PAUSE, SqlFunction
from elt_redshift.protocol.limits import LONG_POLL

BEGIN = 1_767_225_600.0


@dataclass
class Data:
    """A Data API with one statement, which ends so many seconds after it was submitted.

    :param patient: whether it waits as long as it is asked to.
    :param lost: so many looks fail.
    """

    seconds: float
    patient: bool = True
    lost: int = 0
    now: float = BEGIN
    submitted: float | None = None
    calls: list[str] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def execute_statement(self, **request: Any) -> Mapping[str, Any]:
        self.calls.append("submit")
        if self.submitted is None:
            self.submitted = self.now
        return {"Id": "s1", "CreatedAt": datetime.fromtimestamp(self.submitted, UTC)}

    def describe_statement(self, **request: Any) -> Mapping[str, Any]:
        self.calls.append("look")
        if self.lost:
            self.lost -= 1
            raise ConnectionError
        assert self.submitted is not None
        left = self.submitted + self.seconds - self.now
        if self.patient:
            self.now += max(0.0, min(left, request["WaitTimeSeconds"]))
        return {"Id": "s1", "Status": "FINISHED" if self.now >= self.submitted + self.seconds else "STARTED"}

    def cancel_statement(self, **request: Any) -> Mapping[str, Any]:
        self.calls.append(f"cancel {request['Id']}")
        return {"Status": True}


def _answer(data: Data, wait: float = 840.0, sent: float = BEGIN, seconds: float = 900.0) -> Any:
    event = {"operation": "ExecuteStatement", "request": {"Sql": "select 1"}, "sent": sent * 1000, "wait": wait}
    return SqlFunction(data, data.clock, data.sleep).answer(event, seconds)


def test_it_waits_for_the_end_of_a_statement() -> None:
    """By looks that wait each, and tells when it was submitted."""
    data = Data(seconds=100)
    assert _answer(data) == {
        "Id": "s1",
        "Status": "FINISHED",
        "SubmittedAt": BEGIN * 1000,
        "CreatedAt": "2026-01-01T00:00:00.000Z",
    }
    assert (data.now, data.calls) == (BEGIN + 100, ["submit", *["look"] * 4])


@pytest.mark.parametrize(("wait", "seconds", "waited"), [(70.0, 900.0, 70.0), (840.0, 100.0, 100.0 - MARGIN)])
def test_it_waits_no_longer_than_the_task_or_the_invocation_may(wait: float, seconds: float, waited: float) -> None:
    """The state machine deals with what still runs."""
    data = Data(seconds=1000)
    assert _answer(data, wait, seconds=seconds)["Status"] == "STARTED"
    assert waited <= data.now - BEGIN <= waited + LONG_POLL


def test_looks_that_fail_or_do_not_wait_are_made_again_after_a_pause() -> None:
    """The statement is there, whatever becomes of a look."""
    data = Data(seconds=10, patient=False, lost=3)
    assert _answer(data)["Status"] == "FINISHED"
    assert data.calls.count("look") <= 10 / PAUSE + 2


def test_an_invocation_that_comes_twice_waits_for_the_same_statement() -> None:
    """The time that it has counts from the first submission."""
    data = Data(seconds=60)
    data.submitted, data.now = BEGIN, BEGIN + 40
    assert _answer(data, wait=50.0, sent=BEGIN + 39)["Status"] == "STARTED"
    assert data.now <= BEGIN + 50 + PAUSE


def test_a_submission_that_comes_late_is_refused() -> None:
    """Its state machine may have ended, and the next run have looked for what it has left."""
    data = Data(seconds=1)
    with pytest.raises(Exception, match="under way") as caught:
        _answer(data, sent=BEGIN - LATE)
    assert type(caught.value).__name__ == "RedshiftData.ServiceUnavailableException"
    assert data.calls == []


def test_other_calls_are_made_as_they_are() -> None:
    """However late."""
    data = Data(seconds=1)
    event = {"operation": "CancelStatement", "request": {"Id": "s1"}}
    assert SqlFunction(data, data.clock, data.sleep).answer(event, 900) == {"Status": True}
    assert data.calls == ["cancel s1"]
