"""The trigger, as Airflow's real class, over a Step Functions in memory."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.triggers.base import TaskSkippedEvent, TaskSuccessEvent

from elt_redshift import airflow_compat
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.hooks import step_functions as hooks
from elt_redshift.triggers import base
from elt_redshift.triggers.step_functions import TaskTrigger, links
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions


class FakeHook:
    """Stands for the hook; counts how many are made."""

    client: FakeStepFunctions
    made = 0
    stopped: list[tuple[str, str, str]]
    statement_clients: list[threading.Thread]

    def __init__(self, **_: Any) -> None:
        type(self).made += 1

    def executions(self) -> Executions:
        return Executions(self.client, MACHINE)

    def statements(self) -> None:
        self.statement_clients.append(threading.current_thread())

    def stop(self, job: JobRef, execution_arn: str, cause: str) -> None:
        self.stopped.append((job.name, execution_arn, cause))

    def statement(self, statement_id: str) -> StatementStatus | None:
        return StatementStatus(statement_id, "FINISHED", rows=7) if statement_id == "s-1" else None


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> type[FakeHook]:
    made = type("Hook", (FakeHook,), {"client": FakeStepFunctions(), "stopped": [], "statement_clients": []})
    monkeypatch.setattr(hooks, "EltHook", made)
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)
    return made


async def _event(trigger: TaskTrigger) -> dict[str, Any]:
    """The first event, as `airflow dags test` takes it: the generator is not resumed."""
    return dict((await _first(trigger)).payload)


async def _first(trigger: TaskTrigger) -> Any:
    return await anext(trigger.run())


def test_the_event_tells_how_the_task_ended(hook: type[FakeHook]) -> None:
    """A success comes with statement, seconds and rows."""
    execution = FakeExecution("run").succeed("load")
    hook.client.executions[execution.arn] = execution
    event = asyncio.run(_event(TaskTrigger(execution.arn, "load")))
    assert event == {
        "status": "succeeded",
        "message": None,
        "statement_id": "s-1",
        "seconds": 2.0,
        "rows": 7,
        "attempt": 1,
        "execution_arn": execution.arn,
        "told": "Statement s-1 FINISHED, 7 rows",
        "task": None,
        "beside": None,
    }


def test_a_success_can_end_the_task_without_a_worker(hook: type[FakeHook]) -> None:
    """Then the event is Airflow's own for that, and holds the task's value, unless that is not asked for."""
    execution = FakeExecution("run").succeed("load")
    hook.client.executions[execution.arn] = execution
    event = asyncio.run(_first(TaskTrigger(execution.arn, "load", end_from_trigger=True)))
    assert isinstance(event, TaskSuccessEvent)
    shown = {"execution_arn": execution.arn, "statement_id": "s-1", "seconds": 2.0, "rows": 7}
    assert event.xcoms == {"return_value": shown} | links(execution.arn)
    event = asyncio.run(_first(TaskTrigger(execution.arn, "load", end_from_trigger=True, returns=False)))
    assert event.xcoms == links(execution.arn)


def test_a_skipped_run_can_end_the_task_without_a_worker(hook: type[FakeHook]) -> None:
    """The same for the tasks of a locked job."""
    execution = FakeExecution("run").skip("Job 7 is Running")
    hook.client.executions[execution.arn] = execution
    event = asyncio.run(_first(TaskTrigger(execution.arn, "load", end_from_trigger=True)))
    assert isinstance(event, TaskSkippedEvent)


def test_a_failure_always_resumes_the_task(hook: type[FakeHook]) -> None:
    """A worker raises it, so that callbacks and e-mails have the exception."""
    execution = FakeExecution("run").fail("load", "no such table")
    hook.client.executions[execution.arn] = execution
    event = asyncio.run(_event(TaskTrigger(execution.arn, "load", end_from_trigger=True)))
    assert event["status"] == "failed"


def test_a_worker_is_not_resumed_at_once(hook: type[FakeHook], monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler is given time to hear that the deferring worker has ended; what needs no worker need not wait."""
    failed, succeeded = FakeExecution("one").fail("load", "no such table"), FakeExecution("two").succeed("load")
    hook.client.executions = {execution.arn: execution for execution in (failed, succeeded)}
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(base, "RESUME_AFTER", 3600.0)
    monkeypatch.setattr(base, "asyncio", SimpleNamespace(sleep=sleep))
    for execution in (failed, succeeded):
        asyncio.run(_first(TaskTrigger(execution.arn, "load", end_from_trigger=True)))
    assert [seconds > 3000 for seconds in slept] == [True]


