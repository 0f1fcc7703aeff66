"""The audit table from Python: read the items, take and release locks, free one by hand.

The protocol itself, which the state machines share, is :mod:`elt_redshift.protocol.audit`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from elt_redshift.aws.audit_item import AuditItem, LockedError
from elt_redshift.exceptions import EltError
from elt_redshift.protocol import audit, dynamodb
from elt_redshift.protocol.owners import LEASE_TOLERANCE, NO_LEASE
from elt_redshift.protocol.policies import AfterFailure
from elt_redshift.protocol.times import iso_time
from elt_redshift.protocol.writes import Write


def utc_now() -> datetime:
    """The time, aware of its zone."""
    return datetime.now(UTC)


class NotOwnerError(EltError):
    """The lock of ``job_id`` is not ``owner``'s (any more)."""

    def __init__(self, job_id: str, owner: str) -> None:
        self.job_id, self.owner = job_id, owner
        super().__init__(f"The lock of job {job_id} is not held by {owner}: it was freed or taken over.")


class AuditStore(ABC):
    """The audit table, in whatever database: :class:`~elt_redshift.aws.audit_in_dynamodb.DynamoDbAuditStore`,
    :class:`~elt_redshift.aws.audit_in_redshift.RedshiftAuditStore`.

    :param table: the table's name, or its address.
    :param now: the clock.
    """

    def __init__(self, table: str, now: Callable[[], datetime] = utc_now) -> None:
        self.table, self.now = table, now

    @abstractmethod
    def create(self) -> bool:
        """Make the table; whether it was not there before."""

    @abstractmethod
    def read(self, job_id: str) -> AuditItem | None:
        """The job's item, read consistently; None when there is none."""

    @abstractmethod
    def items(self) -> Iterator[AuditItem]:
        """Every item of the table."""

    @abstractmethod
    def introduce(self, job_id: str) -> None:
        """Let the job have an item, Ready, if it has none."""

    @abstractmethod
    def remove(self, job_id: str) -> None:
        """Delete the job's item, if nobody holds it.

        :raises LockedError: somebody does.
        """

    @abstractmethod
    def _write(self, write: Write, job_id: str, **values: Any) -> bool:
        """Whether the write's condition held."""

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
        # One without a state is free, and needs no reservation.
        seen = {"dead": item.owner, "seen": item.state or "", "claim": item.redrives or "0"}
        if not self._write(audit.RESERVE, item.job_id, reserved=execution_arn, **seen):
            raise LockedError(item.job_id, self.read(item.job_id), self.table)

    def assume(
        self, item: AuditItem, execution: str, redrives: int, assumed: Mapping[str, audit.Assumption], *, by: str
    ) -> None:
        """Say what the statements of tasks are to be taken for in the next redrive, should nobody be able to know.

        :param item: as it was read, of the failed execution.
        :param execution: its name; ``redrives`` is how often it has been redriven then.
        :param by: who says so.
        :raises LockedError: the item has changed since it was read.
        """
        said = {"".join(audit.assumed_in(execution, str(redrives), task)): what for task, what in assumed.items()}
        if not self._write(audit.ASSUME, item.job_id, owner=item.owner, assumed=said, end=self._time(), by=by):
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
        values = {"task": task, "statement": statement, "message": message, "after": after, "redrives": "0"}
        if not self._write(audit.RECORD, job_id, owner=owner, end=self._time(), **values):
            raise NotOwnerError(job_id, owner)

    def release_failed(self, job_id: str, owner: str, *, task: str, statement: str, message: str) -> None:
        """Give the lock back after a failure, noting what failed; only right when nothing of the run goes on.

        :raises NotOwnerError: the lock is not ``owner``'s.
        """
        values = {"task": task, "statement": statement, "message": message}
        if not self._write(audit.RECORD_RELEASED, job_id, owner=owner, end=self._time(), **values):
            raise NotOwnerError(job_id, owner)

    def unlock(self, item: AuditItem, *, by: str, reason: str, known: bool = True) -> None:
        """Let an item go, whatever it says, noting who did it, why, and what it was before. Where it names an owner,
        the next run takes it over, having cancelled what that has left in the database; otherwise it is Ready.

        Nobody is asked here whether the owner lives: see :meth:`~elt_redshift.aws.healing.Healer.look`.

        :param item: the item as it was read.
        :param known: whether Step Functions tells of the owner, if that is an execution. Otherwise no run could take
            it over, and the item is Ready at once.
        :raises LockedError: the item has changed since it was read.
        """
        write, values = _freeing(item) if known else (audit.UNLOCK_UNOWNED, {})
        write = replace(write, removes=tuple(dict.fromkeys((*write.removes, *_beginning_anew(item)))))
        as_read = {f"read{name}": item.raw.get(name, dynamodb.NOTHING) for name in audit.TYPES}
        noted = {"by": by, "reason": reason, "before": item.told[:_LONGEST_RECORD]}
        times = {"end": self._time()} if "end" in write.values() else {}
        if not self._write(write, item.job_id, at=self._time(), **noted, **times, **values, **as_read):
            raise LockedError(item.job_id, self.read(item.job_id), self.table)

    def _about(self, job_id: str) -> str:
        """What errors are about."""
        return f"audit item {job_id} in table {self.table}"

    def _time(self, later: timedelta = timedelta()) -> str:
        return iso_time(self.now() + later)


#: So many characters of what an item was before an unlock are kept in it.
_LONGEST_RECORD = 4000


def _beginning_anew(item: AuditItem) -> tuple[str, ...]:
    """The numbers that may be what is wrong with an item, and what goes by them. A number that somebody has lowered
    looks as one does; in another era it is beyond all that the fence's table holds."""
    if not item.problem:
        return (audit.FENCE_ERA,)
    wrong = {audit.FENCE: item.fence, audit.REDRIVES: item.redrives}
    numbers = tuple(name for name, value in wrong.items() if value is None)
    return (*numbers, audit.FENCE_ERA, audit.FENCE_TABLE) if item.fence is None else numbers


def _freeing(item: AuditItem) -> tuple[Write, dict[str, str]]:
    """The write that lets an item go, and what it needs besides what all of them do."""
    if item.owner is None:
        return audit.UNLOCK_UNOWNED, {}
    if item.state != audit.FAILED:
        return audit.UNLOCK_UNFAILED, {}
    if item.owner.is_dag_run and item.after == audit.HOLD:
        return audit.UNLOCK_FAILED_DAG_RUN, {"owner": item.owner}
    return audit.UNLOCK, {}
