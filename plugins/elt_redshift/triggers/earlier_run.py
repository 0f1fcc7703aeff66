"""The trigger that waits until the execution of an earlier DAG run has ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from airflow.triggers.base import TriggerEvent
from asgiref.sync import sync_to_async

from elt_redshift.aws.attempts import latest_of_run
from elt_redshift.aws.calls import AwsError
from elt_redshift.aws.executions import Executions
from elt_redshift.triggers.base import AwsTrigger, not_too_soon

#: After this many looks the task asks Airflow whether the earlier run still runs, which AWS does not tell.
LOOKS = 60


class EarlierRunTrigger(AwsTrigger):
    """Waits until the newest execution of an earlier DAG run has ended, or it was looked at for long enough.

    :param state_machine_arn: whose executions they are.
    :param dag_id: of the earlier run, as ``run_id`` and ``start_task_id``.
    :param poll_interval: seconds between two looks.
    """

    ARGUMENTS = ("state_machine_arn", "dag_id", "run_id", "start_task_id")

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
        super().__init__(aws_conn_id, region_name, poll_interval)
        self.state_machine_arn = state_machine_arn
        self.dag_id, self.run_id, self.start_task_id = dag_id, run_id, start_task_id

    async def run(self) -> AsyncIterator[TriggerEvent]:
        await not_too_soon(time.monotonic())
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
        latest = latest_of_run(executions, self.dag_id, self.run_id, self.start_task_id)
        return bool(latest and latest.ended)

    def _executions(self) -> Executions:
        from elt_redshift.hooks.step_functions import EltHook  # boto3: the worker that defers has no need for it

        hook = EltHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name)
        return hook.executions(self.state_machine_arn)
