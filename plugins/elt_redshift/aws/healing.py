"""Taking the lock of an owner that is dead: an execution that has ended, or a DAG run whose lease ran out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from elt_redshift.aws.audit import AuditItem, AuditStore, LockedError
from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.aws.statements import Statements
from elt_redshift.protocol import executions, statements
from elt_redshift.protocol.audit import RUNNING
from elt_redshift.protocol.owners import Owner

#: A dead owner's statements are cancelled at most this many times, with growing pauses up to LONGEST_PAUSE seconds.
MAX_PASSES = 20
LONGEST_PAUSE = 15.0


@dataclass(frozen=True)
class Healer:
    """Takes over locks.

    :param store: the audit table.
    :param statements: the Data API, where a dead owner may have left statements running.
    :param executions: a boto3 client of ``stepfunctions``, which knows whether an execution lives.
    """

    store: AuditStore
    statements: Statements
    executions: Any
    sleep: Callable[[float], None] = time.sleep

    def take_over(self, item: AuditItem, owner: str, lease: timedelta) -> bool:
        """Take the lock if its owner is dead, after all statements that it left have ended.

        :param item: the item as it was read.
        :raises AwsError: AWS refused a call.
        """
        if not item.owner or not self._dead(item) or not self._cleared(item.job_id, item.owner):
            return False
        try:
            self.store.take_over(item, owner, lease)
        except LockedError:
            return False  # the owner lives after all, or another run was faster
        return True

    def held(self, item: AuditItem) -> bool:
        """Whether a failed run holds the item, which does not run any more."""
        return item.failed and (item.owner is None or not item.owner.is_execution or self._ended(item.owner))

    def _dead(self, item: AuditItem) -> bool:
        if item.state != RUNNING and not item.let_go:
            return False
        if item.owner and item.owner.is_execution:
            return self._ended(item.owner)
        return item.let_go or self.store.expired(item)

    def _ended(self, execution_arn: str) -> bool:
        try:
            with aws_errors(f"execution {execution_arn}"):
                status = self.executions.describe_execution(executionArn=execution_arn)["status"]
        except AwsError as error:
            if error.code == "ExecutionDoesNotExist":
                return True
            raise
        return status not in executions.ALIVE

    def _cleared(self, job_id: str, owner: Owner) -> bool:
        prefix = "".join(statements.beginning(job_id, owner.label))
        for number in range(MAX_PASSES):
            if not self.statements.cancel_all(prefix):
                return True
            self.sleep(min(LONGEST_PAUSE, 2.0**number))
        return False
