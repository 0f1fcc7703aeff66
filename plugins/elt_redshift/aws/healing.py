"""Telling whose a lock is, and taking that of a dead owner: an execution that has ended, or a DAG run whose lease ran
out.

The state machine tells it alike (:mod:`elt_redshift.asl.patterns.judging`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from elt_redshift.aws import parts
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.audit_item import AuditItem, LockedError
from elt_redshift.aws.errors import DENIED, AwsError, aws_errors
from elt_redshift.aws.statements import Statements
from elt_redshift.protocol import executions, messages, statements
from elt_redshift.protocol.audit import FAILED
from elt_redshift.protocol.owners import GRACE, Owner

if TYPE_CHECKING:
    from elt_redshift.aws.account import Account

log = logging.getLogger(__name__)

#: A dead owner's statements are cancelled at most this many times, with growing pauses up to LONGEST_PAUSE seconds.
MAX_PASSES = 20
LONGEST_PAUSE = 15.0

#: Errors of DescribeExecution that stay: nobody here may, or can, ask for that execution.
#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
NOT_TOLD = (*DENIED, "InvalidArn", "ValidationException")

Whose = Literal["locked", "held", "unclear", "dead"]


@dataclass(frozen=True)
class Verdict:
    """Whose a lock is that is not free.

    :param whose: an owner's that is at work (``locked``), a failed run's that keeps it (``held``), a ``dead`` owner's,
        to be taken over, or nobody can tell (``unclear``).
    :param problem: why nobody can.
    :param ended: when the dead owner has ended, if calls may have been under way then.
    """

    whose: Whose
    problem: str | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Healer:
    """Takes over locks.

    :param store: the audit table.
    :param statements: the Data API, where a dead owner may have left statements running.
    :param executions: a boto3 client of ``stepfunctions``, which knows whether an execution lives.
    :param account: gives the number of the account that it asks in.
    """

    store: AuditStore
    statements: Statements
    executions: Any
    account: Callable[[], str]
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, account: Account, store: AuditStore) -> Healer:
        """One that asks in ``account`` about the owners in its audit table."""
        return cls(store, account.statements, account.client("stepfunctions"), lambda: account.number)

    def look(self, item: AuditItem) -> Verdict:
        """Whose the lock is.

        :param item: the item as it was read, which is not free.
        :raises AwsError: AWS refused a call.
        """
        if item.problem:
            return Verdict("unclear", item.problem)
        if item.owner and item.owner.is_execution:
            return self._of_execution(item, item.owner)
        if item.let_go:
            return Verdict("dead", ended=_time(item.end))
        if item.owner and not item.failed and self.store.expired(item):
            return Verdict("dead")
        return Verdict("held" if item.failed else "locked")

    def wait(self, item: AuditItem) -> float:
        """How many seconds from now whoever takes the lock over has to wait, for calls that its dead owner may have
        under way.

        :raises AwsError: AWS refused a call.
        """
        return max(0.0, self._left(self.look(item).ended))

    def take_over(self, item: AuditItem, owner: str, lease: timedelta) -> bool:
        """Take the lock if its owner is dead, after all parts and statements that it left have ended.

        A call that it had under way may still submit one: that is waited for, up to :data:`GRACE` seconds.

        :param item: the item as it was read.
        :raises AwsError: AWS refused a call.
        """
        verdict = self.look(item)
        if not item.owner or verdict.whose != "dead":
            return False
        stopped = self._left_parts(item.owner)
        if (left := self._left(self.store.now() if stopped else verdict.ended)) > 0:
            log.info("Waiting %.0f s for calls that %s may have under way", left, item.owner)
            self.sleep(left)
            if self.store.read(item.job_id) != item or self.look(item).whose != "dead":
                return False
            if self._left_parts(item.owner):
                return False  # one was only being started: the next try waits for what it has under way
        if not self._cleared(item.job_id, item.owner):
            return False
        try:
            self.store.take_over(item, owner, lease)
        except LockedError:
            return False  # the owner lives after all, or another run was faster
        return True

    def _of_execution(self, item: AuditItem, owner: Owner) -> Verdict:
        try:
            with aws_errors(f"execution {owner}"):
                told = self.executions.describe_execution(executionArn=owner)
        except AwsError as error:
            if error.code in NOT_TOLD:
                return Verdict("unclear", "".join(messages.not_told(owner, error.message)))
            if error.code != "ExecutionDoesNotExist":
                raise
            if (owner.region, owner.account) != (self.executions.meta.region_name, self.account()):
                return Verdict("unclear", "".join(messages.not_told(owner, messages.ELSEWHERE)))
            told = {"status": "GONE"}
        if told["status"] in executions.ALIVE:
            return Verdict("locked")
        ended = None if told["status"] == executions.SUCCEEDED else told.get("stopDate")
        if ended and (claim := float(item.redrives or 0)):
            # DescribeExecution is eventually consistent: this may be the end before the redrive that has the lock.
            recorded = _time(item.end) if item.state == FAILED and told.get("redriveCount", 0) >= claim else None
            ended = max(recorded, ended) if recorded else self.store.now()
        return Verdict("held") if item.failed else Verdict("dead", ended=ended)

    def _left_parts(self, owner: Owner) -> bool:
        """Whether parts of a run still ran, which are stopped now."""
        return owner.is_execution and parts.stop_left(self.executions, owner)

    def _left(self, ended: datetime | None) -> float:
        """How many seconds are left for the owner's calls."""
        return 0.0 if ended is None else GRACE - (self.store.now() - ended).total_seconds()

    def _cleared(self, job_id: str, owner: Owner) -> bool:
        prefix = "".join(statements.beginning(job_id, owner.label))
        for number in range(MAX_PASSES):
            if not self.statements.cancel_all(prefix):
                return True
            self.sleep(min(LONGEST_PAUSE, 2.0**number))
        return False


def _time(text: str | None) -> datetime | None:
    """A time as items hold it; None for any other text."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
