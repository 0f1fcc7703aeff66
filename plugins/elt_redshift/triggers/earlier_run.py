"""The trigger that waits until the execution of an earlier DAG run has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from elt_redshift.aws.attempts import latest_attempt, run_execution_name
from elt_redshift.aws.calls import AwsError
from elt_redshift.aws.executions import Executions
from elt_redshift.triggers.step_functions import RESUME_AFTER

#: After this many looks the task asks Airflow whether the earlier run still runs, which AWS does not tell.
LOOKS = 60


class EarlierRunTrigger(BaseTrigger):
    """Waits until the newest execution of an earlier DAG run has ended, or it was looked at for long enough.

    :param state_machine_arn: whose executions they are.
    :param dag_id: of the earlier run, as ``run_id`` and ``start_task_id``.
    :param poll_interval: seconds between two looks.
    """

    def __init__(
        self,
        state_machine_arn: str,
        dag_id: str,
        run_id: str,
        start_task_id: str,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        poll_interval: float = 5.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.state_machine_arn = state_machine_arn
        self.dag_id, self.run_id, self.start_task_id = dag_id, run_id, start_task_id
        self.aws_conn_id, self.region_name, self.poll_interval = aws_conn_id, region_name, poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        names = ["state_machine_arn", "dag_id", "run_id", "start_task_id"]
        names += ["aws_conn_id", "region_name", "poll_interval"]
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        await asyncio.sleep(RESUME_AFTER)
        executions = await sync_to_async(self._executions)()
        for _ in range(LOOKS):
            try:
                if await asyncio.to_thread(self._ended, executions):
                    break
            except AwsError as error:  # the task's own call will tell, should it last
                self.log.warning("%s", error)
                break
            await asyncio.sleep(self.poll_interval)
        yield TriggerEvent(None)  # type: ignore[no-untyped-call]

    def _ended(self, executions: Executions) -> bool:
        name = partial(run_execution_name, self.dag_id, self.run_id, self.start_task_id)
        _, latest = latest_attempt(executions, name)
        return bool(latest and latest.ended)

    def _executions(self) -> Executions:
        from elt_redshift.hooks.step_functions import EltHook  # boto3: the worker that defers has no need for it

        hook = EltHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
        return hook.executions(self.state_machine_arn)
