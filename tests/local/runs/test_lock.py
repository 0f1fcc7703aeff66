"""The audit lock: one run at a time, healed when its owner is dead."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.job.model import EltJob, LockPolicy
from elt_redshift.job.parts import AfterFailure, WhenHeld
from elt_redshift.protocol.owners import LEASE_TOLERANCE, Owner
from tests.cases import exhaustive
from tests.local.runs.conftest import WAREHOUSE, Barrier, DeployedJob
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]

ELSEWHERE = "arn:aws:states:eu-west-1:123456789012:execution:job:x"


def _held(deployed: DeployedJob) -> str:
    """Start a run whose task waits at the barrier."""
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["a"].status == "running")
    return arn


def test_an_item_as_the_article_writes_it_is_free(deploy: Deploy) -> None:
    """An item with JobID and JobState Ready is taken, and is Ready again afterwards, with start and end."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Ready"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    execution = deployed.run()
    after = deployed.item
    assert (after.state, after.owner, after.last_owner) == ("Ready", None, execution.arn)
    assert after.start is not None
    assert after.end is not None
    assert after.start <= after.end


def test_a_second_start_ends_untouched(deploy: Deploy, barrier: Barrier) -> None:
    """`when_locked: skip`: the second run succeeds, says why it did nothing, and changes nothing."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    first = _held(deployed)
    before = deployed.item
    second = deployed.run()
    assert second.status == "SUCCEEDED"
    assert second.skipped == f"Job 101 is Running, held by {first}."
    assert deployed.item == before
    assert deployed.tasks(second.arn)["a"].status == "waiting"
    barrier.open()
    assert deployed.end(first).status == "SUCCEEDED"
    assert deployed.item.state == "Ready"


def test_a_waiting_start_runs_afterwards(deploy: Deploy, barrier: Barrier) -> None:
    """`when_locked: wait`: the second run takes the lock once the first has released it."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,)), lock=LockPolicy(when_locked="wait")))
    first, second = _held(deployed), deployed.start()
    deployed.until(second, lambda tasks: "wait for lock" in deployed.states(second))
    assert deployed.tasks(second)["a"].status == "waiting"
    barrier.open()
    runs = [deployed.end(arn) for arn in (first, second)]
    assert [run.status for run in runs] == ["SUCCEEDED", "SUCCEEDED"]
    assert deployed.item.last_owner == second


def test_waiting_starts_run_in_the_order_in_which_they_came(deploy: Deploy, barrier: Barrier) -> None:
    """One of them is stopped while it waits: nobody waits for it, and its ticket is gone from the item."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,)), lock=LockPolicy(when_locked="wait")))
    first, waiting = _held(deployed), []
    for _ in range(3):
        waiting.append(deployed.start())
        deployed.until(waiting[-1], lambda _: "wait for lock" in deployed.states(waiting[-1]))
    assert len(deployed.item.raw["Waiting"]["SS"]) == 3
    deployed.executions.stop(waiting[0], "test")
    barrier.open()
    runs = [deployed.end(arn) for arn in (first, waiting[1], waiting[2])]
    assert [run.status for run in runs] == ["SUCCEEDED"] * 3
    assert sorted(runs, key=lambda run: str(run.stopped)) == runs
    assert "Waiting" not in deployed.item.raw
    assert "drop ticket" in deployed.states(waiting[1])


def test_a_refused_start_fails_and_can_be_redriven(deploy: Deploy, barrier: Barrier) -> None:
    """`when_locked: fail`: the second run fails, naming the holder; redriven afterwards, it runs."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,)), lock=LockPolicy(when_locked="fail")))
    first = _held(deployed)
    second = deployed.run()
    assert second.status == "FAILED"
    assert f"Job 101 is Running, held by {first}" in (second.cause or "")
    barrier.open()
    deployed.end(first)
    deployed.executions.redrive(second.arn, deployed.audit, "101")
    assert deployed.end(second.arn).status == "SUCCEEDED"


