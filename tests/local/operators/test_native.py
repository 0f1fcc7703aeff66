"""The lock's operators and SQL on Redshift, as Airflow's real classes over the embedded AWS."""

from __future__ import annotations

import asyncio
import runpy
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any

import pytest
from airflow.exceptions import TaskDeferred
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.triggers.base import TaskSuccessEvent
from botocore.exceptions import ClientError

from elt_redshift.airflow_compat import (
    DAG,
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
    TaskGroup,
    task_timeout,
)
from elt_redshift.aws.statements import Statements
from elt_redshift.dag import elt_dag
from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob
from elt_redshift.operators.audit_lock import AuditLock, AuditLockAcquireOperator, lock_owner
from elt_redshift.operators.lock_outcome import FAILURE, tell_failure
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator
from elt_redshift.protocol.owners import Owner
from elt_redshift.triggers import audit_lock as triggers
from elt_redshift.triggers import base
from elt_redshift.triggers.audit_lock import LockTrigger
from tests.local.operators.standins import WHERE, FakeTaskInstance, Hook, rows

EXAMPLES = Path(__file__).resolve().parents[3] / "dags" / "examples"
ME, OTHER = Owner.dag_run("sales", "run-1"), Owner.dag_run("sales", "run-2")


def _execute(operator: BaseOperator, ti: FakeTaskInstance) -> Any:
    return operator.execute({"ti": ti})  # type: ignore[typeddict-item]


def _sql(sql: str, **options: Any) -> RedshiftSqlOperator:
    return RedshiftSqlOperator(task_id="load", sql=sql, deferrable=False, retries=2, **WHERE, **options)


def test_a_script_with_parameters(hook: Hook, ledger: str) -> None:
    """A script is cut into statements, its parameters are bound, and rows, statement and result are XComs."""
    ti = FakeTaskInstance()
    operator = _sql(
        f"insert into {ledger} values (:n::int);\nselect n from {ledger};",
        parameters={"n": "7", "unused": "x"},
        return_result=True,
    )
    assert _execute(operator, ti) == [[7]]
    assert set(ti.xcoms) == {"statement_id", "seconds", "rows"}


@pytest.mark.parametrize("transaction", [True, False])
def test_a_failing_script(hook: Hook, ledger: str, transaction: bool) -> None:
    """The error names line, Redshift's message and statement; a transaction leaves nothing behind."""
    ti = FakeTaskInstance()
    operator = _sql(f"insert into {ledger} values (1);\n\nselect 1/0;", transaction=transaction)
    with pytest.raises(
        AirflowException, match=r"^Task load failed at sql:3: ERROR: division by zero.* \(statement .*:2\)\. Mend it"
    ):
        _execute(operator, ti)
    assert "division by zero" in ti.xcoms[FAILURE]["message"]
    assert rows(hook, f"select count(*) from {ledger}") == [[0 if transaction else 1]]


@pytest.mark.parametrize(("sql", "message"), [("select 'a", "never closed"), ("-- nothing", "no SQL statement")])
def test_what_is_no_sql_is_refused(hook: Hook, ledger: str, sql: str, message: str) -> None:
    """A script that cannot be cut into statements fails the task, which says why."""
    with pytest.raises(AirflowException, match=message):
        _execute(_sql(sql), FakeTaskInstance())


