"""What became of a task, decided from a snapshot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from elt_redshift.asl.history import TaskRuns
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.statements import StatementStatus
from elt_redshift.triggers.outcome import Outcome, outcome_of
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions

EXECUTION = MACHINE.replace("stateMachine", "execution") + ":"


def _outcome(execution: FakeExecution, task: str = "load") -> Outcome | None:
    snapshot = Executions(FakeStepFunctions(execution), MACHINE).look(execution.arn, TaskRuns())
    return outcome_of(task, snapshot)


def test_a_task_that_has_not_ended_is_open() -> None:
    """Before it started and while it runs, nothing is decided."""
    execution = FakeExecution("run").succeed("other")
    assert _outcome(execution) is None
    assert _outcome(execution.submit("load")) is None


def test_a_success_tells_statement_and_seconds() -> None:
    """A task that succeeded is decided while the execution still runs."""
    assert _outcome(FakeExecution("run").succeed("load")) == Outcome(
        "succeeded", statement_id="s-1", seconds=2.0, attempt=1, execution_arn=f"{EXECUTION}run"
    )


def test_a_failure_tells_redshifts_message() -> None:
    """A failed task has the message, and of a batch the part that failed."""
    outcome = _outcome(FakeExecution("run").fail("load", "ERROR: no", "s-1:2"))
    assert outcome is not None
    assert (outcome.status, outcome.message, outcome.statement_id) == ("failed", "Task load: ERROR: no", "s-1:2")


def test_a_refused_submission_has_no_statement() -> None:
    """The state machine writes `none` where there is no statement; nobody is told to look for that."""
    outcome = _outcome(FakeExecution("run").fail("load", "no rights", "none"))
    assert outcome is not None
    assert outcome.statement_id is None


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_a_running_task_of_an_ended_execution_was_aborted(status: str) -> None:
    """A task that had not ended when the execution did was aborted, and the execution's own reason is told."""
    outcome = _outcome(FakeExecution("run").submit("load").end(status, error="Stopped", cause="by Ann"))
    assert outcome is not None
    assert (outcome.status, outcome.statement_id, outcome.attempt) == ("aborted", "s-1", 1)
    assert outcome.message == f"Task load was aborted: execution run {status} before it ended. Stopped: by Ann"


def test_a_task_that_never_started_was_aborted() -> None:
    """When another branch failed first, the task did not even start."""
    outcome = _outcome(FakeExecution("run").fail("other", "ERROR: no"))
    assert outcome is not None
    assert outcome.status == "aborted"
    assert "before it started" in str(outcome.message)


def test_a_locked_job_skips_every_task() -> None:
    """When the job was locked, each task is skipped with the reason."""
    outcome = _outcome(FakeExecution("run").skip("Job 7 is Running, held by arn:x"))
    said = "Nothing was done. Job 7 is Running, held by arn:x"
    assert outcome == Outcome("skipped", said, execution_arn=f"{EXECUTION}run")


def test_a_task_that_the_state_machine_does_not_have_fails() -> None:
    """An execution that succeeded without the task ran another version of the job: that is no success."""
    outcome = _outcome(FakeExecution("run").succeed("other").end("SUCCEEDED", output="{}"))
    assert outcome is not None
    assert outcome.status == "failed"
    assert "Deploy the job again" in str(outcome.message)


@pytest.mark.parametrize(
    "given", [{"status": "succeeded", "statement_id": "s", "seconds": 1.5, "rows": 3}, {"status": "failed"}]
)
def test_events_carry_outcomes(given: dict[str, Any]) -> None:
    """An outcome survives the JSON of a trigger's event."""
    outcome = Outcome(**given)
    assert Outcome.from_event(json.loads(json.dumps(outcome.to_event()))) == outcome


STATEMENT = StatementStatus("s-1", "FINISHED", rows=7, seconds=0.5)


def test_redshifts_own_seconds_are_told() -> None:
    """Of a statement that Redshift knows, its own time counts and not that between states; the log has a line of it."""
    seen = Outcome("succeeded", statement_id="s-1", seconds=2.0).seen({"s-1": STATEMENT}.get)
    assert (seen.rows, seen.seconds) == (7, 0.5)
    assert seen.line("load") == "Task load succeeded: Statement s-1 FINISHED, 7 rows, 0.500 s in Redshift"


def test_what_redshift_does_not_tell_changes_nothing() -> None:
    """A statement that is forgotten, or that nobody may look at, or that there never was."""
    known = Outcome("succeeded", statement_id="s-1", seconds=2.0)
    assert known.seen(lambda _: None) == known
    assert known.line("load") == "Task load succeeded: statement s-1"
    none = Outcome("failed", "no rights")
    assert none.seen({"s-1": STATEMENT}.get) == none
    assert none.line("load") == "Task load failed"


def test_the_rows_of_a_failure_are_not_told() -> None:
    """A part of a batch may have changed some, which its transaction has taken back."""
    seen = Outcome("failed", "ERROR", statement_id="s-1").seen({"s-1": STATEMENT}.get)
    assert (seen.rows, seen.seconds) == (None, 0.5)
