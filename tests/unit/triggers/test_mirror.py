"""The trigger that begins a mirror, as Airflow's real class, over a Step Functions in memory."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from airflow.triggers.base import TaskSkippedEvent, TaskSuccessEvent

from elt_redshift import airflow_compat
from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.dag import elt_dag
from elt_redshift.hooks import step_functions as hooks
from elt_redshift.job.model import EltJob
from elt_redshift.triggers import base, mirror
from elt_redshift.triggers.mirror import MirrorTrigger
from elt_redshift.triggers.step_functions import links
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions

pytestmark = pytest.mark.skipif(not airflow_compat.STARTS_FROM_TRIGGER, reason="Airflow 3.3 and later")

JOB = JobRef("7", "sales").to_dict()


class Airflow:
    """The hook, the XComs of the DAG run, and the executions behind them."""

    def __init__(self) -> None:
        self.client = FakeStepFunctions()
        self.xcoms: dict[tuple[str, str], Any] = {}
        self.reads = self.pushes = 0
        self.refuses = False
        self.stopped: list[str] = []

    def attempt(self, number: int) -> FakeExecution:
        execution = FakeExecution(run_execution_name("sales", "r", "start", number))
        self.client.executions[execution.arn] = execution
        if number == 1:
            self.xcoms[("start", "execution_arn")] = execution.arn
            self.xcoms[("start", "run")] = {"job": JOB, "parameters": {}}
        return execution

    # As the hook

    def __call__(self, **_: Any) -> Airflow:
        return self

    def executions(self, state_machine_arn: str = "") -> Executions:
        assert state_machine_arn in ("", MACHINE)
        return Executions(self.client, state_machine_arn)

    def statements(self) -> None:
        """Its client is made with the hook."""

    def statement(self, statement_id: str) -> StatementStatus:
        return StatementStatus(statement_id, "FINISHED", rows=7)

    def stop(self, job: JobRef, execution_arn: str, cause: str) -> None:
        self.stopped.append(execution_arn)

    # As Airflow

    def xcom(self, ti_key: Any, key: str) -> Any:
        assert (ti_key.dag_id, ti_key.run_id, ti_key.map_index) == ("sales", "r", -1)
        self.reads += 1
        return self.xcoms.get((ti_key.task_id, key))

    async def set_xcom(self, ti: Any, key: str, value: Any) -> None:
        self.pushes += 1
        if self.refuses:
            raise ConnectionError
        self.xcoms[(ti.task_id, key)] = value


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    made = Airflow()
    mirror._hook.cache_clear()
    monkeypatch.setattr(hooks, "EltHook", made)
    monkeypatch.setattr(mirror, "xcom", made.xcom)
    monkeypatch.setattr(mirror, "set_xcom", made.set_xcom)
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)
    return made


def _trigger(task: str = "load", try_number: int = 1, **of_task: Any) -> MirrorTrigger:
    trigger = MirrorTrigger(task, "start", poll_interval=0.01)
    given = {
        "doc_md": "select 1",
        "has_on_success_callback": False,
        "has_on_skipped_callback": False,
        "do_xcom_push": True,
        "outlets": [],
        **of_task,
    }
    serialized = SimpleNamespace(template_ext=(), start_trigger_args=None, **given)
    ids = {"dag_id": "sales", "run_id": "r", "task_id": task, "map_index": -1}
    ti: Any = SimpleNamespace(**ids, try_number=try_number, task=serialized)
    trigger.task_instance = ti
    return trigger


def _event(trigger: MirrorTrigger) -> Any:
    async def first() -> Any:
        return await anext(trigger.run())

    return asyncio.run(first())


def test_a_success_needs_no_worker(airflow: Airflow) -> None:
    """The execution is found by the DAG run's ids, and the task ends with its value and links, or the links alone."""
    execution = airflow.attempt(1).succeed("load")
    event = _event(_trigger())
    assert isinstance(event, TaskSuccessEvent)
    shown = {"execution_arn": execution.arn, "statement_id": "s-1", "seconds": 2.0, "rows": 7}
    assert event.xcoms == {"return_value": shown} | links(execution.arn)
    event = _event(_trigger(do_xcom_push=False))
    assert event.xcoms == links(execution.arn)


def test_the_links_of_a_task_lead_to_the_part_that_ran_it(airflow: Airflow) -> None:
    """As its XCom does, also where links to the run's own execution were there before."""
    part = airflow.attempt(1).start_part(1)
    airflow.client.executions[part.arn] = part.succeed("load")
    for already in (False, True):
        trigger = _trigger()
        trigger._shown = already
        event = _event(trigger)
        assert event.xcoms["return_value"]["execution_arn"] == part.arn
        assert event.xcoms.items() >= links(part.arn).items()


