"""Show what each task of a job's execution does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from elt_redshift.airflow_compat import (
    STARTS_FROM_TRIGGER,
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    BaseOperatorLink,
    Context,
    asks,
    bounded,
    clear_number,
    ends_without_worker,
    hooked,
    start_from_trigger,
    task_timeout,
)
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.exceptions import EltError
from elt_redshift.hooks.connection import Connection
from elt_redshift.job.keys import START_TASK
from elt_redshift.job.parts import SqlStatement
from elt_redshift.job.statements import places, script
from elt_redshift.lineage.telling import TellsLineage, mirrored
from elt_redshift.lineage.told import Told
from elt_redshift.links.console import EXECUTION_ARN, ExecutionLink, QueriesLink, execution_url
from elt_redshift.operators.base import ConnectedOperator
from elt_redshift.protocol.executions import MAX_FOLLOW
from elt_redshift.runs import causes
from elt_redshift.triggers.group import Decide, decider
from elt_redshift.triggers.outcome import DEPLOYED, RETURNED, RUN, Outcome

if TYPE_CHECKING:
    from elt_redshift.aws.statement_status import StatementStatus
    from elt_redshift.operators.killing import Killable
    from elt_redshift.operators.redriving import Pursued


POLL_INTERVAL = 5.0
#: What a trigger takes where it is not told.
_ANY = {"start_task_id": START_TASK, "poll_interval": POLL_INTERVAL, "tasks": [], **Connection().arguments}


class MirrorOperator(TellsLineage, ConnectedOperator):
    """Shows what one task of an execution does; it owns nothing.

    Cleared, it lets an unsuccessful execution go on (see :mod:`elt_redshift.operators.redriving`); failed by somebody
    while it waits, it stops the execution. It succeeds, fails with Redshift's message, or is skipped, as the state
    machine's task is. Its value, a dict that other tasks can pull, has ``execution_arn``, ``statement_id``, ``seconds``
    and ``rows``, as far as they are known; with ``do_xcom_push=False`` it has none.

    Its retries are for what is not the task's fault: a worker that was lost, AWS that would not answer. What the task
    came to is never tried again.

    :param task_name: the task's name in the job; default: ``task_id``.
    :param statements: the task's SQL, which the mirror shows; it runs none.
    :param start_task_id: the task that pushed the execution's ARN.
    :param fenced: the job has a fence, which is checked by a statement before these.
    :param poll_interval: seconds between two looks at the execution.
    :param deferrable: wait in the triggerer (default), or on the worker.
    :param from_trigger: begin in the triggerer, where Airflow can do that (3.3 and later); otherwise on a worker, as
        where the connection is a template.
    :param aws_conn_id: as :class:`~elt_redshift.operators.base.AwsOperator` takes it, and what follows it.
    :param follow_timeout: it fails when the task has not ended by then, and the execution goes on. (The
        ``execution_timeout`` that every task has stops the execution.)
    """

    #: A list, and each name that is here only where it differs: Airflow takes time to write all of it down, per task.
    template_fields: Sequence[str] = ["sql", "parameters"]
    template_fields_renderers = {"sql": "sql", "parameters": "json"}  # noqa: RUF012 - as Airflow's base class declares it
    operator_extra_links: Sequence[BaseOperatorLink] = (ExecutionLink(), QueriesLink())
    ui_color = "#dae8fc"

    #: For Airflow's page of rendered templates, see :meth:`render_template_fields`.
    sql: str | None = None
    parameters: dict[str, str] | None = None
    _killable: Killable = (None, None, None)
    _told: Told | None = None

    def __init__(
        self,
        *,
        task_name: str | None = None,
        statements: Sequence[SqlStatement] = (),
        fenced: bool = False,
        start_task_id: str = START_TASK,
        poll_interval: float = POLL_INTERVAL,
        deferrable: bool = True,
        from_trigger: bool = True,
        follow_timeout: timedelta = MAX_FOLLOW,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        connection = self._connect(aws_conn_id, region_name, verify, botocore_config)
        templated = connection.templated
        if templated:
            self.template_fields = [*self.template_fields, *ConnectedOperator.template_fields]
        self.task_name, self.statements = task_name or self.task_id, tuple(statements)
        self.start_task_id, self.fenced = start_task_id, fenced
        self.poll_interval, self.deferrable, self.follow_timeout = poll_interval, deferrable, follow_timeout
        if from_trigger and deferrable and STARTS_FROM_TRIGGER and not (templated or hooked(self) or asks(self)):
            self._start_from_trigger(connection)

    def _start_from_trigger(self, connection: Connection) -> None:
        given = {"start_task_id": self.start_task_id, "poll_interval": self.poll_interval, "tasks": list(self.tasks)}
        told = {name: value for name, value in {**given, **connection.arguments}.items() if value != _ANY[name]}
        start_from_trigger(
            self,
            trigger_cls="elt_redshift.triggers.mirror.MirrorTrigger",
            trigger_kwargs={"task": self.task_name, **told},
            next_method="execute_complete",
            timeout=self.follow_timeout,
        )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of a group, where it shows one."""
        return ()

    @property
    def members(self) -> frozenset[str]:
        """The tasks of the job that it shows."""
        return frozenset(self.tasks or (self.task_name,))

    @property
    def places(self) -> tuple[str, ...]:
        """Where each statement that is sent stands, such as ``load_fact.sql:12``."""
        return places(self.statements, self.fenced)

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
        from elt_redshift.operators.killing import stop_if_failed

        stop_if_failed(self.hook, *self._killable)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | str | None) -> None:
        """Resume with the trigger's event; with None, when the trigger leaves all to a worker; with the name of a state
        after the trigger has ended the task, which ``airflow dags test`` does not know about."""
        if event is None:
            # Of an earlier try: Airflow removes it only where a worker begins.
            context["ti"].xcom_push(key=RETURNED, value=None)
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
        from elt_redshift.aws.attempts import latest_of_run, machine_arn
        from elt_redshift.operators.killing import stop_overdue
        from elt_redshift.operators.redriving import Pursued

        ti, hook = context["ti"], self.hook
        arn, job = self._started(ti)
        latest = latest_of_run(hook.executions(machine_arn(arn)), ti.dag_id, ti.run_id, self.start_task_id, arn)
        arn = latest.arn if latest else arn
        outcome = self._look(Pursued(arn))
        if outcome is None:
            done = stop_overdue(hook, ti, job, arn, self.execution_timeout)
            raise AirflowFailException(f"Task {self.task_name} {done} See {execution_url(arn)}")
        self._conclude(context, outcome)  # it has ended, which nobody has told so far

    def _pursue(self, context: Context) -> tuple[Pursued, JobRef | None]:
        """The execution to follow; after a clear, that may be one that first has to be redriven."""
        from elt_redshift.aws.resumption import UnknowableError  # what only workers do is not for DAG files
        from elt_redshift.operators.clearing import make_redriver
        from elt_redshift.operators.redriving import Pursued

        ti = context["ti"]
        started, job = self._started(ti)
        cleared = ti.max_tries > (self.retries or 0)
        pursued = Pursued(started)
        if job and (cleared or clear_number(context)):
            parameters = ti.xcom_pull(task_ids=self.start_task_id, key=RUN)["parameters"]
            redriver = make_redriver(self.hook, context, self, self.start_task_id, job, parameters)
            try:
                pursued = redriver.mirror(self.members, cleared, started)
            except UnknowableError as error:
                raise AirflowFailException(str(error)) from error  # another try would end alike
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

    def _look(self, pursued: Pursued) -> Outcome | None:
        from elt_redshift.operators import following  # what only workers do

        return following.look(self.hook, pursued, self._decider())

    def _follow(self, pursued: Pursued) -> Outcome:
        from elt_redshift.operators import following

        return following.follow(self.hook, pursued, self._decider(), self.poll_interval, self.follow_timeout)

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
                self.tasks,
                self.do_xcom_push,
                poll_interval=self.poll_interval,
                **self.connection.arguments,
            ),
            method_name="execute_complete",
            timeout=bounded(self, context, self.follow_timeout),
        )

    def _decider(self) -> Decide:
        return decider(self.task_name, self.tasks, self.log.info)

    def _statement(self, statement_id: str) -> StatementStatus | None:
        return self.hook.statement(statement_id)

    def lineage(self) -> Told:
        """What the state machine's task ran, once that has ended."""
        return self._told or Told(tasks=self.tasks or (self.task_name,))

    def _conclude(self, context: Context, outcome: Outcome) -> None:
        self._told = mirrored(context, self.start_task_id, self.lineage(), outcome, self._statement)
        if self.do_xcom_push and outcome.returned:
            context["ti"].xcom_push(key=RETURNED, value=outcome.returned)
        match outcome.status:
            case "succeeded":
                self.log.info(outcome.line(self.task_name, "Group" if self.tasks else "Task"))
            case "skipped":
                raise AirflowSkipException(outcome.message)
            case "failed":
                self.log.info(outcome.line(self.task_name, "Group" if self.tasks else "Task"))
                raise AirflowFailException(f"{self._failed(outcome)}{_see(outcome)}")
            case "aborted":
                raise AirflowFailException(f"{outcome.message}{_see(outcome)}")
            case "unknown":
                raise AirflowException(outcome.message)

    def _failed(self, outcome: Outcome) -> str:
        failed = self.task_name, outcome.message, outcome.statement_id, self.places
        return causes.task_failed(*failed, causes.CLEAR_JOB)


def _see(outcome: Outcome) -> str:
    return f" See {execution_url(outcome.execution_arn)}" if outcome.execution_arn else ""