def test_a_stopped_owner_is_taken_over_and_its_statement_cancelled(deploy: Deploy, barrier: Barrier) -> None:
    """A run that was stopped blocks nobody: the next one cancels what it left in the database, and runs."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,), wait="poll")))
    first = _held(deployed)
    deployed.until(first, lambda tasks: tasks["a"].statement_id is not None)
    left = deployed.tasks(first)["a"].statement_id
    deployed.executions.stop(first, "test")
    second = deployed.start()
    deployed.until(second, lambda tasks: tasks["a"].status == "running")
    assert deployed.data.describe_statement(Id=left)["Status"] == "ABORTED"
    assert deployed.item.owner == second
    barrier.open()
    assert deployed.end(second).status == "SUCCEEDED"


def test_long_statements_are_taken_over_some_at_a_time(deploy: Deploy, barrier: Barrier) -> None:
    """A list of statements holds their texts, and a state handles 256 KiB."""
    long = f"{barrier.pass_} -- {'x' * 60_000}"
    deployed = deploy(job(*(task(name, sql=(long,), wait="poll") for name in "abcde")))
    first = deployed.start()
    for name in "abcde":
        deployed.until_submitted(first, name)
    deployed.executions.stop(first, "test")
    second = deployed.start()
    deployed.until(second, lambda tasks: tasks["a"].status == "running")
    assert {one["Status"] for one in deployed.statements(first)} == {"ABORTED"}
    barrier.open()
    assert deployed.end(second).status == "SUCCEEDED"


def _dead_dag_run(deployed: DeployedJob, lease: timedelta) -> str:
    """A DAG run that took the lock and submitted a statement; gives the statement's id."""
    owner = Owner.dag_run("sales", "manual__2026-01-01T00:00:00+00:00")
    deployed.audit.acquire("101", owner, lease)
    name = f"101/{Owner(owner).label}/load/1"
    return str(deployed.data.execute_statement(**WAREHOUSE, Sql="select pg_sleep(600)", StatementName=name)["Id"])


def test_a_dag_run_whose_lease_ran_out_is_taken_over_and_its_statement_cancelled(deploy: Deploy) -> None:
    """An execution takes the lock of a dead DAG run, after the statement that it left in the database has ended."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    left = _dead_dag_run(deployed, -timedelta(seconds=LEASE_TOLERANCE + 1))
    execution = deployed.run()
    assert deployed.tasks(execution.arn)["a"].status == "succeeded"
    assert deployed.data.describe_statement(Id=left)["Status"] == "ABORTED"
    assert (deployed.item.state, deployed.item.last_owner) == ("Ready", execution.arn)


def test_a_dag_run_with_a_lease_keeps_its_lock(deploy: Deploy) -> None:
    """Until a minute after a DAG run's lease has run out, for the sake of clocks, executions leave its lock and its
    statements alone."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    left = _dead_dag_run(deployed, timedelta(0))
    assert (deployed.run().skipped or "").startswith("Job 101 is Running, held by airflow:sales/")
    assert deployed.data.describe_statement(Id=left)["Status"] == "STARTED"
    deployed.data.cancel_statement(Id=left)


def test_an_unlocked_dag_run_is_taken_over(deploy: Deploy) -> None:
    """A dead DAG run that somebody unlocked leaves its statement to the next execution, which cancels it."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    left = _dead_dag_run(deployed, -timedelta(seconds=LEASE_TOLERANCE + 1))
    deployed.audit.unlock(deployed.item, by="tester", reason="the worker is gone")
    execution = deployed.run()
    assert deployed.tasks(execution.arn)["a"].status == "succeeded"
    assert deployed.data.describe_statement(Id=left)["Status"] == "ABORTED"


def test_only_one_takes_over(deploy: Deploy, barrier: Barrier) -> None:
    """Of many starts that find a dead owner, one runs and the others end untouched."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    first = _held(deployed)
    deployed.executions.stop(first, "test")
    with ThreadPoolExecutor(8) as pool:
        ends = as_completed([pool.submit(deployed.run) for _ in range(8)])
        others = [next(ends).result() for _ in range(7)]
        barrier.open()
        winner = next(ends).result()
    assert all(run.skipped for run in others)
    assert deployed.tasks(winner.arn)["a"].status == "succeeded"
    assert deployed.item.last_owner == winner.arn