def test_searches_share_a_hook_until_aws_refuses_one(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client takes longer to be made than a search; one whose credentials were exchanged is made anew."""
    airflow.attempt(1).succeed("load")
    made: list[Airflow] = []
    monkeypatch.setattr(hooks, "EltHook", lambda **_: made.append(airflow) or airflow)

    _event(_trigger())
    searching_and_looking = len(made)
    _event(_trigger())
    assert len(made) == searching_and_looking + 1  # to look, in a loop of its own
    airflow.client.errors = ["ExpiredTokenException"]
    _event(_trigger())
    assert len(made) == searching_and_looking + 1
    _event(_trigger())
    assert len(made) == 2 * searching_and_looking + 1


def test_the_log_has_what_no_worker_records(airflow: Airflow) -> None:
    """The SQL, the values that it is given, and what Redshift tells of the statement."""
    execution = airflow.attempt(1).succeed("load")
    airflow.xcoms[("start", "run")] = {"job": JOB, "parameters": {"year": "1998"}}
    trigger, lines = _trigger(), []
    trigger._log = SimpleNamespace(info=lambda text, *values: lines.append(text % values))  # type: ignore[assignment]
    trigger._take_from_task()
    found = asyncio.run(trigger._find())
    assert found
    trigger._tell(found)
    assert lines == [
        "::group::SQL",
        "select 1",
        "::endgroup::",
        "Parameters: {'year': '1998'}",
        f"Waiting for task load of {execution.arn}",
    ]


def _end_later(airflow: Airflow, execution: FakeExecution) -> Any:
    """The event of a mirror whose task ends once its links have been pushed, or once that was tried."""

    async def main() -> Any:
        trigger = _trigger()
        waiting = asyncio.ensure_future(anext(trigger.run()))
        while not (trigger._shown or (airflow.refuses and airflow.pushes)):
            await asyncio.sleep(0.01)
        assert not waiting.done()
        execution.succeed("load")
        return await waiting

    return asyncio.run(asyncio.wait_for(main(), 60))


def test_the_links_work_while_the_task_waits(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are pushed before the task has ended, as no worker does that for a task that none has begun, and not again
    with the end."""
    monkeypatch.setattr(mirror, "LINKS_AFTER", 0.0)
    execution = airflow.attempt(1).submit("load")
    event = _end_later(airflow, execution)
    found = {key: value for (task, key), value in airflow.xcoms.items() if task == "load"}
    assert found == links(execution.arn)
    assert not event.xcoms.keys() & found.keys()


def test_links_that_cannot_be_pushed_come_with_the_end(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow may not answer while a mirror waits; no task fails for that."""
    monkeypatch.setattr(mirror, "LINKS_AFTER", 0.0)
    airflow.refuses = True
    execution = airflow.attempt(1).submit("load")
    event = _end_later(airflow, execution)
    assert isinstance(event, TaskSuccessEvent)
    assert links(execution.arn).items() <= event.xcoms.items()


def test_a_short_wait_asks_nothing_for_links(airflow: Airflow) -> None:
    """The triggerer takes one request at a time: the links of a task that ends soon come with its end."""
    airflow.attempt(1).succeed("load")
    _event(_trigger())
    assert airflow.pushes == 0


def test_a_locked_job_needs_no_worker(airflow: Airflow) -> None:
    """Its mirrors are skipped by their triggers."""
    airflow.attempt(1).skip("Job 7 is Running")
    assert isinstance(_event(_trigger()), TaskSkippedEvent)


@pytest.mark.parametrize("more", [{"outlets": ["asset"]}, {"has_on_success_callback": True}])
def test_what_a_success_leads_to_is_left_to_a_worker(airflow: Airflow, more: dict[str, Any]) -> None:
    """A task with callbacks or outlets resumes with the outcome."""
    airflow.attempt(1).succeed("load")
    assert _event(_trigger(**more)).payload["status"] == "succeeded"


def test_a_failure_is_left_to_a_worker(airflow: Airflow) -> None:
    """It raises the failure, and the event tells it what to raise."""
    execution = airflow.attempt(1).fail("load", "ERROR: no")
    payload = _event(_trigger()).payload
    assert (payload["status"], payload["execution_arn"]) == ("failed", execution.arn)


def test_the_newest_attempt_is_followed(airflow: Airflow) -> None:
    """A mirror that begins after another one has started the next attempt follows that, as often as it was redriven."""
    airflow.attempt(1).end("ABORTED")
    newest = airflow.attempt(2).fail("load", "ERROR: no")
    newest.redrive("token")
    newest.succeed("load", "s-2")
    assert _event(_trigger()).xcoms["return_value"]["execution_arn"] == newest.arn


@pytest.mark.parametrize("try_number", [2, 3])
def test_a_later_try_is_left_to_a_worker(airflow: Airflow, try_number: int) -> None:
    """It may be that of a cleared task, for which the worker redrives."""
    airflow.attempt(1).fail("load", "ERROR: no")
    assert _event(_trigger(try_number=try_number)).payload is None
    assert not airflow.client.calls


def test_without_an_execution_a_worker_tells_so(airflow: Airflow) -> None:
    """The same when the start task has pushed nothing, when its execution is gone, and when AWS does not answer."""
    assert _event(_trigger()).payload is None
    airflow.attempt(1)
    airflow.client.executions.clear()
    assert _event(_trigger()).payload is None
    airflow.attempt(1).succeed("load")
    airflow.client.errors = ["ThrottlingException"]
    assert _event(_trigger()).payload is None


def test_any_start_task_will_do(airflow: Airflow) -> None:
    """A task of one's own that pushed an execution's ARN is followed as it is."""
    execution = FakeExecution("my-own").succeed("load")
    airflow.client.executions[execution.arn] = execution
    airflow.xcoms[("start", "execution_arn")] = execution.arn
    assert _event(_trigger()).xcoms["return_value"]["execution_arn"] == execution.arn


def test_mirrors_that_begin_together_search_once(airflow: Airflow) -> None:
    """A hundred mirrors read two XComs and look for two attempts; then they share one poller."""
    airflow.attempt(1).end("ABORTED")

    async def main() -> list[Any]:
        return await asyncio.gather(*(anext(_trigger(f"t{number}").run()) for number in range(100)))

    events = asyncio.run(main())
    assert ({event.payload["status"] for event in events}, len(events)) == ({"aborted"}, 100)
    assert airflow.reads == 2
    assert airflow.client.calls == {"DescribeExecution": 2 + 1, "GetExecutionHistory": 1}
    assert not mirror._searches


@pytest.mark.parametrize(("state", "stops"), [("failed", True), (None, False), ("running", False)])
def test_killing_stops_the_execution(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch, state: str | None, stops: bool
) -> None:
    """A mirror that somebody failed while it waited stops the execution, one that was cleared does not."""
    monkeypatch.setattr(airflow_compat, "task_state", lambda _: state)
    execution = airflow.attempt(1)
    asyncio.run(_trigger().on_kill())
    assert airflow.stopped == ([execution.arn] if stops else [])


def test_killing_without_an_execution_stops_nothing(airflow: Airflow) -> None:
    """There is nothing to stop."""
    asyncio.run(_trigger().on_kill())
    assert airflow.stopped == []


def test_a_waiting_mirror_keeps_no_dag(airflow: Airflow) -> None:
    """Airflow makes a DAG, with all of its tasks, for each trigger that a task starts from; that goes before the wait
    begins, and the mirror still tells of its task."""
    from airflow.jobs.triggerer_job_runner import TriggerRunner
    from airflow.serialization.serialized_objects import DagSerialization

    job = EltJob(job_id="7", name="sales")
    job.task("load", statement="select 1")
    data = DagSerialization.to_dict(elt_dag(job, state_machine_arn=MACHINE))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    run = {"dag_id": "sales", "run_id": "r", "run_after": now, "run_type": "manual", "state": "running"}
    dates = ("logical_date", "data_interval_start", "data_interval_end", "start_date", "end_date", "partition_key")
    ids = {"dag_id": "sales", "run_id": "r", "task_id": "load", "map_index": -1, "try_number": 1}
    dto: Any = SimpleNamespace(task_id="load", model_dump=lambda **_: {"id": uuid4(), **ids})
    ti = TriggerRunner.create_runtime_ti(dto, data, run | dict.fromkeys(dates) | {"consumed_asset_events": []})
    trigger, dag = MirrorTrigger("load", "start", poll_interval=0.01), weakref.ref(ti.task.dag)
    context = ti.get_template_context()
    trigger.task_instance = ti  # type: ignore[assignment]
    trigger.render_template_fields(context=context)
    gc.collect()
    assert dag() is None
    airflow.attempt(1).succeed("load")
    assert "select 1" in str(trigger._notes)
    assert isinstance(_event(trigger), TaskSuccessEvent)
