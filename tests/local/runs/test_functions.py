"""`runtime: lambda`: Lambda functions make the calls of the state machine, and runs go as without them."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.job.model import EltJob, LockPolicy, SqlTask
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.cloudformation.stacks import physical
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.runs.test_resuming import resume
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]

MINUTE = timedelta(minutes=1)


def _task(name: str, *upstream: str, **more: Any) -> SqlTask:
    return task(name, *upstream, **{"timeout": MINUTE, **more})


@pytest.fixture
def deployed(deploy: Deploy, ledger: str, barrier: Barrier) -> Iterator[DeployedJob]:
    """Two tasks side by side, one of which waits at a barrier, and one behind both, whose table is not there."""
    note = f"insert into {ledger} values ('%s')"
    made = deploy(
        job(
            _task("a", sql=(note % "a",)),
            _task("b", sql=(barrier.pass_, note % "b")),
            _task("c", "a", "b", sql=(f"insert into {ledger}_later values ('c')", note % "c")),
            _task("d", "b", sql=(note % "d",)),
            runtime="lambda",
        )
    )
    yield made
    made.client("cloudformation").delete_stack(StackName=made.stack)


def test_a_run_fails_is_redriven_and_succeeds(deployed: DeployedJob, barrier: Barrier, ledger: str) -> None:
    """The failure is Redshift's, recorded in the item; a redrive goes on there; nothing runs twice; a healthy run has
    the transitions of one without functions, and no call of its own to what they call."""
    barrier.open()
    arn = deployed.start()
    failed = deployed.end(arn)
    assert failed.status == "FAILED"
    assert f'relation "{ledger}_later" does not exist' in (failed.cause or "")
    assert (deployed.item.state, deployed.item.failed_task) == ("Failed", "c")
    assert "does not exist" in (deployed.item.failure_message or "")
    deployed.sql(f"create table {ledger}_later (task varchar(10))")
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter("abcd")
    assert {run.rows for run in deployed.tasks(arn).values()} == {1, 2}
    healthy = deployed.start()
    assert deployed.end(healthy).status == "SUCCEEDED"
    direct = {"acquire lock", "release lock", *"abcd", "a: finish", "b: finish", "c: finish", "d: finish"}
    passed = deployed.states(healthy)
    assert direct <= set(passed)
    assert not [state for state in passed if state.endswith((": status", ": describe", ": find"))]
    called = _resources(deployed, healthy)
    assert not [resource for resource in called if "redshiftdata" in resource]
    assert (deployed.item.state, deployed.ran(ledger)) == ("Ready", Counter("aabbccdd"))


def _resources(deployed: DeployedJob, arn: str) -> set[str]:
    """The services that an execution calls itself."""
    events = deployed.executions.new_events(arn, after=0)
    return {
        event["taskScheduledEventDetails"]["resourceType"] for event in events if "taskScheduledEventDetails" in event
    }


def test_a_stopped_run_is_taken_over(deployed: DeployedJob, barrier: Barrier, ledger: str) -> None:
    """The function of the dead run goes on waiting; the next run finds its statement, cancels it and takes the lock."""
    deployed.sql(f"create table {ledger}_later (task varchar(10))")
    first = deployed.start()
    deployed.until_submitted(first, "b")
    deployed.executions.stop(first, "test")
    second = deployed.start()
    deployed.until_submitted(second, "b")
    (left,) = deployed.statements(first, "b")
    assert left["Status"] == "ABORTED"
    barrier.open()
    assert deployed.end(second).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter("aabcd")
    assert deployed.item.state == "Ready"


@pytest.mark.exhaustive
def test_a_fix_is_gone_on_with(deployed: DeployedJob, barrier: Barrier, ledger: str) -> None:
    """The next execution, of the mended job, skips what is done."""
    barrier.open()
    failed = deployed.run()
    assert failed.status == "FAILED"
    tasks = {one.name: one for one in deployed.job.tasks}
    tasks["c"] = _task("c", "a", "b", sql=(f"insert into {ledger} values ('mended')",))
    deployed.redeploy(job(*tasks.values(), runtime="lambda"))
    ended, _ = resume(deployed, failed)
    assert ended.status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter({"a": 1, "b": 1, "d": 1, "mended": 1})


@pytest.mark.exhaustive
def test_a_statement_that_runs_too_long_is_cancelled(deploy: Deploy, barrier: Barrier) -> None:
    """The timeout counts from the submission, and the task fails with it."""
    deployed = deploy(job(_task("a", sql=(barrier.pass_,), timeout=timedelta(seconds=2)), runtime="lambda"))
    arn = deployed.start()
    failed = deployed.end(arn)
    assert "longer than the task's timeout of 2 s" in (failed.cause or "")
    (statement,) = deployed.statements(arn)
    assert statement["Status"] == "ABORTED"


@pytest.mark.exhaustive
def test_a_function_that_ends_is_invoked_again(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """Its process is killed while it waits: the next invocation finds the same statement, and waits for that."""
    note = f"insert into {ledger} values ('a')"
    deployed = deploy(job(_task("a", sql=(barrier.pass_, note)), runtime="lambda"))
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    _kill(physical(deployed.client("cloudformation"), deployed.stack, "SqlFunction"))
    wait_for(lambda: "Runtime.ExitError" in _errors(deployed, arn), "the end is told", bounds.EXECUTION)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.submissions(arn) == Counter({"a": 1})
    assert deployed.ran(ledger) == Counter("a")


def _kill(function: str) -> None:
    """The processes of a function."""
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"AWS_LAMBDA_FUNCTION_NAME={function}".encode() in environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)


def _errors(deployed: DeployedJob, arn: str) -> list[str]:
    """The errors of an execution's calls."""
    events = deployed.executions.new_events(arn, after=0)
    return [event["taskFailedEventDetails"]["error"] for event in events if "taskFailedEventDetails" in event]


@pytest.mark.exhaustive
def test_a_lost_answer_runs_nothing_twice(deploy: Deploy, ledger: str, local_aws: LocalAws) -> None:
    """Neither of a submission, nor of the write that takes the lock."""
    deployed = deploy(
        job(
            _task("a", sql=(f"insert into {ledger} values ('a')",)),
            runtime="lambda",
            lock=LockPolicy(when_locked="fail"),
        )
    )
    with Faults(local_aws) as faults:
        faults.lose_answer("dynamodb", "UpdateItem", containing=deployed.audit.table)
        faults.lose_answer("redshift-data", "ExecuteStatement", containing=deployed.stack)
        faults.throttle("redshift-data", "DescribeStatement")
        arn = deployed.start()
        assert deployed.end(arn).status == "SUCCEEDED"
        assert faults.met()[0] == 1
    assert deployed.submissions(arn) == Counter({"a": 1})
    assert deployed.ran(ledger) == Counter("a")
