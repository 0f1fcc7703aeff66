"""Start a job's execution, and show each of its tasks.

Both derive from Airflow's BaseOperator, not from Amazon's operators, and import boto3 only to execute: a DAG file would
otherwise take half a second longer to parse (docs/adr/0003-cheap-dag-files.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from elt_redshift.airflow_compat import (
    STARTS_FROM_TRIGGER,
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
    BaseOperatorLink,
    Context,
    bounded,
    clear_number,
    ends_without_worker,
    hooked,
    run_before,
    task_states,
    task_timeout,
)
from elt_redshift.asl import causes
from elt_redshift.asl.history import TaskRuns
from elt_redshift.aws.attempts import latest_attempt, latest_of_run, machine_arn, run_execution_name
from elt_redshift.aws.calls import AwsError
from elt_redshift.aws.executions import MAX_FOLLOW, FollowTimeoutError, Snapshot
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.job.parameters import rendered
from elt_redshift.job.parts import SqlStatement
from elt_redshift.job.statements import script
from elt_redshift.lineage.telling import TellsLineage, mirrored
from elt_redshift.lineage.told import Told
from elt_redshift.links.console import EXECUTION_ARN, ExecutionLink, QueriesLink, execution_url
from elt_redshift.operators.base import AwsOperator
from elt_redshift.operators.drift import ON_DRIFT, Drift, OnDrift, drift
from elt_redshift.operators.killing import Killable, stop_if_failed, stop_overdue
from elt_redshift.operators.redriving import Pursued, Redriver, clear_token
from elt_redshift.triggers.outcome import DEPLOYED, RUN, XCOMS, Outcome, outcome_of

if TYPE_CHECKING:
    from elt_redshift.aws.statements import StatementStatus
    from elt_redshift.hooks.step_functions import EltHook


#: After this many looks at an earlier run's execution the task asks Airflow whether that run still runs, which AWS does
#: not tell.
LOOKS = 60

#: Under this key a cleared task says for which clear it has redriven the execution.
REDRIVEN = "redriven"


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
        pursued = redriver.start(repeated=repeated, cleared=ti.max_tries > retries)
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
        ti, executions = context["ti"], redriver.executions
        if latest_attempt(executions, redriver.name)[1] or not (before := run_before(context)):
            return
        execution = latest_of_run(executions, ti.dag_id, before, self.task_id)
        if execution and execution.ended:
            return
        from elt_redshift.triggers.execution import ExecutionTrigger  # only here: a DAG file has no need for it

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
        stop_if_failed(self.hook, *self._killable)

    def lineage(self) -> Told:
        """The job, and the execution once it is started; what reads and writes tables is told by the mirrors."""
        return Told(self.job.job_id, self.job.name, tuple(self.job.task_names), self._killable[2])


class MirrorOperator(TellsLineage, AwsOperator):
    """Shows what one task of an execution does; it owns nothing.

    Cleared, it lets an unsuccessful execution go on (see :mod:`elt_redshift.operators.redriving`); failed by somebody
    while it waits, it stops the execution. It succeeds, fails with Redshift's message, or is skipped, as the state
    machine's task is. XComs: ``execution_arn``, ``statement_id``, ``seconds``, ``rows``.

    Its retries are for what is not the task's fault: a worker that was lost, AWS that would not answer. What the task
    came to is never tried again.

    :param task_name: the task's name in the job; default: ``task_id``.
    :param statements: the task's SQL, which the mirror shows; it runs none.
    :param start_task_id: the task that pushed the execution's ARN.
    :param poll_interval: seconds between two looks at the execution.
    :param deferrable: wait in the triggerer (default), or on the worker.
    :param from_trigger: begin in the triggerer, where Airflow can do that (3.3 and later); otherwise on a worker, as
        where the connection is a template.
    :param follow_timeout: it fails when the task has not ended by then, and the execution goes on. (The
        ``execution_timeout`` that every task has stops the execution.)
    """

    template_fields: Sequence[str] = ("sql", "parameters", *AwsOperator.template_fields)
    template_fields_renderers = {"sql": "sql", "parameters": "json"}  # noqa: RUF012 - as Airflow's base class declares it
    operator_extra_links: Sequence[BaseOperatorLink] = (ExecutionLink(), QueriesLink())
    ui_color = "#dae8fc"

    def __init__(
        self,
        *,
        task_name: str | None = None,
        statements: Sequence[SqlStatement] = (),
        start_task_id: str = "start_execution",
        poll_interval: float = 5.0,
        deferrable: bool = True,
        from_trigger: bool = True,
        follow_timeout: timedelta = MAX_FOLLOW,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task_name = task_name or self.task_id
        self.statements = tuple(statements)
        #: For Airflow's page of rendered templates, see :meth:`render_template_fields`.
        self.sql: str | None = None
        self.parameters: dict[str, str] | None = None
        self.start_task_id = start_task_id
        self.poll_interval, self.deferrable, self.follow_timeout = poll_interval, deferrable, follow_timeout
        self._killable: Killable = (None, None, None)
        self._told = Told(tasks=(self.task_name,))
        if from_trigger and deferrable and STARTS_FROM_TRIGGER and not (hooked(self) or self.connection.templated):
            self._start_from_trigger()

    def _start_from_trigger(self) -> None:
        from airflow.triggers.base import StartTriggerArgs

        given = {"task": self.task_name, "start_task_id": self.start_task_id, "poll_interval": self.poll_interval}
        given |= self.connection.arguments
        self.start_from_trigger = True
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls="elt_redshift.triggers.mirror.MirrorTrigger",
            trigger_kwargs=given,
            next_method="execute_complete",
            timeout=self.follow_timeout,
        )

    @property
    def places(self) -> tuple[str, ...]:
        """Where each of the statements stands, such as ``load_fact.sql:12``."""
        return tuple(statement.place for statement in self.statements)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Show the SQL and the values bound to it. Neither is a template: ``{{`` is sent to Redshift as it stands."""
        self.sql = self.parameters = None  # of an earlier call
        super().render_template_fields(context, jinja_env)
        run = context["ti"].xcom_pull(task_ids=self.start_task_id, key=RUN) or {}
        bound = {name for statement in self.statements for name in statement.parameters}
        self.parameters = {name: value for name, value in run.get("parameters", {}).items() if name in bound}
        if deployed := run.get(DEPLOYED, {}).get(self.task_name):
            self.sql = f"-- This is deployed and runs; the DAG file has other SQL.\n{deployed}"
            return
        try:
            self.sql = script(self.statements)
        except EltError as error:  # no task fails for what is only shown
            self.sql = f"-- {error}"

    def execute(self, context: Context) -> None:
        self._begin(context)

    def _begin(self, context: Context) -> None:
        pursued, job = self._pursue(context)
        self._killable = (context["ti"], job, pursued.arn)
        # A try after the first one looks before it waits: its trigger may be the one that came too early.
        outcome = self._look(pursued) if self.deferrable and context["ti"].try_number > 1 else None
        if self.deferrable and outcome is None:
            self._defer(context, pursued, job)
        try:
            self._conclude(context, outcome or self._follow(pursued))
        except task_timeout():
            self._overdue(context)

    def on_kill(self) -> None:
        """Stop the execution when somebody failed the mirror, or its run, while it waits on its worker."""
        stop_if_failed(self.hook, *self._killable)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | str | None) -> None:
        """Resume with the trigger's event; with None, when the trigger leaves all to a worker; with the name of a state
        after the trigger has ended the task, which ``airflow dags test`` does not know about."""
        if event is None:
            for key in XCOMS:  # of an earlier try: Airflow removes them only where a worker begins
                context["ti"].xcom_push(key=key, value=None)
            self._begin(context)
        elif isinstance(event, str):
            self._conclude(context, self._follow(self._pursue(context)[0]))
        else:
            self._conclude(context, Outcome.from_event(event))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """As Airflow's, but a wait that took too long is not begun again."""
        reason = str((next_kwargs or {}).get("error")) if next_method == "__fail__" else ""
        if "timeout" not in reason.lower():
            return super().resume_execution(next_method, next_kwargs, context)
        if self.execution_timeout is not None and self.execution_timeout <= self.follow_timeout:
            return self._overdue(context)
        longest = str(self.follow_timeout).removesuffix(", 0:00:00")
        raise AirflowFailException(
            f"Task {self.task_name} had not ended after {longest}, which is as long as it is followed. Its "
            "execution goes on: clear the task to follow it again."
        )

    def _overdue(self, context: Context) -> None:
        """``execution_timeout`` is over: the user's rule ends the execution as the user would, by failing the task."""
        ti, hook = context["ti"], self.hook
        arn, job = self._started(ti)
        latest = latest_of_run(hook.executions(machine_arn(arn)), ti.dag_id, ti.run_id, self.start_task_id, arn)
        arn = latest.arn if latest else arn
        outcome = self._outcome(hook.executions().look(arn, TaskRuns()))
        if outcome is None:
            done = stop_overdue(hook, ti, job, arn, self.execution_timeout)
            raise AirflowFailException(f"Task {self.task_name} {done} See {execution_url(arn)}")
        self._conclude(context, outcome)  # it has ended, which nobody has told so far

    def _pursue(self, context: Context) -> tuple[Pursued, JobRef | None]:
        """The execution to follow; after a clear, that may be one that first has to be redriven."""
        ti = context["ti"]
        started, job = self._started(ti)
        cleared = ti.max_tries > (self.retries or 0)
        pursued = Pursued(started)
        if job and (cleared or clear_number(context)):
            parameters = ti.xcom_pull(task_ids=self.start_task_id, key=RUN)["parameters"]
            redriver = make_redriver(self.hook, context, self, self.start_task_id, job, parameters)
            pursued = redriver.mirror(self.task_name, cleared, started)
        for note in pursued.notes:
            self.log.info(note)
        ti.xcom_push(key=EXECUTION_ARN, value=pursued.arn)
        return pursued, job

    def _started(self, ti: Any) -> tuple[str, JobRef | None]:
        """The execution that the start task has pushed, and its job."""
        started = ti.xcom_pull(task_ids=self.start_task_id, key=EXECUTION_ARN)
        if not started:
            raise AirflowFailException(f"Task {self.start_task_id} has started no execution. Clear it.")
        run = ti.xcom_pull(task_ids=self.start_task_id, key=RUN)
        return str(started), JobRef.from_dict(run["job"]) if run else None

    def _defer(self, context: Context, pursued: Pursued, job: JobRef | None) -> NoReturn:
        from elt_redshift.triggers.step_functions import TaskTrigger  # only here: a DAG file has no need for it

        self.log.info("Waiting for task %s of %s", self.task_name, pursued.arn)
        self.defer(
            trigger=TaskTrigger(
                pursued.arn,
                self.task_name,
                pursued.redrives,
                job.to_dict() if job else None,
                ends_without_worker(self),
                poll_interval=self.poll_interval,
                **self.connection.arguments,
            ),
            method_name="execute_complete",
            timeout=bounded(self, context, self.follow_timeout),
        )

    def _look(self, pursued: Pursued) -> Outcome | None:
        """The outcome, if it is known already."""
        snapshot = self.hook.executions().look(pursued.arn, TaskRuns())
        return self._outcome(snapshot) if snapshot.execution.redrive_count >= pursued.redrives else None

    def _follow(self, pursued: Pursued) -> Outcome:
        follow = self.hook.executions().follow(
            pursued.arn, None, self.poll_interval, self.follow_timeout, pursued.redrives
        )
        try:
            for snapshot in follow:
                if outcome := self._outcome(snapshot):
                    return outcome
        except FollowTimeoutError as error:
            raise AirflowFailException(str(error)) from error
        raise AssertionError(f"no outcome of task {self.task_name} although {pursued.arn} has ended")

    def _outcome(self, snapshot: Snapshot) -> Outcome | None:
        outcome = outcome_of(self.task_name, snapshot)
        return outcome.seen(self.hook.statement) if outcome else None

    def _statement(self, statement_id: str) -> StatementStatus | None:
        return self.hook.statement(statement_id)

    def lineage(self) -> Told:
        """What the state machine's task ran, once that has ended."""
        return self._told

    def _conclude(self, context: Context, outcome: Outcome) -> None:
        self._told = mirrored(context, self.start_task_id, self._told, outcome, self._statement)
        for key, value in outcome.xcoms.items():
            context["ti"].xcom_push(key=key, value=value)
        match outcome.status:
            case "succeeded":
                self.log.info(outcome.line(self.task_name))
            case "skipped":
                raise AirflowSkipException(outcome.message)
            case "failed":
                self.log.info(outcome.line(self.task_name))
                raise AirflowFailException(f"{self._failure(outcome)}{_see(outcome)}")
            case "aborted":
                raise AirflowFailException(f"{outcome.message}{_see(outcome)}")
            case "unknown":
                raise AirflowException(outcome.message)

    def _failure(self, outcome: Outcome) -> str:
        return causes.task_failed(self.task_name, outcome.message, outcome.statement_id, self.places, causes.CLEAR_JOB)


