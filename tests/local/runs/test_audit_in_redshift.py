"""`audit_store: redshift`: the lock is a row in the warehouse, and runs go as with one in DynamoDB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob, LockPolicy, Schedule, SqlTask
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.runs.test_resuming import resume
from tests.local.waiting import wait_for
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


def test_a_stopped_run_is_settled_and_taken_over(deployed: DeployedJob, barrier: Barrier, ledger: str) -> None:
    """A run beside one at work is skipped. One that was stopped is settled and kept by the machine behind ends, and the
    next one cancels what it has left."""
    deployed.sql(f"create table {ledger}_later (task varchar(10))")
    first = deployed.start()
    deployed.until_submitted(first, "b")
    beside = deployed.run()
    assert (beside.status, deployed.states(beside.arn)[-1]) == ("SUCCEEDED", "skip run")
    deployed.executions.stop(first, "test")
    assert deployed.kept(first).outcome == "stopped"
    assert (deployed.item.state, deployed.item.owner, deployed.item.let_go) == ("Failed", first, True)
    second = deployed.start()
    deployed.until_submitted(second, "b")
    (left,) = deployed.statements(first, "b")
    assert left["Status"] == "ABORTED"
    barrier.open()
    assert deployed.end(second).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter("aabcd")
    assert deployed.item.state == "Ready"
    assert [deployed.kept(arn).outcome for arn in (beside.arn, second)] == ["skipped", "succeeded"]


@pytest.mark.exhaustive
def test_a_fix_is_gone_on_with(deployed: DeployedJob, barrier: Barrier, ledger: str) -> None:
    """A failed run holds the job; the next execution, of the mended job, is told what is done, and skips it."""
    barrier.open()
    failed = deployed.run()
    assert failed.status == "FAILED"
    met = deployed.run()
    assert (met.status, "held by a failed run" in (met.cause or "")) == ("FAILED", True)
    tasks = {one.name: one for one in deployed.job.tasks}
    mended = task("c", "a", "b", sql=(f"insert into {ledger} values ('mended')",), timeout=timedelta(minutes=1))
    deployed.redeploy(_job(deployed.job.job_id, *{**tasks, "c": mended}.values(), runtime=deployed.job.runtime))
    ended, _ = resume(deployed, failed)
    assert ended.status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter({"a": 1, "b": 1, "d": 1, "mended": 1})


@pytest.mark.exhaustive
def test_runs_wait_in_turn(deploy: Deploy, unique: str, ledger: str, barrier: Barrier) -> None:
    """The row says who waits; whoever came first has the lock next. Each run counts one acquisition."""
    note = f"insert into {ledger} values (:who)"
    only = task("a", sql=(barrier.pass_, note), parameters=("who",))
    wait = LockPolicy(when_locked="wait")
    deployed = deploy(_job(unique, only, parameters={"who": "1"}, lock=wait))
    first = deployed.start()
    deployed.until_submitted(first, "a")
    waiting = []
    for who in ("2", "3"):
        waiting.append(deployed.start(who=who))
        wait_for(lambda: [one.run for one in deployed.item.waiting] == waiting, "it waits", bounds.EXECUTION)
    barrier.open()
    assert [deployed.end(arn).status for arn in (first, *waiting)] == ["SUCCEEDED"] * 3
    assert [row[0] for row in deployed.sql(f"select task from {ledger}")] == ["1", "2", "3"]
    assert (deployed.item.state, deployed.item.waiting, deployed.item.fence) == ("Ready", (), "3")


@pytest.mark.exhaustive
def test_a_schedule_starts_runs(deploy: Deploy, unique: str, ledger: str) -> None:
    """The row is there before the first one, which a rate starts as soon as it is deployed."""
    only = task("a", sql=(f"insert into {ledger} values ('a')",))
    deployed = deploy(_job(unique, only, schedule=Schedule(rate="1 day")))
    deployed.until_ledger(ledger, Counter("a"))
    (run,) = deployed.executions.recent(10)
    assert deployed.end(run.arn).status == "SUCCEEDED"
    assert deployed.kept(run.arn).started_by == "schedule"
    deployed.client("cloudformation").delete_stack(StackName=deployed.stack)


@pytest.mark.exhaustive
def test_lost_answers_and_refused_calls_run_nothing_twice(
    deploy: Deploy, unique: str, ledger: str, local_aws: LocalAws
) -> None:
    """Neither of the statement that takes the lock, nor of the one that reads whether it has."""
    deployed = deploy(_job(unique, task("a", sql=(f"insert into {ledger} values ('a')",))))
    with Faults(local_aws) as faults:
        faults.lose_answer("redshift-data", "ExecuteStatement", containing="-audit/")
        faults.throttle("redshift-data", "ExecuteStatement", containing="-audit/")
        faults.throttle("redshift-data", "DescribeStatement")
        arn = deployed.start()
        assert deployed.end(arn).status == "SUCCEEDED"
        assert faults.met()[0] == 1
    assert deployed.submissions(arn) == Counter({"a": 1})
    assert (deployed.ran(ledger), deployed.item.state) == (Counter("a"), "Ready")


@pytest.mark.exhaustive
def test_a_missing_row_is_told_at_once(deploy: Deploy, unique: str) -> None:
    """With what makes it; nobody waits for it."""
    deployed = deploy(_job(unique, task("a", sql=("select 1",))))
    deployed.audit.remove(unique)
    failed = deployed.run()
    assert failed.status == "FAILED"
    assert f"elt-redshift audit create '{deployed.audit.table}' --job-id {unique}" in (failed.cause or "")
    deployed.audit.introduce(unique)
    assert deployed.run().status == "SUCCEEDED"


@pytest.mark.exhaustive
def test_a_fence_holds_with_it(deploy: Deploy, unique: str, ledger: str, barrier: Barrier) -> None:
    """The fence's table has the row's address for the lock's name; a take-over writes it."""
    only = task("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"))
    deployed = deploy(_job(unique, only, fence=True))
    first = deployed.start()
    deployed.until_submitted(first, "a")
    deployed.executions.stop(first, "test")
    deployed.kept(first)
    second = deployed.start()
    deployed.until_submitted(second, "a")
    barrier.open()
    assert deployed.end(second).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter("a")
    names = deployed.sql(f"select distinct audit_table from {deployed.job.fence_table}")
    assert names == [[deployed.audit.table]]


