"""The trigger that waits for the end of a statement, and keeps the lease of the run's lock meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Unpack

from airflow.triggers.base import TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from elt_redshift.aws.audit import AuditStore, NotOwnerError
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.waiting import looks
from elt_redshift.triggers.base import AwsTrigger, TriggerArguments, not_too_soon
from elt_redshift.triggers.killing import to_the_end

if TYPE_CHECKING:
    from elt_redshift.aws.statement_status import StatementStatus

#: So many refused calls in a row, with growing pauses, are forgiven; those whose errors pass do not count.
MAX_FAILURES = 10
LONGEST_PAUSE = 60.0

#: The lease is renewed this often while it lasts.
RENEWALS = 10


class StatementTrigger(AwsTrigger):
    """Waits until a statement has ended or time is up.

    :param owner: who holds the lock.
    :param job_id: of the lock, if there is one, as ``table_name``.
    :param lease: seconds that the lock lasts from each renewal on.
    :param timeout: seconds from now on.
    :param end_from_trigger: end a task whose statement has finished without a worker. (A failure always resumes one,
        for the log and for Airflow's retries.)
    :param return_ids: give the ids of its statements as the task's value then.
    :param cancel_on_kill: cancel the statement when somebody ends the task.
    :param cancel_late: cancel it when time is up.
    """

    ARGUMENTS = (
        "statement_id",
        "owner",
        "job_id",
        "table_name",
        "lease",
        "timeout",
        "end_from_trigger",
        "return_ids",
        "cancel_on_kill",
        "cancel_late",
    )

    def __init__(
        self,
        statement_id: str,
        owner: str,
        job_id: str | None,
        table_name: str | None,
        lease: float,
        timeout: float,
        end_from_trigger: bool = False,
        return_ids: bool = True,
        cancel_on_kill: bool = True,
        cancel_late: bool = True,
        **given: Unpack[TriggerArguments],
    ) -> None:
        super().__init__(**given)
        self.statement_id, self.owner, self.job_id, self.table_name = statement_id, owner, job_id, table_name
        self.lease, self.timeout, self.end_from_trigger = lease, timeout, end_from_trigger
        self.return_ids, self.cancel_on_kill, self.cancel_late = return_ids, cancel_on_kill, cancel_late
        self._renewed = time.monotonic()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        began, status, problem = time.monotonic(), None, None
        try:
            status = await self._ended() or await self._given_up()
        except (AwsError, NotOwnerError) as error:
            problem = str(error)
        if self.end_from_trigger and status and status.error is None:
            self.log.info(status.summary)
            returned = {"return_value": [part.id for part in status.parts]} if self.return_ids else {}
            yield TaskSuccessEvent(xcoms=await self.pushed(status.xcoms | returned))
            return
        await not_too_soon(began)
        event = {"statement_id": self.statement_id, "ended": status is not None, "problem": problem}
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Cancel the statement; Airflow versions that know this call it when a user ends the task."""
        if self.cancel_on_kill:
            await to_the_end(self._kill())

    async def _kill(self) -> None:
        hook = await sync_to_async(self.connection.hook)()
        await asyncio.to_thread(hook.statements().cancel, self.statement_id)

    async def _given_up(self) -> StatementStatus | None:
        """Time is up. Airflow may not let the worker come as far as to cancel."""
        if not self.cancel_late:
            return None
        self.log.warning("Time is up after %.0f s: statement %s is cancelled", self.timeout, self.statement_id)
        hook = await sync_to_async(self.connection.hook)()
        return await asyncio.to_thread(hook.statements().give_up, self.statement_id)

    async def _ended(self) -> StatementStatus | None:
        """How the statement ended; None when it has not, and time is up."""
        hook = await sync_to_async(self.connection.hook)()
        statements = await asyncio.to_thread(hook.statements)
        store = await asyncio.to_thread(hook.audit, self.table_name) if self.table_name else None
        failures = pauses = 0
        for _ in looks(self.timeout, pause=0):  # the pause is below: it holds nothing up
            try:
                status: StatementStatus = await asyncio.to_thread(statements.describe, self.statement_id)
                if status.ended:
                    return status
                await self._renew(store)
                failures = pauses = 0
            except AwsError as error:
                pauses, failures = pauses + 1, failures + (not error.passes)
                if failures > MAX_FAILURES:
                    raise
            await asyncio.sleep(min(self.poll_interval * 2 ** min(pauses, 10), max(self.poll_interval, LONGEST_PAUSE)))
        return None

    async def _renew(self, store: AuditStore | None) -> None:
        if store and self.job_id and time.monotonic() - self._renewed > self.lease / RENEWALS:
            await asyncio.to_thread(store.renew, self.job_id, self.owner, timedelta(seconds=self.lease))
            self._renewed = time.monotonic()
