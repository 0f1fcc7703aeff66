"""A task that has lost sight of its statement, or is refused its calls: nothing runs twice, every end is recorded."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.job.model import EltJob, LockPolicy, Wait
from elt_redshift.job.parts import SqlTask
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol.audit import Assumption
from elt_redshift.protocol.messages import REFUSED, UNSEEN
from tests.local.runs.conftest import WAREHOUSE, Barrier, DeployedJob
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]

NEARLY_FORGOTTEN = timedelta(hours=25).total_seconds()
CONFLICT = "ERROR: 1023\nDETAIL: Serializable isolation violation on table: 1"


def _noting(ledger: str, **more: Any) -> SqlTask:
    return task("a", sql=(f"insert into {ledger} values ('a')",), **more)


def _name() -> str:
    return f"midst-{uuid.uuid4().hex}"


def _old() -> int:
    """The time of a submission that the Data API has forgotten, in epoch milliseconds."""
    return int((time.time() - NEARLY_FORGOTTEN) * 1000)


def _submit_as(deployed: DeployedJob, name: str, sql: str) -> None:
    """Submit as an execution did whose ClientToken is forgotten."""
    answer = deployed.data.execute_statement(**WAREHOUSE, Sql=sql, StatementName=name, WaitTimeSeconds=30)
    assert answer["Status"] == "FINISHED"


@pytest.mark.parametrize("wait", ["long_poll", "poll"])
def test_a_statement_is_found_though_its_token_is_forgotten(deploy: Deploy, ledger: str, wait: str) -> None:
    """Stopped in the call that submits, and redriven when the ClientToken is not remembered any more: the statement
    that has committed meanwhile is found by its name."""
    deployed, name = deploy(job(_noting(ledger, wait=wait))), _name()
    _submit_as(deployed, f"101/{name}/a/1", f"insert into {ledger} values ('a')")
    ended = deployed.end(deployed.start_at("a", name=name, redrives=-1))
    assert ended.status == "SUCCEEDED", ended.cause
    assert deployed.ran(ledger) == Counter(a=1)


@pytest.mark.parametrize("wait", ["long_poll", "poll", "event"])
def test_a_late_redrive_runs_nothing_twice(
    deploy: Deploy, barrier: Barrier, ledger: str, local_aws: LocalAws, wait: Wait
) -> None:
    """A run is stopped in its first wait, the statement commits, and the Data API forgets the ClientToken before the
    run is redriven: one commit."""
    deployed = deploy(job(task("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"), wait=wait)))
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    deployed.executions.stop(arn, "test")
    barrier.open()
    deployed.until_ledger(ledger, Counter(a=1))
    with Faults(local_aws) as faults:
        faults.forget_token(f"/{arn.rpartition(':')[2]}/a/", times=99)
        deployed.executions.redrive(arn, deployed.audit, "101")
        assert deployed.end(arn).status == "SUCCEEDED"
    assert (deployed.ran(ledger), deployed.submissions(arn)) == (Counter(a=1), Counter(a=1))


def test_another_attempts_statement_is_not_taken_for_it(deploy: Deploy, ledger: str) -> None:
    """The name of the tenth attempt begins as that of the first."""
    deployed, name = deploy(job(_noting(ledger))), _name()
    _submit_as(deployed, f"101/{name}/a/10", "select 1")
    assert deployed.end(deployed.start_at("a", name=name, redrives=-1)).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(a=1)


@pytest.mark.parametrize(
    ("state", "given"),
    [
        ("a", {"since": _old()}),
        ("a: finish", {"Id": str(uuid.uuid4()), "Status": "STARTED"}),
        ("a: describe", {"Id": str(uuid.uuid4()), "Status": "STARTED"}),
    ],
    ids=["submission", "finish", "describe"],
)
@pytest.mark.parametrize(("assumed", "runs"), [("done", 0), ("not-done", 1)])
def test_an_unknowable_outcome_is_held_until_somebody_says(
    deploy: Deploy, ledger: str, state: str, given: dict[str, Any], assumed: Assumption, runs: int
) -> None:
    """The Data API forgets a statement after 24 hours, and a run can be redriven for 14 days. Whether the statement has
    run cannot be known then: the job is held, whatever its policy, and goes on as somebody says."""
    deployed, name = deploy(job(_noting(ledger), lock=LockPolicy(after_failure="release"))), _name()
    arn = deployed.start_at(state, name=name, redrives=-1, **given)
    failed = deployed.end(arn)
    assert f"{UNSEEN}it has forgotten statement 101/{name}/a/1. See" in (failed.cause or "")
    assert (deployed.item.state, deployed.item.after, deployed.item.failed_task) == ("Failed", "hold", "a")
    assert deployed.item.failed_statement == f"101/{name}/a/1"
    deployed.audit.assume(deployed.item, name, 1, {"a": assumed}, by="tester")
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger)["a"] == runs


def test_an_unknowable_outcome_stays_unknowable(deploy: Deploy, ledger: str) -> None:
    """A redrive that nobody has said anything for fails again, and what was said for an earlier one does not count."""
    deployed, name = deploy(job(_noting(ledger))), _name()
    arn = deployed.start_at("a", name=name, redrives=-1, since=_old())
    deployed.end(arn)
    deployed.audit.assume(deployed.item, name, 0, {"a": "done"}, by="tester")
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "FAILED"
    assert deployed.ran(ledger) == Counter()


@pytest.mark.parametrize("state", ["a: finish", "a: describe"])
def test_a_refused_look_is_recorded(deploy: Deploy, ledger: str, state: str) -> None:
    """Whatever error a call about the statement ends with, the run fails in its gate, with task, statement and the
    service's words."""
    deployed = deploy(job(_noting(ledger)))
    ended = deployed.end(deployed.start_at(state, Id="none of its ids", Status="STARTED"))
    assert f"Task a failed: {UNSEEN}" in (ended.cause or "")
    item = deployed.item
    assert (item.state, item.failed_task, item.failed_statement) == ("Failed", "a", "none of its ids")


