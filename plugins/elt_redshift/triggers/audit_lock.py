"""The trigger that waits until a job's lock may be free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Unpack

from airflow.triggers.base import TriggerEvent
from asgiref.sync import sync_to_async

from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.errors import AwsError
from elt_redshift.triggers.base import AwsTrigger, TriggerArguments, not_too_soon

if TYPE_CHECKING:
    from elt_redshift.aws.audit_item import AuditItem

#: After this many looks the task asks whether the owner is dead, which the item alone does not tell.
LOOKS = 20


class LockTrigger(AwsTrigger):
    """Waits until the lock is free or held by another, its lease has run out, or it was looked at for long enough.

    :param held: who held it when the wait began, see :attr:`AuditItem.holder`.
    :param deadline: ISO 8601; goes back with the event.
    """

    ARGUMENTS = ("job_id", "table_name", "held", "deadline")

    def __init__(
        self,
        job_id: str,
        table_name: str,
        held: str | None,
        deadline: str,
        **given: Unpack[TriggerArguments],
    ) -> None:
        super().__init__(**given)
        self.job_id, self.table_name, self.held, self.deadline = job_id, table_name, held, deadline

    async def run(self) -> AsyncIterator[TriggerEvent]:
        began = time.monotonic()
        store = await sync_to_async(self._store)()
        for _ in range(LOOKS):
            await asyncio.sleep(self.poll_interval)
            try:
                item = await asyncio.to_thread(store.read, self.job_id)
            except AwsError as error:  # the task's own call will tell, should it last
                self.log.warning("%s", error)
                break
            if self._changed(store, item):
                break
        await not_too_soon(began)
        yield TriggerEvent({"deadline": self.deadline})  # type: ignore[no-untyped-call]

    def _changed(self, store: AuditStore, item: AuditItem | None) -> bool:
        if item is None or item.free or item.holder != self.held:
            return True
        return store.expired(item) or datetime.now(UTC) >= datetime.fromisoformat(self.deadline)

    def _store(self) -> AuditStore:
        return self.connection.hook().audit(self.table_name)
