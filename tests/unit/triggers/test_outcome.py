"""What became of a task, decided from a snapshot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from elt_redshift.aws.executions import Executions
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers.outcome import Outcome, outcome_of
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions, gate_failed

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
    assert (outcome.status, outcome.message, outcome.statement_id) == ("failed", "ERROR: no", "s-1:2")


def test_a_refused_submission_has_no_statement() -> None:
    """The state machine writes `none` where there is no statement; nobody is told to look for that."""
    outcome = _outcome(FakeExecution("run").fail("load", "no rights", "none"))
    assert outcome is not None
    assert outcome.statement_id is None


REMEDY = "Mend it, deploy the job if its SQL has changed, and clear the failed tasks."


def test_the_neighbour_of_a_failed_task_was_stopped_because_of_it() -> None:
    """What ran beside a task that failed, or had not started, says which task that was and why it failed."""
    execution = FakeExecution("run").submit("other").submit("late").fail("load", "ERROR: no\n  Hint: Look.")
    for task, what in (("other", "was stopped"), ("third", "did not start")):
        outcome = _outcome(execution, task)
        assert outcome is not None
        assert (outcome.status, outcome.attempt) == ("aborted", int(task == "other"))
        assert outcome.message == f"Task {task} {what}, because load failed: ERROR: no Hint: Look. {REMEDY}"


def test_of_several_failures_the_first_one_is_told() -> None:
    """Where independent tasks went on and failed as well, the first failure is the one to begin with."""
    execution = FakeExecution("run").submit("third").fail("load", "ERROR: first").fail("other", "ERROR: second")
    outcome = _outcome(execution, "third")
    assert outcome is not None
    assert "because load failed: ERROR: first." in str(outcome.message)


@pytest.mark.parametrize(
    ("ended", "because"),
    [
        (
            {"status": "ABORTED", "error": "Stopped", "cause": "Ann needs the cluster."},
            "was stopped: Ann needs the cluster",
        ),
        ({"status": "ABORTED"}, "was stopped: somebody stopped it, and gave no reason"),
        ({"status": "TIMED_OUT"}, "ran into its time limit"),
        (
            {"status": "FAILED", **gate_failed("refuse run", "Job 7 is Running, held by arn:x.")},
            "failed: Job 7 is Running, held by arn:x",
        ),
    ],
    ids=["stopped", "stopped without a reason", "timed out", "refused"],
)
def test_a_task_whose_execution_ended_was_stopped_with_it(ended: dict[str, str], because: str) -> None:
    """Where no task failed, the execution's own end is told in plain words."""
    outcome = _outcome(FakeExecution("run").submit("load").end(**ended))
    assert outcome is not None
    assert (outcome.status, outcome.statement_id) == ("aborted", "s-1")
    assert outcome.message == f"Task load was stopped, because execution run {because}. {REMEDY}"


def test_a_locked_job_skips_every_task() -> None:
    """When the job was locked, each task is skipped with the reason."""
    outcome = _outcome(FakeExecution("run").skip("Job 7 is Running, held by arn:x."))
    said = "Nothing was done. Job 7 is Running, held by arn:x."
    assert outcome == Outcome("skipped", said, execution_arn=f"{EXECUTION}run")


def test_a_kept_task_names_the_execution_that_has_done_it() -> None:
    """It is green, without a statement of its own, and the log tells why."""
    execution = FakeExecution("run-2", json.dumps({"resume": {"from": f"{EXECUTION}run-1", "kept": ""}}))
    execution.add("ExecutionStarted", executionStartedEventDetails={"input": execution.given})
    outcome = _outcome(execution.keep("load"))
    assert outcome is not None
    assert (outcome.status, outcome.statement_id, outcome.returned) == (
        "succeeded",
        None,
        {"execution_arn": execution.arn},
    )
    assert outcome.line("load") == "Task load succeeded: execution run-1 had done it, and it is kept"


def test_a_resumed_run_that_met_the_job_locked_is_not_skipped() -> None:
    """Somebody has cleared tasks, and they did not run: that is red, and says what to do."""
    execution = FakeExecution("run-2", json.dumps({"resume": {"from": f"{EXECUTION}run-1", "kept": ""}}))
    outcome = _outcome(execution.skip("Job 7 is Running."))
    assert outcome is not None
    assert (outcome.status, outcome.message) == (
        "aborted",
        "Nothing was done. Job 7 is Running. Clear the task again later.",
    )


def test_a_task_that_the_state_machine_does_not_have_fails() -> None:
    """An execution that succeeded without the task ran another version of the job: that is no success."""
    outcome = _outcome(FakeExecution("run").succeed("other").end("SUCCEEDED", output="{}"))
    assert outcome is not None
    assert outcome.status == "aborted"
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
