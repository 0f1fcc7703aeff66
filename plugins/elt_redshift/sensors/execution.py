"""Waiting for an execution of a job's state machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from elt_redshift.airflow_compat import AirflowException, AirflowFailException, AirflowSkipException, Context
from elt_redshift.aws.attempts import latest_of_run, machine_arn
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.job.keys import START_TASK
from elt_redshift.links.console import EXECUTION_ARN, ExecutionLink
from elt_redshift.runs import causes
from elt_redshift.sensors.base import AwsSensor

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

    from elt_redshift.airflow_compat import BaseOperatorLink
    from elt_redshift.aws.execution_status import Execution
    from elt_redshift.aws.executions import Executions
    from elt_redshift.job.model import EltJob


_REMEDY = "Let that run go on, and clear this task."


class ExecutionSensor(AwsSensor):
    """Waits until an execution has ended: fails when it failed, and is skipped when it found the job locked.

    ::

        ExecutionSensor(task_id="sales_done", job=EltJob.load("sales"), external_dag_id="sales")

    XComs: ``execution_arn``, ``output``.

    :param execution_arn: the execution, templated; or else the newest one of a DAG run:
    :param job: the job; its state machine is looked up, if need be, with ``stack`` or ``state_machine_arn``.
    :param external_dag_id: the DAG that starts it, templated; default: the sensor's own.
    :param external_run_id: the DAG run, templated; default: the run of the same id as the sensor's. As long as that has
        started nothing, the sensor waits.
    :param external_task_id: the task that starts it; in a group, with the group's name.
    """

    template_fields: Sequence[str] = (
        "execution_arn",
        "state_machine_arn",
        "stack",
        "external_dag_id",
        "external_run_id",
        "external_task_id",
        *AwsSensor.template_fields,
    )
    operator_extra_links: Sequence[BaseOperatorLink] = (ExecutionLink(),)
    ui_color = "#f9c915"

    def __init__(
        self,
        *,
        execution_arn: Any = None,
        job: EltJob | None = None,
        state_machine_arn: str | None = None,
        stack: str | None = None,
        external_dag_id: str | None = None,
        external_run_id: str | None = None,
        external_task_id: str = START_TASK,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (execution_arn is None) == (job is None):
            raise AirflowException(f"Task {self.task_id} needs either execution_arn or job.")
        self.execution_arn, self.job = execution_arn, job
        self.state_machine_arn, self.stack = state_machine_arn, stack
        self.external_dag_id, self.external_run_id = external_dag_id, external_run_id
        self.external_task_id = external_task_id

    def poke(self, context: Context) -> bool:
        """Whether it has ended.

        :raises AirflowFailException: it failed. (Another try would find it so too.)
        :raises AirflowSkipException: it did nothing.
        """
        executions = self._executions()
        execution = self._find(executions, context)
        if execution is None:
            self.log.info("DAG run %s of %s has not started an execution", *self._run(context)[1::-1])
            return False
        if not execution.ended:
            self.log.info("Execution %s is %s", execution.name, execution.status)
            return False
        context["ti"].xcom_push(key=EXECUTION_ARN, value=execution.arn)
        if not execution.succeeded:
            raise AirflowFailException(self._failure(execution))
        if execution.skipped:
            raise AirflowSkipException(f"Execution {execution.name} did nothing. {execution.skipped}")
        context["ti"].xcom_push(key="output", value=json.loads(execution.output or "null"))
        return True

    def trigger(self, context: Context, timeout: float) -> BaseTrigger:
        from elt_redshift.triggers.execution import ExecutionTrigger  # Airflow's triggers are not for DAG files

        return ExecutionTrigger(
            self._executions().state_machine_arn,
            self.execution_arn,
            *self._run(context),
            timeout,
            poll_interval=self.poke_interval,
            **self.connection.arguments,
        )

    def _run(self, context: Context) -> tuple[str, str, str]:
        """DAG, run and task that start the execution."""
        ti = context["ti"]
        return self.external_dag_id or ti.dag_id, self.external_run_id or ti.run_id, self.external_task_id

    def _find(self, executions: Executions, context: Context) -> Execution | None:
        if self.execution_arn:
            return executions.describe(self.execution_arn)
        return latest_of_run(executions, *self._run(context))

    def _executions(self) -> Executions:
        if self.job is None:
            if not self.execution_arn:
                raise AirflowFailException(f"Task {self.task_id}: execution_arn is {self.execution_arn!r}.")
            return self.hook.executions(machine_arn(self.execution_arn))
        return self.hook.executions_of(JobRef(self.job.job_id, self.job.name, self.stack, self.state_machine_arn))

    def _failure(self, execution: Execution) -> str:
        """Why it failed, in Redshift's words where it was a statement."""
        why = causes.execution_ended(execution.name, execution.status, execution.error, execution.cause)
        return causes.task_failed(self.task_id, why, remedy=_REMEDY)
