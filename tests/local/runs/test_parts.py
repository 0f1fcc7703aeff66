"""Jobs that are cut into parts, each an execution of its own state machine."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from elt_redshift.asl import cutting
from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob, Wait
from elt_redshift.planning.estimates import simulate
from elt_redshift.planning.scenario import Scenario
from elt_redshift.protocol import parts
from elt_redshift.runs.history import TaskRuns
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import task

from .test_events import Events
from .test_resuming import resume
from .test_tasks import Deploy

#: No part of so many bytes has room for more than three tasks or so.
SMALL = 14_000


@pytest.fixture(autouse=True)
def _parts_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "AUTO_DEFINITION", SMALL)


def in_parts(*tasks: Any, **more: Any) -> EltJob:
    """A job of more than one part, where parts are small."""
    given: dict[str, Any] = {"job_id": "101", "name": "sample", "tasks": tasks, "layout": "parts", **more}
    made = EltJob(**given)
    assert len(compile_job(made).parts) > 1
    return made


def _woven(ledger: str, **more: Any) -> EltJob:
    """Tasks that wait for some in other parts."""
    into = {name: (f"insert into {ledger} values ('{name}')",) for name in "abcdef"}
    return in_parts(
        *(task(name, sql=into[name]) for name in "abc"),
        task("d", "a", "b", "c", sql=into["d"]),
        task("e", "b", sql=into["e"]),
        task("f", "c", "d", sql=into["f"]),
        **more,
    )


def _parts(deployed: DeployedJob, arn: str) -> dict[str, str]:
    """How the executions of a run's parts stand, by their states."""
    steps = deployed.client("stepfunctions")
    answer = steps.describe_state_machine_for_execution(executionArn=arn)
    found = parts.executions(json.loads(answer["definition"]), arn.rpartition(":")[2])
    return {name: steps.describe_execution(executionArn=one)["status"] for name, one in found.items()}


def test_every_task_runs_once_in_its_order(deploy: Deploy, ledger: str) -> None:
    """In parts that are executions named as their run."""
    made = _woven(ledger)
    deployed = deploy(made)
    execution = deployed.run()
    assert execution.status == "SUCCEEDED", execution.cause
    assert deployed.ran(ledger) == Counter("abcdef")
    statuses = _parts(deployed, execution.arn)
    assert len(statuses) == len(compile_job(made).parts)
    assert {*statuses.values()} == {"SUCCEEDED"}
    assert deployed.item.state == "Ready"


def test_the_transitions_are_those_that_were_foreseen(deploy: Deploy, ledger: str) -> None:
    """Of the run's own execution: the lock, and a state for each part."""
    made = _woven(ledger)
    deployed = deploy(made)
    execution = deployed.run()
    foreseen = simulate(compile_job(made), Scenario(dict.fromkeys("abcdef", 1.0)))
    assert len(deployed.states(execution.arn)) == foreseen.executions[0].transitions