def test_what_was_not_seen_is_followed_after_a_redrive(deploy: Deploy, ledger: str) -> None:
    """The statement went on: it is found, and not submitted again."""
    deployed, name = deploy(job(_noting(ledger))), _name()
    _submit_as(deployed, f"101/{name}/a/1", f"insert into {ledger} values ('a')")
    arn = deployed.start_at("a: describe", name=name, Id="none of its ids", Status="STARTED")
    assert deployed.end(arn).status == "FAILED"
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(a=1)


def test_a_wrapped_throttle_passes(deploy: Deploy, ledger: str) -> None:
    """A ValidationException whose text names a throttle is waited out, without counting as a failure."""
    deployed = deploy(job(_noting(ledger)))
    throttle = "RedshiftData.ValidationException An error occurred (ThrottlingException): Rate exceeded"
    arn = deployed.start_at("a: status", Status="REFUSED", refused=throttle)
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.states(arn)[1:5] == ["a: status", "a: retry", "a: status", "a: find"]
    assert deployed.ran(ledger) == Counter(a=1)


def test_a_lasting_refusal_is_recorded(deploy: Deploy, ledger: str) -> None:
    """Without what the SDK adds to the service's words."""
    deployed = deploy(job(_noting(ledger)))
    denied = "RedshiftData.RedshiftDataException You may not. (Service: RedshiftData, Status Code: 400, Request ID: 1)"
    ended = deployed.end(deployed.start_at("a: status", Status="REFUSED", refused=denied))
    assert ended.status == "FAILED"
    assert deployed.item.failure_message == f"{REFUSED}You may not."


@pytest.mark.parametrize(
    ("made", "repeated"),
    [
        ({"sql": ("select 1",)}, True),
        ({"sql": ("select 1", "select 2")}, True),
        ({"sql": ("select 1", "select 2"), "transaction": False}, False),
        ({"sql": ("call sp_that_may_commit()",)}, False),
        ({"sql": ("insert into t select 1", "truncate t", "select 1")}, False),
        ({"sql": ("truncate t", "select 1")}, True),
    ],
    ids=["statement", "transaction", "auto_commit", "procedure", "truncate", "truncate_first"],
)
def test_a_conflict_is_repeated_unasked_only_where_nothing_was_committed(
    deploy: Deploy, made: dict[str, Any], repeated: bool
) -> None:
    """A transaction that met another one was undone; of anything else a part may be there already."""
    deployed = deploy(job(task("a", **made)))
    arn = deployed.start_at("a: status", Status="FAILED", error=CONFLICT, statement="x", Id="x")
    deployed.until(arn, lambda _: {"a: retry", "a: record"} & {*deployed.states(arn)} != set())
    assert ("a: retry" in deployed.states(arn)) == repeated
    deployed.executions.stop(arn, "test") if not deployed.executions.describe(arn).ended else None