def test_the_retry_of_a_lost_try_runs_nothing_twice(hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that dies behind its submission has the next try go on with that; clearing the task runs it again."""
    sql = f"insert into {ledger} values (1)"
    with monkeypatch.context() as lost:
        lost.setattr(Statements, "follow", _killed)
        with pytest.raises(KeyboardInterrupt):
            _execute(_sql(sql), FakeTaskInstance(try_number=1))
    _execute(_sql(sql), FakeTaskInstance(try_number=2))
    assert rows(hook, f"select count(*) from {ledger}") == [[1]]
    _execute(_sql(sql), FakeTaskInstance(try_number=3, max_tries=4))  # cleared: two tries more than there were
    assert rows(hook, f"select count(*) from {ledger}") == [[2]]


def _killed(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def test_a_lost_answer_runs_nothing_twice(hook: Hook, ledger: str) -> None:
    """The same try submitted twice is one statement."""
    for _ in range(2):
        _execute(_sql(f"insert into {ledger} values (1)"), FakeTaskInstance())
    assert rows(hook, f"select count(*) from {ledger}") == [[1]]


def test_a_dag_run_that_was_made_anew_runs_anew(hook: Hook, ledger: str) -> None:
    """A deleted DAG run whose ids return is another run: its first try is not the old one's."""
    for ti in (FakeTaskInstance(), FakeTaskInstance()):
        ti.id = uuid.uuid4().hex
        _execute(_sql(f"insert into {ledger} values (1)"), ti)
    assert rows(hook, f"select count(*) from {ledger}") == [[2]]


def test_a_failed_try_is_tried_anew(hook: Hook, ledger: str) -> None:
    """When the try before failed, the SQL is submitted again."""
    sql = f"select 1 / count(*) from {ledger}"
    with pytest.raises(AirflowException, match="division by zero"):
        _execute(_sql(sql), FakeTaskInstance(try_number=1))
    rows(hook, f"insert into {ledger} values (1)")
    _execute(_sql(sql), FakeTaskInstance(try_number=2))


def test_a_statement_past_its_timeout_is_cancelled(hook: Hook, ledger: str) -> None:
    """The try fails and nothing goes on in the database."""
    operator, ti = _sql("select pg_sleep(60)", timeout=timedelta()), FakeTaskInstance()
    with pytest.raises(AirflowException, match="was cancelled"):
        _execute(operator, ti)
    assert hook.statements().describe(ti.xcoms[FAILURE]["statement"], 30).status == "ABORTED"


def test_a_killed_task_cancels_its_statement(hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Airflow kills the task, nothing goes on in the database."""
    operator, ti = _sql("select pg_sleep(60)"), FakeTaskInstance()
    with monkeypatch.context() as killed:
        killed.setattr(Statements, "follow", _killed)
        with pytest.raises(KeyboardInterrupt):
            _execute(operator, ti)
    operator.on_kill()
    name = operator._tries(ti, Owner.dag_run("sales", ti.run_id)).name(1)
    statement = hook.statements().find(name)
    assert statement
    assert hook.statements().describe(statement, 30).status == "ABORTED"


def test_deferring_and_resuming(hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trigger waits for the statement, and the task goes on with its event in a fresh process."""
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)
    sql = f"insert into {ledger} values (1); select n from {ledger}"
    options: dict[str, Any] = {"sql": sql, "return_result": True, "poll_interval": 0.05, **WHERE}
    event = _event(RedshiftSqlOperator(task_id="load", **options))
    ti = FakeTaskInstance()
    resumed = RedshiftSqlOperator(task_id="load", **options)
    assert resumed.execute_complete({"ti": ti}, event.payload) == [[1]]  # type: ignore[typeddict-item]
    assert ti.xcoms["rows"] == 2


def test_a_success_with_nothing_left_to_do_needs_no_worker(hook: Hook, ledger: str) -> None:
    """The trigger ends the task, and gives what a worker would have pushed."""
    options: dict[str, Any] = {"sql": f"insert into {ledger} values (1)", "poll_interval": 0.05, **WHERE}
    event = _event(RedshiftSqlOperator(task_id="load", **options))
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms
    assert set(event.xcoms) == {"return_value", "statement_id", "seconds", "rows"}
    assert event.xcoms["return_value"] == [event.xcoms["statement_id"]]


class _Telling(RedshiftSqlOperator):
    def post_execute(self, context: Any, result: Any = None) -> None: ...


@pytest.mark.parametrize("made", [_Telling, partial(RedshiftSqlOperator, on_success_callback=print)])
def test_a_success_that_a_worker_has_to_tell_of_resumes_one(
    hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch, made: Callable[..., RedshiftSqlOperator]
) -> None:
    """A callback, or whatever a subclass does behind the task, is not passed over."""
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)
    event = _event(made(task_id="load", sql=f"insert into {ledger} values (1)", poll_interval=0.05, **WHERE))
    assert event.payload["ended"]


def test_a_failure_resumes_a_worker(hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log says why, and Airflow's retries are counted."""
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)
    operator = RedshiftSqlOperator(task_id="load", sql="select 1/0", poll_interval=0.05, **WHERE)
    with pytest.raises(AirflowException, match="division by zero"):
        operator.execute_complete({"ti": FakeTaskInstance()}, _event(operator).payload)  # type: ignore[typeddict-item]


def _event(operator: RedshiftSqlOperator) -> Any:
    """What the trigger that the operator defers to yields."""
    with pytest.raises(TaskDeferred) as deferred:
        _execute(operator, FakeTaskInstance())
    return asyncio.run(anext(deferred.value.trigger.run()))


