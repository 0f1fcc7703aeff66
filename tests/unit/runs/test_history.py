"""What a history says about each task."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from elt_redshift.asl.language.names import StateName
from elt_redshift.runs import pages
from elt_redshift.runs.history import TaskRuns

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class History:
    """Writes events as GetExecutionHistory returns them, one second apart."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.begin = BEGIN

    def add(self, type: str, **details: Any) -> History:
        number = len(self.events) + 1
        event = {"id": number, "type": type, "timestamp": self.begin + timedelta(seconds=number), **details}
        self.events.append(event)
        return self

    def entered(self, state: str, **given: Any) -> History:
        return self.add("TaskStateEntered", stateEnteredEventDetails={"name": state, "input": json.dumps(given)})

    def exited(self, state: str, **result: Any) -> History:
        return self.add("TaskStateExited", stateExitedEventDetails={"name": state, "output": json.dumps(result)})

    def failed_task(self) -> History:
        self.entered("acquire lock").exited("acquire lock", attempt=1)
        self.entered("a", attempt=1).exited("a", Id="s1", Status="STARTED")
        self.entered("b", attempt=1).exited("b", Id="s2", Status="STARTED")
        self.entered("a: record", cause="ERROR: no", statement="s1:2").exited("a: record")
        return self.entered("a: failed").add("ExecutionFailed")


def _runs(history: History, status: str = "RUNNING") -> TaskRuns:
    runs, kept = TaskRuns(["a", "b"]), TaskRuns(["a", "b"])
    runs.apply(history.events)
    runs.finish(status)
    # What the history table keeps of the events tells the same.
    pages.read(kept, json.loads(json.dumps([*pages.kept(history.events)])), [], status)
    assert kept.all() == runs.all()
    return runs


def test_a_task_runs_and_succeeds() -> None:
    """A task runs from its first state until its status says FINISHED; the rest waits."""
    history = History().entered("a", attempt=1).exited("a", Id="s1", Status="FINISHED").entered("a: status")
    assert (_runs(history)["a"].status, _runs(history)["a"].statement_id) == ("running", "s1")
    history.exited("a: status", finished="a", statement="s1", attempt=1)
    run = _runs(history)["a"]
    assert (run.status, run.statement_id, run.seconds) == ("succeeded", "s1", 3.0)
    assert _runs(history)["b"].status == "waiting"


def test_a_failed_task_tells_why_and_its_neighbour_is_aborted() -> None:
    """The failed task has Redshift's message and the failed part of the batch; what still ran is aborted."""
    runs = _runs(History().failed_task(), "FAILED")
    assert (runs["a"].status, runs["a"].message, runs["a"].statement_id) == ("failed", "ERROR: no", "s1:2")
    assert runs["b"].status == "aborted"


def test_after_a_redrive_both_run_again() -> None:
    """The failed task's next attempt and the aborted one show as running, and then as what becomes of them."""
    history = History().failed_task()
    runs = _runs(history, "FAILED")
    history.add("ExecutionRedriven").exited("a: failed", attempt=2).entered("a", attempt=2).exited("a", Id="s3")
    runs.apply(history.events)
    assert [(run.status, run.attempt, run.statement_id) for run in runs.all()] == [
        ("running", 2, "s3"),
        ("running", 1, "s2"),
    ]
    history.exited("b: status", finished="b", statement="s2")
    runs.apply(history.events)
    assert runs["b"].status == "succeeded"


def test_seconds_are_those_of_the_last_attempt() -> None:
    """Neither an earlier attempt nor the hours between a failure and its redrive count; a statement that went on
    meanwhile counts from the redrive on."""
    history = History().failed_task()
    later(history, hours=16).add("ExecutionRedriven").exited("a: failed", attempt=2)
    history.entered("a", attempt=2).exited("a", Id="s3")
    history.exited("a: status", finished="a", statement="s3").exited("b: status", finished="b", statement="s2")
    runs = _runs(history, "SUCCEEDED")
    assert (runs["a"].seconds, runs["b"].seconds) == (2.0, 5.0)


def later(history: History, hours: int) -> History:
    """What is added from now on happens so much later."""
    history.begin += timedelta(hours=hours)
    return history


def test_events_seen_twice_change_nothing() -> None:
    """Reading the same page again after a lost response is harmless."""
    history = History().failed_task()
    runs = _runs(history, "FAILED")
    before = runs.all()
    runs.apply(history.events)
    assert runs.all() == before


