"""All statements that were submitted: by id, by ClientToken, and how many are active."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from elt_redshift.local.redshift.errors import DataApiError, invalid, missing
from elt_redshift.local.redshift.sessions import Session, Sessions
from elt_redshift.local.redshift.statements import Query, Statement

#: https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html: how long a statement and a ClientToken are kept.
STATEMENT_LIFE = timedelta(hours=24)
TOKEN_LIFE = timedelta(hours=8)


@dataclass(frozen=True)
class Submission:
    """A request to run SQL.

    :param sqls: the texts as submitted; ``bound`` are they with the parameters' values.
    """

    sqls: list[str]
    bound: list[str]
    request: dict[str, Any]
    principal: str
    is_batch: bool

    @property
    def fingerprint(self) -> str:
        """What must be the same when a ClientToken is used again."""
        ignored = ("ClientToken", "WaitTimeSeconds")
        return json.dumps({name: value for name, value in self.request.items() if name not in ignored}, sort_keys=True)


class Registry:
    """Keeps the statements of the last 24 hours; safe under threads.

    :param sessions: where a statement may run.
    :param clock: the time, UTC-aware.
    :param active_limit: gives how many statements of a warehouse may be active at once.
    :param forgets: whether the ClientToken of a statement of that name is known no more.
    """

    def __init__(
        self,
        sessions: Sessions,
        clock: Callable[[], datetime],
        active_limit: Callable[[], int],
        forgets: Callable[[str], bool] = lambda name: False,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._active_limit = active_limit
        self._forgets = forgets
        self._lock = threading.Lock()
        self._statements: dict[str, Statement] = {}
        self._active: list[Statement] = []  # and some that have ended since
        self._tokens: dict[str, tuple[str, Statement]] = {}
        self._sequence = itertools.count(1)

    def submit(self, submission: Submission) -> tuple[Statement, Session | None, bool]:
        """The statement for a submission, its session, and whether it is new: a ClientToken finds the one there is.

        :raises DataApiError: the token stands for another request; too many statements or sessions are active; the
            session is not available.
        """
        with self._lock:
            self._forget_old()
            known = self._known(submission)
            if known is not None:
                return known, None, False
            return *self._record(submission), True

    def _known(self, submission: Submission) -> Statement | None:
        fingerprint, statement = self._tokens.get(submission.request.get("ClientToken", ""), ("", None))
        if statement is None or self._clock() - statement.created >= TOKEN_LIFE:
            return None
        if fingerprint != submission.fingerprint:
            raise invalid("The ClientToken was already used in a request with different parameters.")
        return None if self._forgets(statement.request.get("StatementName", "")) else statement

    def _record(self, submission: Submission) -> tuple[Statement, Session | None]:
        self._active = [known for known in self._active if not known.status.ended]
        limit, warehouse = self._active_limit(), _warehouse(submission.request)
        if sum(_warehouse(known.request) == warehouse for known in self._active) >= limit:
            quota = f"Active statements exceeded the allowed quota ({limit})."
            raise DataApiError("ActiveStatementsExceededException", quota)
        statement_id, now = str(uuid.uuid4()), self._clock()
        session = self._sessions.reserve(submission.request, statement_id)
        places = range(1, len(submission.sqls) + 1)
        ids = [f"{statement_id}:{place}" if submission.is_batch else statement_id for place in places]
        queries = [Query(*parts, now, now) for parts in zip(ids, submission.sqls, submission.bound, strict=True)]
        statement = Statement(
            id=statement_id,
            sequence=next(self._sequence),
            request={**(session.target if session else {}), **submission.request},
            is_batch=submission.is_batch,
            queries=queries,
            created=now,
            updated=now,
            principal=submission.principal,
            session_id=session.id if session else None,
        )
        self._statements[statement_id] = statement
        self._active.append(statement)
        if "ClientToken" in submission.request:
            self._tokens[submission.request["ClientToken"]] = (submission.fingerprint, statement)
        return statement, session

    def _forget_old(self) -> None:
        """Drop what AWS no longer keeps."""
        oldest = self._clock() - STATEMENT_LIFE
        for statement_id, statement in list(self._statements.items()):
            if statement.created > oldest:
                break  # they are in the order of submission
            if statement.status.ended:
                del self._statements[statement_id]

    def find(self, statement_id: str) -> tuple[Statement, Query | None]:
        """A statement, and the one of its batch's queries that the id's suffix names.

        :raises DataApiError: ``ResourceNotFoundException``.
        """
        base, _, suffix = statement_id.partition(":")
        with self._lock:
            statement = self._statements.get(base)
        if statement is None or statement.created <= self._clock() - STATEMENT_LIFE:
            raise missing("Query does not exist.", statement_id)
        query = next((query for query in statement.queries if query.id == statement_id), None)
        if suffix and query is None:
            raise missing("Query does not exist.", statement_id)
        return statement, query if statement.is_batch else None

    def newest_first(self) -> list[Statement]:
        """Every statement."""
        with self._lock:
            return list(reversed(self._statements.values()))


def _warehouse(request: dict[str, Any]) -> tuple[Any, Any]:
    return request.get("ClusterIdentifier"), request.get("WorkgroupName")
