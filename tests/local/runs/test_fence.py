"""The fence: Redshift itself refuses what a run sends that has lost the lock, however late it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from elt_redshift.job.model import EltJob
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol import fence
from elt_redshift.protocol.messages import FENCED
from tests.cases import exhaustive
from tests.local.runs.conftest import WAREHOUSE, Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, soon, task

Deploy = Callable[[EltJob], DeployedJob]

TABLE = "public.elt_fence_101"


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    with Faults(local_aws) as faults:
        yield faults


def _claims(deployed: DeployedJob) -> list[str]:
    """What stands in the fence of a job, the oldest first."""
    rows = deployed.sql(f"select claim from {TABLE} where audit_table = '{deployed.audit.table}' order by 1")
    return [str(row[0]).partition(" ")[2] for row in rows]


def test_only_the_first_run_pays_for_the_fence(deploy: Deploy, ledger: str) -> None:
    """It makes the table, writes that nobody has anything under way, and says so in the item; the next one has the same
    transitions as without a fence, in the map layout too."""
    insert = f"insert into {ledger} values ('a')"
    deployed = deploy(job(task("a", sql=(insert,)), fence=True))
    first, second = deployed.run(), deployed.run()
    assert (first.status, second.status) == ("SUCCEEDED", "SUCCEEDED")
    assert "set fence" in deployed.states(first.arn)
    assert deployed.states(second.arn)[:4] == ["acquire lock", "a", "a: finish", "release lock"]
    assert _claims(deployed) == ["000000000000000 99999"]
    deployed.redeploy(job(task("a", sql=(insert,)), fence=True, layout="map"))
    assert deployed.run().status == "SUCCEEDED"
    assert deployed.ran(ledger) == {"a": 3}
    assert deployed.item.fence == "3"


def test_a_call_that_arrives_behind_a_take_over_commits_nothing(
    deploy: Deploy, ledger: str, faults: Faults, local_aws: LocalAws
) -> None:
    """A stopped run's submission is held up until another run has taken over and ended, without any time of grace: it
    fails, and changes nothing."""
    deployed = deploy(job(task("a", sql=(f"insert into {ledger} values ('a')",)), fence=True))
    assert deployed.run().status == "SUCCEEDED"
    faults.delay("redshift-data", "BatchExecuteStatement", seconds=6, containing="/a/1")
    first = deployed.start()
    deployed.until(first, lambda _: "a" in deployed.states(first))
    wait_for(lambda: faults.met() == [1], "the call is under way", 30)
    deployed.executions.stop(first, "test")
    second = deployed.run()
    assert second.status == "SUCCEEDED"
    assert not deployed.statements(first)
    wait_for(lambda: deployed.statements(first, status="FAILED"), "the late call has arrived and failed", 30)
    assert deployed.ran(ledger) == {"a": 2}
    assert deployed.item.last_owner == second.arn
    assert _claims(deployed)[-1] == "000000000000002 00000"


def _late(deployed: DeployedJob, owner: str, sql: str, claim: str) -> str:
    """Submit as a run with this claim does; gives the statement's id."""
    era = deployed.item.raw["FenceEra"]["S"]
    answer = deployed.data.batch_execute_statement(
        **WAREHOUSE,
        Sqls=[fence.check(TABLE), sql],
        StatementName=f"101/{owner.rpartition(':')[2]}/a/9",
        Parameters=[
            {"name": fence.LOCK, "value": deployed.audit.table},
            {"name": fence.CLAIM, "value": f"{era} {claim}"},
        ],
    )
    return str(answer["Id"])


def _status(deployed: DeployedJob, statement: str) -> str:
    return str(deployed.data.describe_statement(Id=statement)["Status"])


