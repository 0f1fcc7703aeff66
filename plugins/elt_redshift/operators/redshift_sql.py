"""SQL on Redshift from anybody's DAG, through the Data API.

It derives from Airflow's BaseOperator, not from Amazon's RedshiftDataOperator, whose import loads boto3 into every
process that parses a DAG file (docs/adr/0003-cheap-dag-files.md); it takes the same names for the same things
(:mod:`elt_redshift.operators.parity`). These are many, each with its line, which makes the module long: what goes into
a statement is in :mod:`elt_redshift.operators.sql_input`, which statement it is in :mod:`elt_redshift.operators.tries`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, NoReturn

from elt_redshift.airflow_compat import (
    AirflowException,
    AirflowFailException,
    Context,
    bounded,
    default_deferrable,
    ends_without_worker,
    mapped_over,
    task_timeout,
    time_left,
    try_key,
)
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.aws.statements import NO_RESULT, Statements
from elt_redshift.exceptions import EltError
from elt_redshift.job.parts import Parameter, RetryOn, SqlStatement
from elt_redshift.job.statements import script
from elt_redshift.lineage.telling import TellsLineage
from elt_redshift.lineage.told import Told, ToldStatement, Warehouse
from elt_redshift.operators import parity, sql_input
from elt_redshift.operators.audit_lock import AuditLock, lock_owner
from elt_redshift.operators.base import AwsOperator
from elt_redshift.operators.lease import renew
from elt_redshift.operators.lock_outcome import FAILURE
from elt_redshift.operators.sql_input import InputError
from elt_redshift.operators.tries import Tries
from elt_redshift.protocol import errors, statements
from elt_redshift.protocol.limits import LONGEST_STATEMENT
from elt_redshift.protocol.messages import REFUSED, UNSEEN
from elt_redshift.protocol.statements import NO_STATEMENT
from elt_redshift.runs import causes

#: A statement that runs to its own limit still ends within this.
TIMEOUT = LONGEST_STATEMENT + timedelta(hours=1)


class RedshiftSqlOperator(TellsLineage, AwsOperator):
    """Runs one or several SQL statements, and waits for their end.

    A try that repeats one goes on with the statement that an earlier one submitted, unless that failed. XComs:
    ``statement_id``, ``seconds``, ``rows``, ``session_id``; the returned value is the list of the statements' ids, as
    Amazon's RedshiftDataOperator returns it, unless results are asked for.

    :param sql: a script, the name of a ``.sql`` file, a list of these, or a task's output that is one of them; a
        script's statements end with ``;``. Templated, as all that has to do with the connection.
    :param statements: instead of ``sql``: statements that are sent as they are, such as a job's.
    :param declared: what a job says of the parameters of its ``statements``.
    :param placeholders: what to put in their texts for other texts.
    :param parameters: the values of the ``:name`` parameters: a mapping, a list of ``{"name": …, "value": …}``, or a
        task's output that is one of them; ``None`` is NULL. Those that no SQL names are ignored.
    :param database: needed, unless a session is named.
    :param session_id: instead of cluster and workgroup: the session of an earlier statement.
    :param session_keep_alive_seconds: open a session, or keep it, so long behind the statement; XCom ``session_id``.
    :param with_event: let the Data API send an EventBridge event when the statement has ended.
    :param wait_for_completion: wait for the statement's end (default); or succeed once it is submitted, for
        :class:`~elt_redshift.sensors.redshift_statement.RedshiftStatementSensor` to wait for it.
    :param transaction: run all statements as one transaction (default), or let each commit by itself.
    :param timeout: then the statement is cancelled and the try fails. So it is after ``execution_timeout``, which
        counts the time in the triggerer too.
    :param poll_interval: seconds between two looks where there is no long polling, and in the triggerer.
    :param deferrable: wait in the triggerer, or on the worker. Default: as ``[operators] default_deferrable`` of
        Airflow's configuration says where somebody has set that, and in the triggerer where nobody has.
    :param return_result: return the rows of the last statement; none if it gives no result.
    :param return_sql_result: return all statements' results, each in the shape of GetStatementResult.
    :param retry_on: the failures after which Airflow's ``retries`` are made: ``conflict``, ``throttled``,
        ``connection``, or ``any`` (default). After others the task fails at once.
    :param durable: look for the statements of earlier tries (default), or submit the SQL anew in each.
    :param cancel_on_kill: cancel the statement when the task is killed (default).
    :param lock: whose lease to renew, or its ``terms``; default: the :class:`AuditLock` context that the task is
        defined in.
    """

    template_fields: Sequence[str] = (
        "sql",
        "parameters",
        "database",
        "cluster_identifier",
        "workgroup_name",
        "session_id",
        "db_user",
        "secret_arn",
        *AwsOperator.template_fields,
        "job_id",
        "table_name",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"sql": "sql", "parameters": "json"}  # noqa: RUF012 - as Airflow's base class declares it
    ui_color = "#dae8fc"
    #: An :class:`AuditLock` around a mapped task tells it of the lock.
    renews_lock = True

    def __init__(
        self,
        *,
        sql: Any = None,
        statements: Sequence[SqlStatement] = (),
        declared: Sequence[Parameter] = (),
        placeholders: Mapping[str, str] | None = None,
        parameters: Any = None,
        database: str | None = None,
        cluster_identifier: str | None = None,
        workgroup_name: str | None = None,
        session_id: str | None = None,
        session_keep_alive_seconds: int | None = None,
        db_user: str | None = None,
        secret_arn: str | None = None,
        with_event: bool = False,
        wait_for_completion: bool = True,
        transaction: bool = True,
        timeout: timedelta = TIMEOUT,
        poll_interval: float = 5.0,
        deferrable: bool | None = None,
        return_result: bool = False,
        return_sql_result: bool = False,
        retry_on: Sequence[RetryOn] = ("any",),
        durable: bool | None = None,
        cancel_on_kill: bool = True,
        lock: AuditLock | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        refused = parity.refusals(kwargs)
        super().__init__(**kwargs)
        self.sql, self.parameters, self.statements = sql, parameters, tuple(statements)
        self.declared = tuple(declared)
        self.placeholders, self.sources = dict(placeholders or {}), sql_input.sources(sql)
        self.database, self.cluster_identifier, self.workgroup_name = database, cluster_identifier, workgroup_name
        self.session_id, self.session_keep_alive_seconds = session_id, session_keep_alive_seconds
        self.db_user, self.secret_arn, self.with_event = db_user, secret_arn, with_event
        self.wait_for_completion, self.transaction, self.timeout = wait_for_completion, transaction, timeout
        self.poll_interval = poll_interval
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.return_result, self.return_sql_result = return_result, return_sql_result
        self.durable, self.cancel_on_kill = durable is not False, cancel_on_kill
        self.retry_on = tuple(retry_on)
        held = lock or AuditLock.current()
        terms = held.terms if isinstance(held, AuditLock) else held or {}
        self.job_id: str | None = terms.get("job_id")
        self.table_name: str | None = terms.get("table_name")
        self.scope, self.mapped, self.lease = (
            terms.get("scope", ""),
            terms.get("mapped", False),
            terms.get("lease", 0.0),
        )
        self._submitted: str | None = None
        self._status: StatementStatus | None = None
        if problems := refused + sql_input.problems(self):
            raise AirflowException("\n".join(f"Task {self.task_id}: {problem}" for problem in problems))

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render, and show the SQL of ``statements``, which holds no templates."""
        if self.statements:
            self.sql = None  # of an earlier call
        super().render_template_fields(context, jinja_env)
        if self.statements:
            self.sql = self._filled(script(self.statements))

    def execute(self, context: Context) -> Any:
        return self._begin(context, self.deferrable)

    def _begin(self, context: Context, defer: bool) -> Any:
        owner = lock_owner(context["ti"], self.scope, self.mapped)
        self._renew(owner)
        try:
            self._submitted = self._submit(context, owner)
        except AwsError as error:
            self._fail(context, f"{REFUSED}{error.message}", NO_STATEMENT, error)
        except EltError as error:
            self._fail(context, str(error), NO_STATEMENT, error)
        with self._recorded(context):
            if not self.wait_for_completion:
                self._status = self._statements.describe(self._submitted)
                return self._value(context, self._status)
            if defer:
                self._defer(context, owner, self._submitted)
            try:
                status = self._follow(owner, self._submitted)
            except task_timeout():  # which says no more than the number of a process
                status = None
            return self._conclude(context, status)

    @contextmanager
    def _recorded(self, context: Context) -> Iterator[None]:
        """A call about the statement that AWS refuses is a failure of the task, which the lock's teardown records; the
        statement goes on, and the next try finds it by its name."""
        try:
            yield
        except AwsError as error:
            self._fail(context, f"{UNSEEN}{error.message}", self._submitted or NO_STATEMENT, error)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | str) -> Any:
        """Resume with the trigger's event; with the name of a state after the trigger has ended the task, which
        ``airflow dags test`` does not know about: the same submission gives the same statement."""
        if isinstance(event, str):
            return self._begin(context, defer=False)
        self._submitted = str(event["statement_id"])
        with self._recorded(context):
            if problem := event.get("problem"):
                self._statements.cancel(self._submitted)
                self._fail(context, str(problem), self._submitted)
            return self._conclude(context, self._statements.describe(self._submitted) if event["ended"] else None)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """As Airflow's, but when the wait itself has failed the statement is not left to itself: it is cancelled when
        ``execution_timeout`` is over, and otherwise followed from here."""
        if next_method != "__fail__":
            return super().resume_execution(next_method, next_kwargs, context)
        reason = str((next_kwargs or {}).get("error"))
        if "timeout" not in reason.lower():
            self.log.warning("The wait in the triggerer has failed: %s. The worker waits instead.", reason)
            return self._begin(context, defer=False)
        ti = context["ti"]
        self._submitted = self._tries(ti, lock_owner(ti, self.scope, self.mapped)).newest(ti.try_number)
        return self._conclude(context, None)

    def on_kill(self) -> None:
        """Cancel the statement."""
        if self._submitted and self.cancel_on_kill:
            self._statements.cancel(self._submitted)

    def lineage(self) -> Told:
        """The SQL; where it runs, once that is known; and what became of it."""
        status = self._status or StatementStatus("", "")
        region = self.region_name or (self._statements.region if self._submitted else None)
        name = self.cluster_identifier or self.workgroup_name or status.warehouse
        warehouse = Warehouse.known(name, region, self.database or status.database)
        statement = ToldStatement(tuple(self._texts), warehouse, self._submitted, status.rows, status.seconds)
        return Told(self.job_id, statement=statement)

    def _submit(self, context: Context, owner: str) -> str:
        """The statement of this try: that of an earlier one, unless it failed, or a new one."""
        ti, tries = context["ti"], self._tries(context["ti"], owner)
        if self.durable and (before := tries.going_on()):
            self.log.info("Going on with statement %s of an earlier try", before)
            return before
        name = tries.name(ti.try_number)
        submission = sql_input.submission(self, self._texts, name, tries.token(try_key(context)))
        try:
            statement_id = self._statements.submit(submission)
        except AwsError as error:  # the statement may be there although no answer came
            if not error.passes or (found := self._statements.find(name)) is None:
                raise
            statement_id = found
        self.log.info("Submitted statement %s as %s", statement_id, name)
        return statement_id

    def _tries(self, ti: Any, owner: str) -> Tries:
        return Tries(self._statements, ti, self.job_id or ti.dag_id, owner, self.retries or 0)

    @property
    def _texts(self) -> list[str]:
        """What is sent."""
        return [self._filled(statement.text) for statement in self._sqls]

    def _filled(self, text: str) -> str:
        for placeholder, value in self.placeholders.items():
            text = text.replace(placeholder, value)
        return text

    @cached_property
    def _sqls(self) -> tuple[SqlStatement, ...]:
        return self.statements or sql_input.statements(self.sql, self.sources)

    def _renew(self, owner: str) -> None:
        if self.job_id and self.table_name:
            renew(self.hook, self.table_name, self.job_id, owner, self.lease)

    def _follow(self, owner: str, statement_id: str) -> StatementStatus | None:
        try:
            return self._statements.follow(
                statement_id, self.poll_interval, self.timeout, alive=lambda: self._renew(owner)
            )
        except AirflowFailException:
            self._statements.cancel(statement_id)  # the lock is lost
            raise

    def _defer(self, context: Context, owner: str, statement_id: str) -> NoReturn:
        from elt_redshift.triggers.statement import StatementTrigger  # Airflow's triggers are not for DAG files

        trigger = StatementTrigger(
            statement_id=statement_id,
            owner=owner,
            job_id=self.job_id,
            table_name=self.table_name,
            lease=self.lease,
            timeout=bounded(self, context, self.timeout).total_seconds(),
            end_from_trigger=self._nothing_to_do_at_the_end(),
            return_ids=self.do_xcom_push,
            cancel_on_kill=self.cancel_on_kill,
            poll_interval=self.poll_interval,
            **self.connection.arguments,
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=time_left(self, context))
        raise AssertionError("defer() never returns")

    def _nothing_to_do_at_the_end(self) -> bool:
        """Whether no worker is needed once the statement has finished."""
        results = self.return_result or self.return_sql_result
        return ends_without_worker(self) and not results and not mapped_over(self)

    def _conclude(self, context: Context, status: StatementStatus | None) -> Any:
        """:param status: how the statement ended; None: it has not, and time is up."""
        if status is None and self._submitted:
            status = self._statements.give_up(self._submitted)
        self._status = status
        if status is None:
            self._too_late(context)
        self.log.info(status.summary)
        if status.error is not None:
            if status.session_id:
                context["ti"].xcom_push(key="session_id", value=status.session_id)
            self._fail(context, status.error, status.id)
        return self._value(context, status)

    def _value(self, context: Context, status: StatementStatus) -> Any:
        """What the task returns, once the other XComs are pushed."""
        for key, value in status.xcoms.items():
            context["ti"].xcom_push(key=key, value=value)
        for part in status.parts:
            if not part.has_result and (self.return_sql_result or (self.return_result and part is status.parts[-1])):
                self.log.info("Statement %s gave no result: there are no rows to return", part.id)
        if self.return_sql_result:
            return [self._statements.result(p.id) if p.has_result else dict(NO_RESULT) for p in status.parts]
        if self.return_result:
            last = status.parts[-1]
            return self._statements.records(last.id) if last.has_result else []
        return [part.id for part in status.parts]

    def _too_late(self, context: Context) -> NoReturn:
        limit, whose = self.timeout, "its timeout"
        kind: type[BaseException] = AirflowException
        if self.execution_timeout is not None and self.execution_timeout <= self.timeout:
            limit, whose, kind = self.execution_timeout, "the task's execution_timeout", task_timeout()
        message = f"The statement ran longer than {whose} of {limit} and was cancelled."
        self._fail(context, message, self._submitted or NO_STATEMENT, kind=kind)

    def _fail(
        self,
        context: Context,
        message: str,
        statement: str,
        cause: Exception | None = None,
        kind: type[BaseException] = AirflowException,
    ) -> NoReturn:
        """Tell the lock's teardown and Airflow why."""
        context["ti"].xcom_push(key=FAILURE, value={"message": message, "statement": statement})
        if "any" not in self.retry_on and errors.kind(*_error(cause, message)) not in self.retry_on:
            kind = AirflowFailException
        if isinstance(cause, InputError):
            raise AirflowFailException(f"Task {self.task_id}: {message}") from cause
        # Where nothing was submitted, it may be because it is no SQL.
        submitted = statements.submitted(statement)
        places = [one.place for one in self._sqls] if submitted else [", ".join(self.sources) or "sql"]
        raise kind(causes.task_failed(self.task_id, message, statement, places, causes.CLEAR_TASK)) from cause

    @cached_property
    def _statements(self) -> Statements:
        return self.hook.statements()


def _error(cause: Exception | None, message: str) -> tuple[str, str]:
    """Name and text of what a task failed with; of a statement there is a text alone."""
    return (cause.code, cause.message) if isinstance(cause, AwsError) else ("", message)
