"""COPY … FROM 's3://…': objects of the embedded S3 into a table.

https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql as pgsql

from elt_redshift.local.redshift.copy_options import CopyCommand, parse_copy
from elt_redshift.local.redshift.errors import StatementError
from elt_redshift.local.redshift.s3 import Bucket

Row = Sequence[str | None]
#: Types that take an empty string; for all others Redshift loads NULL.
_STRING_TYPES = ("text", "character varying", "character")
_MAX_REPORTED = 200
_COLUMNS = (
    "select attname, format_type(atttypid, null), attidentity from pg_attribute "
    "where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum"
)


@dataclass(frozen=True)
class Column:
    name: str
    type: str

    def value(self, text: str | None, command: CopyCommand) -> str | None:
        """A field as PostgreSQL takes it."""
        if text is None or text == command.null_as:
            return None
        if command.trim_blanks and self.type in _STRING_TYPES:
            text = text.rstrip(" ")
        if text == "" and (self.type not in _STRING_TYPES or command.empty_as_null):
            return None
        if text.strip() == "" and command.blanks_as_null:
            return None
        if self.type.startswith("timestamp") and command.time_format in ("epochsecs", "epochmillisecs"):
            seconds = float(text) / (1000 if command.time_format == "epochmillisecs" else 1)
            return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        if self.type == "date" and command.date_format:
            return datetime.strptime(text, command.date_format).strftime("%Y-%m-%d")  # noqa: DTZ007 - a date
        return text


def _split_location(location: str) -> tuple[str, str]:
    if not location.startswith("s3://"):
        raise StatementError(f"COPY loads from s3://… here, not from {location!r}.")
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return bucket, key


def objects(command: CopyCommand, source: Bucket) -> list[bytes]:
    """The contents of every object that a COPY names.

    :raises StatementError: there is none.
    """
    bucket, key = _split_location(command.location)
    if command.manifest:
        entries = json.loads(source.read(bucket, key))["entries"]
        return [source.read(*_split_location(entry["url"])) for entry in entries]
    keys = source.keys(bucket, key)
    if not keys:
        raise StatementError(f"The specified S3 prefix '{key}' does not exist")
    return [source.read(bucket, found) for found in keys]


def _decompressed(body: bytes, compression: str | None) -> str:
    if compression == "gzip":
        body = gzip.decompress(body)
    elif compression == "bzip2":
        body = bz2.decompress(body)
    return body.decode("utf-8-sig")


def _delimited(body: str, command: CopyCommand) -> Iterator[Row]:
    """Lines without quoting, as TPC-H's .tbl files are."""
    for line in body.splitlines():
        if line:
            yield line.split(command.delimiter)


def _escaped(body: str, command: CopyCommand) -> Iterator[Row]:
    """Lines with backslash escapes or quotes that the delimiter may stand in (ESCAPE, REMOVEQUOTES)."""
    yield from csv.reader(
        io.StringIO(body),
        delimiter=command.delimiter,
        quotechar='"',
        quoting=csv.QUOTE_MINIMAL if command.remove_quotes else csv.QUOTE_NONE,
        escapechar="\\" if command.escape else None,
    )


def _fixed(body: str, command: CopyCommand) -> Iterator[Row]:
    for line in body.splitlines():
        fields, start = [], 0
        for width in command.fixed_width:
            fields.append(line[start : start + width].strip())
            start += width
        yield fields


def _csv(body: str, command: CopyCommand) -> Iterator[Row]:
    for row in csv.reader(io.StringIO(body, newline=""), delimiter=command.delimiter, quotechar=command.quote):
        if row:
            yield row


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value)


def _json(body: str, columns: Sequence[Column], *, ignore_case: bool) -> Iterator[Row]:
    """JSON 'auto': objects one after another, or in arrays; members by column name."""
    decoder, position = json.JSONDecoder(), 0
    body = body.strip()
    while position < len(body):
        value, position = decoder.raw_decode(body, position)
        while position < len(body) and body[position] in " \t\r\n,":
            position += 1
        for item in value if isinstance(value, list) else [value]:
            members = {name.lower(): member for name, member in item.items()} if ignore_case else item
            yield [_json_text(members.get(column.name)) for column in columns]


