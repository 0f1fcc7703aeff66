"""An audit table that is a table in Redshift, as AWS's article has it for one of its ways.

It is named by an address, wherever an audit table is named::

    redshift://CLUSTER/DATABASE/SCHEMA.TABLE?user=USER
    redshift-serverless://WORKGROUP/DATABASE/SCHEMA.TABLE

Each read and each write is a statement, of one or a few seconds. A job has its row before it runs: made on demand, two
runs could make two, since Redshift enforces no keys.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from shlex import quote
from typing import Any

from elt_redshift.aws.audit import AuditStore, utc_now
from elt_redshift.aws.audit_item import AuditItem, LockedError
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.aws.statements import Statements, Submission
from elt_redshift.aws.waiting import Sleep
from elt_redshift.exceptions import EltError
from elt_redshift.protocol import audit, errors, sql
from elt_redshift.protocol.places import Place
from elt_redshift.protocol.writes import Write

#: A statement is waited for so long, and made again so often where it met another one.
TIMEOUT = timedelta(minutes=10)
TRIES = 8


class RedshiftAuditStore(AuditStore):
    """The audit table in Redshift.

    A write that met another one is made again: nothing of it was committed.

    :param statements: the Data API.
    :param sleep: how to wait, in seconds.
    """

    def __init__(
        self, statements: Statements, place: Place, now: Callable[[], datetime] = utc_now, sleep: Sleep = time.sleep
    ) -> None:
        super().__init__(place.address, now)
        self._statements, self._place, self._sleep = statements, place, sleep

    def create(self) -> bool:
        try:
            self._run(sql.create(self._place.table), f"table {self.table}")
        except AwsError as error:
            if "already exists" in error.message:
                return False
            raise
        return True

    def read(self, job_id: str) -> AuditItem | None:
        rows = self._rows(sql.select(self._place.table, job_id), self._about(job_id))
        if len(rows) > 1:
            raise EltError(f"Job {job_id} has {len(rows)} rows in table {self.table}. Delete all but one of them.")
        return AuditItem.parse(sql.item(rows[0])) if rows else None

    def items(self) -> Iterator[AuditItem]:
        rows = self._rows(sql.select(self._place.table), f"audit table {self.table}")
        return (AuditItem.parse(sql.item(row)) for row in rows)

    def remove(self, job_id: str) -> None:
        done = self._run(sql.delete(self._place.table, job_id, audit.UNHELD), self._about(job_id))
        if not done.rows and (item := self.read(job_id)):
            raise LockedError(job_id, item, self.table)

    def introduce(self, job_id: str) -> None:
        self._run(sql.insert(self._place.table, job_id), self._about(job_id))
        self.read(job_id)  # which tells of two

    def _write(self, write: Write, job_id: str, **values: Any) -> bool:
        if self._run(sql.update(self._place.table, job_id, write, values), self._about(job_id)).rows:
            return True
        if self.read(job_id) is None:
            made = f"elt-redshift audit create {quote(self.table)} --job-id {job_id}"
            raise EltError(f"Job {job_id} has no row in table {self.table}. Make it with `{made}`.")
        return False

    def _rows(self, query: sql.Query, about: str) -> list[list[Any]]:
        return self._statements.records(self._run(query, about).parts[-1].id)

    def _run(self, query: sql.Query, about: str) -> StatementStatus:
        """
        :raises AwsError: Redshift, or the Data API, refuses it, or it does not end.
        """
        for attempt in range(1, TRIES + 1):
            status = self._ended(query, about)
            if status.error is None:
                return status
            if errors.kind("", status.error) != "conflict" or attempt == TRIES:
                break
            self._sleep(0.5 * 2**attempt)
        raise AwsError(about, status.status, str(status.error), answered=False)

    def _ended(self, query: sql.Query, about: str) -> StatementStatus:
        # No task of a run is called so: whoever takes over a lock does not take it for a statement that was left.
        name = f"-audit/{uuid.uuid4()}"
        made = Submission(query.statements, self._place.warehouse, name, name, query.parameters)
        statement_id = self._statements.submit(made)
        status = self._statements.follow(statement_id, 1.0, TIMEOUT) or self._statements.give_up(statement_id)
        if status is None:
            raise AwsError(about, "QueryTimeout", f"Redshift did not answer within {TIMEOUT}.", answered=False)
        return status
