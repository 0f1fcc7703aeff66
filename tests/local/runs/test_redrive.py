"""A redrive goes on where the run failed, and runs nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from elt_redshift.aws.executions import NotRedrivableError
from elt_redshift.job.model import EltJob, LockPolicy, Parameter
from elt_redshift.runs.causes import in_plain_words
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import job, task

P = Parameter(name="p", default="1")

Deploy = Callable[[EltJob], DeployedJob]


def _parallel_of_three(deploy: Deploy, barrier: Barrier, gate: Barrier, ledger: str) -> DeployedJob:
    """`finished` is done at once, `running` waits at the barrier, `failing` needs a table that is not there once the
    gate is open."""
    note = f"insert into {ledger} values ('%s')"
    return deploy(
        job(
            task("finished", sql=(note % "finished",)),
            task("running", sql=(note % "running", barrier.pass_)),
            task("failing", sql=(gate.pass_, f"insert into {ledger}_missing values (1)", note % "failing")),
            task("last", "finished", "running", "failing", sql=(note % "last",)),
        )
    )


@pytest.mark.parametrize("while_running", [True, False])
def test_only_the_failed_task_runs_anew(
    deploy: Deploy, barrier: Barrier, gate: Barrier, ledger: str, while_running: bool
) -> None:
    """The failed one is submitted again; the running one is not, whether it still runs or has ended; the finished one
    is not touched."""
    deployed = _parallel_of_three(deploy, barrier, gate, ledger)
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["finished"].status == "succeeded")
    deployed.until_submitted(arn, "running")
    gate.open()
    failed = deployed.end(arn)
    assert deployed.statuses(arn) == {
        "finished": "succeeded",
        "running": "aborted",
        "failing": "failed",
        "last": "waiting",
    }
    deployed.sql(f"create table {ledger}_missing (x int)")
    if not while_running:
        barrier.open()
    deployed.executions.redrive(arn, deployed.audit, "101")
    deployed.until(arn, lambda tasks: tasks["failing"].status == "succeeded")
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert Counter(row[0] for row in deployed.sql(f"select task from {ledger}")) == Counter(
        finished=1, running=1, failing=1, last=1
    )
    assert deployed.submissions(failed.arn) == Counter(finished=1, running=1, failing=2, last=1)
    assert (deployed.item.state, deployed.item.failed_task) == ("Ready", None)


def test_an_old_run_does_not_run_over_a_newer_one(deploy: Deploy, ledger: str) -> None:
    """Once a newer run has succeeded, a redrive of the failed one is refused; from the console it fails, and leaves the
    item as it is."""
    lock = LockPolicy(after_failure="release")
    deployed = deploy(job(task("a", sql=(f"insert into {ledger}_missing values (1)",)), lock=lock))
    old = deployed.run()
    deployed.sql(f"create table {ledger}_missing (x int)")
    assert deployed.run().status == "SUCCEEDED"
    before = deployed.item
    with pytest.raises(NotRedrivableError, match="another run has had the lock of job 101 since"):
        deployed.executions.redrive(old.arn, deployed.audit, "101")
    deployed.client("stepfunctions").redrive_execution(executionArn=old.arn)
    ended = deployed.end(old.arn)
    assert (ended.status, ended.redrive_count) == ("FAILED", 1)
    assert "the lock of the job is not this run's any more" in in_plain_words(ended.error, ended.cause)
    assert deployed.item == before
    assert deployed.sql(f"select count(*) from {ledger}_missing") == [[1]]


def test_a_redrive_that_fails_again_can_be_redriven_again(deploy: Deploy, ledger: str) -> None:
    """Each redrive submits the failed task once more; the third works."""
    deployed = deploy(job(task("a", sql=(f"insert into {ledger}_missing values (1)",))))
    execution = deployed.run()
    deployed.executions.redrive(execution.arn, deployed.audit, "101")
    assert deployed.end(execution.arn).status == "FAILED"
    assert deployed.item.state == "Failed"
    deployed.sql(f"create table {ledger}_missing (x int)")
    deployed.executions.redrive(execution.arn, deployed.audit, "101")
    ended = deployed.end(execution.arn)
    assert (ended.status, ended.redrive_count) == ("SUCCEEDED", 2)
    assert deployed.submissions(execution.arn) == Counter(a=3)


@pytest.mark.parametrize("how", [{"wait": "long_poll"}, {"wait": "poll"}, {"layout": "map"}], ids=str)
def test_a_stopped_run_goes_on(deploy: Deploy, barrier: Barrier, ledger: str, how: dict[str, Any]) -> None:
    """After StopExecution the statement goes on in the database; the redrive waits for it and submits nothing twice."""
    more = {"wait": how["wait"]} if "wait" in how else {}
    deployed = deploy(
        job(
            task("a", sql=(f"insert into {ledger} values ('a')", barrier.pass_), **more),
            task("b", "a", sql=("select 1",)),
            layout=how.get("layout", "auto"),
        )
    )
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    deployed.executions.stop(arn, "test")
    deployed.executions.redrive(arn, deployed.audit, "101")
    barrier.open()
    ended = deployed.end(arn)
    assert ended.status == "SUCCEEDED", ended.cause
    assert deployed.sql(f"select task from {ledger}") == [["a"]]
    assert deployed.submissions(ended.arn) == Counter(a=1, b=1)


def test_a_run_stopped_while_it_follows_a_statement_goes_on(
    deploy: Deploy, barrier: Barrier, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far it has followed the statement, the redriven run takes the lock first and submits nothing twice."""
    monkeypatch.setattr("elt_redshift.asl.patterns.waiting.LONG_POLL", 1)
    deployed = deploy(
        job(task("a", sql=(f"insert into {ledger} values ('a')", barrier.pass_)), task("b", "a", sql=("select 1",)))
    )
    arn = deployed.start()
    for state in ("a: finish", "a: describe"):
        deployed.until(arn, lambda _, state=state: state in deployed.states(arn))  # type: ignore[misc]
        deployed.executions.stop(arn, "test")
        deployed.executions.redrive(arn, deployed.audit, "101")
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.sql(f"select task from {ledger}") == [["a"]]
    assert deployed.calls_to_submit(arn, "a") == 1
    assert deployed.states(arn).count("a: reclaim") >= 1