def _rows(body: str, command: CopyCommand, columns: Sequence[Column]) -> Iterable[Row]:
    if command.format == "json":
        return _json(body, columns, ignore_case=command.ignore_case)
    body = body.split("\n", command.ignore_header)[command.ignore_header] if command.ignore_header else body
    if command.format == "csv":
        return _csv(body, command)
    if command.fixed_width:
        return _fixed(body, command)
    return _escaped(body, command) if command.escape or command.remove_quotes else _delimited(body, command)


def columns_to_load(command: CopyCommand, found: Sequence[Sequence[str]]) -> list[Column]:
    """The columns to load: those named, else all that do not number themselves (unless EXPLICIT_IDS).

    :param found: name, type and identity (empty: none) of the table's columns, in order.
    :raises StatementError: a column that is named does not exist.
    """
    types = {name: Column(name, kind) for name, kind, _ in found}
    if not command.columns:
        return [types[name] for name, _, identity in found if not identity or command.explicit_ids]
    unknown = [name for name in command.columns if name not in types]
    if unknown:
        raise StatementError(f'column "{unknown[0]}" of relation "{command.table}" does not exist')
    return [types[name] for name in command.columns]


def _fitted(row: Row, columns: Sequence[Column], command: CopyCommand) -> list[str | None]:
    """``row`` with as many fields as columns: one empty field may follow the last delimiter, FILLRECORD adds NULLs."""
    if len(row) == len(columns) + 1 and row[-1] == "":
        row = row[:-1]
    if len(row) < len(columns) and command.fill_record:
        row = [*row, *[None] * (len(columns) - len(row))]
    if len(row) != len(columns):
        problem = "Extra column(s) found" if len(row) > len(columns) else "Delimiter not found"
        raise StatementError(
            load_failed(command, f"{problem}: {command.delimiter.join(map(str, row))[:_MAX_REPORTED]}")
        )
    return [column.value(value, command) for column, value in zip(columns, row, strict=True)]


def load_failed(command: CopyCommand, detail: str) -> str:
    """Redshift's words for a load that failed."""
    place = "Check 'stl_load_errors' system table for details."
    return f"Load into table '{command.table}' failed.  {place}\nDETAIL: {detail}"


def rows_to_load(
    command: CopyCommand, columns: Sequence[Column], bodies: Sequence[bytes]
) -> Iterator[list[str | None]]:
    """The rows of all objects, as PostgreSQL takes them.

    :raises StatementError: a row does not fit the columns, or an object cannot be read as its format says.
    """
    try:
        for body in bodies:
            for row in _rows(_decompressed(body, command.compression), command, columns):
                yield _fitted(row, columns, command)
    except (ValueError, OSError, csv.Error) as error:
        raise StatementError(load_failed(command, str(error))) from error


def copy_from_s3(statement: str, connection: psycopg.Connection, source: Bucket) -> int:
    """Carry out a COPY and return how many rows it loaded.

    :param statement: Redshift's COPY.
    :raises StatementError: it cannot be carried out, in Redshift's words where they are known.
    """
    command = parse_copy(statement)
    bodies = objects(command, source)
    columns = columns_to_load(command, connection.execute(_COLUMNS, (command.table,)).fetchall())
    if command.no_load:
        return 0
    names = pgsql.SQL(", ").join(pgsql.Identifier(column.name) for column in columns)
    target = pgsql.SQL("copy {} ({}) from stdin").format(pgsql.SQL(command.table), names)
    cursor = connection.cursor()
    try:
        with cursor.copy(target) as load:
            for row in rows_to_load(command, columns, bodies):
                load.write_row(row)
    except psycopg.errors.DataError as error:
        context = f" ({error.diag.context})" if error.diag.context else ""
        raise StatementError(load_failed(command, f"{error.diag.message_primary}{context}")) from error
    return cursor.rowcount
