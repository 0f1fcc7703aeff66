"""What a task gives that its trigger ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift import airflow_compat
from elt_redshift.airflow_compat import DAG, BaseOperator, mapped_over
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator
from elt_redshift.triggers import base
from elt_redshift.triggers.execution import ExecutionTrigger

TI: Any = SimpleNamespace(dag_id="sales", run_id="r1", task_id="load", map_index=-1)
GIVEN = {"rows": 2, "statement_id": "s-1"}


def _pushed(ti: Any) -> dict[str, Any]:
    trigger = ExecutionTrigger("machine", None, "sales", "r1", "start_execution", 1.0)
    trigger.task_instance = ti
    return asyncio.run(trigger.pushed(GIVEN))


@pytest.mark.parametrize("version", ["3.3.1", "2.11.2"])
def test_xcoms_are_pushed_as_tasks_pull_them(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """On Airflow 3 the trigger pushes them itself: what its event carries, workers would get as JSON text."""
    told: dict[str, Any] = {}

    async def set_xcom(ti: Any, key: str, value: Any) -> None:
        told[key] = value

    monkeypatch.setattr(airflow_compat, "set_xcom", set_xcom)
    monkeypatch.setattr(airflow_compat, "__version__", version)
    assert _pushed(TI) == ({} if version == "3.3.1" else GIVEN)
    assert told == (GIVEN if version == "3.3.1" else {})


def test_without_a_task_instance_the_event_carries_them() -> None:
    """As in ``airflow dags test``."""
    assert _pushed(None) == GIVEN


def test_no_task_fails_for_its_xcoms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they cannot be pushed, they go with the event."""

    async def refuse(*_: Any) -> Any:
        raise ConnectionError("no API server")

    monkeypatch.setattr(base, "push_from_trigger", refuse)
    assert _pushed(TI) == GIVEN


def test_what_others_are_mapped_over_ends_on_a_worker() -> None:
    """Airflow counts the values there."""
    with DAG("sales", schedule=None):
        where = {"database": "dev", "workgroup_name": "etl"}
        load = RedshiftSqlOperator(task_id="load", sql="select 1", **where)
        assert not mapped_over(load)
        RedshiftSqlOperator.partial(task_id="each", sql="select :id", **where).expand(parameters=load.output)  # type: ignore[attr-defined]
    assert mapped_over(load)
    assert not mapped_over(BaseOperator(task_id="alone"))
