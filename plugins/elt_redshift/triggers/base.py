"""What all triggers over AWS share: their connection, and how Airflow stores them."""

from __future__ import annotations

import asyncio
import time
from typing import Any, ClassVar

from airflow.triggers.base import BaseTrigger

#: No worker is resumed sooner than this many seconds after its trigger began: by then the scheduler has mostly heard
#: that the deferring worker has ended, and does not take that for the end of the resumed one.
RESUME_AFTER = 5.0


async def not_too_soon(began: float) -> None:
    """Wait until a worker may be resumed.

    :param began: when the trigger began, by the clock that only grows.
    """
    await asyncio.sleep(max(0.0, RESUME_AFTER - (time.monotonic() - began)))


class AwsTrigger(BaseTrigger):
    """A trigger that looks at AWS from time to time, and is stored as the arguments it was made with.

    :cvar ARGUMENTS: those beside these three, each an attribute of the same name.
    :param aws_conn_id: the Airflow connection to AWS.
    :param region_name: default: the connection's.
    :param poll_interval: seconds between two looks.
    """

    ARGUMENTS: ClassVar[tuple[str, ...]]

    def __init__(self, aws_conn_id: str | None, region_name: str | None, poll_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.aws_conn_id, self.region_name, self.poll_interval = aws_conn_id, region_name, poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        names = (*self.ARGUMENTS, "aws_conn_id", "region_name", "poll_interval")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}
