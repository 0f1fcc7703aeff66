"""What the history keeps of tasks is what the execution's own history tells, in every layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from elt_redshift.job.model import EltJob
from elt_redshift.runs.history import TaskRun
from elt_redshift.runs.past import PastRun
from tests import bounds
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]


def _past(deployed: DeployedJob, arn: str, redrives: int = 0) -> dict[str, TaskRun]:
    """The tasks of a run by its history, once all of it is kept; they are those that Step Functions tells of."""
    past = deployed.account.past_runs(deployed.deployed.history_table)
    found: list[TaskRun] = []

    def whole() -> bool:
        for run in past.runs("101"):
            if run.execution == arn and run.redrives == redrives:
                found[:] = past.tasks("101", run, deployed.job.task_names) or ()
        return bool(found)

    wait_for(whole, "the tasks are kept", bounds.EXECUTION)
    live = deployed.tasks(arn)
    assert {run.name: run for run in found} == live
    return live


@pytest.mark.parametrize(
    "how",
    [
        {"layout": "unrolled"},
        {"layout": "map"},
        pytest.param({"wait": "event"}, marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_each_layout_keeps_the_same(deploy: Deploy, ledger: str, how: dict[str, Any]) -> None:
    """Times, statements, rows, the failure; and how it went on after a redrive. An event tells no rows of a batch."""
    rows = None if "wait" in how else 3
    missing = f"{ledger}_missing"
    inserts = (f"insert into {ledger} values ('a'), ('a')", f"insert into {ledger} values ('a')")
    waits = {"wait": how.get("wait", "long_poll")}
    tasks = (
        task("a", sql=inserts, **waits),
        task("b", "a", sql=(f"insert into {missing} values ('b')",), **waits),
        task("c", "b", **waits),
    )
    deployed = deploy(job(*tasks, layout=how.get("layout", "auto")))
    arn = deployed.run().arn
    failed = _past(deployed, arn)
    assert [(run.status, run.rows) for run in failed.values()] == [
        ("succeeded", rows),
        ("failed", None),
        ("waiting", None),
    ]
    assert (failed["b"].message or "").startswith("ERROR: ")
    deployed.sql(f"create table {missing} (task varchar(100))", "create table c (x int)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "SUCCEEDED"
    done = _past(deployed, arn, redrives=1)
    assert [run.rows for run in done.values()] == [rows, 1, 1]
    assert {run.status for run in done.values()} == {"succeeded"}
    assert done["a"] == failed["a"]
    assert [run.attempt for run in done.values()] == [1, 2, 1]
    assert all(run.statement_id and run.seconds is not None for run in done.values())
    deployed.sql("drop table c")


def test_a_stopped_run_s_tasks_are_kept(deploy: Deploy, barrier: Barrier) -> None:
    """As far as they had come; and those that a resumption keeps, with the run that has done them."""
    deployed = deploy(job(task("a", sql=("select 1",)), task("b", "a", sql=(barrier.pass_,))))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["b"].status == "running")
    deployed.executions.stop(arn, "Ann stopped it.")
    assert [run.status for run in _past(deployed, arn).values()] == ["succeeded", "aborted"]


@pytest.mark.exhaustive
def test_long_names_and_many_pages(deploy: Deploy, ledger: str) -> None:
    """A task whose states have a shorter name is told by its own; SQL that makes small pages makes many."""
    long = "a" * 100
    padding = f"/* {'x' * 30_000} */ insert into {ledger} values ('a')"
    deployed = deploy(job(task(long, sql=(padding,)), task("b", long, sql=(padding,))))
    arn = deployed.run().arn
    assert [run.status for run in _past(deployed, arn).values()] == ["succeeded", "succeeded"]
    past = deployed.account.past_runs(deployed.deployed.history_table)
    (run,) = past.runs("101")
    known = past.tasks("101", run)
    assert known is not None
    assert [one.name for one in known] == [long, "b"]
    assert replace(run, redrives=1) != run
    assert past.tasks("101", PastRun(**{**vars(run), "redrives": 1})) is None