def test_a_failure_fails_the_run_in_plain_words_and_a_redrive_goes_on(deploy: Deploy, ledger: str) -> None:
    """The failed part goes on where it failed, and so do those that were stopped with it; nothing runs twice."""
    table = f"{ledger}_later"
    deployed = deploy(
        in_parts(
            task("a", sql=(f"insert into {ledger} values ('a')",)),
            task("b", sql=(f"insert into {table} values ('b')",)),
            task("c", "a", "b", sql=(f"insert into {ledger} values ('c')",)),
            task("d", "a", sql=(f"insert into {ledger} values ('d')",)),
        )
    )
    execution = deployed.run()
    words = f'relation "{table}" does not exist'
    assert execution.status == "FAILED"
    assert words in (execution.cause or "")
    assert (deployed.item.state, deployed.item.failed_task) == ("Failed", "b")
    deployed.sql(f"create table {table} (task varchar(10))")
    deployed.executions.redrive(execution.arn, deployed.audit, "101")
    assert deployed.end(execution.arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter("acd")
    assert {*_parts(deployed, execution.arn).values()} == {"SUCCEEDED"}
    assert deployed.item.state == "Ready"


def _independent(ledger: str, slow: str, missing: str, wait: Wait = "long_poll", **more: Any) -> EltJob:
    """A task fails as long as a table is missing, in another part than some that do not need it."""
    note = f"insert into {ledger} values ('%s')"
    return in_parts(
        task("bad", sql=(f"insert into {missing} values ('bad')",), wait=wait),
        task("slow", sql=(slow, note % "slow"), wait=wait),
        task("behind", "bad", sql=(note % "behind",), wait=wait),
        task("both", "bad", "slow", sql=(note % "both",), wait=wait),
        task("free", "slow", sql=(note % "free",), wait=wait),
        on_task_failure="finish_independent",
        **more,
    )


#: What else such a job may have.
WITH: dict[str, dict[str, Any]] = {
    "nothing else": {},
    "events": {"wait": "event"},
    "a fence": {"fence": True},
    "an audit table in Redshift": {"audit_store": "redshift"},
}


@pytest.mark.parametrize("more", WITH.values(), ids=WITH)
def test_independent_tasks_end_first_in_whichever_part(
    deploy: Deploy, unique: str, barrier: Barrier, ledger: str, more: dict[str, Any]
) -> None:
    """The failed task shows at once, what does not need it ends, then the run fails with that failure; a stop while it
    is held back loses nothing, and a redrive runs only what has not ended."""
    table = f"{ledger}_later"
    deployed = deploy(_independent(ledger, barrier.pass_, table, job_id=unique, **more))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["bad"].status == "failed")
    deployed.until_submitted(arn, "slow")  # the call that submits it is answered after half a minute only
    assert deployed.item.state == "Running"
    deployed.executions.stop(arn, "Ann stopped it.")
    deployed.end(arn)
    deployed.executions.redrive(arn, deployed.audit, unique)
    barrier.open()
    failed = deployed.end(arn)
    assert failed.status == "FAILED"
    assert f'Task bad failed: ERROR: relation "{table}" does not exist' in (failed.cause or "")
    assert (deployed.item.state, deployed.item.failed_task) == ("Failed", "bad")
    waiting = dict.fromkeys(("behind", "both"), "waiting")
    assert deployed.statuses(arn) == {"bad": "failed", "slow": "succeeded", "free": "succeeded", **waiting}
    deployed.sql(f"create table {table} (task varchar(10))")
    deployed.executions.redrive(arn, deployed.audit, unique)
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(("slow", "behind", "both", "free"))
    assert {*_parts(deployed, arn).values()} == {"SUCCEEDED"}


@pytest.mark.parametrize("more", WITH.values(), ids=WITH)
def test_what_ended_beside_a_failure_is_kept_by_a_resumption(
    deploy: Deploy, unique: str, barrier: Barrier, ledger: str, more: dict[str, Any]
) -> None:
    """A mended job goes on with what had not ended, in all parts, and counts what is kept as settled."""
    barrier.open()
    deployed = deploy(_independent(ledger, barrier.pass_, f"{ledger}_missing", job_id=unique, **more))
    failed = deployed.run()
    assert failed.status == "FAILED"
    deployed.redeploy(_independent(ledger, barrier.pass_, ledger, job_id=unique, **more))
    ended, _ = resume(deployed, failed)
    assert ended.status == "SUCCEEDED", ended.cause
    assert deployed.ran(ledger) == Counter(("bad", "slow", "behind", "both", "free"))


def test_tasks_of_parts_wait_for_events_and_look_where_none_comes(
    deploy: Deploy, barrier: Barrier, ledger: str
) -> None:
    """A healthy task enters one state; where its event is lost, a follower finds its statement, and waits anew while
    that runs; nothing is submitted twice."""
    into = {name: f"insert into {ledger} values ('{name}')" for name in "abcd"}
    made = in_parts(*(task(name, sql=(barrier.pass_, into[name]), wait="event") for name in "abcd"))
    deployed = deploy(made)
    barrier.open()
    execution = deployed.run()
    assert execution.status == "SUCCEEDED", execution.cause
    arns = [run.part for run in deployed.executions.look(execution.arn, TaskRuns()).tasks]
    entered = [state for arn in {*arns} for state in deployed.states(arn or "")]
    assert Counter(state for state in entered if state[:1] in "abcd" and len(state) == 1) == Counter("abcd")
    assert not [state for state in entered if ": " in state and not state.startswith("together")]
    barrier.close()
    Events(deployed).lose()
    _hasten(deployed, execution.arn)
    arn = deployed.start()
    deployed.until(arn, lambda tasks: all(tasks[name].statement_id for name in "abcd"))
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter("abcd" * 2)
    assert deployed.submissions(arn) == Counter("abcd")


def _hasten(deployed: DeployedJob, arn: str) -> None:
    """Let tasks of parts wait for one second only, not five minutes, for their events."""
    steps = deployed.client("stepfunctions")
    answer = steps.describe_state_machine_for_execution(executionArn=arn)
    for machine in parts.machines(json.loads(answer["definition"])).values():
        definition = steps.describe_state_machine(stateMachineArn=machine)["definition"]
        hastened = re.sub(r'("TimeoutSeconds": ?)300\b', r"\g<1>1", definition)
        assert hastened != definition
        steps.update_state_machine(stateMachineArn=machine, definition=hastened)
