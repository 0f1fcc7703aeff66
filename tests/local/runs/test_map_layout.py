"""The map layout, executed: a child execution for each task, with the same lock, joins, failures and redrives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.aws.executions import NotRedrivableError
from elt_redshift.job.model import EltJob, LockPolicy, SqlTask
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import soon, task

Deploy = Callable[[EltJob], DeployedJob]


def mapped(*tasks: SqlTask, **more: Any) -> EltJob:
    return EltJob(job_id="101", name="sample", layout="map", tasks=tasks, **more)


def test_scripts_parameters_and_the_role_reach_the_warehouse(deploy: Deploy, ledger: str) -> None:
    """A batch in one transaction, a batch that commits each statement, a single statement, with and without parameters;
    the role's placeholder is filled in."""
    note = f"insert into {ledger} values "
    deployed = deploy(
        mapped(
            task("batch", sql=(f"{note} ('batch ' || :year)", f"{note} (:kind)"), parameters=("year", "kind")),
            task("each", "batch", sql=(f"{note} ('each')", f"analyze {ledger}"), transaction=False),
            task("one", "batch", sql=(f"{note} (:year)",), parameters=("year",)),
            task("role", sql=(f"{note} ('${{RedshiftIAMRoleARN}}')",)),
            parameters={"year": "1998", "kind": "it's"},
        )
    )
    execution = deployed.run(year="1999")
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    role = "arn:aws:iam::123456789012:role/copy"
    assert deployed.ran(ledger) == Counter(["batch 1999", "it's", "each", "1999", role])
    assert {run.status for run in deployed.tasks(execution.arn).values()} == {"succeeded"}
    assert deployed.item.state == "Ready"


def failing(barrier: Barrier, ledger: str) -> EltJob:
    """`done` is done at once, `slow` waits at the barrier, `bad` needs a table that is not there, `last` needs all."""
    note = f"insert into {ledger} values ('%s')"
    return mapped(
        task("last", "done", "slow", "bad", sql=(note % "last",)),
        task("done", sql=(note % "done",)),
        task("slow", sql=(note % "slow", barrier.pass_)),
        task("bad", "done", sql=(f"insert into {ledger}_missing values (1)", note % "bad")),
    )


