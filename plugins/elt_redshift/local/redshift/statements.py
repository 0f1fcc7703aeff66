"""The records of what was submitted: statements, and the SQL texts that one holds."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg

from elt_redshift.local.redshift.results import Result


class Status(StrEnum):
    """Where a statement is.

    SUBMITTED -> PICKED (a worker took it) -> STARTED (it runs on the database) -> FINISHED, FAILED or ABORTED.
    """

    SUBMITTED = "SUBMITTED"
    PICKED = "PICKED"
    STARTED = "STARTED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"

    @property
    def ended(self) -> bool:
        """Whether nothing comes after it."""
        return self in (Status.FINISHED, Status.FAILED, Status.ABORTED)


@dataclass
class Query:
    """One SQL text: of an ExecuteStatement its only one, of a batch one of several.

    :param id: the statement's id, with ``:1``, ``:2`` … in a batch.
    :param sql: as submitted; ``bound`` has the parameters' values in it.
    :param started: on the monotonic clock, in nanoseconds; ``duration`` too, -1 until it ended.
    """

    id: str
    sql: str
    bound: str
    created: datetime
    updated: datetime
    status: Status = Status.SUBMITTED
    error: str | None = None
    result: Result | None = None
    number: int = 0
    duration: int = -1

    @property
    def has_result_set(self) -> bool:
        return self.result is not None and self.result.columns is not None


@dataclass
class Statement:
    """What one ExecuteStatement or BatchExecuteStatement submitted.

    :param sequence: 1, 2, 3 … in the order of submission.
    :param request: the request's members.
    :param ended: set once, when ``status`` has become final.
    :param connection: what it runs on at the moment, guarded by ``lock``, so that a cancel never hits another's query.
    """

    id: str
    sequence: int
    request: dict[str, Any]
    is_batch: bool
    queries: list[Query]
    created: datetime
    updated: datetime
    principal: str
    status: Status = Status.SUBMITTED
    error: str | None = None
    duration: int = -1
    pid: int = 0
    session_id: str | None = None
    cancelled: bool = False
    waiting: int = 0
    connection: psycopg.Connection | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def has_result_set(self) -> bool:
        return any(query.has_result_set for query in self.queries)

    @property
    def rows(self) -> int:
        """Rows of the only query; -1 for a batch and while there is no result."""
        result = None if self.is_batch else self.queries[0].result
        return -1 if result is None else result.affected

    @property
    def auto_commit(self) -> bool:
        """Whether each query of a batch is committed by itself."""
        return self.request.get("ExecutionMode") == "AUTO_COMMIT"
