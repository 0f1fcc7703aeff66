"""The audit store over a real DynamoDB API: every write is conditional, and repeating it changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from elt_redshift.aws.audit import AuditStore, NotOwnerError
from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from elt_redshift.aws.audit_item import AuditItem, LockedError
from elt_redshift.aws.errors import AwsError
from elt_redshift.protocol import audit
from elt_redshift.protocol.owners import NO_LEASE
from tests.local.aws.stores import in_dynamodb, in_redshift
from tests.local.conftest import ClientFactory

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(params=[in_dynamodb, in_redshift])
def empty(request: pytest.FixtureRequest, client: ClientFactory, unique: str) -> AuditStore:
    """An empty audit table."""
    made: AuditStore = request.param(client, unique, lambda: NOW)
    return made


@pytest.fixture
def store(empty: AuditStore) -> AuditStore:
    """An audit table with the item of a job that has not run yet."""
    empty.introduce("1")
    return empty


def _fail(store: AuditStore, owner: str = "me", after: str = "hold") -> None:
    store.record_failure("1", owner, task="a", statement="s", message="ERROR", after=after)


def test_acquire_and_release(store: AuditStore) -> None:
    """Ready -> Running -> Ready, with the times; doing each twice, as after a lost response, is the same."""
    for _ in range(2):
        store.acquire("1", "me")
    item = store.read("1")
    assert item is not None
    assert (item.state, item.owner, item.start) == ("Running", "me", "2026-01-02T03:04:05.000Z")
    for _ in range(2):
        store.release("1", "me")
    item = store.read("1")
    assert item is not None
    assert (item.state, item.owner, item.last_owner, item.end) == ("Ready", None, "me", "2026-01-02T03:04:05.000Z")


def test_a_job_is_introduced_once(empty: AuditStore) -> None:
    """A job that has no item gets one that is Ready; an item that is there stays as it is, whatever it says."""
    store = empty
    store.introduce("1")
    item = store.read("1")
    assert item is not None
    assert dict(item.raw) == {"JobID": {"S": "1"}, "JobState": {"S": "Ready"}}
    store.acquire("1", "me")
    before = store.read("1")
    store.introduce("1")
    assert store.read("1") == before


def test_a_held_lock_is_refused_with_its_item(store: AuditStore) -> None:
    """Somebody else's acquire, release and failure record are refused; the item stays."""
    store.acquire("1", "me")
    before = store.read("1")
    with pytest.raises(LockedError) as locked:
        store.acquire("1", "you")
    assert locked.value.item == before
    with pytest.raises(NotOwnerError):
        store.release("1", "you")
    with pytest.raises(NotOwnerError):
        _fail(store, "you")
    assert store.read("1") == before


def test_a_late_release_does_not_free_the_next_owners_lock(store: AuditStore) -> None:
    """A release that arrives after another owner took the lock is seen to have happened, and changes nothing."""
    store.acquire("1", "me")
    store.release("1", "me")
    store.acquire("1", "you")
    store.release("1", "me")
    item = store.read("1")
    assert item is not None
    assert item.owner == "you"


def test_a_failure_holds_the_lock_until_an_unlock(store: AuditStore) -> None:
    """Failed keeps its owner; an unlock marks it as free to be taken over, and says who did it."""
    store.acquire("1", "me")
    _fail(store)
    with pytest.raises(LockedError, match=r"held by a failed run: task a failed at .*ERROR"):
        store.acquire("1", "you")
    item = store.read("1")
    assert item is not None
    assert (item.failed_task, item.failed_statement, item.failure_message) == ("a", "s", "ERROR")
    store.unlock(item, by="operator", reason="mended")
    after = store.read("1")
    assert after is not None
    assert (after.state, after.after) == ("Failed", "release")


def test_an_unlock_of_a_stale_view_is_refused(store: AuditStore) -> None:
    """What was seen as Failed has been gone on with meanwhile: it is not freed."""
    store.acquire("1", "me", timedelta(hours=1))
    _fail(store)
    seen = store.read("1")
    assert seen is not None
    store.acquire("1", "me", timedelta(hours=1))
    with pytest.raises(LockedError):
        store.unlock(seen, by="operator", reason="too late")


def test_items_lists_every_job(store: AuditStore) -> None:
    """The whole table, for `elt-redshift status`."""
    for job in ("1", "2", "3"):
        store.introduce(job)
        store.acquire(job, "me")
    assert sorted(item.job_id for item in store.items()) == ["1", "2", "3"]


def test_a_missing_table_is_named(client: ClientFactory) -> None:
    """AWS's error names the table and the item."""
    with pytest.raises(AwsError, match=r"audit item 1 in table nowhere: .*ResourceNotFoundException"):
        DynamoDbAuditStore(client("dynamodb"), "nowhere").read("1")


def _take_over(store: AuditStore, seen: AuditItem, claim: str) -> bool:
    """Whether a run that saw ``seen`` gets the lock, as state machines take it over."""
    values = {"owner": "you", "start": "now", "redrives": "0", "dead": str(seen.owner), "seen": str(seen.state)}
    return store._write(audit.TAKE_OVER, "1", **values, claim=claim, until=seen.lease or NO_LEASE)


@pytest.mark.parametrize("renewed", [False, True])
def test_an_owner_that_renewed_its_lease_meanwhile_keeps_its_lock(store: AuditStore, renewed: bool) -> None:
    """Between the look at an expired lease and the take-over, as state machines write it, the owner renewed it."""
    store.acquire("1", "airflow:sales/run-1", timedelta(hours=-1))
    seen = store.read("1")
    assert seen is not None
    if renewed:
        store.renew("1", "airflow:sales/run-1", timedelta(hours=1))
    assert _take_over(store, seen, claim="0") is not renewed


@pytest.mark.parametrize("redriven", [False, True])
def test_an_owner_that_was_redriven_meanwhile_keeps_its_lock(store: AuditStore, redriven: bool) -> None:
    """Between the look at a dead owner and the take-over, the owner was redriven and claimed its lock again."""
    store.acquire("1", "me")
    seen = store.read("1")
    assert seen is not None
    if redriven:
        assert store._write(audit.RECLAIM, "1", owner="me", redrives="1")
    assert _take_over(store, seen, claim="0") is not redriven
    after = store.read("1")
    assert after is not None
    assert after.owner == ("me" if redriven else "you")
