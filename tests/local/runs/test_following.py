"""Tasks whose statements are followed by executions of their own, as in large jobs that are unrolled."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Literal

import pytest

from elt_redshift.asl import bounds
from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.template import following
from elt_redshift.job.model import EltJob, LockPolicy
from elt_redshift.planning.estimates import simulate
from elt_redshift.planning.scenario import Scenario
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import job, soon, task

from .test_tasks import Deploy


@pytest.fixture(autouse=True)
def _all_jobs_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """One task counts as too many for states of its own."""
    monkeypatch.setattr(bounds, "_LEAST_STATES", 10**9)


_WAITS: tuple[Literal["never", "always"], ...] = ("never", "always")


def _unrolled(*tasks: Any, **more: Any) -> EltJob:
    return job(*tasks, layout="unrolled", **more)


def _followers(deployed: DeployedJob) -> list[str]:
    """How the executions stand that have followed statements."""
    stack = deployed.client("cloudformation").describe_stack_resources(StackName=deployed.stack)
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in stack["StackResources"]}
    steps = deployed.client("stepfunctions")
    return [one["status"] for one in steps.list_executions(stateMachineArn=ids[following.MACHINE])["executions"]]


def test_a_healthy_short_task_needs_no_follower(deploy: Deploy) -> None:
    """It costs two transitions as ever."""
    made = _unrolled(task("a", sql=("select 1",)), task("b", "a", sql=("select 2",)))
    deployed = deploy(made)
    execution = deployed.run()
    assert execution.status == "SUCCEEDED"
    assert deployed.states(execution.arn) == ["acquire lock", "a", "a: finish", "b", "b: finish", "release lock"]
    assert _followers(deployed) == []
    foreseen = simulate(compile_job(made), Scenario({"a": 1.0, "b": 1.0}, joins="never"))
    assert foreseen.transitions == len(deployed.states(execution.arn))


def test_short_tasks_share_what_they_have_in_common(deploy: Deploy, ledger: str) -> None:
    """One transition each, and what joins cost. Requests are made of variables, in branches and Maps too."""
    slow = "select pg_sleep(1.5)"

    def noting(name: str, *upstream: str, first: str = "select 1") -> Any:
        texts = (first, f"insert into {ledger} values ('{name}')")
        return task(name, *upstream, sql=texts, expected=timedelta(seconds=1))

    ups = {"a": "", "b": "", "c": "", "d": "ab", "e": "bc", "f": "ac", "g": "bde", "h": "f"}
    made = _unrolled(*(noting(name, *of) for name, of in ups.items() if name != "c"), noting("c", first=slow))
    deployed = deploy(made)
    execution = deployed.run()
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert deployed.statuses(execution.arn) == dict.fromkeys(ups, "succeeded")
    assert deployed.ran(ledger) == Counter(ups.keys())
    assert "a: finish" not in deployed.states(execution.arn)
    assert "batchExecuteStatement0" in compile_job(made).definition()["States"]["acquire lock"]["Assign"]
    never, always = (simulate(compile_job(made), Scenario(dict.fromkeys(ups, 1.0), joins=one)) for one in _WAITS)
    assert never.transitions <= len(deployed.states(execution.arn)) <= always.transitions


@pytest.mark.exhaustive
def test_a_short_task_that_takes_long_is_followed_by_its_name(
    deploy: Deploy, barrier: Barrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its submission tells no id where the statement is not over within it."""
    monkeypatch.setattr("elt_redshift.asl.patterns.waiting.LONG_POLL", 1)
    brief = timedelta(seconds=1)
    deployed = deploy(_unrolled(task("a", sql=(barrier.pass_,), expected=brief), task("b", "a", expected=brief)))
    arn = deployed.start()
    deployed.until(arn, lambda _: "a: follow" in deployed.states(arn))
    barrier.open()
    assert deployed.end(arn).status == "FAILED"  # b's table is not there
    run = deployed.tasks(arn)
    assert (run["a"].status, run["b"].status) == ("succeeded", "failed")
    assert [state for state in deployed.states(arn) if state.startswith("a")][1:] == ["a", "a: status", "a: follow"]
    assert [one["Id"] for one in deployed.statements(arn, "a")] == [run["a"].statement_id]