def _see(outcome: Outcome) -> str:
    return f" See {execution_url(outcome.execution_arn)}" if outcome.execution_arn else ""


def clear_of(context: Context) -> str:
    """What tells a clear of the DAG run from others."""
    ti = context["ti"]
    return clear_token(ti.dag_id, ti.run_id, clear_number(context))


def make_redriver(
    hook: EltHook,
    context: Context,
    operator: BaseOperator,
    start_task_id: str,
    job: JobRef,
    parameters: Mapping[str, str],
) -> Redriver:
    """How the DAG run's executions go on.

    :param operator: the task that asks.
    :raises NotDeployedError: the job's state machine is not there.
    """
    ti, mirrors = context["ti"], _mirrors(operator, start_task_id)
    return Redriver(
        hook.executions_of(job),
        partial(run_execution_name, ti.dag_id, ti.run_id, start_task_id),
        parameters,
        lambda: hook.audit_of(job),
        job.job_id,
        clear_of(context),
        hook.definitions(),
        partial(_cleared, context, mirrors),
        lambda: ti.xcom_push(key=REDRIVEN, value=clear_of(context)),
        partial(_redriven, context, [start_task_id, *mirrors]),
    )


def _mirrors(operator: BaseOperator, start_task_id: str) -> dict[str, str]:
    """The mirrors behind a start task, and what their tasks are called in the job."""
    tasks = getattr(operator.get_dag(), "tasks", ())
    mirrors = (task for task in tasks if isinstance(task, MirrorOperator) and task.start_task_id == start_task_id)
    return {mirror.task_id: mirror.task_name for mirror in mirrors}


def _cleared(context: Context, mirrors: Mapping[str, str]) -> frozenset[str]:
    """What was cleared: Airflow clears tasks together, before the first of them runs again."""
    states = task_states(context)
    return frozenset(name for task, name in mirrors.items() if states.get(task) != "success")


def _redriven(context: Context, tasks: list[str]) -> bool:
    """Whether one of the tasks has redriven the execution for the clear at hand."""
    return clear_of(context) in (context["ti"].xcom_pull(task_ids=tasks, key=REDRIVEN) or ())