def _failed(deploy: Deploy, ledger: str, policy: LockPolicy) -> tuple[DeployedJob, str]:
    """A job whose first run has failed, and that run; its next one would not."""
    deployed = deploy(job(task("a", sql=(f"insert into {ledger}_2 select 'x'",)), lock=policy))
    first = deployed.run()
    assert first.status == "FAILED"
    deployed.sql(f"create table {ledger}_2 (task varchar(10))")
    return deployed, first.arn


@pytest.mark.parametrize("when_held", [None, "fail", "skip"])
def test_a_run_that_meets_a_failure_says_which(deploy: Deploy, ledger: str, when_held: WhenHeld | None) -> None:
    """By default it fails, with task, message, time and the ways on as its cause; or it ends untouched, as told."""
    deployed, first = _failed(deploy, ledger, LockPolicy(when_held=when_held))
    before = deployed.item
    second = deployed.run()
    assert second.status == ("SUCCEEDED" if when_held == "skip" else "FAILED")
    message = str(before.failure_message)
    assert f'relation "{ledger}_2" does not exist' in message
    assert (
        f"Job 101 is held by a failed run: task a failed at {before.end}: {message} (run {first}). To go on where that "
        "run stopped, clear its failed tasks in Airflow, or `elt-redshift redrive sample`; to begin anew, "
        "`elt-redshift unlock sample --reason …`."
    ) in str(second.skipped or second.cause)
    assert deployed.item == before


def test_a_run_that_waits_for_a_failure_runs_once_it_is_mended(deploy: Deploy, ledger: str) -> None:
    """`when_held: wait`, the default beside `when_locked: wait`: it runs when the failed run was redriven."""
    deployed, first = _failed(deploy, ledger, LockPolicy(when_locked="wait"))
    second = deployed.start()
    deployed.until(second, lambda _: "wait for lock" in deployed.states(second))
    deployed.executions.redrive(first, deployed.audit, "101")
    assert [deployed.end(arn).status for arn in (first, second)] == ["SUCCEEDED", "SUCCEEDED"]
    assert deployed.item.last_owner == second


def test_a_run_that_fails_still_is_a_running_one(deploy: Deploy, barrier: Barrier) -> None:
    """A failed run that has not ended, or was redriven, counts as a running one: the next run is skipped."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    first = _held(deployed)
    deployed.audit.record_failure("101", first, task="b", statement="none", message="it failed")
    assert deployed.run().skipped == f"Job 101 is Running, held by {first}."
    deployed.executions.stop(first, "test")
    assert "task b failed at" in str(deployed.run().cause)


def test_an_item_that_failed_without_an_owner_fails_the_next_run(deploy: Deploy) -> None:
    """Another program's Failed item, with nothing but its state, is a failure too."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Failed"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    assert "task (unknown) failed at (unknown): (no message)" in str(deployed.run().cause)


@pytest.mark.parametrize("after_failure", ["hold", "release"])
def test_a_failed_run_holds_or_releases(deploy: Deploy, ledger: str, after_failure: AfterFailure) -> None:
    """hold: the next start fails until an unlock. release: the next start runs."""
    deployed, _ = _failed(deploy, ledger, LockPolicy(after_failure=after_failure))
    if after_failure == "hold":
        assert deployed.run().status == "FAILED"
        deployed.audit.unlock(deployed.item, by="tester", reason="mended")
    execution = deployed.run()
    assert deployed.tasks(execution.arn)["a"].status == "succeeded"
    assert (deployed.item.state, deployed.item.failed_task) == ("Ready", None)


