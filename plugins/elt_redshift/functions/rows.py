"""Requests about an audit item that is a row in Redshift: each write is one UPDATE, each read one SELECT.

The request for DynamoDB tells what is wanted (:mod:`elt_redshift.protocol.requests`), and the answer is DynamoDB's,
errors by the same names: so the states are the same, wherever the item is. A write whose answer was lost is made again
by the state machine, and finds by its demands that it has happened.
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from elt_redshift.functions.calling import Answer, call, named
from elt_redshift.functions.sql import PREFIX, SqlFunction
from elt_redshift.protocol import audit, errors, requests, sql
from elt_redshift.protocol.places import Place
from elt_redshift.protocol.statements import FINISHED, OPEN

#: What the states know a failed condition by.
CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"
#: What does not pass by itself: there is no such row or table, or Redshift refuses the statement.
REFUSED = "AuditStore.RefusedException"

#: A write that has met another one (error 1023) has changed nothing, and is made again so often.
TRIES = 5
#: The first pause before that, in seconds; each further one is up to twice as long.
PAUSE = 0.25


@dataclass(frozen=True)
class Rows:
    """The audit table at a place.

    :param runs: runs the statements.
    """

    place: Place
    runs: SqlFunction

    def answer(self, operation: str, request: Mapping[str, Any], seconds: float) -> Answer:
        """What DynamoDB would answer.

        :param operation: ``GetItem`` or ``UpdateItem``.
        :param seconds: for which the invocation may go on.
        :raises Exception: an error by the name that a state machine knows.
        """
        end = self.runs.clock() + seconds
        job_id = request["Key"][audit.JOB_ID]["S"]
        if operation == "GetItem":
            found = self._read(job_id, end)
            return {"Item": found} if found else {}
        return self._write(job_id, request, end)

    def _read(self, job_id: str, end: float) -> Answer | None:
        rows = self._records(self._run(sql.select(self.place.table, job_id), end))
        if len(rows) > 1:
            raise named(
                REFUSED, f"Job {job_id} has {len(rows)} rows in table {self.place.address}. Delete all but one."
            )
        return sql.item(rows[0]) if rows else None

    def _write(self, job_id: str, request: Mapping[str, Any], end: float) -> Answer:
        written = requests.read(request)
        update = sql.update(self.place.table, job_id, written.write, written.values)
        answered = request.get("ReturnValues") == "ALL_NEW"
        done = self._run(sql.answered(update, self.place.table) if answered else update, end)
        first, *_ = done.get("SubStatements") or [done]
        if first["ResultRows"] == 1:
            return {"Attributes": sql.item(self._records(done)[0])} if answered else {}
        if self._read(job_id, end) is None:
            made = f"elt-redshift audit create '{self.place.address}' --job-id {job_id}"
            raise named(REFUSED, f"Job {job_id} has no row in table {self.place.address}. Make it with `{made}`.")
        raise named(CONDITION_FAILED, "The conditional request failed")

    def _records(self, done: Answer) -> list[list[Any]]:
        """The rows of a statement, or of the last one of a batch. Those of a job are one."""
        last = (done.get("SubStatements") or [done])[-1]["Id"]
        rows = call(self.runs.data, PREFIX, "GetStatementResult", {"Id": last})["Records"]
        return [[None if "isNull" in cell else next(iter(cell.values())) for cell in row] for row in rows]

    def _run(self, query: sql.Query, end: float) -> Answer:
        """What ``DescribeStatement`` tells of the statements once they have succeeded."""
        for attempt in range(TRIES):
            described = self._ended(query, end)
            if described["Status"] == FINISHED:
                return described
            told = str(described.get("Error") or described["Status"])
            if errors.kind("", told) != "conflict" or attempt + 1 == TRIES:
                break
            self.runs.sleep(PAUSE * 2**attempt * (1 + random.random()))  # noqa: S311 - it spreads tries
        passes = errors.kind("", told) != "other"
        raise named(f"{PREFIX}.DatabaseConnectionException" if passes else REFUSED, told)

    def _ended(self, query: sql.Query, end: float) -> Answer:
        # No task of a run is called so: whoever takes over a lock does not take it for a statement that was left.
        token = str(uuid.uuid4())
        several = len(query.statements) > 1
        request = {
            **({"Sqls": [*query.statements]} if several else {"Sql": query.statements[0]}),
            **self.place.warehouse,
            "StatementName": f"-audit/{token}",
            "ClientToken": token,
            "Parameters": [{"name": name, "value": value} for name, value in query.parameters.items()],
        }
        operation = "BatchExecuteStatement" if several else "ExecuteStatement"
        left = end - self.runs.clock()
        event = {"operation": operation, "request": request, "sent": self.runs.clock() * 1000, "wait": math.ceil(left)}
        made = self.runs.answer(event, left)
        if made["Status"] in OPEN:
            self._cancel(made["Id"])
        described = call(self.runs.data, PREFIX, "DescribeStatement", {"Id": made["Id"]})
        if made["Status"] in OPEN and described["Status"] != FINISHED:
            raise named(f"{PREFIX}.QueryTimeoutException", "Redshift did not answer in time.")
        return described

    def _cancel(self, statement: str) -> None:
        with suppress(Exception):  # most of all that of one which has ended meanwhile
            call(self.runs.data, PREFIX, "CancelStatement", {"Id": statement})
