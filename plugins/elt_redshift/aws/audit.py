"""The audit table from Python: read the items, take and release locks, free one by hand.

The protocol itself, which the state machines share, is :mod:`elt_redshift.protocol.audit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from elt_redshift.aws.errors import aws_errors, error_code
from elt_redshift.exceptions import EltError
from elt_redshift.protocol import audit, dynamodb
from elt_redshift.protocol.audit import AfterFailure
from elt_redshift.protocol.messages import NO_MESSAGE, UNKNOWN, held_by_failure
from elt_redshift.protocol.owners import LEASE_TOLERANCE, NO_LEASE, Owner
from elt_redshift.protocol.writes import Write


def utc_now() -> datetime:
    """The time, aware of its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class AuditItem:
    """A job's audit item as it was read; times are ISO 8601 strings as written, absent attributes are None.

    :param owner: who holds the lock: an execution's ARN, or a name of the holder's own.
    :param after: what becomes of the lock once its owner has failed: ``hold`` or ``release``.
    :param redrives: the owner's redrive count when it took the lock, in digits.
    :param lease: until when an owner that is no execution holds the lock.
    :param reserved_for: the execution that alone may take the lock over from a failed owner that keeps it.
    :param state: ``Ready``, ``Running`` or ``Failed``; None when the item has no JobState yet.
    """

    job_id: str
    state: str | None
    start: str | None = None
    end: str | None = None
    owner: Owner | None = None
    failed_task: str | None = None
    failed_statement: str | None = None
    failure_message: str | None = None
    after: str | None = None
    last_owner: str | None = None
    redrives: str | None = None
    lease: str | None = None
    reserved_for: str | None = None

    @property
    def free(self) -> bool:
        return self.state in (None, audit.READY)

    @property
    def failed(self) -> bool:
        """Whether it is held after a failure, unless its owner runs still."""
        return self.state == audit.FAILED and not self.let_go

    @property
    def let_go(self) -> bool:
        """Whether its failed owner's lock is for the next run to take over."""
        return self.state == audit.FAILED and self.after == audit.RELEASED

    @property
    def holder(self) -> str:
        """Tells a locked item from a later one: who holds it, and how."""
        return f"{self.state} {self.owner} {self.after}"

    @classmethod
    def parse(cls, item: dict[str, Any]) -> AuditItem:
        """Read DynamoDB's JSON."""

        def text(name: str) -> str | None:
            return next(iter(item[name].values())) if name in item else None

        return cls(
            job_id=str(text(audit.JOB_ID)),
            state=text(audit.JOB_STATE),
            start=text(audit.JOB_START),
            end=text(audit.JOB_END),
            owner=Owner(owner) if (owner := text(audit.OWNER)) else None,
            failed_task=text(audit.FAILED_TASK),
            failed_statement=text(audit.FAILED_STATEMENT),
            failure_message=text(audit.MESSAGE),
            after=text(audit.AFTER_FAILURE),
            last_owner=text(audit.LAST_OWNER),
            redrives=text(audit.REDRIVES),
            lease=text(audit.LEASE_UNTIL),
            reserved_for=text(audit.RESERVED_FOR),
        )


class LockedError(EltError):
    """The lock of ``job_id`` is held; ``item`` is the audit item that says by whom and why, or None if it went away
    meanwhile.

    :param table: the audit table.
    """

    def __init__(self, job_id: str, item: AuditItem | None, table: str) -> None:
        self.job_id, self.item, self.table = job_id, item, table
        super().__init__(self._text())

    def _text(self) -> str:
        unlock = f"elt-redshift unlock --table {self.table} --job-id {self.job_id} --reason …"
        if self.item is None:
            return f"The audit item of job {self.job_id} is gone from table {self.table}."
        if not self.item.failed:
            owner = self.item.owner or "another program"
            return f"Job {self.job_id} is {self.item.state}, held by {owner}. Wait for it, or free it: `{unlock}`."
        parts = held_by_failure(
            self.job_id,
            task=self.item.failed_task or UNKNOWN,
            since=self.item.end or UNKNOWN,
            message=" ".join((self.item.failure_message or NO_MESSAGE).split()),
            owner=self.item.owner or "of another program",
            redrive="elt-redshift redrive JOB" if self.item.owner and self.item.owner.is_execution else "",
            unlock=unlock,
        )
        return "".join(map(str, parts))


class NotOwnerError(EltError):
    """The lock of ``job_id`` is not ``owner``'s (any more)."""

    def __init__(self, job_id: str, owner: str) -> None:
        self.job_id, self.owner = job_id, owner
        super().__init__(f"The lock of job {job_id} is not held by {owner}: it was freed or taken over.")


