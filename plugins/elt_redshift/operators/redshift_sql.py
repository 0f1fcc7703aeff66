"""SQL on Redshift from anybody's DAG, through the Data API.

It derives from Airflow's BaseOperator, not from Amazon's RedshiftDataOperator, whose import loads boto3 into every
process that parses a DAG file (docs/adr/0003-cheap-dag-files.md); it takes the same names for the same things.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from elt_redshift.airflow_compat import (
    AirflowException,
    AirflowFailException,
    BaseOperator,
    Context,
    ends_without_worker,
    try_key,
)
from elt_redshift.aws.audit import NotOwnerError
from elt_redshift.aws.healing import airflow_owner, run_label
from elt_redshift.aws.statements import LONGEST_STATEMENT, Statements, StatementStatus, Submission
from elt_redshift.exceptions import EltError
from elt_redshift.job import sql as scripts
from elt_redshift.job.parts import SqlStatement
from elt_redshift.job.statements import script
from elt_redshift.operators.audit_lock import FAILURE, AuditLock, make_hook

if TYPE_CHECKING:
    from elt_redshift.hooks.clients import ClientsHook

#: A statement that runs to its own limit still ends within this.
TIMEOUT = LONGEST_STATEMENT + timedelta(hours=1)

#: A statement's name may be this long.
MAX_NAME = 500


class RedshiftSqlOperator(BaseOperator):
    """Runs one or several SQL statements, and waits for their end.

    A try that repeats one whose worker was lost goes on with the statement that the lost one submitted. XComs:
    ``statement_id``, ``seconds``, ``rows``; the returned value is the last result if ``return_result``.

    :param sql: a script, templated, or the name of a ``.sql`` file; its statements end with ``;``.
    :param statements: instead of ``sql``: statements that are sent as they are, such as a job's.
    :param placeholders: what to put in their texts for other texts.
    :param parameters: templates for the values of the ``:name`` parameters; those that no SQL names are ignored.
    :param transaction: run all statements as one transaction (default), or let each commit by itself.
    :param timeout: then the statement is cancelled and the try fails.
    :param poll_interval: seconds between two looks where there is no long polling, and in the triggerer.
    :param deferrable: wait in the triggerer (default), or on the worker.
    :param return_result: give the rows of the last statement as XCom.
    :param lock: whose lease to renew; default: the :class:`AuditLock` context that the task is defined in.
    """

    template_fields: Sequence[str] = (
        "sql",
        "parameters",
        "database",
        "cluster_identifier",
        "workgroup_name",
        "db_user",
        "secret_arn",
    )
    template_ext: Sequence[str] = (".sql",)
    template_fields_renderers = {"sql": "sql", "parameters": "json"}  # noqa: RUF012 - as Airflow's base class declares it
    ui_color = "#dae8fc"

    def __init__(
        self,
        *,
        sql: str | None = None,
        statements: Sequence[SqlStatement] = (),
        placeholders: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        database: str,
        cluster_identifier: str | None = None,
        workgroup_name: str | None = None,
        db_user: str | None = None,
        secret_arn: str | None = None,
        transaction: bool = True,
        timeout: timedelta = TIMEOUT,
        poll_interval: float = 5.0,
        deferrable: bool = True,
        return_result: bool = False,
        lock: AuditLock | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (sql is None) == (not statements):
            raise AirflowException(f"Task {self.task_id} needs either sql or statements.")
        if (cluster_identifier is None) == (workgroup_name is None):
            raise AirflowException(f"Task {self.task_id} needs either cluster_identifier or workgroup_name.")
        self.sql, self.parameters, self.statements = sql, dict(parameters or {}), tuple(statements)
        self.placeholders = dict(placeholders or {})
        self.source = sql if sql and sql.endswith(".sql") else "sql"
        self.database, self.cluster_identifier, self.workgroup_name = database, cluster_identifier, workgroup_name
        self.db_user, self.secret_arn = db_user, secret_arn
        self.transaction, self.timeout, self.poll_interval = transaction, timeout, poll_interval
        self.deferrable, self.return_result = deferrable, return_result
        self.aws_conn_id, self.region_name = aws_conn_id, region_name
        held = lock or AuditLock.current()
        self.job_id = held.job_id if held else None
        self.table_name = held.table_name if held else None
        self.lease = held.lease.total_seconds() if held else 0.0
        self._submitted: str | None = None

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
        ti = context["ti"]
        owner = airflow_owner(ti.dag_id, ti.run_id)
        self._renew(owner)
        try:
            self._submitted = self._submit(context, owner)
        except EltError as error:
            self._fail(context, str(error), "none", error)
        if defer:
            self._defer(owner, self._submitted)
        return self._conclude(context, self._follow(owner, self._submitted))

    def execute_complete(self, context: Context, event: Mapping[str, Any] | str) -> Any:
        """Resume with the trigger's event; with the name of a state after the trigger has ended the task, which
        ``airflow dags test`` does not know about: the same submission gives the same statement."""
        if isinstance(event, str):
            return self._begin(context, defer=False)
        self._submitted = str(event["statement_id"])
        if problem := event.get("problem"):
            self._statements.cancel(self._submitted)
            self._fail(context, str(problem), self._submitted)
        return self._conclude(context, self._statements.describe(self._submitted) if event["ended"] else None)

    def on_kill(self) -> None:
        """Cancel the statement."""
        if self._submitted:
            self._statements.cancel(self._submitted)

    def _submit(self, context: Context, owner: str) -> str:
        """The statement of this try: that of the try that it repeats, unless that one failed, or a new one."""
        ti = context["ti"]
        # Clearing a task raises max_tries by the tries made so far: the tries since then are those beyond that.
        first = ti.max_tries - (self.retries or 0) + 1
        if ti.try_number > first and (before := self._statements.find(self._name(ti, owner, ti.try_number - 1))):
            status = self._statements.describe(before)
            if not status.ended or status.status == "FINISHED":
                self.log.info("Going on with statement %s of the try before", before)
                return before
        name = self._name(ti, owner, ti.try_number)
        token = hashlib.sha256(f"{ti.dag_id}\n{name}\n{try_key(context)}".encode()).hexdigest()
        statement_id = self._statements.submit(self._submission(name, token))
        self.log.info("Submitted statement %s as %s", statement_id, name)
        return statement_id

    def _submission(self, name: str, token: str) -> Submission:
        sqls = [self._filled(statement.text) for statement in self._sqls]
        named = {name for sql in sqls for name in scripts.parameters(sql)}
        where = {
            "Database": self.database,
            "ClusterIdentifier": self.cluster_identifier,
            "WorkgroupName": self.workgroup_name,
            "DbUser": self.db_user,
            "SecretArn": self.secret_arn,
        }
        return Submission(
            sqls=sqls,
            warehouse={key: value for key, value in where.items() if value},
            name=name,
            token=token,
            parameters={key: str(value) for key, value in self.parameters.items() if key in named},
            transaction=self.transaction,
        )

    def _filled(self, text: str) -> str:
        for placeholder, value in self.placeholders.items():
            text = text.replace(placeholder, value)
        return text

    def _name(self, ti: Any, owner: str, attempt: int) -> str:
        """The statement's name; a dead owner's statements are found by the part up to the task."""
        index = f"[{ti.map_index}]" if ti.map_index >= 0 else ""
        return f"{self.job_id or ti.dag_id}/{run_label(owner)}/{self.task_id}{index}/{attempt}"[-MAX_NAME:]

    @cached_property
    def _sqls(self) -> tuple[SqlStatement, ...]:
        if self.statements:
            return self.statements
        found = scripts.split(self.sql or "")
        if not found:
            raise AirflowFailException(f"{self.source} holds no SQL statement.")
        return tuple(SqlStatement(text=s.text, place=f"{self.source}:{s.line}") for s in found)

    def _renew(self, owner: str) -> None:
        if self.job_id and self.table_name:
            try:
                self._hook.audit(self.table_name).renew(self.job_id, owner, timedelta(seconds=self.lease))
            except NotOwnerError as error:
                raise AirflowFailException(str(error)) from error

    def _follow(self, owner: str, statement_id: str) -> StatementStatus | None:
        try:
            return self._statements.follow(
                statement_id, self.poll_interval, self.timeout, alive=lambda: self._renew(owner)
            )
        except AirflowFailException:
            self._statements.cancel(statement_id)  # the lock is lost
            raise

    def _defer(self, owner: str, statement_id: str) -> NoReturn:
        from elt_redshift.triggers.statement import StatementTrigger  # Airflow's triggers are not for DAG files

        trigger = StatementTrigger(
            statement_id=statement_id,
            owner=owner,
            job_id=self.job_id,
            table_name=self.table_name,
            lease=self.lease,
            timeout=self.timeout.total_seconds(),
            end_from_trigger=ends_without_worker(self) and not self.return_result,
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            poll_interval=self.poll_interval,
        )
        self.defer(trigger=trigger, method_name="execute_complete")
        raise AssertionError("defer() never returns")

    def _conclude(self, context: Context, status: StatementStatus | None) -> Any:
        """:param status: how the statement ended; None: it has not, and time is up."""
        assert self._submitted, "there is a statement"
        if status is None:
            self._statements.cancel(self._submitted)
            self._fail(context, f"The statement ran longer than {self.timeout} and was cancelled.", self._submitted)
        if status.error is not None:
            self._fail(context, f"Task {self.task_id}: {status.error}", status.id)
        for key, value in status.xcoms.items():
            context["ti"].xcom_push(key=key, value=value)
        return self._statements.records(status.parts[-1]) if self.return_result else None

    def _fail(self, context: Context, message: str, statement: str, cause: Exception | None = None) -> NoReturn:
        """Tell the lock's teardown and Airflow why."""
        context["ti"].xcom_push(key=FAILURE, value={"message": message, "statement": statement})
        if statement == "none":  # nothing was submitted, perhaps because it is no SQL
            raise AirflowException(f"{self.source}: {message}") from cause
        place = self._sqls[int(statement.partition(":")[2] or 1) - 1].place
        raise AirflowException(f"{place}: {message} (statement {statement})") from cause

    @cached_property
    def _statements(self) -> Statements:
        return self._hook.statements()

    @cached_property
    def _hook(self) -> ClientsHook:
        return make_hook(self.aws_conn_id, self.region_name)
