"""A run of a stack whose layout has changed since it began: what is told of its tasks is what they did."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

from elt_redshift.aws.errors import AwsError
from elt_redshift.job.model import EltJob, LockPolicy
from elt_redshift.job.parts import Layout
from tests import bounds
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]


def _made(barrier: Barrier, ledger: str, layout: Layout) -> EltJob:
    tasks = (
        task("a", sql=(f"insert into {ledger} values ('a')",)),
        task("b", "a", sql=(barrier.pass_,)),
        task("c", "b", sql=(f"insert into {ledger} values ('c')",)),
    )
    return job(*tasks, layout=layout, lock=LockPolicy(when_locked="wait"))


def test_a_run_of_the_map_layout_is_told_that_ends_when_its_stack_has_parts(
    deploy: Deploy, barrier: Barrier, ledger: str
) -> None:
    """The machine behind its end has kept no reports of its tasks: Step Functions and the tasks' items tell of them.
    When those are gone, too, what is kept does."""
    deployed = deploy(_made(barrier, ledger, "map"))
    arn = deployed.start()
    deployed.until_submitted(arn, "b")
    deployed.redeploy(_made(barrier, ledger, "parts"))
    barrier.open()
    ended = deployed.end(arn)
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    archive = deployed.account.archive(deployed.job, deployed.deployed)
    wait_for(lambda: archive.past.tasks("101", ended.name), "its end is followed", bounds.EXECUTION)
    told = {run.name: run for run in archive.tasks(arn).tasks}
    assert told == deployed.tasks(arn)
    assert {name: run.status for name, run in told.items()} == dict.fromkeys("abc", "succeeded")
    assert all(run.statement_id and run.seconds is not None for run in told.values())
    gone = AwsError("table t", "ResourceNotFoundException", "Requested resource not found")
    with patch.object(type(archive.executions), "look", side_effect=gone):
        assert archive.tasks(arn).kept
