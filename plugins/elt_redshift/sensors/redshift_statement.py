"""Waiting for SQL that another task has submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from elt_redshift.airflow_compat import AirflowFailException, Context
from elt_redshift.operators.audit_lock import AuditLock, lock_owner
from elt_redshift.operators.lease import renew
from elt_redshift.operators.lock_outcome import FAILURE
from elt_redshift.runs import causes
from elt_redshift.sensors.base import AwsSensor

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

    from elt_redshift.aws.statements import Statements


_REMEDY = "Mend it, and clear the task that has submitted it."


class RedshiftStatementSensor(AwsSensor):
    """Waits until statements of the Data API have ended; fails when one has failed or was cancelled.

    ::

        load = RedshiftSqlOperator(task_id="load", sql="load.sql", wait_for_completion=False, …)
        RedshiftStatementSensor(task_id="loaded", statement_id=load.output)

    It only watches: when it is killed or gives up, the statements go on.

    :param statement_id: an id or a list of ids, templated, such as the value of a task that does not wait.
    :param lock: whose lease to renew; default: the ``AuditLock`` context that the task is defined in.
    """

    template_fields: Sequence[str] = ("statement_id", "job_id", "table_name", *AwsSensor.template_fields)
    ui_color = "#dae8fc"
    renews_lock = True

    def __init__(self, *, statement_id: Any, lock: AuditLock | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.statement_id = statement_id
        held = lock or AuditLock.current()
        terms = held.terms if isinstance(held, AuditLock) else held or {}
        self.job_id: str | None = terms.get("job_id")
        self.table_name: str | None = terms.get("table_name")
        self.scope, self.mapped = terms.get("scope", ""), terms.get("mapped", False)
        self.lease = terms.get("lease", 0.0)

    def poke(self, context: Context) -> bool:
        """Whether all have ended.

        :raises AirflowFailException: one has failed. (Another try would find it so too.)
        """
        if self.job_id and self.table_name:
            renew(self.hook, self.table_name, self.job_id, self._owner(context), self.lease)
        open_one = self._open(context)
        if open_one:
            self.log.info("Statement %s has not ended", open_one)
        return open_one is None

    def trigger(self, context: Context, timeout: float) -> BaseTrigger:
        from elt_redshift.triggers.statement import StatementTrigger  # Airflow's triggers are not for DAG files

        return StatementTrigger(
            statement_id=self._open(context) or self._ids[-1],
            owner=self._owner(context),
            job_id=self.job_id,
            table_name=self.table_name,
            lease=self.lease,
            timeout=timeout,
            cancel_on_kill=False,
            cancel_late=False,
            poll_interval=self.poke_interval,
            **self.connection.arguments,
        )

    def _open(self, context: Context) -> str | None:
        """The first statement that has not ended."""
        for statement_id in self._ids:
            status = self._statements.describe(statement_id)
            if not status.ended:
                return statement_id
            self.log.info(status.summary)
            if status.error is not None:
                context["ti"].xcom_push(key=FAILURE, value={"message": status.error, "statement": status.id})
                raise AirflowFailException(causes.task_failed(self.task_id, status.error, status.id, remedy=_REMEDY))
        return None

    @property
    def _ids(self) -> list[str]:
        given = self.statement_id
        ids = [given] if isinstance(given, str) else list(given or ())
        if not ids or not all(isinstance(one, str) and one for one in ids):
            raise AirflowFailException(
                f"Task {self.task_id}: statement_id is {given!r}; give the id of a statement, or a list of ids."
            )
        return ids

    def _owner(self, context: Context) -> str:
        return lock_owner(context["ti"], self.scope, self.mapped)

    @cached_property
    def _statements(self) -> Statements:
        return self.hook.statements()