class AuditStore:
    """The audit table.

    :param client: a boto3 DynamoDB client.
    :param table: the table's name.
    :param now: the clock.
    """

    def __init__(self, client: Any, table: str, now: Callable[[], datetime] = utc_now) -> None:
        self._client, self.table, self._now = client, table, now

    def read(self, job_id: str) -> AuditItem | None:
        """The job's item, read consistently; None when there is none."""
        with aws_errors(f"audit item {job_id} in table {self.table}"):
            answer = self._client.get_item(**dynamodb.get(self.table, audit.key(job_id)))
        return AuditItem.parse(answer["Item"]) if "Item" in answer else None

    def items(self) -> Iterator[AuditItem]:
        """Every item of the table."""
        with aws_errors(f"audit table {self.table}"):
            for page in self._client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True):
                yield from (AuditItem.parse(item) for item in page["Items"])

    def acquire(self, job_id: str, owner: str, lease: timedelta | None = None) -> None:
        """Take the lock for ``owner``; taking it twice is the same as once.

        :param lease: how long it lasts unless it is renewed, for an owner that no one can be asked about.
        :raises LockedError: somebody else holds it, or it is held after a failure.
        """
        values = {"owner": owner, "start": self._time(), "redrives": "0"}
        if lease is None:
            written = self._write(audit.ACQUIRE, job_id, **values)
        else:
            written = self._write(audit.ACQUIRE_LEASED, job_id, lease=self._time(lease), **values)
        if not written:
            raise LockedError(job_id, self.read(job_id), self.table)

    def expired(self, item: AuditItem) -> bool:
        """Whether the item's owner holds the lock under a lease, and has let it run out."""
        leased = item.lease is not None and not (item.owner and item.owner.is_execution)
        return leased and str(item.lease) < self._time(-timedelta(seconds=LEASE_TOLERANCE))

    def renew(self, job_id: str, owner: str, lease: timedelta) -> None:
        """Say that ``owner`` lives.

        :raises NotOwnerError: the lock is not ``owner``'s.
        """
        if not self._write(audit.RENEW, job_id, owner=owner, lease=self._time(lease)):
            raise NotOwnerError(job_id, owner)

    def take_over(self, dead: AuditItem, owner: str, lease: timedelta) -> None:
        """Take the lock of a dead owner, whose statements have ended.

        :param dead: the item as it was read.
        :raises LockedError: the item has changed since it was read.
        """
        until = dead.lease or NO_LEASE
        seen = {"dead": dead.owner, "seen": dead.state, "claim": dead.redrives or "0", "until": until}
        mine = {"owner": owner, "start": self._time(), "redrives": "0", "lease": self._time(lease)}
        if not self._write(audit.TAKE_OVER_LEASED, dead.job_id, **seen, **mine):
            raise LockedError(dead.job_id, self.read(dead.job_id), self.table)

    def reserve(self, item: AuditItem, execution_arn: str) -> None:
        """Let ``execution_arn``, and nobody else, take the lock over from its failed or dead owner.

        :param item: as it was read.
        :raises LockedError: the item has changed since it was read.
        """
        seen = {"dead": item.owner, "seen": item.state, "claim": item.redrives or "0"}
        if not self._write(audit.RESERVE, item.job_id, reserved=execution_arn, **seen):
            raise LockedError(item.job_id, self.read(item.job_id), self.table)

    def release(self, job_id: str, owner: str) -> None:
        """Give the lock back; giving it back twice is the same as once.

        :raises NotOwnerError: it is not ``owner``'s.
        """
        if self._write(audit.RELEASE, job_id, owner=owner, end=self._time()):
            return
        item = self.read(job_id)
        if item is None or item.last_owner != owner:
            raise NotOwnerError(job_id, owner)

    def record_failure(
        self, job_id: str, owner: str, *, task: str, statement: str, message: str, after: AfterFailure = audit.HOLD
    ) -> None:
        """Mark the item Failed with the task, the statement's id and the database's message.

        :raises NotOwnerError: the lock is not ``owner``'s.
        """
        values = {"task": task, "statement": statement, "message": message, "after": after}
        if not self._write(audit.RECORD, job_id, owner=owner, end=self._time(), **values):
            raise NotOwnerError(job_id, owner)

    def release_failed(self, job_id: str, owner: str, *, task: str, statement: str, message: str) -> None:
        """Give the lock back after a failure, noting what failed; only right when nothing of the run goes on.

        :raises NotOwnerError: the lock is not ``owner``'s.
        """
        values = {"task": task, "statement": statement, "message": message}
        if not self._write(audit.RECORD_RELEASED, job_id, owner=owner, end=self._time(), **values):
            raise NotOwnerError(job_id, owner)

    def unlock(self, item: AuditItem, *, by: str, reason: str) -> None:
        """Let an item go, noting who did it and why; the next run takes it over.

        :param item: the item as it was read: Failed, or Running of an owner whose lease has run out, or locked without
            an owner.
        :raises LockedError: the item has changed since it was read.
        """
        values = {"end": self._time(), "by": by, "reason": reason}
        if item.state == audit.RUNNING and self.expired(item):
            written = self._write(audit.UNLOCK_EXPIRED, item.job_id, owner=item.owner, until=item.lease, **values)
        elif item.owner and item.owner.is_dag_run and item.after == audit.HOLD:
            written = self._write(audit.UNLOCK_FAILED_DAG_RUN, item.job_id, owner=item.owner, **values)
        elif item.owner:
            written = self._write(audit.UNLOCK, item.job_id, owner=item.owner, **values)
        else:
            written = self._write(audit.UNLOCK_UNOWNED, item.job_id, seen=item.state, **values)
        if not written:
            raise LockedError(item.job_id, self.read(item.job_id), self.table)

    def _time(self, later: timedelta = timedelta()) -> str:
        return (self._now() + later).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _write(self, write: Write, job_id: str, **values: str | None) -> bool:
        """Whether the write's condition held."""
        with aws_errors(f"audit item {job_id} in table {self.table}"):
            try:
                self._client.update_item(**dynamodb.update(self.table, audit.key(job_id), write, values))
            except self._client.exceptions.ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    return False
                raise
        return True
