"""The trigger that waits until an execution has ended, or the newest one of a DAG run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Unpack

from airflow.triggers.base import TriggerEvent
from asgiref.sync import sync_to_async

from elt_redshift.aws.attempts import latest_of_run
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.waiting import looks
from elt_redshift.triggers.base import AwsTrigger, TriggerArguments, not_too_soon


class ExecutionTrigger(AwsTrigger):
    """Waits until an execution has ended, or time is up; its event says nothing, the task looks itself.

    :param state_machine_arn: whose execution it is.
    :param execution_arn: the execution; None: the newest of the DAG run.
    :param dag_id: of the DAG run, as ``run_id``, and ``start_task_id``, the task that starts it.
    :param timeout: seconds from now on.
    """

    ARGUMENTS = ("state_machine_arn", "execution_arn", "dag_id", "run_id", "start_task_id", "timeout")

    def __init__(
        self,
        state_machine_arn: str,
        execution_arn: str | None,
        dag_id: str,
        run_id: str,
        start_task_id: str,
        timeout: float,
        **given: Unpack[TriggerArguments],
    ) -> None:
        super().__init__(**given)
        self.state_machine_arn, self.execution_arn, self.timeout = state_machine_arn, execution_arn, timeout
        self.dag_id, self.run_id, self.start_task_id = dag_id, run_id, start_task_id

    async def run(self) -> AsyncIterator[TriggerEvent]:
        began = time.monotonic()
        hook = await sync_to_async(self.connection.hook)()
        executions = await sync_to_async(hook.executions)(self.state_machine_arn)
        for _ in looks(self.timeout, pause=0):  # the pause is below: it holds nothing up
            try:
                if await asyncio.to_thread(self._ended, executions):
                    break
            except AwsError as error:  # the task's own call will tell, should it last
                self.log.warning("%s", error)
                break
            await asyncio.sleep(self.poll_interval)
        await not_too_soon(began)
        yield TriggerEvent(None)  # type: ignore[no-untyped-call]

    def _ended(self, executions: Executions) -> bool:
        if self.execution_arn:
            return executions.describe(self.execution_arn).ended
        latest = latest_of_run(executions, self.dag_id, self.run_id, self.start_task_id)
        return bool(latest and latest.ended)
