"""What the tasks of the map layout tell of their ends, as a reader takes it in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elt_redshift.asl.language import names
from elt_redshift.protocol.joins import RunItems
from elt_redshift.runs.history import TaskRuns
from elt_redshift.runs.progress import reports

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
GRAPH = {"a": (), "b": (), "c": ("a", "b")}


def begun(*redriven: timedelta) -> TaskRuns:
    """Runs of an execution whose tasks have begun, and that was redriven so long after."""
    runs = TaskRuns(GRAPH)
    given = json.dumps({"progress": {"table": "joins", "run": "x/1"}})
    entered = {"name": names.RUN_TASKS, "input": given}
    events: list[dict[str, Any]] = [
        {"id": 1, "type": "MapStateEntered", "timestamp": BEGIN, "stateEnteredEventDetails": entered}
    ]
    for number, later in enumerate(redriven, 2):
        events.append({"id": number, "type": "ExecutionRedriven", "timestamp": BEGIN + later})
    runs.apply(events)
    return runs


def told(task: str, second: int, message: str | None = None) -> dict[str, Any]:
    """A task's item as DynamoDB gives it, ``second`` seconds after the beginning."""
    at = {"S": f"2026-01-01T00:00:{second:02}.000Z"}
    common = {"Task": {"S": task}, "StatementId": {"S": f"s-{task}"}, "EndedAt": at}
    if message is not None:
        return {**common, "TaskStatus": {"S": "failed"}, "FailureMessage": {"S": message}}
    begun = {"SubmittedAt": {"S": "2026-01-01T00:00:01Z"}, "AttemptNumber": {"N": "2"}}
    return {**common, "TaskStatus": {"S": "succeeded"}, **begun}


def statuses(runs: TaskRuns) -> dict[str, str]:
    return {run.name: run.status for run in runs.all()}


def test_the_history_says_where_to_look() -> None:
    """Before the tasks have begun, and in the unrolled layout, there is nowhere to look."""
    assert TaskRuns(GRAPH).items is None
    assert begun().items == RunItems("joins", "x/1")


def test_a_task_that_succeeded_tells_all_of_it() -> None:
    """Statement, attempt and times are those that the task has told."""
    runs = begun()
    runs.report(reports([told("a", 5), {"Task": {"S": "c"}, "TaskStatus_": {"S": "x"}}]))
    run = runs["a"]
    assert (run.status, run.statement_id, run.attempt, run.seconds) == ("succeeded", "s-a", 2, 4.0)


def test_what_has_not_told_its_end_runs_if_its_upstreams_are_done() -> None:
    """It began when the last of them ended, or with the first tasks."""
    runs = begun()
    runs.report([])
    assert statuses(runs) == {"a": "running", "b": "running", "c": "waiting"}
    assert runs["a"].started == BEGIN
    runs.report(reports([told("a", 5), told("b", 9)]))
    assert statuses(runs) == {"a": "succeeded", "b": "succeeded", "c": "running"}
    assert runs["c"].started == BEGIN + timedelta(seconds=9)


def test_a_failure_counts_until_the_redrive() -> None:
    """A task that failed before the redrive runs; one that failed behind it has failed."""
    runs = begun(timedelta(seconds=7))
    runs.report(reports([told("a", 5, "no"), told("b", 9, "never")]))
    assert statuses(runs) == {"a": "running", "b": "failed", "c": "waiting"}
    assert (runs["a"].message, runs["b"].message) == (None, "never")


def test_what_may_have_been_submitted_long_before_a_redrive() -> None:
    """A task that has not told its end goes on with the statement of before; one that failed then, with an attempt that
    may have been made since the first redrive behind it."""
    first, second = timedelta(seconds=7), timedelta(days=2)
    runs = begun(first, second)
    runs.report(reports([told("a", 5, "no")]))
    assert {run.started for run in runs.all() if run.status == "running"} == {BEGIN + second}
    assert (runs["a"].since, runs["b"].since) == (BEGIN + first, BEGIN)


def test_what_ran_when_the_execution_ended_was_aborted() -> None:
    """As in the unrolled layout."""
    runs = begun()
    runs.report(reports([told("a", 5, "no")]))
    runs.finish("FAILED")
    assert statuses(runs) == {"a": "failed", "b": "aborted", "c": "waiting"}


@pytest.mark.parametrize(("status", "told"), [("SUCCEEDED", "succeeded"), ("FAILED", "waiting")])
def test_tasks_of_a_success_have_succeeded_though_nothing_tells_of_them(status: str, told: str) -> None:
    """Their items were removed with the layout. Of what failed, nobody knows how far it came."""
    runs = begun()
    runs.absent = True
    runs.finish(status)
    assert statuses(runs) == dict.fromkeys("abc", told)