def _acquire(table: str, when_locked: Any = "skip", **options: Any) -> AuditLockAcquireOperator:
    return AuditLockAcquireOperator(
        task_id="acquire_lock", job_id="1", table_name=table, when_locked=when_locked, **options
    )


def test_the_lock_is_the_dag_runs(hook: Hook, table: str) -> None:
    """Taking it twice, as when a task is cleared, is the same as once."""
    for _ in range(2):
        assert _execute(_acquire(table), FakeTaskInstance()) == ME
    item = hook.audit(table).read("1")
    assert item
    assert (item.state, item.owner) == ("Running", ME)


def test_a_held_lock_skips_or_fails(hook: Hook, table: str) -> None:
    """What becomes of a run that finds the job locked is the user's to say."""
    hook.audit(table).acquire("1", OTHER, timedelta(hours=1))
    with pytest.raises(AirflowSkipException, match="run-2"):
        _execute(_acquire(table), FakeTaskInstance())
    with pytest.raises(AirflowFailException, match="run-2"):
        _execute(_acquire(table, "fail"), FakeTaskInstance())
    with pytest.raises(AirflowException, match="when_locked"):
        _acquire(table, "never")


def test_a_held_lock_is_waited_for_in_the_triggerer(hook: Hook, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task defers until the lock is free, not resuming before the scheduler has heard of that, takes it then, and
    gives up in the end."""
    guarded: list[float] = []

    async def not_too_soon(began: float) -> None:
        guarded.append(began)

    monkeypatch.setattr(triggers, "not_too_soon", not_too_soon)
    store = hook.audit(table)
    store.acquire("1", OTHER, timedelta(hours=1))
    with pytest.raises(TaskDeferred) as deferred:
        _execute(_acquire(table, "wait", poll_interval=0.01), FakeTaskInstance())
    trigger = deferred.value.trigger
    assert isinstance(trigger, LockTrigger)
    store.release("1", OTHER)
    event = asyncio.run(anext(trigger.run()))
    assert len(guarded) == 1
    operator = _acquire(table, "wait")
    assert operator.execute_complete({"ti": FakeTaskInstance()}, event.payload) == ME  # type: ignore[typeddict-item]
    store.release("1", ME)
    store.acquire("1", OTHER, timedelta(hours=1))
    with pytest.raises(AirflowFailException):
        _execute(_acquire(table, "wait", wait_timeout=timedelta()), FakeTaskInstance())


def test_the_wait_for_a_lock_is_bounded(hook: Hook, table: str) -> None:
    """By ``execution_timeout`` too, which Airflow gets; when it ends the wait, the lock is tried once more."""
    store, timed_out = hook.audit(table), {"error": "Trigger timeout"}
    store.acquire("1", OTHER, timedelta(hours=1))
    waiting = _acquire(table, "wait", execution_timeout=timedelta(minutes=1))
    with pytest.raises(TaskDeferred) as deferred:
        _execute(waiting, FakeTaskInstance())
    assert timedelta(seconds=50) < deferred.value.timeout <= timedelta(minutes=1)  # type: ignore[operator]
    context: Any = {"ti": FakeTaskInstance()}
    with pytest.raises(task_timeout(), match=r"execution_timeout of 0:01:00\. .*run-2"):
        waiting.resume_execution("__fail__", timed_out, context)
    with pytest.raises(AirflowFailException, match="run-2"):
        _acquire(table, "wait").resume_execution("__fail__", timed_out, context)
    store.release("1", OTHER)
    assert waiting.resume_execution("__fail__", timed_out, context) == ME


def test_a_dead_runs_lock_is_taken_over(hook: Hook, table: str) -> None:
    """A lease that has run out is nobody's."""
    hook.audit(table).acquire("1", OTHER, timedelta(hours=-1))
    assert _execute(_acquire(table), FakeTaskInstance()) == ME


@pytest.mark.parametrize(
    ("after_failure", "states", "state", "failed"),
    [
        ("hold", {"a": "success", "b": "skipped"}, "Ready", None),
        ("hold", {"a": "failed", "b": "upstream_failed"}, "Failed", "a"),
        ("release", {"a": "success", "b": "failed"}, "Ready", "b"),
    ],
)
def test_the_teardown_says_how_it_went(
    hook: Hook, table: str, after_failure: Any, states: dict[str, str], state: str, failed: str | None
) -> None:
    """Ready after success; after a failure the item names the task that failed itself, and the teardown fails."""
    with DAG("sales"), AuditLock(job_id="1", table_name=table, after_failure=after_failure) as lock:
        BaseOperator(task_id="a") >> BaseOperator(task_id="b")
    _execute(lock.acquire, FakeTaskInstance())
    ti = FakeTaskInstance(states=states)
    if failed:
        ti.xcoms = {FAILURE: {"message": "ValueError: no", "statement": "none"}}
        with pytest.raises(AirflowFailException, match=r"^Task [ab] failed: ValueError: no\. The lock of job 1 "):
            _execute(lock.release, ti)
    else:
        _execute(lock.release, ti)
    item = hook.audit(table).read("1")
    assert item
    assert (item.state, item.failed_task) == (state, failed)


@pytest.mark.parametrize(("handler", "ends"), [("all_success", "failed"), ("all_done", None)])
def test_a_failure_that_is_dealt_with_fails_nothing(hook: Hook, table: str, handler: str, ends: str | None) -> None:
    """As in Airflow, the last tasks decide: where they run and succeed in spite of a failure, the lock is Ready."""
    with DAG("sales"), AuditLock(job_id="1", table_name=table) as lock:
        BaseOperator(task_id="a") >> BaseOperator(task_id="b", trigger_rule=handler)
    _execute(lock.acquire, FakeTaskInstance())
    states = {"a": "failed", "b": "upstream_failed" if ends else "success"}
    with pytest.raises(AirflowFailException) if ends else nullcontext():
        _execute(lock.release, FakeTaskInstance(states=states))
    item = hook.audit(table).read("1")
    assert item
    assert item.state == ("Failed" if ends else "Ready")


def test_the_teardown_fails_a_run_that_was_marked_as_failed(hook: Hook, table: str) -> None:
    """Airflow skips what has not begun, and would call a run whose last tasks are skipped a success."""
    with DAG("sales"), AuditLock(job_id="1", table_name=table) as lock:
        BaseOperator(task_id="a") >> BaseOperator(task_id="b")
    _execute(lock.acquire, FakeTaskInstance())
    with pytest.raises(AirflowFailException, match="Task a failed: it and the DAG run were marked as failed"):
        _execute(lock.release, FakeTaskInstance(states={"a": "failed", "b": "skipped"}))
    item = hook.audit(table).read("1")
    assert item
    assert (item.state, item.failed_task) == ("Failed", "a")


def test_a_held_lock_fails_the_next_run(hook: Hook, table: str) -> None:
    """It says which task of which run failed, when and why, and the ways on; or it is skipped, as told."""
    store = hook.audit(table)
    store.acquire("1", OTHER, timedelta(hours=1))
    store.record_failure("1", OTHER, task="load", statement="none", message="ERROR: no")
    item = store.read("1")
    assert item
    with pytest.raises(AirflowFailException) as refused:
        _execute(_acquire(table), FakeTaskInstance())
    assert str(refused.value) == (
        f"Job 1 is held by a failed run: task load failed at {item.end}: ERROR: no (run {OTHER}). To go on where that "
        "run stopped, clear its failed tasks in Airflow; to begin anew, "
        f"`elt-redshift unlock --table {quote(table)} --job-id 1 --reason …`."
    )
    with pytest.raises(AirflowSkipException, match="ERROR: no"):
        _execute(_acquire(table, when_held="skip"), FakeTaskInstance())
    with pytest.raises(TaskDeferred):
        _execute(_acquire(table, "wait"), FakeTaskInstance())
    with pytest.raises(AirflowException, match="when_held"):
        _acquire(table, when_held="never")


def test_a_task_tells_what_it_raised(hook: Hook, table: str) -> None:
    """The callback comes before the user's own, and does not touch what a task told itself."""
    said: list[Any] = []
    with DAG("sales"), AuditLock(job_id="1", table_name=table):
        task = BaseOperator(task_id="boom", on_failure_callback=said.append)
        mapped = RedshiftSqlOperator.partial(task_id="load", **WHERE).expand(sql=["select 1"])
    for one in (task, mapped):
        assert one.on_failure_callback[0] is one.on_retry_callback[0] is tell_failure  # type: ignore[index]
    assert task.on_failure_callback[1] == said.append  # type: ignore[index]
    ti = FakeTaskInstance()
    for error in (ValueError("no"), ValueError("again")):
        tell_failure({"ti": ti, "exception": error})  # type: ignore[typeddict-item]
    assert ti.xcoms[FAILURE] == {"message": "ValueError: no", "statement": "none"}
    denied, ti = (
        ClientError({"Error": {"Code": "AccessDenied", "Message": "You may not."}}, "PutObject"),
        FakeTaskInstance(),
    )
    tell_failure({"ti": ti, "exception": denied})  # type: ignore[typeddict-item]
    assert ti.xcoms[FAILURE] == {"message": "You may not.", "statement": "none"}


def test_whatever_is_defined_inside_stands_behind_the_lock(table: str) -> None:
    """Also a task with edges to tasks outside, those behind a lock within, and mapped ones, which learn of the lock."""
    with DAG("sales") as dag:
        outside, behind = BaseOperator(task_id="outside"), BaseOperator(task_id="behind")
        with AuditLock(job_id="1", table_name=table):
            outside >> BaseOperator(task_id="a") >> behind
            with AuditLock(job_id="2", table_name=table), TaskGroup("group"):
                BaseOperator(task_id="b")
            mapped = RedshiftSqlOperator.partial(task_id="c", **WHERE).expand(sql=["select 1"])
    up = {task.task_id: task.upstream_task_ids for task in dag.tasks}
    assert up["a"] == {"outside", "acquire_lock"}
    assert up["acquire_lock_2"] == up["c"] == {"acquire_lock"}
    assert up["group.b"] == {"acquire_lock_2"}
    assert up["release_lock_2"] == {"acquire_lock_2", "group.b"}
    assert up["release_lock"] == {"acquire_lock", "a", "release_lock_2", "c"}
    assert mapped.partial_kwargs["lock"]["job_id"] == "1"


def test_locks_of_one_run_are_told_apart() -> None:
    """The first lock is the DAG run's; others add their acquiring task, and a mapped group its index."""
    ti = FakeTaskInstance()
    assert lock_owner(ti) == Owner.dag_run("sales", ti.run_id)
    ti.map_index = 3
    assert lock_owner(ti, "acquire_lock_2") == f"{Owner.dag_run('sales', ti.run_id)}/acquire_lock_2[3]"
    assert lock_owner(ti, mapped=False) == Owner.dag_run("sales", ti.run_id)


def test_a_lost_lock_fails_task_and_teardown(hook: Hook, table: str) -> None:
    """A run whose lock was taken over submits nothing more and does not touch the new owner's item."""
    hook.audit(table).acquire("1", OTHER, timedelta(hours=1))
    with DAG("sales"), AuditLock(job_id="1", table_name=table) as lock:
        operator = _sql("select 1")
    for task in (operator, lock.release):
        with pytest.raises(AirflowFailException, match="freed or taken over"):
            _execute(task, FakeTaskInstance())


def _job() -> EltJob:
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998"})
    first = job.task("a", statement="select :year")
    first >> [job.task("b", statement="select 1", retries=3), job.task("c", statement="select 2")]
    return job


def test_a_whole_job() -> None:
    """The job's tasks and edges stand between setup and teardown, also after serialization."""
    dag = elt_dag(_job(), engine="airflow", audit_table="t", warehouse=WHERE)
    again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    assert isinstance(again, SerializedDAG)
    for seen in (dag, again):
        edges = {task.task_id: task.upstream_task_ids for task in seen.tasks}
        assert edges["a"] == {"acquire_lock"}
        assert edges["b"] == edges["c"] == {"a"}
        assert edges["release_lock"] >= {"acquire_lock", "b", "c"}
    assert (dag.get_task("acquire_lock").is_setup, dag.get_task("release_lock").is_teardown) == (True, True)
    assert dag.get_task("b").retries == 3


def test_a_whole_job_needs_to_know_where() -> None:
    """Everything that is missing is told at once."""
    job = EltJob(job_id="7", name="sales")
    job.task("a", statement="copy t from 's3://b/k' iam_role '${RedshiftIAMRoleARN}'")
    with pytest.raises(JobError) as refused:
        elt_dag(job, engine="airflow")
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize("name", ["audit_lock", "native_engine"])
def test_the_examples_load(name: str) -> None:
    """Each example makes a DAG with a lock around its tasks, and Airflow takes it for a DAG file."""
    file = EXAMPLES / f"{name}.py"
    dag = runpy.run_path(str(file))["dag"]
    assert {"acquire_lock", "release_lock"} < set(dag.task_ids)
    assert "airflow" in file.read_text().lower()
