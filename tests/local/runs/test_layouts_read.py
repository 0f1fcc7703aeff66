"""Runs of a stack whose layout has changed since they began: what is told of their tasks is what they did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import permutations
from typing import Any
from unittest.mock import patch

import pytest

from elt_redshift.asl import bounds as layout_bounds
from elt_redshift.aws.archive import Archive
from elt_redshift.aws.moving import MovingError
from elt_redshift.aws.stopping import stop_and_settle
from elt_redshift.job.model import EltJob, LockPolicy
from elt_redshift.job.parts import Layout, Parameter, SqlTask
from elt_redshift.runs.history import TaskRun, TaskRuns
from elt_redshift.triggers.group import decider
from elt_redshift.triggers.outcome import outcome_of
from tests import bounds
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

from .test_resuming import resume

Deploy = Callable[[EltJob], DeployedJob]

#: By name: the job's layout, and whether it counts as so large that its statements are followed.
LAYOUTS: dict[str, tuple[Layout, bool]] = {
    "unrolled": ("unrolled", False),
    "followed": ("unrolled", True),
    "parts": ("parts", False),
    "map": ("map", False),
}
CHANGES = [*permutations(LAYOUTS, 2)]
QUICK = [("map", "parts"), ("parts", "map")]
#: With these goes what a run calls, and what tells of it besides the history: they wait for its end.
TAKING = {change for change in CHANGES if change[0] == "parts"} | {
    ("map", "unrolled"),
    ("followed", "unrolled"),
    ("followed", "map"),
}


@contextmanager
def in_layout(name: str, *tasks: SqlTask, **more: Any) -> Iterator[EltJob]:
    """A job, as long as it is compiled so."""
    layout, followed = LAYOUTS[name]
    with patch.object(layout_bounds, "_LEAST_STATES", 10**9 if followed else layout_bounds._LEAST_STATES):
        yield job(*tasks, layout=layout, **more)


def _made(barrier: Barrier, ledger: str, layout: str) -> AbstractContextManager[EltJob]:
    tasks = (
        task("a", sql=(f"insert into {ledger} values ('a')",)),
        task("b", "a", sql=(barrier.pass_, "select 1 / :d"), parameters=("d",)),
        task("c", "b", sql=(f"insert into {ledger} values ('c')",)),
    )
    parameters = (Parameter(name="d", type="integer", default="1"),)
    return in_layout(layout, *tasks, lock=LockPolicy(when_locked="wait"), parameters=parameters)


def _told(archive: Archive, arn: str) -> dict[str, TaskRun]:
    return {run.name: run for run in archive.tasks(arn).tasks}


def _kept(archive: Archive, arn: str) -> None:
    """Wait until the tasks of a run are in the history."""
    name = arn.rpartition(":")[2]
    wait_for(lambda: archive.past.tasks("101", name), "its end is followed", bounds.EXECUTION)


def _check_mirrors(deployed: DeployedJob, arn: str) -> None:
    """Those of tasks and of groups show what became of them, though they come after the layout has changed."""
    seen = deployed.executions.look(arn, TaskRuns())
    shown = [outcome_of(name, seen) for name in "abc"]
    became = [outcome.status for outcome in shown if outcome]
    group = decider("all", "abc", lambda _: None)(seen)
    if seen.execution.succeeded:
        assert (became, group and group.status) == (["succeeded"] * 3, "succeeded")
    elif seen.execution.ended:
        assert (became, group and group.task) == (["succeeded", "failed", "aborted"], "b")
        assert "division by zero" in ((group and group.message) or "")


def _statuses(told: dict[str, TaskRun]) -> dict[str, str]:
    return {name: run.status for name, run in told.items()}


@pytest.mark.parametrize(("before", "after"), exhaustive(CHANGES, QUICK))
def test_what_a_run_did_is_told_under_another_layout(
    deploy: Deploy, barrier: Barrier, ledger: str, before: str, after: str
) -> None:
    """Of one that had succeeded, one that had failed, and one that was under way and then ended."""
    takes = (before, after) in TAKING
    barrier.open()
    with _made(barrier, ledger, before) as made:
        deployed = deploy(made)
    runs = [deployed.run().arn, deployed.run(d="0").arn]
    deployed.audit.unlock(deployed.item, by="test", reason="test")
    barrier.close()
    under_way = deployed.start()
    deployed.until_submitted(under_way, "b")
    if takes:
        with _made(barrier, ledger, after) as made, pytest.raises(MovingError, match="cannot lose"):
            deployed.redeploy(made)
        barrier.open()
        deployed.end(under_way)
        runs.append(under_way)
    was = {arn: deployed.tasks(arn) for arn in runs}
    archive = deployed.account.archive(deployed.job, deployed.deployed)
    for arn in was:
        _kept(archive, arn)
    with _made(barrier, ledger, after) as made:
        deployed.redeploy(made)
    archive = deployed.account.archive(deployed.job, deployed.deployed)
    for arn, tasks in was.items():
        assert _told(archive, arn) == tasks
        assert deployed.tasks(arn) == tasks
        _check_mirrors(deployed, arn)
    if not takes:
        assert _statuses(_told(archive, under_way)) == {"a": "succeeded", "b": "running", "c": "waiting"}
        barrier.open()
        deployed.end(under_way)
        _kept(archive, under_way)
        assert _told(archive, under_way) == deployed.tasks(under_way)
    told = _told(archive, under_way)
    assert _statuses(told) == dict.fromkeys("abc", "succeeded")
    assert all(run.statement_id and run.seconds is not None for run in told.values())


def test_a_success_is_told_where_nothing_tells_of_its_tasks(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """A run of the map layout ended when its stack had parts, whose machine behind the ends of runs has kept no reports
    of tasks; then the table is removed in which they had told how they ended."""
    with _made(barrier, ledger, "map") as made:
        deployed = deploy(made)
    arn = deployed.start()
    deployed.until_submitted(arn, "b")
    with _made(barrier, ledger, "parts") as made:
        deployed.redeploy(made)
    barrier.open()
    deployed.end(arn)
    archive = deployed.account.archive(deployed.job, deployed.deployed)
    _kept(archive, arn)
    with _made(barrier, ledger, "unrolled") as made:
        deployed.redeploy(made)
    assert _statuses(_told(archive, arn)) == dict.fromkeys("abc", "succeeded")


@pytest.mark.parametrize(
    ("before", "after"), exhaustive([("unrolled", "map"), ("followed", "parts"), ("map", "parts")])
)
def test_a_run_is_stopped_when_its_stack_has_another_layout(
    deploy: Deploy, barrier: Barrier, ledger: str, before: str, after: str
) -> None:
    """With its statements, and its lock goes with it; the next run is one of the new layout."""
    with _made(barrier, ledger, before) as made:
        deployed = deploy(made)
    arn = deployed.start()
    deployed.until_submitted(arn, "b")
    with _made(barrier, ledger, after) as made:
        deployed.redeploy(made)
    account = deployed.account
    assert stop_and_settle(deployed.executions, account.statements, deployed.audit, "101", arn, "Ann stopped it.")
    assert account.statements.still_open(f"101/{arn.rpartition(':')[2]}/") == []
    archive = account.archive(deployed.job, deployed.deployed)
    _kept(archive, arn)
    assert _statuses(_told(archive, arn)) == {"a": "succeeded", "b": "aborted", "c": "waiting"}
    barrier.open()
    assert deployed.run().status == "SUCCEEDED"


@pytest.mark.parametrize("before", exhaustive(["parts", "map"], ["map"]))
def test_a_statement_that_outlived_its_run_is_found_from_another_layout(
    deploy: Deploy, barrier: Barrier, ledger: str, before: str
) -> None:
    """It has finished by then, and is not run again; what was done is kept by what the history tells."""
    with _made(barrier, ledger, before) as made:
        deployed = deploy(made)
    arn = deployed.start()
    deployed.until_submitted(arn, "b")
    deployed.executions.stop(arn, "Ann stopped it.")
    _kept(deployed.account.archive(deployed.job, deployed.deployed), arn)
    barrier.open()
    wait_for(lambda: "b" not in deployed.at_work(arn), "its statement has ended", bounds.EXECUTION)
    with _made(barrier, ledger, "unrolled") as made:
        deployed.redeploy(made)
    ended, resumption = resume(deployed, deployed.end(arn))
    assert (resumption.kept, resumption.open, ended.status) == (("a",), ("b",), "SUCCEEDED")
    assert [*deployed.submissions(ended.arn)] == ["c"]


@pytest.mark.parametrize("before", exhaustive(["parts", "map"], ["parts"]))
def test_what_nothing_tells_of_is_not_made_up(deploy: Deploy, barrier: Barrier, ledger: str, before: str) -> None:
    """Where the history lacks a failed run, too, it is said that its tasks are not known."""
    barrier.open()
    with _made(barrier, ledger, before) as made:
        deployed = deploy(made)
    arn = deployed.run(d="0").arn
    deployed.kept(arn)
    with _made(barrier, ledger, "unrolled") as made:
        deployed.redeploy(made)
    with patch.object(deployed.executions, "_kept", lambda *_: None):
        outcome = outcome_of("a", deployed.executions.look(arn, TaskRuns()))
    assert outcome
    assert outcome.status == "aborted"
    assert "What became of task a is not known: what told of the tasks of execution" in (outcome.message or "")
