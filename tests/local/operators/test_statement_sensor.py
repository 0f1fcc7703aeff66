"""Waiting for statements that another task has submitted, over the embedded AWS."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.airflow_compat import DAG, AirflowFailException
from elt_redshift.aws.statements import Submission
from elt_redshift.operators.audit_lock import AuditLock
from elt_redshift.operators.lock_outcome import FAILURE
from elt_redshift.protocol.owners import Owner
from elt_redshift.sensors.redshift_statement import RedshiftStatementSensor
from elt_redshift.triggers import base
from tests.local.operators.standins import DATA_API, FakeTaskInstance, Hook
from tests.unit.airflow_names import TaskDeferred


@pytest.fixture(autouse=True)
def over_the_embedded_aws(hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)


def _submit(hook: Hook, *sqls: str) -> str:
    return hook.statements().submit(Submission(sqls, DATA_API, "sensed", uuid.uuid4().hex, {}))


def _sensor(statement_id: Any, **options: Any) -> RedshiftStatementSensor:
    return RedshiftStatementSensor(task_id="wait", statement_id=statement_id, poke_interval=0.05, **options)


def _execute(sensor: RedshiftStatementSensor, ti: FakeTaskInstance | None = None) -> Any:
    return sensor.execute({"ti": ti or FakeTaskInstance()})  # type: ignore[typeddict-item]


@pytest.mark.parametrize("deferrable", [True, False])
def test_what_has_ended_is_not_waited_for(hook: Hook, deferrable: bool) -> None:
    """All ids of a list count, those of a batch's statements too."""
    batch = _submit(hook, "select 1", "select 2")
    hook.statements().describe(batch, 30)
    _execute(_sensor([f"{batch}:1", f"{batch}:2"], deferrable=deferrable))


def test_it_waits_in_the_triggerer(hook: Hook) -> None:
    """The trigger fires when the statement has ended, and the sensor looks itself."""
    statement = _submit(hook, "select pg_sleep(1)")
    with pytest.raises(TaskDeferred) as deferred:
        _execute(_sensor(statement))
    assert asyncio.run(anext(deferred.value.trigger.run())).payload["ended"]
    ti, given = FakeTaskInstance(), deferred.value.kwargs or {}
    _sensor(statement).execute_complete({"ti": ti}, {}, **given)  # type: ignore[typeddict-item]


def test_it_waits_on_the_worker(hook: Hook) -> None:
    """In mode poke it looks until the statement has ended."""
    statement = _submit(hook, "select pg_sleep(1)")
    _execute(_sensor(statement, mode="poke"))
    assert hook.statements().describe(statement).status == "FINISHED"


def test_it_only_watches(hook: Hook) -> None:
    """Neither a kill nor the end of its time is the statement's end."""
    statement = _submit(hook, "select pg_sleep(60)")
    with pytest.raises(TaskDeferred) as deferred:
        _execute(_sensor(statement, timeout=0.2))
    trigger = deferred.value.trigger
    asyncio.run(trigger.on_kill())  # type: ignore[attr-defined]
    assert not asyncio.run(anext(trigger.run())).payload["ended"]
    assert not hook.statements().describe(statement).ended
    hook.statements().cancel(statement)


def test_a_failure_fails_with_redshifts_message(hook: Hook) -> None:
    """It is kept for the lock's teardown too."""
    statement, ti = _submit(hook, "select 1/0"), FakeTaskInstance()
    hook.statements().describe(statement, 30)
    told = rf"^Task wait failed: ERROR: division by zero.* \(statement {statement}\)\. Mend it"
    with pytest.raises(AirflowFailException, match=told):
        _execute(_sensor(statement), ti)
    assert ti.xcoms[FAILURE]["statement"] == statement


@pytest.mark.parametrize("given", [None, [], "", [None]])
def test_no_statement_is_told(given: Any) -> None:
    """An XCom that is not there is no statement."""
    with pytest.raises(AirflowFailException, match="statement_id is"):
        _execute(_sensor(given))


def test_it_keeps_the_lock(hook: Hook, table: str) -> None:
    """Inside an AuditLock each look renews the lease, and a lost lock fails the task."""
    owner = Owner.dag_run("sales", FakeTaskInstance.run_id)
    statement = _submit(hook, "select 1")
    hook.statements().describe(statement, 30)
    with DAG("sales"), AuditLock(job_id="1", table_name=table):
        sensor = _sensor(statement)
    store = hook.audit(table)
    store.acquire("1", owner, timedelta(seconds=1))
    before = store.read("1")
    _execute(sensor)
    after = store.read("1")
    assert before
    assert after
    assert str(after.lease) > str(before.lease)
    store.release("1", owner)
    store.acquire("1", "another", timedelta(hours=1))
    with pytest.raises(AirflowFailException, match="freed or taken over"):
        _execute(sensor)
