"""What Airflow itself takes for a graph of tasks that begin and end in its triggerer: tasks that do nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import DAG, BaseOperator
from airflow.triggers.base import BaseTrigger, StartTriggerArgs, TaskSuccessEvent, TriggerEvent

from elt_redshift.airflow_compat import empty_operator
from elt_redshift.job.model import EltJob


class BareTrigger(BaseTrigger):
    """Ends its task at once, as a success without XComs."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "bare_mirrors.BareTrigger", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield TaskSuccessEvent()


class BareOperator(BaseOperator):
    """A task that no worker sees."""

    start_from_trigger = True
    start_trigger_args = StartTriggerArgs(
        trigger_cls="bare_mirrors.BareTrigger", trigger_kwargs={}, next_method="execute_complete"
    )


def bare_dag(dag_id: str, job: EltJob) -> DAG:
    """A job's graph."""
    with DAG(dag_id, schedule=None, max_active_tasks=1000) as dag:
        start = empty_operator()(task_id="start_execution")
        tasks = {task.name: BareOperator(task_id=task.name) for task in job.tasks}
        for task in job.tasks:
            tasks[task.name].set_upstream([tasks[name] for name in task.upstream] or start)
    return dag
