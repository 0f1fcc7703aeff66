"""What the history keeps of tasks is what the execution's own history tells, in every layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from elt_redshift.asl.patterns import catching_up
from elt_redshift.job.model import EltJob
from elt_redshift.runs.history import TaskRun, TaskRuns
from tests import bounds
from tests.local.conftest import ClientFactory
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]


def _past(deployed: DeployedJob, arn: str, redrives: int = 0) -> dict[str, TaskRun]:
    """The tasks of a run by its history, once all of it is kept; they are those that Step Functions tells of."""
    archive = deployed.account.archive(deployed.job, deployed.deployed)
    found: list[TaskRun] = []

    def whole() -> bool:
        kept = [run for run in archive.past.runs("101") if (run.execution, run.redrives) == (arn, redrives)]
        run = archive.tasks(arn)
        found[:] = run.tasks if kept and run.kept else ()
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


def test_what_a_stopped_run_of_the_map_layout_had_begun_is_kept(deploy: Deploy, barrier: Barrier) -> None:
    """Its tasks told of their ends only: one whose upstreams were done had begun, as is told of a run under way."""
    deployed = deploy(job(task("a", sql=("select 1",)), task("b", "a", sql=(barrier.pass_,)), layout="map"))
    arn = deployed.start()
    deployed.until_submitted(arn, "b")
    deployed.executions.stop(arn, "Ann stopped it.")
    archive = deployed.account.archive(deployed.job, deployed.deployed)
    wait_for(lambda: archive.tasks(arn).kept, "the tasks are kept", bounds.EXECUTION)
    told = archive.tasks(arn).tasks
    assert [run.status for run in told] == ["succeeded", "aborted"]
    assert told == deployed.executions.look(arn, TaskRuns({"a": (), "b": ("a",)})).tasks


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
    known = past.tasks("101", run.name)
    assert known is not None
    assert [one.name for one in known.tasks] == [long, "b"]
    assert past.tasks("101", run.name, redrives=1) is None


def test_the_next_run_and_who_asks_catch_up(aws: ClientFactory) -> None:
    """Runs that nobody has followed are in the history once the next one has ended, or at once when somebody asks."""
    with patch.object(catching_up, "UNDER_WAY", 0):
        deployed = DeployedJob(job(task("a", sql=("select 1",))), aws)
    arns = [deployed.run().arn for _ in range(2)]
    table = {"TableName": deployed.deployed.history_table}
    dynamodb = deployed.client("dynamodb")

    def lose() -> None:
        for arn in arns:
            deployed.kept(arn)
        for item in dynamodb.scan(**table)["Items"]:
            dynamodb.delete_item(**table, Key={name: item[name] for name in ("RunsOf", "Entry")})

    lose()
    third = deployed.run().arn
    for arn in (third, *arns):
        assert deployed.kept(arn).outcome == "succeeded"
    lose()
    archive = deployed.account.archive(deployed.job, deployed.deployed)
    assert archive.catch_up(20) == 0
    assert [run.execution for run in archive.past.runs("101")] == [third, *reversed(arns)]
