"""The Redshift Data API, as dictionaries in and out.

Requests and responses are those of AWS's model (https://docs.aws.amazon.com/redshift-data/latest/APIReference/) in the
form that JSON carries: times are seconds since 1970, bytes are base64. Nothing here knows HTTP or moto.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg

from elt_redshift.local.redshift import responses
from elt_redshift.local.redshift.catalog import Catalog
from elt_redshift.local.redshift.errors import DataApiError, error_text, invalid
from elt_redshift.local.redshift.execution import SQL_ERRORS, CancelledError, Execution
from elt_redshift.local.redshift.history import History
from elt_redshift.local.redshift.loading.s3 import Bucket
from elt_redshift.local.redshift.postgres import Postgres
from elt_redshift.local.redshift.registry import STATEMENT_LIFE, Registry, Submission
from elt_redshift.local.redshift.sessions import Session, Sessions
from elt_redshift.local.redshift.statements import Query, Statement, Status
from elt_redshift.local.redshift.validation import bind, validate, validate_size, validate_target

Request = dict[str, Any]
Response = dict[str, Any]
Emit = Callable[[dict[str, Any]], None]

_log = logging.getLogger(__name__)

#: "Active" means not ended; https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
ACTIVE_STATEMENTS = 500
#: AWS names the error for too many waiting requests but not the number.
WAITING_REQUESTS = 100
#: How many statements run on the database at once; the others stay SUBMITTED.
WORKERS = 100
CANCEL_SECONDS = 60.0
CANCEL_REPEAT_SECONDS = 0.2


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DataApi:
    """The operations of the Data API over an embedded PostgreSQL.

    :param postgres: the running database.
    :param bucket: the S3 of COPY and UNLOAD.
    :param emit: called with the detail of an EventBridge event when a statement with ``WithEvent`` has ended.
    :param clock: the time, UTC-aware.
    :param active_limit: statements of a warehouse that may be active before ActiveStatementsExceededException.
    :param waiting_limit: requests that may wait for one statement before ActiveWaitingRequestsExceededException.
    :param workers: statements that run at once.
    """

    def __init__(
        self,
        postgres: Postgres,
        bucket: Bucket,
        emit: Emit | None = None,
        *,
        clock: Callable[[], datetime] = _utc_now,
        active_limit: int = ACTIVE_STATEMENTS,
        waiting_limit: int = WAITING_REQUESTS,
        workers: int = WORKERS,
    ) -> None:
        self._postgres = postgres
        self._emit = emit
        self._clock = clock
        self._waiting_limit = waiting_limit
        self._slots = threading.BoundedSemaphore(workers)
        self._catalog = Catalog(postgres)
        self.sessions = Sessions(postgres.connect, clock)
        #: How the statement of a name is to end without being run, its status and error; None: it is run.
        self.end_of: Callable[[str], tuple[str, str] | None] = lambda name: None
        #: Whether the ClientToken of a statement of that name is known no more.
        self.forgets: Callable[[str], bool] = lambda name: False
        #: Another number of active statements; None: the one given.
        self.active_limit: Callable[[], int | None] = lambda: None
        self._registry = Registry(self.sessions, clock, lambda: self._most_active(active_limit), self._forgets)
        self._execution = Execution(bucket, postgres.exchange, clock, History(self._registry.newest_first))
        self._operations: dict[str, Callable[[Request, str], Response]] = {
            "ExecuteStatement": self._execute_statement,
            "BatchExecuteStatement": self._batch_execute_statement,
            "DescribeStatement": self._describe_statement,
            "GetStatementResult": self._get_statement_result,
            "GetStatementResultV2": self._get_statement_result_v2,
            "CancelStatement": self._cancel_statement,
            "ListStatements": self._list_statements,
            "ListSessions": self._list_sessions,
            "ListDatabases": self._catalog.list_databases,
            "ListSchemas": self._catalog.list_schemas,
            "ListTables": self._catalog.list_tables,
            "DescribeTable": self._catalog.describe_table,
        }

    def _most_active(self, given: int) -> int:
        asked = self.active_limit()
        return given if asked is None else asked

    def _forgets(self, statement: str) -> bool:
        return self.forgets(statement)

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of AWS's operations that are served."""
        return tuple(self._operations)

    def call(self, operation: str, request: Request, principal: str = "embedded") -> Response:
        """Carry out an operation.

        :param operation: AWS's name for it, such as ``ExecuteStatement``.
        :param request: its members.
        :param principal: who asks; appears in events.
        :raises DataApiError: the request is refused; ``code`` is AWS's.
        """
        validate(operation, request)
        return self._operations[operation](request, principal)

    # Submitting ------------------------------------------------------------------------------------------------------

    def _execute_statement(self, request: Request, principal: str) -> Response:
        return self._submit([request["Sql"]], request, principal, is_batch=False)

    def _batch_execute_statement(self, request: Request, principal: str) -> Response:
        return self._submit(request["Sqls"], request, principal, is_batch=True)

    def _submit(self, sqls: list[str], request: Request, principal: str, *, is_batch: bool) -> Response:
        validate_target(request)
        validate_size(sqls)
        bound = bind(sqls, request.get("Parameters", []))
        statement, session, is_new = self._registry.submit(Submission(sqls, bound, request, principal, is_batch))
        if is_new:
            threading.Thread(target=self._work, args=(statement, session), daemon=True).start()
        seconds = request.get("WaitTimeSeconds")
        if seconds:
            self._wait(statement, seconds)
        return responses.submitted(statement, waited=bool(seconds))

    # Running ---------------------------------------------------------------------------------------------------------

    def _work(self, statement: Statement, session: Session | None) -> None:
        """A worker's life: wait for a free slot, run one statement, say how it ended."""
        started = time.monotonic_ns()
        status, error = Status.FAILED, None
        try:
            with self._slots:
                self._advance(statement, Status.PICKED)
                if (wished := self.end_of(statement.request.get("StatementName", ""))) is not None:
                    status, error = Status(wished[0]), wished[1] or None
                    for query in statement.queries:
                        query.status = status
                    return
                if session is not None:
                    self._run(statement, self.sessions.connection(session))
                else:
                    with self._postgres.connection(statement.request["Database"]) as connection:
                        self._run(statement, connection)
            status = Status.FINISHED
        except CancelledError:
            status = Status.ABORTED
        except (*SQL_ERRORS, psycopg.Error) as failure:
            status, error = (Status.ABORTED, None) if statement.cancelled else (Status.FAILED, error_text(failure))
        except Exception as failure:
            _log.exception("statement %s failed in the embedded Redshift itself", statement.id)
            error = f"ERROR: the embedded Redshift failed: {type(failure).__name__}: {failure}"
        finally:
            if session is not None:
                self.sessions.release(session)
            self._end(statement, status, error, time.monotonic_ns() - started)

    def _run(self, statement: Statement, connection: psycopg.Connection) -> None:
        with statement.lock:
            if statement.cancelled:
                raise CancelledError
            statement.connection, statement.pid = connection, connection.info.backend_pid
            self._advance(statement, Status.STARTED)
        try:
            self._execution.run(statement, connection)
        finally:
            with statement.lock:
                statement.connection = None

    def _advance(self, statement: Statement, status: Status) -> None:
        with statement.lock:
            if not statement.status.ended:
                statement.status, statement.updated = status, self._clock()

    def _end(self, statement: Statement, status: Status, error: str | None, duration: int) -> None:
        with statement.lock:
            if statement.status.ended:
                return
            for query in statement.queries:
                if not query.status.ended:
                    query.status, query.updated = Status.ABORTED, self._clock()
            if status is not Status.FINISHED and not statement.is_batch:
                statement.queries[0].status = status
            statement.error, statement.duration, statement.updated = error, max(duration, 1), self._clock()
            statement.status = status
        statement.ended.set()
        if self._emit is not None and statement.request.get("WithEvent"):
            self._send_event(self._emit, statement)

    def _send_event(self, emit: Emit, statement: Statement) -> None:
        try:
            emit(responses.event(statement, int((statement.created + STATEMENT_LIFE).timestamp())))
        except Exception:
            # As on AWS, an event that cannot be delivered is no fault of the statement.
            _log.exception("the event of statement %s could not be sent", statement.id)

    # Asking ----------------------------------------------------------------------------------------------------------

    def _wait(self, statement: Statement, seconds: int) -> None:
        """Wait until the statement has ended, ``seconds`` at most.

        :raises DataApiError: ``ActiveWaitingRequestsExceededException``.
        """
        with statement.lock:
            if statement.waiting >= self._waiting_limit and not statement.status.ended:
                raise DataApiError(
                    "ActiveWaitingRequestsExceededException",
                    f"The number of active requests with WaitTimeSeconds for {statement.id} exceeds the limit.",
                )
            statement.waiting += 1
        statement.ended.wait(seconds)
        with statement.lock:
            statement.waiting -= 1

    def _find_and_wait(self, request: Request) -> tuple[Statement, Query | None]:
        statement, query = self._registry.find(request["Id"])
        if request.get("WaitTimeSeconds"):
            self._wait(statement, request["WaitTimeSeconds"])
        return statement, query

    def _describe_statement(self, request: Request, _principal: str) -> Response:
        statement, query = self._find_and_wait(request)
        return responses.described(statement, query)

    def _get_statement_result(self, request: Request, _principal: str) -> Response:
        return responses.result(*self._find_and_wait(request), request.get("NextToken"), as_csv=False)

    def _get_statement_result_v2(self, request: Request, _principal: str) -> Response:
        return responses.result(*self._find_and_wait(request), request.get("NextToken"), as_csv=True)

    def _cancel_statement(self, request: Request, _principal: str) -> Response:
        statement, query = self._registry.find(request["Id"])
        if query is not None:
            raise invalid("Cancel a batch by its own id, not by that of one of its statements.")
        with statement.lock:
            if statement.status.ended:
                raise invalid(
                    f"Could not cancel a query that is already in {statement.status} state with ID: {statement.id}"
                )
            statement.cancelled = True
        if statement.pid == 0:  # it has not begun, and its worker will see that it must not
            self._end(statement, Status.ABORTED, None, 1)
        self._interrupt(statement)
        return {"Status": statement.status is Status.ABORTED}

    @staticmethod
    def _interrupt(statement: Statement) -> None:
        """Cancel what runs on the database until the statement has ended: one that was about to begin needs two."""
        deadline = time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < deadline:
            with statement.lock:
                if statement.connection is not None:
                    statement.connection.cancel_safe(timeout=CANCEL_SECONDS)
            if statement.ended.wait(CANCEL_REPEAT_SECONDS):
                return

    def _list_statements(self, request: Request, _principal: str) -> Response:
        return responses.listed(self._registry.newest_first(), request)

    def _list_sessions(self, request: Request, _principal: str) -> Response:
        return responses.sessions(self.sessions.all(), request)

    def close(self) -> None:
        """Cancel everything that still runs and end the sessions."""
        for statement in self._registry.newest_first():
            if statement.status.ended:
                continue
            try:
                self._cancel_statement({"Id": statement.id}, "embedded")
            except (DataApiError, psycopg.Error):
                continue  # it has just ended
        self.sessions.close()
