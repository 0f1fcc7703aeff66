"""A job with ``max_active_statements``, executed: the warehouse never sees more of its statements at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from elt_redshift.job.model import EltJob
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import job, soon, task

Deploy = Callable[[EltJob], DeployedJob]


def _most_at_once(deployed: DeployedJob, arn: str) -> int:
    """How many statements of the execution were active at the same moment, from submission to end."""
    moments: list[tuple[datetime, int]] = []
    for statement in deployed.statements(arn):
        moments += [(statement["CreatedAt"], 1), (statement["UpdatedAt"], -1)]
    active = [0]
    for _, change in sorted(moments):
        active.append(active[-1] + change)
    return max(active)


def test_never_more_than_two_at_once(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """Of eleven tasks that need nothing, two run while the others wait; not more after a retry and a redrive either."""
    note = f"insert into {ledger} values ('%s')"
    names = [f"t{number}" for number in range(10)]
    deployed = deploy(
        job(
            *(task(name, sql=(barrier.pass_, note % name)) for name in names),
            task("flaky", sql=(f"insert into {ledger}_missing values (1)",), retries=soon(1)),
            max_active_statements=2,
        )
    )
    arn = deployed.start()
    deployed.until(arn, lambda tasks: sum(run.status == "running" for run in tasks.values()) == 2)
    assert deployed.sql(f"select task from {ledger}") == []
    barrier.open()
    ended = deployed.end(arn)
    assert ended.status == "FAILED"
    assert _most_at_once(deployed, arn) == 2
    deployed.sql(f"create table {ledger}_missing (x int)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "SUCCEEDED"
    assert _most_at_once(deployed, arn) == 2
    assert sorted(row[0] for row in deployed.sql(f"select task from {ledger}")) == sorted(names)
