"""What all triggers over AWS share: their connection, and how Airflow stores them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

from airflow.triggers.base import BaseTrigger

from elt_redshift.airflow_compat import push_from_trigger
from elt_redshift.hooks.connection import Connection, ConnectionArguments

#: No worker is resumed sooner than this many seconds after its trigger began: by then the scheduler has mostly heard
#: that the deferring worker has ended, and does not take that for the end of the resumed one.
RESUME_AFTER = 5.0


async def not_too_soon(began: float) -> None:
    """Wait until a worker may be resumed.

    :param began: when the trigger began, by the clock that only grows.
    """
    await asyncio.sleep(max(0.0, RESUME_AFTER - (time.monotonic() - began)))


class TriggerArguments(ConnectionArguments, total=False):
    """What every trigger takes beside its own."""

    poll_interval: float


class AwsTrigger(BaseTrigger):
    """A trigger that looks at AWS from time to time, and is stored as the arguments it was made with.

    :cvar ARGUMENTS: its own, each an attribute of the same name.
    :param poll_interval: seconds between two looks; default 5.
    :param given: the parts of its :class:`~elt_redshift.hooks.connection.Connection`.
    """

    ARGUMENTS: ClassVar[tuple[str, ...]]

    def __init__(self, poll_interval: float = 5.0, **given: Unpack[ConnectionArguments]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.poll_interval, self.connection = poll_interval, Connection(**given)

    async def pushed(self, xcoms: Mapping[str, Any]) -> dict[str, Any]:
        """Push the XComs of the task that is to end; gives those that the event has to carry instead."""
        try:
            return await push_from_trigger(self.task_instance, xcoms)
        except Exception:  # no task fails for them
            self.log.warning("XComs are left to the triggerer", exc_info=True)
            return dict(xcoms)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        given = {name: getattr(self, name) for name in (*self.ARGUMENTS, "poll_interval")}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**given, **self.connection.arguments}
