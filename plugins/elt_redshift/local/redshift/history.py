"""What the system views tell of statements and loads: see sql/catalog.sql.

https://docs.aws.amazon.com/redshift/latest/dg/SYS_QUERY_HISTORY.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from elt_redshift.local.redshift.exchange import Answer
from elt_redshift.local.redshift.loading.copy import Load
from elt_redshift.local.redshift.statements import Query, Statement, Status

#: Loads that are remembered.
KEPT = 1000
_STATUSES = {
    Status.SUBMITTED: "queued",
    Status.PICKED: "queued",
    Status.STARTED: "running",
    Status.FINISHED: "success",
    Status.FAILED: "failed",
    Status.ABORTED: "canceled",
}
_TYPES = {
    **dict.fromkeys(("select", "with", "values"), "SELECT"),
    **{verb: verb.upper() for verb in ("insert", "update", "delete", "merge", "copy", "unload", "call")},
    **dict.fromkeys(("create", "alter", "drop", "truncate", "grant", "revoke", "comment"), "DDL"),
    **dict.fromkeys(("declare", "fetch", "close"), "CURSOR"),
}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _type(sql: str) -> str:
    words = sql.lower().split(None, 6)
    if words[:1] == ["create"] and "table" in words[:4] and "as" in words:
        return "CTAS"
    return _TYPES.get(words[0].strip("(;") if words else "", "UTILITY")


def _query(statement: Statement, query: Query) -> dict[str, Any]:
    elapsed = max(query.duration, 0) // 1000
    return {
        "query": query.number,
        "pid": statement.pid,
        "database": statement.request.get("Database", ""),
        "user": statement.request.get("DbUser", "awsuser"),
        "start": _utc(query.created),
        "end": _utc(query.updated),
        "elapsed": elapsed,
        "status": _STATUSES[query.status],
        "sql": query.sql,
        "error": (query.error or statement.error or "").removeprefix("ERROR: ") or None,
        "rows": query.result.affected if query.result else 0,
        "label": statement.request.get("StatementName"),
        "type": _type(query.sql),
    }


class History:
    """Answers what was run and loaded.

    :param statements: gives all statements that are known.
    """

    def __init__(self, statements: Callable[[], Iterable[Statement]]) -> None:
        self._statements = statements
        self._loads: deque[tuple[int, int, datetime, Load]] = deque(maxlen=KEPT)

    def note(self, query: int, pid: int, moment: datetime, load: Load) -> None:
        """Remember what became of a COPY.

        :param query: its number; ``pid`` is of the connection that it ran on.
        """
        self._loads.append((query, pid, moment, load))

    @property
    def answers(self) -> dict[str, Answer]:
        """By the kind of question."""
        return {
            "history": lambda _: [_query(statement, query) for statement, query in self._queries()],
            "latest": lambda _: [max((query.number for _, query in self._queries()), default=0)],
            "load_errors": lambda _: list(self._errors()),
            "loads": lambda _: list(self._files()),
        }

    def _queries(self) -> Iterator[tuple[Statement, Query]]:
        return ((statement, query) for statement in self._statements() for query in statement.queries if query.number)

    def _errors(self) -> Iterator[dict[str, Any]]:
        for head, load in self._heads():
            yield from ({**head, **asdict(error)} for error in load.errors)

    def _files(self) -> Iterator[dict[str, Any]]:
        for head, load in self._heads():
            source = {"source": load.command.location, "format": load.command.format}
            yield from ({**head, **source, **asdict(file)} for file in load.files)

    def _heads(self) -> Iterator[tuple[dict[str, Any], Load]]:
        """What is the same for all errors and files of a load."""
        for query, pid, moment, load in list(self._loads):
            yield {"query": query, "pid": pid, "table": load.command.table, "time": _utc(moment)}, load