@pytest.mark.exhaustive
def test_a_long_statement_is_followed_to_its_end(
    deploy: Deploy, barrier: Barrier, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one follower, while the run's history stays as it is."""
    monkeypatch.setattr("elt_redshift.asl.patterns.waiting.LONG_POLL", 1)
    then = task("b", "a", sql=(f"insert into {ledger} values ('b')",))
    deployed = deploy(_unrolled(task("a", sql=(barrier.pass_,)), then))
    arn = deployed.start()
    deployed.until(arn, lambda _: "a: follow" in deployed.states(arn))
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.statuses(arn) == {"a": "succeeded", "b": "succeeded"}
    assert [state for state in deployed.states(arn) if state.startswith("a")][1:] == ["a", "a: finish", "a: follow"]
    assert _followers(deployed) == ["SUCCEEDED"]


def test_a_failure_is_told_in_plain_words_and_a_redrive_goes_on(deploy: Deploy, ledger: str) -> None:
    """By the item, the task and the execution's cause; what failed is submitted anew, as its next attempt."""
    table = f"{ledger}_later"
    deployed = deploy(_unrolled(task("a", sql=(f"insert into {table} values ('a')",), retries=soon(1))))
    execution = deployed.run()
    run, item = deployed.tasks(execution.arn)["a"], deployed.item
    words = f'relation "{table}" does not exist'
    assert execution.status == "FAILED"
    assert words in (execution.cause or "")
    assert (run.status, run.attempt, item.state, item.failed_task) == ("failed", 2, "Failed", "a")
    assert item.failed_statement == run.statement_id
    assert words in (run.message or "")
    deployed.sql(f"create table {table} (task varchar(10))")
    deployed.executions.redrive(execution.arn, deployed.audit, "101")
    assert deployed.end(execution.arn).status == "SUCCEEDED"
    assert (deployed.tasks(execution.arn)["a"].attempt, deployed.item.state) == (3, "Ready")


@pytest.mark.exhaustive
def test_a_statement_past_its_timeout_is_cancelled(deploy: Deploy) -> None:
    """The follower does that too."""
    deployed = deploy(_unrolled(task("a", sql=("select pg_sleep(60)",), timeout=timedelta(seconds=1))))
    execution = deployed.run()
    assert "longer than the task's timeout of 1 s" in (execution.cause or "")
    assert [one["Status"] for one in deployed.statements(execution.arn)] == ["ABORTED"]


@pytest.mark.exhaustive
def test_a_redrive_of_a_stopped_run_finds_its_statement(
    deploy: Deploy, barrier: Barrier, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The follower of the stopped run goes on and is not listened to; the next one takes the lock and follows."""
    monkeypatch.setattr("elt_redshift.asl.patterns.waiting.LONG_POLL", 1)
    deployed = deploy(_unrolled(task("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"))))
    arn = deployed.start()
    deployed.until(arn, lambda _: "a: follow" in deployed.states(arn))
    deployed.client("stepfunctions").stop_execution(executionArn=arn)
    deployed.end(arn)
    deployed.executions.redrive(arn, deployed.audit, "101")
    deployed.until(arn, lambda _: len(_followers(deployed)) == 2)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(a=1)
    assert (deployed.item.state, len(deployed.statements(arn))) == ("Ready", 1)


def _end_under_another_layout(
    deployed: DeployedJob, barrier: Barrier, then: EltJob, reached: str = "acquire lock"
) -> tuple[list[str], list[str]]:
    """The states of a run that is under way when the stack gets another layout, and those of the next one.

    :param reached: the state that the run comes to while the task's statement runs.
    """
    under_way = deployed.start()
    deployed.until_submitted(under_way, "a")
    deployed.redeploy(then)
    deployed.until(under_way, lambda _: reached in deployed.states(under_way))
    barrier.open()
    after = deployed.start()
    for arn in (under_way, after):
        assert deployed.end(arn).status == "SUCCEEDED"
        assert deployed.statuses(arn) == {"a": "succeeded", "b": "succeeded"}
    return deployed.states(under_way), deployed.states(after)


def test_a_run_of_the_map_layout_ends_well_when_its_stack_is_unrolled(
    deploy: Deploy, barrier: Barrier, ledger: str
) -> None:
    """Its table of joins is there to its end, though the next run needs none."""
    tasks = (task("a", sql=(barrier.pass_,)), task("b", "a", sql=(f"insert into {ledger} values ('b')",)))
    waiting = LockPolicy(when_locked="wait")
    deployed = deploy(job(*tasks, layout="map", lock=waiting))
    before, after = _end_under_another_layout(deployed, barrier, job(*tasks, lock=waiting))
    assert ("b: finish" in before, "b: finish" in after) == (False, True)
    assert deployed.ran(ledger) == Counter(b=2)


def test_a_run_that_is_followed_ends_well_when_its_stack_gets_the_map_layout(
    deploy: Deploy, barrier: Barrier, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its follower is there, though the job has grown too large for it."""
    monkeypatch.setattr("elt_redshift.asl.patterns.waiting.LONG_POLL", 1)
    tasks = (task("a", sql=(barrier.pass_,)), task("b", "a", sql=(f"insert into {ledger} values ('b')",)))
    made = job(*tasks, lock=LockPolicy(when_locked="wait"))
    deployed = deploy(made)
    monkeypatch.setattr(bounds, "_LEAST_FOLLOWED", 10**9)
    before, after = _end_under_another_layout(deployed, barrier, made, reached="a: follow")
    assert ("a: follow" in before, "b: finish" in after) == (True, False)
    assert deployed.ran(ledger) == Counter(b=2)
