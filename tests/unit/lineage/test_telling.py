"""What operators tell, and who listens; OpenLineage's provider need not be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.airflow_compat import ends_without_worker, listened_to, needs_worker
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.job.model import EltJob
from elt_redshift.lineage import telling
from elt_redshift.lineage.told import Told, ToldStatement, Warehouse
from elt_redshift.operators.mirror import MirrorOperator
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator
from elt_redshift.operators.step_functions import StartExecutionOperator
from elt_redshift.triggers.outcome import Outcome

try:
    from airflow.sdk.listener import get_listener_manager
except ImportError:  # before 3.2
    from airflow.listeners.listener import get_listener_manager
from airflow.listeners import hookimpl

ARN = "arn:aws:states:eu-west-1:123456789012:execution:sales:one"
BATCH = {
    "Id": "s-1",
    "ClusterIdentifier": "warehouse",
    "Database": "dev",
    "Status": "FAILED",
    "SubStatements": [
        {"Id": "s-1:1", "Status": "FINISHED", "QueryString": "select :a"},
        {"Id": "s-1:2", "Status": "FAILED", "QueryString": "select 2"},
    ],
}
ENDED = Outcome("failed", "no", "s-1:2", seconds=1.5, rows=None, execution_arn=ARN)


class Listener:
    """As OpenLineage's."""

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None: ...


class OfRuns:
    """It does not listen to tasks."""

    @hookimpl
    def on_starting(self, component: Any) -> None: ...


@pytest.fixture
def listen() -> Iterator[Callable[[Any], None]]:
    """Registers a listener for the length of the test."""
    manager, added = get_listener_manager(), list[Any]()

    def add(listener: Any) -> None:
        added.append(listener)
        manager.add_listener(listener)

    yield add
    for listener in added:
        manager.pm.unregister(listener)


def test_a_trigger_ends_no_task_that_somebody_listens_to(listen: Callable[[Any], None]) -> None:
    """Airflow tells listeners of tasks that a worker ends, so that with one of them a worker does."""
    task = MirrorOperator(task_id="load")
    serialized = SimpleNamespace(has_on_success_callback=False, has_on_skipped_callback=False, outlets=[])
    listen(OfRuns())
    assert (listened_to(), ends_without_worker(task), needs_worker(serialized)) == (False, True, False)
    listen(Listener())
    assert (listened_to(), ends_without_worker(task), needs_worker(serialized)) == (True, False, True)


def _mirrored(outcome: Outcome, describe: Callable[[str], Any]) -> Told:
    run = {"job": {"job_id": "7", "name": "sales"}, "parameters": {}}
    ti: Any = SimpleNamespace(task_id="load", xcom_pull=lambda task_ids, key: run)
    return telling.mirrored({"ti": ti}, "start_execution", Told(tasks=("load",)), outcome, describe)


def _unasked(statement_id: str) -> Any:
    raise AssertionError(f"asked for {statement_id}")


def test_a_mirror_tells_the_statement_that_ran(listen: Callable[[Any], None]) -> None:
    """All of a batch, also of one that failed in a part, as the Data API has it."""
    listen(Listener())
    asked = list[str]()
    told = _mirrored(ENDED, lambda found: asked.append(found) or StatementStatus.parse(BATCH))
    statement = ToldStatement(
        ("select :a", "select 2"), Warehouse("warehouse", "eu-west-1", "dev"), "s-1:2", seconds=1.5
    )
    assert (told, asked) == (Told("7", "sales", ("load",), ARN, statement), ["s-1:2"])


def test_a_mirror_of_a_skipped_task_tells_no_sql(listen: Callable[[Any], None]) -> None:
    """Nothing was run, nothing is asked for."""
    listen(Listener())
    told = _mirrored(Outcome("skipped", "locked", execution_arn=ARN), _unasked)
    assert told == Told("7", "sales", ("load",), ARN)


def test_where_nobody_listens_nothing_is_asked() -> None:
    """A mirror costs no call more than before."""
    assert _mirrored(ENDED, _unasked) == Told(tasks=("load",))


@pytest.mark.parametrize("answer", [None, StatementStatus("s-1", "FAILED")])
def test_no_task_fails_for_its_lineage(listen: Callable[[Any], None], answer: Any) -> None:
    """Without the right to look at the statement, or with an answer that nobody foresaw, less is told."""
    listen(Listener())
    told = _mirrored(ENDED, lambda _: answer)
    assert (told.execution_arn, told.statement.sqls) == (ARN, ())
    assert _mirrored(ENDED, _unasked).job_id == "7"


def test_the_start_tells_the_job() -> None:
    """Its names and its tasks; the mirrors tell the tables."""
    job = EltJob(job_id="7", name="sales")
    job.task("load", statement="select 1")
    told = StartExecutionOperator(task_id="start", job=job).lineage()
    assert told == Told("7", "sales", ("load",))


def test_an_operator_tells_its_sql_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each statement as it is sent; where it ran is told once it is submitted, or at once where the region is given."""
    given = {"sql": "insert into t select :a; select 2;", "parameters": {"a": "secret"}, "database": "dev"}
    operator = RedshiftSqlOperator(task_id="load", workgroup_name="etl", **given)
    sqls = ("insert into t select :a", "select 2")
    assert operator.lineage() == Told(statement=ToldStatement(sqls))
    monkeypatch.setattr(operator, "_submitted", "s-1")
    monkeypatch.setitem(vars(operator), "_statements", SimpleNamespace(region="eu-west-1"))
    where = Warehouse("etl", "eu-west-1", "dev")
    assert operator.lineage() == Told(statement=ToldStatement(sqls, where, "s-1"))
    regional = RedshiftSqlOperator(task_id="load", workgroup_name="etl", region_name="eu-west-1", **given)
    assert regional.lineage().statement.warehouse == where


def test_a_session_tells_where_it_runs_once_it_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator that goes on with a session knows neither cluster nor database; the Data API does."""
    session = "d70038a4-e4e3-4b6c-8b6b-1d0b8f0e7c52"
    operator = RedshiftSqlOperator(task_id="load", sql="select 1", session_id=session, region_name="eu-west-1")
    assert operator.lineage().statement.warehouse is None
    answer = {"Id": "s-1", "Status": "FINISHED", "WorkgroupName": "etl", "Database": "dev"}
    monkeypatch.setattr(operator, "_status", StatementStatus.parse(answer))
    assert operator.lineage().statement.warehouse == Warehouse("etl", "eu-west-1", "dev")
