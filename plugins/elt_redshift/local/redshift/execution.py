"""Running SQL texts on a connection: one by one, several statements in one text, a batch as one transaction."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import psycopg
from psycopg.pq import TransactionStatus

from elt_redshift.job.sql import SqlSyntaxError, split
from elt_redshift.job.sql import Statement as SqlText
from elt_redshift.local.redshift.dialect import Translation, UnsupportedSqlError, translate
from elt_redshift.local.redshift.dialect.catalog import ResultColumn
from elt_redshift.local.redshift.dynamic import Procedures
from elt_redshift.local.redshift.errors import StatementError, error_text
from elt_redshift.local.redshift.exchange import Exchange
from elt_redshift.local.redshift.history import History
from elt_redshift.local.redshift.loading.copy import Load, copy_from_s3, parse_copy
from elt_redshift.local.redshift.loading.s3 import Bucket
from elt_redshift.local.redshift.loading.unload import unload_to_s3
from elt_redshift.local.redshift.results import Result, from_postgres
from elt_redshift.local.redshift.statements import Query, Statement, Status

#: Failures that belong to a statement; anything else is a fault of this program.
SQL_ERRORS = (psycopg.Error, StatementError, UnsupportedSqlError, SqlSyntaxError)


class CancelledError(Exception):
    """The statement was cancelled between two of its queries."""


def _is_idle(connection: psycopg.Connection) -> bool:
    return connection.info.transaction_status == TransactionStatus.IDLE


def _rollback(connection: psycopg.Connection) -> None:
    if not connection.closed and not _is_idle(connection):
        connection.execute("rollback")


class Tables:
    """What a connection sees of the tables that are there."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def columns(self, query: str) -> tuple[ResultColumn, ...] | None:
        """See :class:`Catalog`. A query that fails undoes nothing."""
        try:
            with self._connection.transaction():
                described = self._connection.execute(query.encode()).description or ()
        except psycopg.Error:
            return None
        return tuple(ResultColumn(column.name, column.type_code) for column in described)


class Execution:
    """Carries out statements.

    :param bucket: where COPY and UNLOAD find their objects.
    :param exchange: a folder that PostgreSQL can read.
    :param clock: the time, UTC-aware.
    :param history: remembers what was run and loaded.
    """

    def __init__(self, bucket: Bucket, exchange: Path, clock: Callable[[], datetime], history: History) -> None:
        self._bucket = bucket
        self._folder = exchange
        self._clock = clock
        self._history = history
        self._numbers = itertools.count(1)

    def run(self, statement: Statement, connection: psycopg.Connection) -> None:
        """Run all queries of ``statement``; their records say what became of them.

        :raises CancelledError: it was cancelled before a query began.
        :raises Exception: one of :data:`SQL_ERRORS`, of the query that failed.
        """
        procedures = Procedures(self._bucket, partial(self._note, statement, connection))
        exchange = Exchange(self._folder, {**procedures.answers, **self._history.answers})
        connection.add_notice_handler(exchange)
        try:
            self._run(statement, connection)
        finally:
            connection.remove_notice_handler(exchange)

    def _note(self, statement: Statement, connection: psycopg.Connection, load: Load) -> int:
        """Remember a COPY; the number of its query."""
        number = max(query.number for query in statement.queries)
        self._history.note(number, connection.info.backend_pid, self._clock(), load)
        return number

    def _run(self, statement: Statement, connection: psycopg.Connection) -> None:
        if not statement.is_batch or statement.auto_commit:
            self._run_each(statement, connection)
            return
        try:
            # Redshift's default is snapshot isolation, https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html
            connection.execute("begin isolation level repeatable read")
            for query in statement.queries:
                self._query(statement, query, connection)
            if not _is_idle(connection):
                connection.execute("commit")
        except BaseException:
            _rollback(connection)
            raise

    def _run_each(self, statement: Statement, connection: psycopg.Connection) -> None:
        """Run each query by itself; a failure does not keep the others from running, but is the statement's.

        https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
        """
        failure: Exception | None = None
        for query in statement.queries:
            try:
                self._query(statement, query, connection)
            except SQL_ERRORS as error:
                failure = failure or error
                if connection.closed:
                    break
        if failure is not None:
            raise failure

    def _query(self, statement: Statement, query: Query, connection: psycopg.Connection) -> None:
        if statement.cancelled:
            raise CancelledError
        query.status, query.updated, query.number = Status.STARTED, self._clock(), next(self._numbers)
        started = time.monotonic_ns()
        try:
            query.result = self._text(query.bound, connection, partial(self._note, statement, connection))
            query.status = Status.FINISHED
        except SQL_ERRORS as error:
            query.status, query.error = Status.FAILED, error_text(error)
            raise
        finally:
            query.duration = max(time.monotonic_ns() - started, 1)
            query.updated = self._clock()

    def _text(self, sql: str, connection: psycopg.Connection, note: Callable[[Load], int]) -> Result:
        """Run a text, which may hold several statements: then in one transaction, as PostgreSQL's protocol has it."""
        statements = split(sql)
        if len(statements) < 2 or not _is_idle(connection):
            return self._all(statements, connection, note)
        connection.execute("begin")
        try:
            result = self._all(statements, connection, note)
            opens = any(statement.text.lower().split()[:1] in (["begin"], ["start"]) for statement in statements)
            if not opens and not _is_idle(connection):
                connection.execute("commit")
        except BaseException:
            _rollback(connection)
            raise
        return result

    def _all(self, statements: list[SqlText], connection: psycopg.Connection, note: Callable[[Load], int]) -> Result:
        result = Result()
        for statement in statements:
            result = self._one(translate(statement.text, Tables(connection)), connection, note)
        return result

    def _one(self, translation: Translation, connection: psycopg.Connection, note: Callable[[Load], int]) -> Result:
        if translation.kind == "nothing":
            return Result()
        if translation.kind == "copy":
            return self._copy(translation.sql, connection, note)
        if translation.kind == "unload":
            rows = unload_to_s3(translation.sql, connection, self._bucket, Tables(connection))
            connection.execute("select set_config('elt.unload_count', %s, false)", (str(rows),))
            return Result(affected=rows)
        if translation.verb == "call":
            self._announce_call(connection)
        return self._plain(translation, connection)

    def _copy(self, sql: str, connection: psycopg.Connection, note: Callable[[Load], int]) -> Result:
        load = Load(parse_copy(sql))
        rows = 0
        try:
            rows = copy_from_s3(load, connection, self._bucket)
        finally:
            number = note(load)
        connection.execute(
            "select set_config('elt.copy_count', %s, false), set_config('elt.copy_id', %s, false)",
            (str(rows), str(number)),
        )
        return Result(affected=rows)

    @staticmethod
    def _plain(translation: Translation, connection: psycopg.Connection) -> Result:
        cursor = connection.execute(translation.script.encode())
        assert cursor.pgresult is not None
        return from_postgres(cursor.pgresult, cursor.rowcount)

    @staticmethod
    def _announce_call(connection: psycopg.Connection) -> None:
        """Tell the procedure whether it may end transactions: only when it is called outside of one."""
        top_level = "on" if _is_idle(connection) else "off"
        connection.execute(
            "select set_config('elt.top_level', %s, false), set_config('elt.guards', '0', false)", (top_level,)
        )
