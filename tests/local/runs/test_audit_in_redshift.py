"""`audit_store: redshift`: the lock is a row in the warehouse, and runs go as with one in DynamoDB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.job.model import EltJob, SqlTask
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import task

Deploy = Callable[[EltJob], DeployedJob]


def _tasks(barrier: Barrier, ledger: str) -> tuple[SqlTask, ...]:
    """Two tasks side by side, one of which waits at a barrier, and two behind, one of whose tables is not there."""
    note, minute = f"insert into {ledger} values ('%s')", timedelta(minutes=1)
    return (
        task("a", sql=(note % "a",), timeout=minute),
        task("b", sql=(barrier.pass_, note % "b"), timeout=minute),
        task("c", "a", "b", sql=(f"insert into {ledger}_later values ('c')", note % "c"), timeout=minute),
        task("d", "b", sql=(note % "d",), timeout=minute),
    )


def _job(unique: str, *tasks: SqlTask, **more: Any) -> EltJob:
    return EltJob(job_id=unique, name="sample", tasks=tasks, **{"audit_store": "redshift", **more})


@pytest.fixture(params=exhaustive(["data_api", "lambda"], quick=["data_api"]))
def deployed(
    deploy: Deploy, unique: str, ledger: str, barrier: Barrier, request: pytest.FixtureRequest
) -> Iterator[DeployedJob]:
    made = deploy(_job(unique, *_tasks(barrier, ledger), runtime=request.param))
    yield made
    made.client("cloudformation").delete_stack(StackName=made.stack)


def test_a_run_fails_is_redriven_and_succeeds(deployed: DeployedJob, barrier: Barrier, ledger: str) -> None:
    """The row tells what DynamoDB's item would, and no call goes there; nothing runs twice."""
    assert deployed.audit.table == "redshift://warehouse/dev/public.elt_audit?user=awsuser"
    assert deployed.item.state == "Ready"
    barrier.open()
    arn = deployed.start()
    failed = deployed.end(arn)
    assert failed.status == "FAILED"
    assert f'relation "{ledger}_later" does not exist' in (failed.cause or "")
    assert (deployed.item.state, deployed.item.failed_task, deployed.item.owner) == ("Failed", "c", arn)
    deployed.sql(f"create table {ledger}_later (task varchar(10))")
    deployed.executions.redrive(arn, deployed.audit, deployed.job.job_id)
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter("abcd")
    assert deployed.run().status == "SUCCEEDED"
    assert (deployed.item.state, deployed.ran(ledger)) == ("Ready", Counter("aabbccdd"))