def test_an_item_that_runs_without_an_owner_is_respected(deploy: Deploy) -> None:
    """Another program's Running item is left alone until somebody unlocks it, as the run says."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Running"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    assert deployed.run().skipped == (
        "Job 101 is Running, and its audit item names no owner: another program runs it, or has left it so. If nothing "
        "of it runs any more, free it: `elt-redshift unlock sample --reason …`."
    )
    deployed.audit.unlock(deployed.item, by="tester", reason="it is dead")
    assert deployed.run().skipped is None


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        ({"JobState": {"N": "1"}}, "JobState in its audit item is no text"),
        ({"JobState": {"S": "Running"}, "Owner": {"S": "bob"}}, "its Owner, bob, is neither an execution"),
        ({"JobState": {"S": "Running"}, "Owner": {"S": ELSEWHERE}}, "it is of another account or region"),
    ],
)
def test_an_edited_item_is_told_at_once_and_can_be_freed(deploy: Deploy, edited: dict[str, Any], said: str) -> None:
    """A run that cannot tell whose the lock is says so, and is neither skipped nor loops; unlocked, the job runs."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item={"JobID": {"S": "101"}, **edited})
    refused = deployed.run()
    assert refused.status == "FAILED"
    assert said in str(refused.cause)
    assert len(deployed.states(refused.arn)) <= 6
    deployed.audit.unlock(deployed.item, by="tester", reason="it is dead", known=ELSEWHERE not in str(edited))
    assert deployed.run().skipped is None
    raw = deployed.item.raw
    assert json.loads(raw["UnlockedFrom"]["S"]) == {"JobID": {"S": "101"}, **edited}
    assert deployed.item.state == "Ready"


def test_a_call_that_arrives_after_its_execution_was_stopped_is_waited_for(deploy: Deploy, barrier: Barrier) -> None:
    """What the owner submits at the last moment is cancelled before the next run begins."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    deployed.redeploy(deployed.job, grace=4)
    first = _held(deployed)
    deployed.executions.stop(first, "test")
    second = deployed.start()
    deployed.until(second, lambda _: "wait for late calls" in deployed.states(second))
    name = f"101/{Owner(first).label}/b/1"
    late = deployed.data.execute_statement(**WAREHOUSE, Sql=barrier.pass_, StatementName=name)["Id"]
    deployed.until(second, lambda tasks: tasks["a"].status == "running")
    assert deployed.data.describe_statement(Id=late)["Status"] == "ABORTED"
    barrier.open()
    assert deployed.end(second).status == "SUCCEEDED"
    assert deployed.item.fence == "2"


def test_an_older_item_of_a_dead_owner_is_taken_over(deploy: Deploy) -> None:
    """An item without a RedriveCount, as nothing of ours writes it, is healed all the same."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    dead = deployed.state_machine_execution("gone")
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Running"}, "Owner": {"S": dead}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    assert deployed.run().skipped is None
    assert deployed.item.state == "Ready"


def test_a_release_whose_response_was_lost_is_no_failure(deploy: Deploy, barrier: Barrier) -> None:
    """The release happened, its response was lost, and another run has the lock by now: the run still succeeded."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    arn = _held(deployed)
    deployed.audit.release("101", arn)
    deployed.audit.acquire("101", "another")
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.item.owner == "another"


def test_a_lock_that_was_taken_away_is_told(deploy: Deploy, barrier: Barrier) -> None:
    """A run whose lock went to somebody else fails at its end, and leaves that lock alone."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    arn = _held(deployed)
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Running"}, "Owner": {"S": "another"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    barrier.open()
    execution = deployed.end(arn)
    assert execution.status == "FAILED"
    assert "was taken away" in (execution.cause or "")
    assert deployed.item.owner == "another"


@pytest.mark.parametrize("starts", exhaustive([100, 10], quick=[10]))
def test_of_many_concurrent_starts_one_runs(deploy: Deploy, barrier: Barrier, ledger: str, starts: int) -> None:
    """Of starts at once exactly one does the work, the others end untouched, and the audit item is right afterwards."""
    deployed = deploy(job(task("a", sql=(f"insert into {ledger} values ('a')", barrier.pass_))))
    with ThreadPoolExecutor(20) as pool:
        arns = list(pool.map(lambda number: deployed.executions.start(f"start-{number}", {}), range(starts)))
        owner = deployed.item.owner
        others = list(pool.map(deployed.end, [arn for arn in arns if arn != owner]))
    assert [run.skipped for run in others] == [f"Job 101 is Running, held by {owner}."] * (starts - 1)
    assert owner is not None
    barrier.open()
    assert deployed.end(owner).status == "SUCCEEDED"
    assert deployed.sql(f"select task from {ledger}") == [["a"]]
    assert (deployed.item.state, deployed.item.owner, deployed.item.last_owner) == ("Ready", None, owner)
