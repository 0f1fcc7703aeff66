"""How long operators wait, and what follows then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elt_redshift.airflow_compat import (
    AirflowException,
    AirflowFailException,
    task_timeout,
)
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.job.model import EltJob
from tests.unit.airflow_names import TaskDeferred
from tests.unit.fake_step_functions import FakeExecution
from tests.unit.operators.stand_ins import FakeHook, FakeTaskInstance, execute, make_mirror, make_start, standing


@pytest.mark.parametrize("error", ["Trigger timeout", "Trigger/execution timeout"])
def test_waiting_in_the_triggerer_is_bounded(error: str) -> None:
    """A wait that took too long is not begun again by the mirror's retries."""
    said = r"had not ended after 7 days, which is as long as it is followed\. Its execution goes on: clear the task"
    with pytest.raises(AirflowFailException, match=said):
        make_mirror().resume_execution("__fail__", {"error": error}, {})


JOB = JobRef("7", "sales")

MINUTE = timedelta(minutes=1)


def _overdue(hook: FakeHook, execution: FakeExecution, deferrable: bool, **xcoms: Any) -> FakeTaskInstance:
    """Airflow says that execution_timeout is over: to the worker that waits, or to the one that is resumed."""
    hook.client.executions[execution.arn] = execution
    run = {"job": JOB.to_dict(), "parameters": {}}
    ti = FakeTaskInstance(**{"execution_arn": execution.arn, "run": run, **xcoms})
    mirror = make_mirror(deferrable=deferrable, execution_timeout=MINUTE, statements=standing("load.sql:1"))
    if deferrable:
        mirror.resume_execution("__fail__", {"error": "Trigger timeout"}, {"ti": ti})  # type: ignore[typeddict-item]
    else:
        hook.alarm = task_timeout()("Timeout")
        execute(mirror, ti)
    return ti


@pytest.mark.parametrize("deferrable", [True, False])
def test_an_execution_timeout_stops_the_execution(hook: FakeHook, deferrable: bool) -> None:
    """As if somebody had failed the mirror, which says what its bound was."""
    execution = FakeExecution("run").submit("load")
    with pytest.raises(AirflowFailException) as failed:
        _overdue(hook, execution, deferrable)
    assert str(failed.value).startswith(
        "Task load had not ended within its execution_timeout of 0:01:00, so execution run was stopped. Give it more "
        "time, and clear the failed tasks. See https://"
    )
    [(job, arn, cause)] = hook.stopped
    assert (job, arn) == (JOB, execution.arn)
    said = "Airflow ended task load of run manual__2026 of DAG sales: "
    assert cause == f"{said}it ran longer than its execution_timeout of 0:01:00."


def test_an_execution_timeout_stops_nothing_that_it_does_not_know(hook: FakeHook) -> None:
    """Without the job there is nothing to stop by, and the mirror says so."""
    with pytest.raises(AirflowFailException, match="Its execution goes on"):
        _overdue(hook, FakeExecution("run").submit("load"), True, run=None)
    assert hook.stopped == []


def test_what_has_ended_when_its_time_is_over_shows_how(hook: FakeHook) -> None:
    """A triggerer that was away does not make a failure of a success, nor end what goes on behind it."""
    ti = _overdue(hook, FakeExecution("run").succeed("load"), True)
    assert (ti.returned["statement_id"], hook.stopped) == ("s-1", [])
    with pytest.raises(AirflowFailException, match=r"^Task load failed at load\.sql:1: ERROR: no"):
        _overdue(hook, FakeExecution("other").fail("load", "ERROR: no"), True)
    assert hook.stopped == []


def test_a_mirror_waits_no_longer_than_its_execution_timeout(hook: FakeHook) -> None:
    """What is left of it bounds the deferral from a worker."""
    execution = FakeExecution("run").submit("load")
    ti: Any = FakeTaskInstance(execution_arn=execution.arn)
    ti.start_date = datetime.now(UTC) - timedelta(hours=1)
    with pytest.raises(TaskDeferred) as deferred:
        make_mirror(execution_timeout=timedelta(hours=3)).execute({"ti": ti})
    assert timedelta(hours=1, minutes=55) < deferred.value.timeout <= timedelta(hours=2)


def test_a_start_that_waits_too_long_says_for_what(job: EltJob) -> None:
    """Nothing was started then; Airflow's retries apply."""
    start = make_start(job, execution_timeout=MINUTE)
    with pytest.raises(
        AirflowException, match=r"^The run before had not ended within 0:01:00, so nothing was started\.$"
    ):
        start.resume_execution("__fail__", {"error": "Trigger timeout"}, {})


def test_waiting_on_the_worker_is_bounded(hook: FakeHook) -> None:
    """An execution that does not end is given up after the timeout."""
    execution = FakeExecution("run").submit("load")
    hook.client.executions[execution.arn] = execution
    with pytest.raises(AirflowFailException, match="still runs after 60 s"):
        execute(
            make_mirror(deferrable=False, follow_timeout=timedelta(minutes=1)),
            FakeTaskInstance(execution_arn=execution.arn),
        )
    assert 60 <= hook.now <= 70
