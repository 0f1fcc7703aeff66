"""Waiting for an execution, over a Step Functions in memory."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.airflow_compat import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    sensor_timeout,
    task_timeout,
)
from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.hooks import step_functions as hooks
from elt_redshift.job.model import EltJob
from elt_redshift.sensors.execution import ExecutionSensor
from elt_redshift.triggers import base
from tests.unit.airflow_names import TaskDeferred
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions

JOB = EltJob(job_id="7", name="sales")
JOB.task("load", statement="select 1")


class FakeTaskInstance:
    """What the sensor uses of a task instance."""

    dag_id, run_id, start_date = "report", "r1", None

    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


def _named(dag_id: str = "sales", attempt: int = 1) -> FakeExecution:
    return FakeExecution(run_execution_name(dag_id, "r1", "start_execution", attempt))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeStepFunctions:
    made = FakeStepFunctions()

    class Hook:
        def __init__(self, **_: Any) -> None: ...

        def executions(self, state_machine_arn: str = "") -> Executions:
            return Executions(made, state_machine_arn)

        def executions_of(self, job: JobRef) -> Executions:
            assert (job.job_id, job.name) == ("7", "sales")
            return Executions(made, MACHINE)

    monkeypatch.setattr(hooks, "EltHook", Hook)
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)
    return made


def _add(client: FakeStepFunctions, execution: FakeExecution) -> FakeExecution:
    client.executions[execution.arn] = execution
    return execution


def _sensor(**options: Any) -> ExecutionSensor:
    return ExecutionSensor(**{"task_id": "wait", "poke_interval": 0.001, "timeout": 60, **options})


def _of_the_run(**options: Any) -> ExecutionSensor:
    return _sensor(job=JOB, external_dag_id="sales", **options)


def _execute(sensor: ExecutionSensor, ti: FakeTaskInstance | None = None) -> Any:
    return sensor.execute({"ti": ti or FakeTaskInstance()})  # type: ignore[typeddict-item]


def test_it_waits_for_the_newest_execution_of_a_run(client: FakeStepFunctions) -> None:
    """Nothing has started: it defers; what the trigger finds lets it succeed, with ARN and output."""
    with pytest.raises(TaskDeferred) as deferred:
        _execute(_of_the_run())
    _add(client, _named(attempt=1).end("FAILED"))
    newest = _add(client, _named(attempt=2).end("SUCCEEDED", output='{"job": "7"}'))
    assert asyncio.run(anext(deferred.value.trigger.run())).payload is None
    ti, assigned = FakeTaskInstance(), deferred.value.kwargs or {}
    _of_the_run().execute_complete({"ti": ti}, None, **assigned)  # type: ignore[typeddict-item]
    assert ti.xcoms == {"execution_arn": newest.arn, "output": {"job": "7"}}


def test_the_trigger_waits_for_the_end(client: FakeStepFunctions) -> None:
    """It looks until the execution has ended."""
    running = _add(client, _named())
    with pytest.raises(TaskDeferred) as deferred:
        _execute(_sensor(execution_arn=running.arn))

    async def ended() -> Any:
        waiting = asyncio.ensure_future(anext(deferred.value.trigger.run()))
        before = client.calls["DescribeExecution"]
        while client.calls["DescribeExecution"] < before + 3:
            await asyncio.sleep(0.001)
        assert not waiting.done()
        running.end("SUCCEEDED")
        return await waiting

    assert asyncio.run(ended()).payload is None


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failure_is_told_in_redshifts_words(client: FakeStepFunctions, deferrable: bool) -> None:
    """What failed is named, and nothing of the state machine's inner workings."""
    failed = _add(client, _named().fail("load", "no such table"))
    with pytest.raises(AirflowFailException) as told:
        _execute(_of_the_run(deferrable=deferrable))
    assert str(told.value) == (
        f"Task wait failed: execution {failed.name} failed: Task load failed: no such table. "
        "Let that run go on, and clear this task."
    )


def test_a_run_that_did_nothing_skips(client: FakeStepFunctions) -> None:
    """What waits for its data has nothing to do."""
    _add(client, _named().skip("Job 7 is Running"))
    with pytest.raises(AirflowSkipException, match="Job 7 is Running"):
        _execute(_of_the_run())


@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_failures_can_skip(client: FakeStepFunctions, option: str) -> None:
    """Airflow's options for it hold in the first look, too."""
    _add(client, _named().fail("load", "no such table"))
    with pytest.raises(AirflowSkipException):
        _execute(_of_the_run(**{option: True}))


@pytest.mark.parametrize(
    ("options", "kind"), [({}, sensor_timeout()), ({"execution_timeout": timedelta(seconds=30)}, task_timeout())]
)
def test_the_time_is_bounded(client: FakeStepFunctions, options: dict[str, Any], kind: Any) -> None:
    """The shorter of ``timeout`` and ``execution_timeout`` goes with the wait, and ends it."""
    with pytest.raises(TaskDeferred) as deferred:
        _execute(_of_the_run(**options))
    assert deferred.value.timeout <= timedelta(seconds=30 if options else 60)
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    with pytest.raises(kind, match="has waited for its"):
        _of_the_run(**options).execute_complete(
            {"ti": FakeTaskInstance()},  # type: ignore[typeddict-item]
            None,
            deadline=past,
        )


def test_poking_is_airflows_own(client: FakeStepFunctions, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``mode`` chooses to wait on workers, unless deferrable says otherwise."""
    assert not _of_the_run(mode="reschedule").deferrable
    assert _of_the_run(mode="reschedule", deferrable=True).deferrable
    running, looks = _add(client, _named()), SimpleNamespace(made=0)
    find = Executions.describe

    def looking(self: Executions, arn: str) -> Any:
        looks.made += 1
        if looks.made == 3:
            running.end("SUCCEEDED")
        return find(self, arn)

    monkeypatch.setattr(Executions, "describe", looking)
    _execute(_sensor(execution_arn=running.arn, mode="poke"))
    assert looks.made >= 3


@pytest.mark.parametrize("options", [{}, {"execution_arn": "arn", "job": JOB}])
def test_it_must_know_what_to_wait_for(options: dict[str, Any]) -> None:
    """Either an execution or a job."""
    with pytest.raises(AirflowException, match="either execution_arn or job"):
        _sensor(**options)