def test_what_has_passed_its_check_is_waited_for(deploy: Deploy, barrier: Barrier) -> None:
    """A transaction of the dead owner that no list shows, since another role submitted it, ends before the next run
    begins; one that comes meanwhile sees the fence as it was, and is cancelled."""
    deployed = deploy(job(task("a", sql=("select 1",)), fence=True))
    assert deployed.run().status == "SUCCEEDED"
    dead = deployed.state_machine_execution("gone")
    item = {"JobState": {"S": "Running"}, "Owner": {"S": dead}, "RedriveCount": {"N": "0"}, "FenceNumber": {"N": "7"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item={**deployed.item.raw, **item})
    hidden = _late(deployed, "somebody", barrier.pass_, "000000000000007 00000")
    wait_for(lambda: _status(deployed, hidden) == "STARTED", "it has passed its check", 30)
    run = deployed.start()
    deployed.until(run, lambda _: "set fence" in deployed.states(run))
    with ThreadPoolExecutor(1) as pool:
        submitted = pool.submit(_late, deployed, dead, barrier.pass_, "000000000000007 00000")
        meanwhile = submitted.result()
    assert deployed.item.owner == dead
    barrier.open()
    assert deployed.end(run).status == "SUCCEEDED"
    assert _status(deployed, hidden) == "FINISHED"
    assert _status(deployed, meanwhile) in ("ABORTED", "FINISHED")
    later = _late(deployed, dead, "select 1", "000000000000007 00000")
    wait_for(lambda: _status(deployed, later) == "FAILED", "the check fails", 30)


def test_a_run_that_has_lost_its_lock_is_told_in_plain_words(deploy: Deploy, ledger: str, barrier: Barrier) -> None:
    """Its next transaction fails at the check and is not tried again, whatever its retries are."""
    insert = f"insert into {ledger} values ('b')"
    deployed = deploy(job(task("a", sql=(barrier.pass_,)), task("b", "a", sql=(insert,), retries=soon(3)), fence=True))
    run = deployed.start()
    deployed.until(run, lambda tasks: tasks["a"].status == "running")
    deployed.sql(f"insert into {TABLE} values ('{deployed.audit.table}', '9999')")
    barrier.open()
    execution = deployed.end(run)
    assert execution.status == "FAILED"
    assert f"Task b failed: {FENCED}" in str(execution.cause)
    assert deployed.submissions(run)["b"] == 1
    assert deployed.ran(ledger) == {}


def test_a_fence_that_cannot_be_written_fails_the_run(deploy: Deploy) -> None:
    """It says what the database user must be allowed; the lock stays free."""
    deployed = deploy(job(task("a", sql=("select 1",)), fence="nowhere"))
    refused = deployed.run()
    assert refused.status == "FAILED"
    assert 'The fence of job 101 could not be written: ERROR: schema "nowhere" does not exist' in str(refused.cause)
    assert "nowhere.elt_fence_101" in str(refused.cause)
    assert deployed.item.free


@pytest.mark.parametrize("change", ["deleted", "unlocked"])
def test_a_lock_that_was_freed_by_hand_is_fenced_anew(deploy: Deploy, barrier: Barrier, change: str) -> None:
    """Whoever held it may have calls under way: they fail, even where the item was made anew and counts from 1."""
    deployed = deploy(job(task("a", sql=("select 1",)), fence=True))
    assert deployed.run().status == "SUCCEEDED"
    deployed.audit.acquire("101", "another program")
    before = deployed.item
    if change == "unlocked":
        deployed.audit.unlock(before, by="tester", reason="it is dead", known=False)
    else:
        deployed.client("dynamodb").delete_item(TableName=deployed.audit.table, Key={"JobID": {"S": "101"}})
    run = deployed.run()
    assert "set fence" in deployed.states(run.arn)
    old: Any = {"JobID": before.raw["JobID"], **before.raw}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=old)
    late = _late(deployed, "another", "select 1", "000000000000002 00000")
    wait_for(lambda: _status(deployed, late) == "FAILED", "the check fails", 30)


@pytest.mark.parametrize("layout", exhaustive(["unrolled", "map"], quick=["unrolled"]))
def test_a_number_that_somebody_has_lowered_is_mended_by_an_unlock(deploy: Deploy, ledger: str, layout: Any) -> None:
    """The next run would claim what the fence's table holds already, and is refused; an unlock lets the numbers count
    in another era, in which it is not."""
    deployed = deploy(job(task("a", sql=(f"insert into {ledger} values ('a')",)), fence=True, layout=layout))
    assert deployed.run().status == "SUCCEEDED"
    beyond = [{"name": fence.LOCK, "value": deployed.audit.table}]
    beyond.append({"name": fence.CLAIM, "value": f"{deployed.item.raw['FenceEra']['S']} 000000000000009 00000"})
    deployed.data.batch_execute_statement(
        **WAREHOUSE, Sqls=[*fence.writing(TABLE)], Parameters=beyond, WaitTimeSeconds=30
    )
    refused = deployed.run()
    assert (refused.status, deployed.item.failure_message) == ("FAILED", FENCED)
    deployed.audit.unlock(deployed.item, by="Ann", reason="The number was lowered.")
    assert deployed.run().status == "SUCCEEDED"
    assert deployed.ran(ledger) == {"a": 2}
