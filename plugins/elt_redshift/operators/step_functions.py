"""Start a job's execution.

The operator derives from Airflow's BaseOperator, not from Amazon's operators, and imports boto3 only to execute: a DAG
file would otherwise take half a second longer to parse (docs/adr/0003-cheap-dag-files.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elt_redshift.airflow_compat import (
    AirflowException,
    AirflowFailException,
    BaseOperatorLink,
    Context,
    bounded,
    run_before,
)
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.job.parameters import rendered
from elt_redshift.lineage.telling import TellsLineage
from elt_redshift.lineage.told import Told
from elt_redshift.links.console import EXECUTION_ARN, ExecutionLink
from elt_redshift.operators.base import AwsOperator
from elt_redshift.operators.drift import ON_DRIFT, Drift, OnDrift, drift
from elt_redshift.protocol.executions import MAX_FOLLOW
from elt_redshift.triggers.outcome import DEPLOYED, RUN

if TYPE_CHECKING:
    from elt_redshift.operators.killing import Killable
    from elt_redshift.operators.redriving import Redriver

#: After this many looks at an earlier run's execution the task asks Airflow whether that run still runs, which AWS does
#: not tell.
LOOKS = 60


class StartExecutionOperator(TellsLineage, AwsOperator):
    """Starts the execution of a DAG run, or attaches to the one that it has.

    A try that repeats an interrupted one (a lost worker) takes the execution that the first one started. A task that
    was cleared redrives the last one if that was unsuccessful, and starts a new one if it succeeded.

    If the job waits for its lock, DAG runs start in the order of their dates: each waits in the triggerer until the
    execution of the one before has ended. (Those who wait for a lock get it in any order.)

    :param job: the job.
    :param parameters: a Jinja template, or text, for each job parameter; the job's defaults fill in the rest.
    :param state_machine_arn: default: the state machine of the job's stack, looked up when the task runs.
    :param stack: the stack; needed only where the job is deployed more than once.
    :param poll_interval: seconds between two looks at the execution of an earlier run.
    :param on_drift: what to do where the deployed job is another than ``job``: ``fail``, ``warn`` or ``ignore``;
        default: fail where tasks or edges differ, warn where only SQL does.
    """

    template_fields: Sequence[str] = ("parameters", "state_machine_arn", "stack", *AwsOperator.template_fields)
    template_fields_renderers = {"parameters": "json"}  # noqa: RUF012 - as Airflow's base class declares it
    operator_extra_links: Sequence[BaseOperatorLink] = (ExecutionLink(),)
    ui_color = "#f9c915"

    def __init__(
        self,
        *,
        job: EltJob,
        parameters: Mapping[str, str] | None = None,
        state_machine_arn: str | None = None,
        stack: str | None = None,
        poll_interval: float = 5.0,
        on_drift: OnDrift | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if on_drift not in (None, *ON_DRIFT):
            raise AirflowException(f"on_drift is {on_drift!r}; it must be one of {', '.join(ON_DRIFT)}, or None.")
        self.job, self.poll_interval, self.on_drift = job, poll_interval, on_drift
        self.parameters = dict(parameters or {})
        self.state_machine_arn, self.stack = state_machine_arn, stack
        self._killable: Killable = (None, None, None)

    def execute(self, context: Context) -> str:
        from elt_redshift.aws.resumption import UnknowableError  # what only workers do is not for DAG files
        from elt_redshift.operators.clearing import make_redriver

        ti, job = context["ti"], JobRef(self.job.job_id, self.job.name, self.stack, self.state_machine_arn)
        self._killable = (ti, job, None)
        try:
            values = self.job.values(rendered(self.job.parameters, self.parameters))
            redriver = make_redriver(self.hook, context, self, self.task_id, job, values)
        except AwsError:
            raise  # it may pass
        except EltError as error:
            raise AirflowFailException(str(error)) from error  # another try would end alike
        found = self._check_drift(redriver)
        if self.job.lock.when_locked == "wait":
            self._await_turn(context, redriver)
        retries = self.retries or 0
        # Clearing a task raises max_tries by the tries made so far: the tries since then are those beyond that.
        repeated = ti.try_number > ti.max_tries - retries + 1
        try:
            pursued = redriver.start(repeated=repeated, cleared=ti.max_tries > retries)
        except UnknowableError as error:
            raise AirflowFailException(str(error)) from error  # another try would end alike
        self._killable = (ti, job, pursued.arn)
        for note in pursued.notes:
            self.log.info(note)
        self.log.info("Parameters: %s", values)
        ti.xcom_push(key=EXECUTION_ARN, value=pursued.arn)
        deployed = {DEPLOYED: found.shown} if found else {}
        ti.xcom_push(key=RUN, value={"job": job.to_dict(), "parameters": values, **deployed})
        return pursued.arn

    def execute_complete(self, context: Context, event: Any = None) -> str:
        """Resume when the earlier run may be done."""
        return self.execute(context)

    def _check_drift(self, redriver: Redriver) -> Drift | None:
        """Tell how the deployed job differs, which is what will run."""
        if self.on_drift == "ignore":
            return None
        try:
            found = drift(self.job, redriver.definitions.deployed(redriver.executions.state_machine_arn))
        except AwsError as error:
            self.log.info("Whether the deployed job is that of this DAG cannot be told: %s", error)
            return None
        if found and found.fails(self.on_drift):
            raise AirflowFailException(str(found))
        if found:
            self.log.warning("%s", found)
        return found

    def _await_turn(self, context: Context, redriver: Redriver) -> None:
        """Defer while a run with an earlier date is under way, unless this one has begun already."""
        from elt_redshift.aws.attempts import latest_attempt, latest_of_run
        from elt_redshift.triggers.execution import ExecutionTrigger

        ti, executions = context["ti"], redriver.executions
        if latest_attempt(executions, redriver.name)[1] or not (before := run_before(context)):
            return
        execution = latest_of_run(executions, ti.dag_id, before, self.task_id)
        if execution and execution.ended:
            return
        self.log.info("Waiting for the end of run %s", before)
        trigger = ExecutionTrigger(
            executions.state_machine_arn,
            None,
            ti.dag_id,
            before,
            self.task_id,
            timeout=LOOKS * self.poll_interval,
            poll_interval=self.poll_interval,
            **self.connection.arguments,
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=bounded(self, context, MAX_FOLLOW))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """As Airflow's, but says which wait was too long."""
        reason = str((next_kwargs or {}).get("error")) if next_method == "__fail__" else ""
        if "timeout" not in reason.lower():
            return super().resume_execution(next_method, next_kwargs, context)
        limit = self.execution_timeout or MAX_FOLLOW
        raise AirflowException(f"The run before had not ended within {limit}, so nothing was started.")

    def on_kill(self) -> None:
        """Stop what it has started, when it was failed by somebody; a lost try is repeated and attaches again."""
        from elt_redshift.operators.killing import stop_if_failed

        stop_if_failed(self.hook, *self._killable)

    def lineage(self) -> Told:
        """The job, and the execution once it is started; what reads and writes tables is told by the mirrors."""
        return Told(self.job.job_id, self.job.name, tuple(self.job.task_names), self._killable[2])