def _waiting_for_an_event() -> History:
    history = History().entered("a", attempt=1)
    history.add("TaskScheduled", previousEventId=1).add("TaskStarted", previousEventId=2)
    answer = {"output": json.dumps({"Id": "s1"})}
    return history.entered("b", attempt=1).add("TaskSubmitted", previousEventId=3, taskSubmittedEventDetails=answer)


def test_a_task_that_waits_for_an_event_runs_and_succeeds() -> None:
    """Its statement is known as soon as it is submitted, whatever other branches do; leaving its one state ends it."""
    history = _waiting_for_an_event()
    runs = _runs(history)
    assert [(run.status, run.statement_id) for run in runs.all()] == [("running", "s1"), ("running", None)]
    history.exited("a", finished="a", statement="s1")
    runs.apply(history.events)
    assert (runs["a"].status, runs["a"].statement_id, runs["b"].status) == ("succeeded", "s1", "running")


def test_a_statement_that_was_found_is_the_tasks() -> None:
    """Where the event did not come, the task tells which statement it goes on with."""
    history = _waiting_for_an_event().exited("a", attempt=1).entered("a: find").exited("a: find", Id="s9")
    run = _runs(history)["a"]
    assert (run.status, run.statement_id) == ("running", "s9")


def test_a_skipped_execution_is_told() -> None:
    """A run that found the job locked says so, and its tasks stay waiting."""
    runs = _runs(History().entered("skip run"), "SUCCEEDED")
    assert runs.skipped
    assert {run.status for run in runs.all()} == {"waiting"}


def test_a_failure_that_is_held_back_shows_at_once() -> None:
    """A task has failed when its failure waits for independent tasks; the record at the end is of the first failure and
    changes nothing about it."""
    history = History().entered("a", attempt=1, redrives=0).exited("a", Id="s1", Status="FAILED")
    history.entered("a: block", cause="ERROR: no", statement="s1", redrives=0)
    assert (_runs(history)["a"].status, _runs(history)["a"].message) == ("failed", "ERROR: no")
    ended = _runs(history)["a"].ended
    history.entered("a: record", cause="ERROR: first", statement="s0", redrives=0, task="b")
    run = _runs(history, "FAILED")["a"]
    assert (run.status, run.message, run.statement_id, run.ended) == ("failed", "ERROR: no", "s1", ended)


def test_a_failure_of_before_the_redrive_is_none_after_it() -> None:
    """A task that was waiting to fail passes the same states again on its way to the next attempt, and runs."""
    history = History().entered("a", attempt=1, redrives=0)
    history.entered("a: block", cause="ERROR: no", statement="s1", redrives=0).add("ExecutionFailed")
    history.add("ExecutionRedriven").entered("a: block", cause="ERROR: no", statement="s1", redrives=0)
    assert _runs(history)["a"].status == "running"
    history.exited("a: failed", attempt=2, redrives=0).entered("a", attempt=2, redrives=1)
    history.entered("a: block", cause="ERROR: again", statement="s2", redrives=1)
    assert (_runs(history)["a"].status, _runs(history)["a"].message) == ("failed", "ERROR: again")


LONG = "int_finance__customer_lifetime_value_by_acquisition_channel_and_month_with_refunds"


def _long() -> History:
    history = History().entered(StateName(LONG), attempt=1).exited(StateName(LONG), Id="s1", Status="STARTED")
    history.entered(StateName(LONG, "finish")).exited(StateName(LONG, "finish"), finished=LONG, statement="s1")
    return history.entered(StateName(f"{LONG}_2"), attempt=1)


def test_a_task_with_a_long_name_is_told_by_it() -> None:
    """States bear a shorter name; who knows the job's tasks sees the whole one."""
    runs = TaskRuns([LONG, f"{LONG}_2"])
    runs.apply(_long().events)
    assert [(run.name, run.status) for run in runs.all()] == [(LONG, "succeeded"), (f"{LONG}_2", "running")]
    assert not runs.shortened


def test_who_does_not_know_the_tasks_is_told_their_names_later() -> None:
    """A history tells of tasks whose names nobody knows; what has happened to them stays."""
    history, runs = _long(), TaskRuns()
    runs.apply(history.events)
    assert runs.shortened
    runs.know([LONG, f"{LONG}_2", "others"])
    assert [(run.name, run.status) for run in runs.all()] == [(LONG, "succeeded"), (f"{LONG}_2", "running")]
    assert not runs.shortened
    runs.apply(history.exited(StateName(f"{LONG}_2"), Id="s2", finished=f"{LONG}_2", statement="s2").events)
    assert runs[f"{LONG}_2"].status == "succeeded"
