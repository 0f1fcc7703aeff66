"""Jobs in parts, as those see and end them who are not their state machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from elt_redshift.asl import cutting
from elt_redshift.aws.execution_status import Snapshot
from elt_redshift.aws.stopping import stop_and_settle
from elt_redshift.job.model import EltJob
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers.group import decider
from elt_redshift.triggers.outcome import outcome_of
from tests import bounds
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import task

from .test_parts import SMALL, _parts, in_parts
from .test_past_tasks import _past
from .test_resuming import resume
from .test_tasks import Deploy


@pytest.fixture(autouse=True)
def _parts_are_small() -> Iterator[None]:
    with patch.object(cutting, "AUTO_DEFINITION", SMALL):
        yield


def _halves(ledger: str, missing: str) -> EltJob:
    """One task fails as long as a table is missing."""
    into = {name: (f"insert into {ledger} values ('{name}')",) for name in "acde"}
    return in_parts(
        task("a", sql=into["a"]),
        task("b", "a", sql=(f"insert into {missing} values ('b')",)),
        task("c", sql=into["c"]),
        task("d", "c", sql=into["d"]),
        task("e", "b", "d", sql=into["e"]),
    )


def _look(deployed: DeployedJob, arn: str) -> Snapshot:
    return deployed.executions.look(arn, TaskRuns(deployed.job.task_names))


def test_a_run_is_read_as_one_and_kept_as_it_was(deploy: Deploy, ledger: str) -> None:
    """Tasks, statements, the failure in plain words and where it is, before and after a redrive, now and later."""
    missing = f"{ledger}_missing"
    deployed = deploy(_halves(ledger, missing))
    arn = deployed.run().arn
    failed = _past(deployed, arn)
    assert list(failed) == [*"abcde"]
    assert (failed["a"].status, failed["b"].status, failed["e"].status) == ("succeeded", "failed", "waiting")
    outcome = outcome_of("b", _look(deployed, arn))
    assert outcome
    assert (outcome.message or "").startswith(f'ERROR: relation "{missing}" does not exist')
    assert outcome.execution_arn in [run.part for run in failed.values()]
    assert outcome.execution_arn != arn
    deployed.sql(f"create table {missing} (task varchar(10))")
    deployed.executions.redrive(arn, deployed.audit, "101")
    deployed.end(arn)
    done = _past(deployed, arn, redrives=1)
    assert {run.status for run in done.values()} == {"succeeded"}
    assert len({run.part for run in done.values()}) > 1
    assert (done["a"], done["b"].attempt) == (failed["a"], 2)
    assert all(run.statement_id and run.seconds is not None for run in done.values())


def test_a_groups_mirror_shows_its_tasks_in_whichever_parts_they_are(deploy: Deploy, ledger: str) -> None:
    """It tells of each as it ends, fails with the words of the one that failed, and is green behind a redrive."""
    missing = f"{ledger}_missing"
    deployed = deploy(_halves(ledger, missing))
    arn = deployed.run().arn
    told: list[str] = []
    group = decider("all", [*"abcde"], told.append)
    outcome = group(_look(deployed, arn))
    assert outcome
    assert (outcome.status, outcome.task) == ("failed", "b")
    assert missing in (outcome.message or "")
    deployed.sql(f"create table {missing} (task varchar(10))")
    deployed.executions.redrive(arn, deployed.audit, "101")
    deployed.end(arn)
    outcome = group(_look(deployed, arn))
    assert outcome
    assert (outcome.status, outcome.told) == ("succeeded", "all 5 tasks of the group")
    assert {line.split()[1] for line in told if line.startswith("Task ")} == {*"abcde"}


def test_a_stopped_run_leaves_nothing_behind(deploy: Deploy, barrier: Barrier) -> None:
    """Its parts and statements end with it, its lock is free, and its history tells what had begun."""
    deployed = deploy(in_parts(*(task(name, sql=(barrier.pass_,)) for name in "abcd")))
    arn = deployed.start()
    for name in "abcd":
        deployed.until_submitted(arn, name)
    account = deployed.account
    assert stop_and_settle(deployed.executions, account.statements, deployed.audit, "101", arn, "Ann stopped it.")
    assert {*_parts(deployed, arn).values()} == {"ABORTED"}
    assert account.statements.still_open(f"101/{arn.rpartition(':')[2]}/") == []
    assert (deployed.item.state, deployed.item.free) == ("Failed", False)
    assert [run.status for run in _past(deployed, arn).values()] == ["aborted"] * 4


def test_parts_that_outlive_a_stopped_run_are_stopped_behind_it(deploy: Deploy, barrier: Barrier) -> None:
    """Where Step Functions does not stop a part with its run, what follows the end of runs does."""
    deployed = deploy(in_parts(*(task(name, sql=(barrier.pass_,)) for name in "abcd")))
    arn = deployed.start()
    # So that the part waits for its statement when it goes on: one that submits asks for the lock first, and ends.
    deployed.until(arn, lambda tasks: all(tasks[name].statement_id for name in "abcd"))
    steps = deployed.client("stepfunctions")
    deployed.executions.stop(arn, "Ann stopped it.")
    (left, *_) = [run.part for run in _look(deployed, arn).tasks]
    deployed.end(left or "")
    steps.redrive_execution(executionArn=left)  # as if it had never been stopped
    told = json.dumps({"executionArn": arn, "redriveCount": 0, "startDate": 0, "status": "ABORTED"})
    steps.start_execution(stateMachineArn=deployed.deployed.run_end_machine, input=told)
    wait_for(lambda: {*_parts(deployed, arn).values()} == {"ABORTED"}, "it is stopped", bounds.EXECUTION)


def test_a_mended_job_goes_on_where_its_parts_stopped(deploy: Deploy, ledger: str) -> None:
    """What was done in whichever part is kept by the next execution."""
    deployed = deploy(_halves(ledger, f"{ledger}_missing"))
    failed = deployed.run()
    done = deployed.ran(ledger)
    deployed.redeploy(_halves(ledger, ledger))
    ended, resumption = resume(deployed, failed)
    assert ended.status == "SUCCEEDED"
    assert "a" in resumption.kept
    assert deployed.ran(ledger) == Counter("abcde")
    kept = Counter(name for name, run in deployed.tasks(ended.arn).items() if run.kept_from == failed.arn)
    assert Counter(resumption.kept) <= kept <= done
