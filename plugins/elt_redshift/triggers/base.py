"""What all triggers over AWS share: their connection, and how Airflow stores them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger
from asgiref.sync import sync_to_async

from elt_redshift.airflow_compat import push_from_trigger

if TYPE_CHECKING:
    from elt_redshift.hooks.clients import ClientsHook

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
    CONNECTION: ClassVar[tuple[str, ...]] = ("aws_conn_id", "region_name", "poll_interval")

    def __init__(self, aws_conn_id: str | None, region_name: str | None, poll_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.aws_conn_id, self.region_name, self.poll_interval = aws_conn_id, region_name, poll_interval

    async def pushed(self, xcoms: Mapping[str, Any]) -> dict[str, Any]:
        """Push the XComs of the task that is to end; gives those that the event has to carry instead."""
        try:
            return await sync_to_async(push_from_trigger)(self.task_instance, xcoms)
        except Exception:  # no task fails for them
            self.log.warning("XComs are left to the triggerer", exc_info=True)
            return dict(xcoms)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        given = {name: getattr(self, name) for name in (*self.ARGUMENTS, *self.CONNECTION)}
        return f"{type(self).__module__}.{type(self).__qualname__}", given


class ClientsTrigger(AwsTrigger):
    """A trigger of an operator that takes all that Amazon's hooks take.

    :param verify: whether to verify certificates, or the file of those to trust; default: the connection's.
    :param botocore_config: arguments of botocore's Config; default: the connection's.
    """

    CONNECTION = (*AwsTrigger.CONNECTION, "verify", "botocore_config")

    def __init__(
        self,
        aws_conn_id: str | None,
        region_name: str | None,
        poll_interval: float,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | None,
    ) -> None:
        super().__init__(aws_conn_id, region_name, poll_interval)
        self.verify, self.botocore_config = verify, botocore_config

    def hook(self) -> ClientsHook:
        """The services of the connection."""
        from elt_redshift.hooks.clients import ClientsHook  # boto3: the worker that defers has no need for it

        return ClientsHook(self.aws_conn_id, self.region_name, self.verify, self.botocore_config)
