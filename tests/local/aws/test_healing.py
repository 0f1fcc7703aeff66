"""Locks with a lease, and what becomes of them when their owner dies."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elt_redshift.aws.audit import NotOwnerError
from elt_redshift.aws.audit_item import LockedError
from elt_redshift.aws.healing import Healer
from elt_redshift.aws.statements import Statements, Submission
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol.owners import LEASE_TOLERANCE, Owner
from tests.local.aws.stores import in_dynamodb
from tests.local.conftest import client_factory

WAREHOUSE = {"ClusterIdentifier": "warehouse", "Database": "dev", "DbUser": "awsuser"}
ACCOUNT = "123456789012"
LEASE = timedelta(minutes=10)
DEAD, NEXT = Owner.dag_run("sales", "run-1"), Owner.dag_run("sales", "run-2")


class Clock:
    """A clock that the tests move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


class Table:
    """An audit table of a test's own, with a clock and a healer."""

    def __init__(self, endpoint: str) -> None:
        client: Any = client_factory(endpoint)
        name = f"audit-{uuid.uuid4().hex}"
        self.clock, self.job_id = Clock(), uuid.uuid4().hex
        self.store = in_dynamodb(client, name, self.clock)
        self.statements = Statements(client("redshift-data"))
        self.healer = Healer(self.store, self.statements, client("stepfunctions"), lambda: ACCOUNT, lambda _: None)

    def item(self) -> Any:
        return self.store.read(self.job_id)

    def submit(self, owner: str, sql: str) -> str:
        name = f"{self.job_id}/{Owner(owner).label}/load/1"
        return self.statements.submit(Submission([sql], WAREHOUSE, name, uuid.uuid4().hex, {}))


@pytest.fixture
def table(local_aws: LocalAws) -> Table:
    return Table(local_aws.endpoint)


def test_a_living_owner_keeps_its_lock(table: Table) -> None:
    """Until its lease has run out, which each renewal puts off, nobody takes an owner's lock."""
    table.store.acquire(table.job_id, DEAD, LEASE)
    table.clock.time += timedelta(minutes=9)
    table.store.renew(table.job_id, DEAD, LEASE)
    table.clock.time += timedelta(minutes=9)
    with pytest.raises(LockedError):
        table.store.acquire(table.job_id, NEXT, LEASE)
    assert not table.healer.take_over(table.item(), NEXT, LEASE)
    assert table.item().owner == DEAD


def test_a_dead_owners_statements_end_before_its_lock_is_taken(table: Table) -> None:
    """When the lease has run out, what the owner left running is cancelled, and the next run holds the lock."""
    table.store.acquire(table.job_id, DEAD, LEASE)
    left = table.submit(DEAD, "select pg_sleep(60)")
    table.clock.time += LEASE + timedelta(seconds=LEASE_TOLERANCE)
    assert not table.healer.take_over(table.item(), NEXT, LEASE)
    table.clock.time += timedelta(seconds=1)
    assert table.healer.take_over(table.item(), NEXT, LEASE)
    assert table.statements.describe(left).status == "ABORTED"
    assert table.item().owner == NEXT
    with pytest.raises(NotOwnerError):
        table.store.renew(table.job_id, DEAD, LEASE)


def test_an_owner_that_came_back_keeps_its_lock(table: Table) -> None:
    """A renewal between the look and the take-over wins."""
    table.store.acquire(table.job_id, DEAD, LEASE)
    seen = table.item()
    table.clock.time += timedelta(minutes=12)
    table.store.renew(table.job_id, DEAD, LEASE)
    assert not table.healer.take_over(seen, NEXT, LEASE)
    assert table.item().owner == DEAD


def test_a_dead_owner_is_unlocked_for_the_next_run(table: Table) -> None:
    """Its lease counts while it lives, and an unlock is refused once it was renewed; afterwards the next run, which
    cancels what the owner left, holds the lock, and the owner hears that it has lost it."""
    table.store.acquire(table.job_id, DEAD, LEASE)
    left = table.submit(DEAD, "select pg_sleep(60)")
    seen = table.item()
    assert table.healer.look(seen).whose == "locked"
    table.clock.time += timedelta(minutes=5)
    table.store.renew(table.job_id, DEAD, LEASE)
    table.clock.time += timedelta(minutes=7)
    with pytest.raises(LockedError):
        table.store.unlock(seen, by="ann", reason="it was renewed")
    table.clock.time += timedelta(minutes=7)
    for _ in range(2):  # the answer to the first was lost
        table.store.unlock(table.item(), by="ann", reason="the worker is gone")
    with pytest.raises(NotOwnerError):
        table.store.renew(table.job_id, DEAD, LEASE)
    assert table.healer.take_over(table.item(), NEXT, LEASE)
    assert table.statements.describe(left).status == "ABORTED"


def test_a_lease_says_nothing_about_an_execution(table: Table) -> None:
    """The lease of a DAG run that had the lock before an execution does not make that dead, nor keep it alive."""
    running = "arn:aws:states:us-east-1:123456789012:execution:job:running"
    table.store.acquire(table.job_id, DEAD, LEASE)
    table.store.release(table.job_id, DEAD)
    table.store.acquire(table.job_id, running)
    table.clock.time += timedelta(days=1)
    assert table.item().lease is None
    assert not table.store.expired(table.item())


def test_the_lock_of_an_execution_that_is_gone_is_taken_over(table: Table) -> None:
    """Step Functions is asked about an execution that owns a lock; one that does not exist is dead."""
    gone = "arn:aws:states:us-east-1:123456789012:execution:none:gone"
    table.store.acquire(table.job_id, gone)
    assert table.healer.take_over(table.item(), NEXT, LEASE)
    assert table.item().owner == NEXT


def test_a_failure_is_held_until_somebody_unlocks_it(table: Table) -> None:
    """A failed run's lock is taken by nobody, lease or not, but is free for everybody once it is unlocked."""
    table.store.acquire(table.job_id, DEAD, LEASE)
    table.store.record_failure(table.job_id, DEAD, task="load", statement="s-1", message="no")
    table.clock.time += timedelta(days=1)
    assert not table.healer.take_over(table.item(), NEXT, LEASE)
    table.store.unlock(table.item(), by="ann", reason="mended")
    table.store.acquire(table.job_id, "arn:aws:states:us-east-1:123456789012:execution:none:other")


def test_a_failure_can_free_the_lock_and_still_be_told(table: Table) -> None:
    """With after_failure release, the item is Ready and names the failed task until the next run."""
    table.store.acquire(table.job_id, DEAD, LEASE)
    failure = {"task": "load", "statement": "s-1", "message": "no"}
    table.store.release_failed(table.job_id, DEAD, **failure)
    table.store.release_failed(table.job_id, DEAD, **failure)  # its answer was lost
    assert (table.item().state, table.item().failed_task) == ("Ready", "load")
    table.store.acquire(table.job_id, NEXT, LEASE)
    assert table.item().failed_task is None
