"""What procedures do that PostgreSQL cannot do alone: SQL put together at run time, COPY and UNLOAD.

The counterparts are in sql/statements.sql; see :mod:`.exchange` for how the two speak.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from elt_redshift.local.redshift.dialect import inside_procedure
from elt_redshift.local.redshift.dialect.catalog import ResultColumn
from elt_redshift.local.redshift.exchange import Answer
from elt_redshift.local.redshift.loading.copy import Load, Loader, columns_to_load
from elt_redshift.local.redshift.loading.options import parse_copy
from elt_redshift.local.redshift.loading.s3 import Bucket
from elt_redshift.local.redshift.loading.unload import parse_unload, write_unload
from elt_redshift.local.redshift.results import Column, Result


class _ColumnsWantedError(Exception):
    """A translation needs the columns of a query."""

    def __init__(self, query: str) -> None:
        self.query = query
        super().__init__(query)


class _Told:
    """A catalog that knows what it was told, and asks for the rest.

    :param known: columns as [name, oid] by query; ``None``: the query cannot be run.
    """

    def __init__(self, known: Mapping[str, list[tuple[str, int]] | None]) -> None:
        self._known = known

    def columns(self, query: str) -> tuple[ResultColumn, ...] | None:
        if query not in self._known:
            raise _ColumnsWantedError(query)
        columns = self._known[query]
        return None if columns is None else tuple(ResultColumn(name, oid) for name, oid in columns)


def _translate(request: dict[str, Any]) -> list[Any]:
    """EXECUTE's text in PostgreSQL's words, or the query whose columns must be known first."""
    try:
        return [{"sql": inside_procedure(request["statement"], _Told(request["known"]))}]
    except _ColumnsWantedError as wanted:
        return [{"describe": wanted.query}]


#: A field of a row as PostgreSQL writes it: in quotes, or bare up to the next comma (and NULL when empty).
_FIELD = re.compile(r'"((?:[^"\\]|""|\\.)*)"|([^,]*)', re.DOTALL)


def _fields(row: str) -> list[bytes | None]:
    """The values of a row in PostgreSQL's text form, ``(1,"a b",)``."""
    found: list[bytes | None] = []
    inside, position = row[1:-1], 0
    while position <= len(inside):
        match = _FIELD.match(inside, position)
        assert match is not None
        quoted, bare = match.groups()
        if quoted is not None:
            found.append(re.sub(r'""|\\(.)', lambda part: part[1] or '"', quoted, flags=re.DOTALL).encode())
        else:
            found.append(bare.encode() if bare else None)
        position = match.end() + 1
    return found


class Procedures:
    """Answers procedures.

    :param bucket: where COPY and UNLOAD find their objects.
    :param note: takes down what became of a COPY.
    """

    def __init__(self, bucket: Bucket, note: Callable[[Load], object]) -> None:
        self._bucket = bucket
        self._note = note

    @property
    def answers(self) -> dict[str, Answer]:
        """By the kind of question."""
        return {"copy": self._copy, "translate": _translate, "unload": self._unload}

    def _copy(self, request: dict[str, Any]) -> list[Any]:
        load = Load(parse_copy(request["statement"]))
        columns = columns_to_load(load.command, request["columns"])
        try:
            rows = list(Loader(load, columns, self._bucket).rows())
        finally:
            self._note(load)
        return [{"columns": [column.name for column in columns]}, *rows]

    def _unload(self, request: dict[str, Any]) -> list[Any]:
        """First the query to run, then, told its rows, how many were written."""
        command = parse_unload(request["statement"])
        if "rows" not in request:
            return [{"query": command.query}]
        columns = tuple(Column(name, oid, -1) for name, oid in request["columns"])
        rows = tuple(tuple(_fields(row)) for row in request["rows"] or [])
        return [{"rows": write_unload(command, Result(columns, rows, len(rows)), self._bucket)}]
