"""An audit item as it was read, which people may have edited, and what is said to a run that meets it locked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote
from typing import Any, NamedTuple

from elt_redshift.exceptions import EltError
from elt_redshift.protocol import audit, messages, owners
from elt_redshift.protocol.owners import Owner

#: What an unlock notes; not part of what the item was before the next one.
_NOTES = ("UnlockedAt", "UnlockedBy", "UnlockReason", audit.UNLOCKED_FROM)


class Waiting(NamedTuple):
    """A run that waits for the lock.

    :param since: when it was started, in ISO 8601.
    :param run: the execution's ARN.
    """

    since: str
    run: str


@dataclass(frozen=True)
class AuditItem:
    """A job's audit item as it was read; times are ISO 8601 strings as written. Attributes that are absent, or that are
    no texts (the redrive count: no number), are None.

    :param state: ``Ready``, ``Running`` or ``Failed``, or whatever somebody wrote there; None: there is no JobState.
    :param owner: who holds the lock: an execution's ARN, or a name of the holder's own; None where it is blank.
    :param after: what becomes of the lock once its owner has failed: ``hold`` or ``release``.
    :param redrives: the owner's redrive count when it took the lock, in digits.
    :param lease: until when an owner that is no execution holds the lock.
    :param reserved_for: the execution that alone may take the lock over from a failed owner that keeps it.
    :param problem: why nobody can tell whose the lock is, as after an edit by hand; None where that can be told.
    :param fence: the fencing number, in digits: how often the lock was taken.
    :param raw: all of it in DynamoDB's JSON.
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
    problem: str | None = None
    fence: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def free(self) -> bool:
        return self.state in (None, audit.READY) and self.problem is None

    @property
    def failed(self) -> bool:
        """Whether it is held after a failure, unless its owner runs still."""
        return self.state == audit.FAILED and not self.let_go

    @property
    def let_go(self) -> bool:
        """Whether its failed owner's lock is for the next run to take over."""
        return self.state == audit.FAILED and self.after == audit.RELEASED and self.owner is not None

    @property
    def holder(self) -> str:
        """Tells a locked item from a later one: who holds it, and how."""
        return f"{self.state} {self.owner} {self.after}"

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """The runs that wait for the lock, in the order in which they get it. One that was stopped while it waited is
        among them until whoever comes behind it looks."""
        tickets = (ticket.partition(" ") for ticket in sorted(self.raw.get(audit.WAITING, {}).get("SS", ())))
        return tuple(Waiting(since, run) for since, _, run in tickets)

    @property
    def unlocked(self) -> str | None:
        """Who has unlocked it last, when, and why; None if nobody has."""
        at, by, reason = (self.raw.get(name, {}).get("S") for name in _NOTES[:3])
        return f"Unlocked at {at} by {by}: {reason}" if at else None

    @property
    def told(self) -> str:
        """All that it says, for a record, but for the notes of an earlier unlock."""
        kept = {name: value for name, value in self.raw.items() if name not in _NOTES}
        return json.dumps(kept, default=str, ensure_ascii=False, sort_keys=True)

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> AuditItem:
        """Read DynamoDB's JSON."""

        def text(name: str, kind: str = "S") -> str | None:
            value: str | None = item.get(name, {}).get(kind)
            return value

        owner = text(audit.OWNER) or ""
        return cls(
            job_id=str(text(audit.JOB_ID)),
            state=text(audit.JOB_STATE) if text(audit.JOB_STATE) is not None else _unreadable(item),
            start=text(audit.JOB_START),
            end=text(audit.JOB_END),
            owner=Owner(owner) if owner.strip() else None,
            failed_task=text(audit.FAILED_TASK),
            failed_statement=text(audit.FAILED_STATEMENT),
            failure_message=text(audit.MESSAGE),
            after=text(audit.AFTER_FAILURE),
            last_owner=text(audit.LAST_OWNER),
            redrives=text(audit.REDRIVES, "N"),
            lease=text(audit.LEASE_UNTIL),
            reserved_for=text(audit.RESERVED_FOR),
            problem=_problem(item),
            fence=text(audit.FENCE, "N"),
            raw=item,
        )


def _unreadable(item: Mapping[str, Any]) -> str | None:
    return audit.NO_TEXT if audit.JOB_STATE in item else None


def _problem(item: Mapping[str, Any]) -> str | None:
    """Why nobody can tell whose the lock is, in the order in which state machines look for it
    (:mod:`elt_redshift.asl.patterns.judging`)."""
    state, owner, lease = (item.get(name, {}).get("S") for name in (audit.JOB_STATE, audit.OWNER, audit.LEASE_UNTIL))
    free = audit.JOB_STATE not in item or state == audit.READY
    for name, kind in audit.TYPES.items():
        if name in item and kind not in item[name] and (name == audit.FENCE or not free):
            return messages.of_another_type(name, kind)
    if not free and state not in (audit.RUNNING, audit.FAILED):
        return "".join(messages.unknown_state(state))
    if state != audit.RUNNING or owner is None:
        return None
    if not owner.strip():
        return messages.BLANK_OWNER
    askable = Owner(owner).is_execution or (lease is not None and re.search(owners.LEASE, lease))
    return None if askable else "".join(messages.nobody_to_ask(owner))


class LockedError(EltError):
    """The lock of ``job_id`` is held; ``item`` is the audit item that says by whom and why, or None if it went away
    meanwhile.

    :param table: the audit table.
    :param problem: why nobody can tell whose it is, where the item alone does not tell that.
    """

    def __init__(self, job_id: str, item: AuditItem | None, table: str, problem: str | None = None) -> None:
        self.job_id, self.item, self.table, self.problem = job_id, item, table, problem
        super().__init__(self._text())

    def _text(self) -> str:
        unlock = f"elt-redshift unlock --table {quote(self.table)} --job-id {self.job_id} --reason …"
        if self.item is None:
            return f"The audit item of job {self.job_id} is gone from table {self.table}."
        if problem := self.problem or self.item.problem:
            return "".join(messages.unclear(self.job_id, problem=problem, unlock=unlock))
        if self.item.failed:
            return _held(self.item, unlock)
        if self.item.owner is None:
            return messages.unowned(self.job_id, unlock)
        said = messages.running(self.job_id, state=str(self.item.state), owner=self.item.owner)
        return f"{''.join(said)} Wait for it, or free it once it is dead: `{unlock}`."


def _held(item: AuditItem, unlock: str) -> str:
    parts = messages.held_by_failure(
        item.job_id,
        task=item.failed_task or messages.UNKNOWN,
        since=item.end or messages.UNKNOWN,
        message=" ".join((item.failure_message or messages.NO_MESSAGE).split()),
        owner=item.owner or messages.NO_OWNER,
        redrive="elt-redshift redrive JOB" if item.owner and item.owner.is_execution else "",
        unlock=unlock,
    )
    return "".join(map(str, parts))