def test_triggers_of_one_execution_share_hook_and_looks(hook: type[FakeHook]) -> None:
    """Twenty triggers make one hook and look once; those of another connection look for themselves."""
    execution = FakeExecution("run").end("ABORTED")
    hook.client.executions[execution.arn] = execution

    async def all_events(*connections: str) -> list[dict[str, Any]]:
        waiting = [TaskTrigger(execution.arn, f"t{n}", aws_conn_id=conn) for n in range(20) for conn in connections]
        return await asyncio.gather(*map(_event, waiting))

    events = asyncio.run(all_events("a"))
    assert ({event["status"] for event in events}, len(events)) == ({"aborted"}, 20)
    assert (hook.made, hook.client.calls["DescribeExecution"]) == (1, 1)
    asyncio.run(all_events("a", "b"))
    assert (hook.made, hook.client.calls["DescribeExecution"]) == (3, 3)


def test_what_is_asked_of_redshift_has_its_client_before_the_first_look(hook: type[FakeHook]) -> None:
    """It is made with the hook, in the thread that may ask Airflow for the connection, for all tasks together."""
    execution = FakeExecution("run")
    for task in ("load", "check"):
        execution.succeed(task, "s-1")
    hook.client.executions[execution.end("SUCCEEDED").arn] = execution

    async def events() -> list[dict[str, Any]]:
        return await asyncio.gather(*(_event(TaskTrigger(execution.arn, task)) for task in ("load", "check")))

    assert [event["rows"] for event in asyncio.run(events())] == [7, 7]
    assert len(hook.statement_clients) == 1


def test_an_execution_that_may_not_be_seen_ends_the_wait(hook: type[FakeHook]) -> None:
    """What AWS will not tell is an event too, with its words."""
    hook.client.errors = ["AccessDeniedException"]
    event = asyncio.run(_event(TaskTrigger(f"{MACHINE}:run", "load")))
    assert event["status"] == "unknown"
    assert "AccessDeniedException" in event["message"]


@pytest.mark.parametrize(
    ("state", "stops"),
    [("failed", True), ("skipped", True), (None, False), ("queued", False), ("running", False), ("deferred", False)],
)
def test_a_killed_trigger_stops_only_what_was_failed(
    hook: type[FakeHook], monkeypatch: pytest.MonkeyPatch, state: str | None, stops: bool
) -> None:
    """Airflow kills the trigger of a cleared task too, when its next try may run already: that stops nothing."""
    monkeypatch.setattr(airflow_compat, "task_state", lambda _: state)
    ti: Any = SimpleNamespace(dag_id="sales", run_id="r", task_id="load")
    trigger = TaskTrigger("arn", "load", job=JobRef("7", "sales").to_dict())
    trigger.task_instance = ti
    asyncio.run(trigger.on_kill())
    cause = "Airflow ended task load of run r of DAG sales: it, or its run, was marked as failed or ran out of time."
    assert hook.stopped == ([("sales", "arn", cause)] if stops else [])


def test_news_from_before_the_redrive_are_not_believed(hook: type[FakeHook], monkeypatch: pytest.MonkeyPatch) -> None:
    """An execution that shows fewer redrives than were made is looked at again."""
    execution = FakeExecution("run").fail("load", "no such table")
    hook.client.executions[execution.arn] = execution
    describe, looks = execution.describe, list[int]()

    def eventually() -> dict[str, Any]:
        looks.append(1)
        if len(looks) == 2:
            execution.redrive("token")
            execution.succeed("load").end("SUCCEEDED")
        return describe()

    monkeypatch.setattr(execution, "describe", eventually)
    event = asyncio.run(_event(TaskTrigger(execution.arn, "load", poll_interval=0.01, redrives=1)))
    assert (event["status"], len(looks)) == ("succeeded", 2)