def test_a_failure_is_told_where_one_looks(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """The Map Run fails the execution; Redshift's message is in the audit item and in what the task has told."""
    deployed = deploy(failing(barrier, ledger))
    execution = deployed.run()
    assert (execution.status, execution.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    tasks = deployed.tasks(execution.arn)
    assert f'relation "{ledger}_missing" does not exist' in str(tasks["bad"].message)
    assert (tasks["bad"].status, tasks["done"].status, tasks["last"].status) == ("failed", "succeeded", "waiting")
    item = deployed.item
    assert (item.state, item.failed_task, item.failed_statement) == ("Failed", "bad", tasks["bad"].statement_id)
    assert item.failure_message == tasks["bad"].message


def test_a_failure_that_no_state_foresaw_is_told_too(deploy: Deploy, ledger: str) -> None:
    """A child that fails without leaving a word in its item is asked itself: its task failed, and why is in plain
    words."""
    deployed = deploy(
        mapped(task("good", sql=(f"insert into {ledger} values ('good')",)), task("bad", sql=("select 1/0",)))
    )
    steps, s3 = deployed.client("stepfunctions"), deployed.client("s3")
    described = steps.describe_state_machine(stateMachineArn=deployed.executions.state_machine_arn)
    where = json.loads(described["definition"])["States"]["run tasks"]["ItemReader"]["Arguments"]
    items = json.loads(s3.get_object(**where)["Body"].read())
    spoilt = [item | {"awaited": "none"} if item["name"] == "bad" else item for item in items]
    s3.put_object(**where, Body=json.dumps(spoilt))
    execution = deployed.run()
    assert (execution.status, execution.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    failed = deployed.tasks(execution.arn)["bad"]
    assert failed.status == "failed"
    assert str(failed.message).startswith("what the state machine was given is not what it expects")


@pytest.mark.parametrize("while_running", [True, False])
def test_a_redrive_runs_what_has_not_succeeded(
    deploy: Deploy, barrier: Barrier, ledger: str, while_running: bool
) -> None:
    """The failed task is submitted again, the running one picked up, the waiting one waits anew; nothing runs twice,
    and the lock holds the count of the parent's redrives."""
    deployed = deploy(failing(barrier, ledger))
    first = deployed.run()
    deployed.executions.redrive(first.arn, deployed.audit, "101")
    again = deployed.end(first.arn)
    assert (again.status, deployed.tasks(first.arn)["bad"].status) == ("FAILED", "failed")
    deployed.sql(f"create table {ledger}_missing (x int)")
    if not while_running:
        barrier.open()
    deployed.executions.redrive(first.arn, deployed.audit, "101")
    deployed.until(first.arn, lambda tasks: tasks["bad"].status == "succeeded")
    assert deployed.item.redrives == "2"
    barrier.open()
    ended = deployed.end(first.arn)
    assert (ended.status, ended.cause, ended.redrive_count) == ("SUCCEEDED", None, 2)
    assert deployed.ran(ledger) == Counter(done=1, slow=1, bad=1, last=1)
    assert deployed.submissions(first.arn) == Counter(done=1, slow=1, bad=3, last=1)
    assert (deployed.item.state, deployed.item.failed_task) == ("Ready", None)


def test_a_failure_before_a_redrive_does_not_show_as_one_behind_it(deploy: Deploy, gate: Barrier, ledger: str) -> None:
    """What a task has told of its failure counts until the redrive only."""
    deployed = deploy(mapped(task("a", sql=(gate.pass_, f"insert into {ledger}_missing values (1)"))))
    gate.open()
    first = deployed.run()
    assert deployed.tasks(first.arn)["a"].status == "failed"
    gate.close()
    deployed.executions.redrive(first.arn, deployed.audit, "101")
    assert deployed.tasks(first.arn)["a"].status == "running"
    gate.open()
    assert deployed.end(first.arn).status == "FAILED"
    assert deployed.tasks(first.arn)["a"].status == "failed"


def test_a_redrive_without_the_lock_submits_nothing(deploy: Deploy, ledger: str) -> None:
    """Redriven from the console while another run has the lock: the children stop before they submit anything."""
    deployed = deploy(mapped(task("a", sql=("select 1/0",)), task("b", "a")))
    first = deployed.run()
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Running"}, "Owner": {"S": "another"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    with pytest.raises(NotRedrivableError, match="is held by another"):
        deployed.executions.redrive(first.arn, deployed.audit, "101")
    deployed.client("stepfunctions").redrive_execution(executionArn=first.arn)
    assert deployed.end(first.arn).status == "FAILED"
    assert deployed.submissions(first.arn) == Counter(a=1)
    assert deployed.item.owner == "another"


@pytest.mark.parametrize(
    ("only", "message", "submitted"),
    [
        (task("a", sql=("select 1/0",), retries=soon(1)), "division by zero", 2),
        (task("a", sql=("select pg_sleep(60)",), timeout=timedelta(seconds=1)), "timeout of 1 s", 1),
    ],
    ids=["retry", "timeout"],
)
def test_retries_and_timeouts_are_the_tasks_own(deploy: Deploy, only: SqlTask, message: str, submitted: int) -> None:
    """A failed submission is repeated as often as the task says; a statement past its timeout is cancelled."""
    deployed = deploy(mapped(only))
    execution = deployed.run()
    assert message in str(deployed.tasks(execution.arn)["a"].message)
    assert deployed.submissions(execution.arn) == Counter(a=submitted)


def test_the_next_run_heals_a_stopped_one(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """StopExecution ends the children; the next run finds their statements by name, cancels them and takes over."""
    note = f"insert into {ledger} values ('%s')"
    deployed = deploy(
        mapped(
            task("a", sql=(note % "a", barrier.pass_)),
            task("b", "a", sql=("select 1",)),
            lock=LockPolicy(when_locked="wait"),
        )
    )
    first = deployed.start()
    deployed.until_submitted(first, "a")
    deployed.executions.stop(first, "test")
    second = deployed.start()
    deployed.until_submitted(second, "a")
    assert deployed.item.owner == second
    barrier.open()
    assert deployed.end(second).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(a=1)


def test_tasks_show_as_running_once_their_upstreams_are_done(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """Whoever knows the graph sees what runs, though tasks tell only of their ends."""
    note = f"insert into {ledger} values ('%s')"
    graph = {"a": (), "b": (), "c": ("a", "b"), "d": ("b",)}
    first = {"a": (barrier.pass_,)}
    deployed = deploy(
        mapped(*(task(name, *ups, sql=(*first.get(name, ()), note % name)) for name, ups in graph.items()))
    )
    arn = deployed.start()
    expected = {"a": "running", "b": "succeeded", "c": "waiting", "d": "succeeded"}
    deployed.until(arn, lambda runs: {name: run.status for name, run in runs.items()} == expected, graph)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"


def test_the_definition_does_not_grow_with_the_graph(deploy: Deploy) -> None:
    """Two jobs of different sizes have the same definition; the tasks are in S3."""
    small, large = (deploy(mapped(*(task(f"t{number}") for number in range(count)))) for count in (1, 25))
    machines = small.client("stepfunctions")
    sizes = [
        len(machines.describe_state_machine(stateMachineArn=one.deployed.state_machine_arn)["definition"])
        for one in (small, large)
    ]
    assert abs(sizes[0] - sizes[1]) < 100
