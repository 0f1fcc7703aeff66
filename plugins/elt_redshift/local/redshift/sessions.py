"""Sessions: a connection that several statements share, with its temporary tables, settings and open transaction.

https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-session-reuse.html
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg

from elt_redshift.local.redshift.errors import DataApiError, invalid

_TARGET = ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn")


@dataclass
class Session:
    """:param target: where it is: the members of the request that opened it.
    :param keep_alive: how long it stays after a statement, in seconds.
    :param expires: when it ends, unless a statement runs in it.
    """

    id: str
    target: dict[str, Any]
    keep_alive: int
    created: datetime
    updated: datetime
    expires: datetime
    current: str | None = None
    closed: bool = False
    connection: psycopg.Connection | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def status(self) -> str:
        if self.closed:
            return "CLOSED"
        return "BUSY" if self.current else "AVAILABLE"


class Sessions:
    """All sessions.

    :param connect: opens a connection to a database.
    :param clock: the time, UTC-aware; expiry is decided by it whenever a session is looked at.
    :param limit: how many may be open at once.
    """

    def __init__(
        self, connect: Callable[[str], psycopg.Connection], clock: Callable[[], datetime], limit: int = 500
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._limit = limit
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def reserve(self, request: dict[str, Any], statement_id: str) -> Session | None:
        """The session that ``request`` opens or uses, now busy with ``statement_id``; ``None`` when it names none.

        :raises DataApiError: the session is unknown, has expired or is busy; there are too many.
        """
        keep_alive = request.get("SessionKeepAliveSeconds")
        with self._lock:
            self._expire()
            if request.get("SessionId"):
                return self._use(request["SessionId"], keep_alive, statement_id)
            return None if keep_alive is None else self._open(request, keep_alive, statement_id)

    def _use(self, session_id: str, keep_alive: int | None, statement_id: str) -> Session:
        session = self._sessions.get(session_id)
        if session is None or session.status != "AVAILABLE":
            raise invalid("Session is not available")
        if keep_alive is not None:
            session.keep_alive = keep_alive
        session.current = statement_id
        return session

    def _open(self, request: dict[str, Any], keep_alive: int, statement_id: str) -> Session:
        if sum(not session.closed for session in self._sessions.values()) >= self._limit:
            raise DataApiError("ActiveSessionsExceededException", "Active sessions exceeded the allowed quota.")
        now = self._clock()
        target = {name: request[name] for name in _TARGET if request.get(name)}
        session = Session(str(uuid.uuid4()), target, keep_alive, now, now, now, statement_id)
        self._sessions[session.id] = session
        return session

    def connection(self, session: Session) -> psycopg.Connection:
        """The session's connection, opened with its first statement."""
        with session.lock:
            if session.connection is None:
                session.connection = self._connect(session.target["Database"])
            return session.connection

    def release(self, session: Session) -> None:
        """Its statement has ended: from now on it is kept alive for its time."""
        with self._lock:
            session.current = None
            session.updated = self._clock()
            session.expires = session.updated + timedelta(seconds=session.keep_alive)
            self._expire()

    def _expire(self) -> None:
        now = self._clock()
        for session in self._sessions.values():
            if not session.closed and session.current is None and session.expires <= now:
                self._close(session)

    @staticmethod
    def _close(session: Session) -> None:
        session.closed = True
        if session.connection is not None:
            session.connection.close()

    def all(self) -> list[Session]:
        """Every session, newest first."""
        with self._lock:
            self._expire()
            return list(reversed(self._sessions.values()))

    def close(self) -> None:
        """End every session."""
        with self._lock:
            for session in self._sessions.values():
                self._close(session)