def test_the_lock_moves_while_nobody_has_it(deploy: Deploy, unique: str, ledger: str, barrier: Barrier) -> None:
    """From DynamoDB to Redshift and back, each time only when nothing runs and nothing is held; and nobody gets the old
    lock while it moves."""
    minute = timedelta(minutes=1)
    tasks = (task("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"), timeout=minute),)
    here, there, functions = (
        _job(unique, *tasks, audit_store=store, runtime=runtime)
        for store, runtime in (("dynamodb", "data_api"), ("redshift", "data_api"), ("dynamodb", "lambda"))
    )
    deployed = deploy(here)
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    for other, what in ((there, "audit_store"), (functions, "runtime")):
        with pytest.raises(EltError, match=rf"cannot change {what} while execution .* runs\. Wait .*elt-redshift stop"):
            deployed.redeploy(other)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    old = deployed.audit
    old.acquire(unique, "another")
    with pytest.raises(EltError, match=r"cannot change audit_store now\. .*another"):
        deployed.redeploy(there)
    old.release(unique, "another")
    assert deployed.account.audit(deployed.deployed.audit_table).table == old.table
    deployed.redeploy(there)
    deployed.audit = deployed.account.audit(deployed.deployed.audit_table)
    assert deployed.audit.table.startswith("redshift://")
    assert deployed.run().status == "SUCCEEDED"
    left = old.read(unique)
    assert left is not None
    assert (left.state, str(left.last_owner)[:11]) == ("Ready", "deployment:")
    deployed.redeploy(functions)
    deployed.audit = deployed.account.audit(deployed.deployed.audit_table)
    assert deployed.run().status == "SUCCEEDED"
    assert (deployed.item.state, deployed.ran(ledger)) == ("Ready", Counter("aaa"))