def test_a_failure_that_was_being_recorded_when_the_run_failed_does_not_fail_its_redrive(
    deploy: Deploy, ledger: str
) -> None:
    """Of two tasks that fail at the same moment, one may fail the run while the other is about its record. The redrive
    enters that state again, when the first one has taken the lock already."""
    deployed = deploy(job(task("a", sql=(f"insert into {ledger} values ('a')",))))
    ended = deployed.end(deployed.start_at("a: record", redrives=-1, statement="s", cause="ERROR: no"))
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    assert deployed.ran(ledger) == Counter(a=1)
    assert deployed.item.state == "Ready"


def test_a_redrive_is_refused_while_another_run_has_the_lock(deploy: Deploy, barrier: Barrier) -> None:
    """The failed run would load beside the other one; the error names the holder."""
    deployed = deploy(job(task("a", sql=("select :p / 1", barrier.pass_), parameters=("p",)), parameters=(P,)))
    first = deployed.run(p="not a number")
    deployed.audit.unlock(deployed.item, by="tester", reason="test")
    second = deployed.start()
    deployed.until(second, lambda tasks: tasks["a"].status == "running")
    with pytest.raises(NotRedrivableError, match=f"the lock of job 101 is held by {second}"):
        deployed.executions.redrive(first.arn, deployed.audit, "101")


def test_a_redrive_past_the_check_fails_at_the_lock(deploy: Deploy, barrier: Barrier) -> None:
    """Redriven from the console while another run has the lock, the run stops before it submits anything anew."""
    deployed = deploy(job(task("a", sql=("select 1/0",)), task("b", "a", sql=(barrier.pass_,))))
    first = deployed.run()
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Running"}, "Owner": {"S": "another"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    deployed.client("stepfunctions").redrive_execution(executionArn=first.arn)
    again = deployed.end(first.arn)
    assert again.status == "FAILED"
    assert again.error == "DynamoDB.ConditionalCheckFailedException"
    assert deployed.submissions(first.arn) == Counter(a=1)
    assert deployed.item.owner == "another"


def test_a_run_stopped_in_the_call_that_submits_submits_nothing_without_the_lock(
    deploy: Deploy, barrier: Barrier
) -> None:
    """Entered again by a redrive, that call is not made before the lock is taken again."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    deployed.executions.stop(arn, "test")
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Running"}, "Owner": {"S": "another"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    deployed.client("stepfunctions").redrive_execution(executionArn=arn)
    again = deployed.end(arn)
    barrier.open()
    assert (again.status, again.error) == ("FAILED", "DynamoDB.ConditionalCheckFailedException")
    assert deployed.calls_to_submit(arn, "a") == 1


def test_a_healthy_run_is_not_redriven(deploy: Deploy) -> None:
    """The error says that there is nothing to redrive."""
    deployed = deploy(job(task("a", sql=("select 1",))))
    with pytest.raises(NotRedrivableError, match="it is SUCCEEDED"):
        deployed.executions.redrive(deployed.run().arn, deployed.audit, "101")
