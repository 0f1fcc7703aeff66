"""Result sets as the Data API gives them.

https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html
"""

from __future__ import annotations

import base64
import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from psycopg.pq.abc import PGresult


@dataclass(frozen=True)
class _Type:
    """A column type: its name on Redshift and its size in the metadata (``None``: from the type's modifier)."""

    name: str
    precision: int | None = 0
    scale: int = 0
    signed: bool = False
    case_sensitive: bool = False


_STRING = _Type("varchar", None, case_sensitive=True)
#: By PostgreSQL's type oid; whatever is not here is text to a client.
_TYPES = {
    16: _Type("bool", 1),
    17: _Type("varbyte"),
    20: _Type("int8", 19, signed=True),
    21: _Type("int2", 5, signed=True),
    23: _Type("int4", 10, signed=True),
    26: _Type("oid", 10),
    700: _Type("float4", 8, 8, signed=True),
    701: _Type("float8", 17, 17, signed=True),
    1042: _Type("bpchar", None, case_sensitive=True),
    1082: _Type("date", 13),
    1083: _Type("time", 15, 6),
    1114: _Type("timestamp", 29, 6),
    1184: _Type("timestamptz", 35, 6),
    1266: _Type("timetz", 21, 6),
    1700: _Type("numeric", None, signed=True),
    142: _Type("super", case_sensitive=True),  # see sql/super.sql
}
_LONGS, _DOUBLES, _BOOLEAN, _BYTES, _SUPER, _NUMERIC, _TIMETZ = (20, 21, 23, 26), (700, 701), 16, 17, 142, 1700, 1266
#: PostgreSQL adds this to the length and precision in a type's modifier.
_MODIFIER_OFFSET = 4
#: Redshift's precision of a NUMERIC without one, and the length of a string without one.
_DEFAULT_NUMERIC, _DEFAULT_LENGTH = 38, 65535


@dataclass(frozen=True)
class Column:
    """A column of a result set: its name, PostgreSQL's type oid and type modifier (-1: none)."""

    name: str
    oid: int
    modifier: int

    def metadata(self) -> dict[str, Any]:
        """A ``ColumnMetadata``. The table and schema stay empty, and every column counts as nullable."""
        kind = _TYPES.get(self.oid, _STRING)
        precision, scale = self._size(kind)
        return {
            "name": self.name,
            "label": self.name,
            "typeName": kind.name,
            "precision": precision,
            "scale": scale,
            "length": 0,
            "nullable": 1,
            "isSigned": kind.signed,
            "isCurrency": False,
            "isCaseSensitive": kind.case_sensitive,
            "schemaName": "",
            "tableName": "",
        }

    def _size(self, kind: _Type) -> tuple[int, int]:
        if kind.precision is not None:
            return kind.precision, kind.scale
        size = self.modifier - _MODIFIER_OFFSET
        if self.oid == _NUMERIC:
            return (size >> 16, size & 0xFFFF) if self.modifier > 0 else (_DEFAULT_NUMERIC, 0)
        return (size if self.modifier > 0 else _DEFAULT_LENGTH), 0

    def field(self, value: bytes | None) -> dict[str, Any]:
        """A ``Field`` for PostgreSQL's text form of a value; bytes as base64, which is how JSON carries them."""
        if value is None:
            return {"isNull": True}
        if self.oid in _LONGS:
            return {"longValue": int(value)}
        if self.oid in _DOUBLES and value[-1:].isdigit():
            return {"doubleValue": float(value)}
        if self.oid == _BOOLEAN:
            return {"booleanValue": value == b"t"}
        if self.oid == _BYTES:
            return {"blobValue": base64.b64encode(bytes.fromhex(value[2:].decode())).decode()}
        return {"stringValue": self.text(value)}

    def text(self, value: bytes) -> str:
        """The text of a value; that of a SUPER is JSON."""
        text = value.decode()
        if self.oid == _SUPER:  # as sql/super.sql keeps it
            return text[1:] if text.startswith("\x01") else json.dumps(text, ensure_ascii=False)
        if self.oid == _TIMETZ:
            return _in_utc(text)
        return {"t": "true", "f": "false"}[text] if self.oid == _BOOLEAN else text


def _in_utc(text: str) -> str:
    """A time with a zone in UTC, in which Redshift keeps it."""
    moment = datetime.combine(date(2000, 1, 2), time.fromisoformat(text)).astimezone(UTC)
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%H:%M:%S}{fraction}+00"


@dataclass(frozen=True)
class Result:
    """What a statement gave.

    :param columns: ``None`` when it has no result set.
    :param rows: PostgreSQL's text form of each value; ``None`` is NULL.
    :param affected: rows returned or changed.
    """

    columns: tuple[Column, ...] | None = None
    rows: tuple[tuple[bytes | None, ...], ...] = ()
    affected: int = 0

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return sum(len(value) for row in self.rows for value in row if value is not None)

    def records(self, start: int, stop: int) -> list[list[dict[str, Any]]]:
        """The rows from ``start`` up to ``stop`` as lists of ``Field``."""
        columns = self.columns or ()
        return [
            [column.field(value) for column, value in zip(columns, row, strict=True)] for row in self.rows[start:stop]
        ]

    def csv(self, start: int, stop: int) -> str:
        """The rows from ``start`` up to ``stop`` as CSV, headed by the column names on the first page."""
        columns = self.columns or ()
        output = io.StringIO()
        writer = csv.writer(output, lineterminator="\r\n")
        if start == 0:
            writer.writerow([column.name for column in columns])
        for row in self.rows[start:stop]:
            pairs = zip(columns, row, strict=True)
            writer.writerow(["" if value is None else column.text(value) for column, value in pairs])
        return output.getvalue()


def from_postgres(result: PGresult, affected: int) -> Result:
    """Take a result out of libpq's memory.

    :param affected: rows returned or changed; -1 when PostgreSQL does not say.
    """
    if not result.nfields:
        return Result(affected=max(affected, 0))
    places = range(result.nfields)
    columns = tuple(Column((result.fname(i) or b"").decode(), result.ftype(i), result.fmod(i)) for i in places)
    rows = tuple(tuple(result.get_value(row, i) for i in places) for row in range(result.ntuples))
    return Result(columns, rows, len(rows))
