"""COPY … FROM 's3://…': objects of the embedded S3 into a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import sql as pgsql

from elt_redshift.local.redshift.errors import StatementError
from elt_redshift.local.redshift.loading.formats import Record, decoded, json_paths, records
from elt_redshift.local.redshift.loading.options import CopyCommand, parse_copy
from elt_redshift.local.redshift.loading.s3 import Bucket
from elt_redshift.local.redshift.loading.values import Column, FieldError

_MAX_REPORTED = 200
COLUMNS = (
    "select attname, format_type(atttypid, atttypmod), attidentity, attnotnull from pg_attribute "
    "where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum"
)


@dataclass(frozen=True)
class LoadError:
    """A record that could not be loaded, as ``stl_load_errors`` tells of it."""

    file: str
    line: int
    column: str
    type: str
    length: str
    raw_line: str
    raw_value: str
    code: int
    reason: str


@dataclass(frozen=True)
class LoadedFile:
    """An object that was loaded, as ``stl_load_commits`` tells of it."""

    file: str
    rows: int
    bytes: int


@dataclass
class Load:
    """What a COPY came to."""

    command: CopyCommand
    errors: list[LoadError] = field(default_factory=list)
    files: list[LoadedFile] = field(default_factory=list)

    @property
    def failure(self) -> str:
        """Redshift's words for a load that failed, and what was wrong first or last."""
        place = "Check 'stl_load_errors' system table for details."
        detail = ""
        if self.errors:
            error = self.errors[-1]
            column = f", column {error.column}" if error.column else ""
            detail = (
                f"\nDETAIL: {error.reason} ({error.file}, line {error.line}{column}): {error.raw_line[:_MAX_REPORTED]}"
            )
        return f"Load into table '{self.command.table}' failed.  {place}{detail}"


def split_location(location: str) -> tuple[str, str]:
    """Bucket and key.

    :raises StatementError: it is no place in S3.
    """
    if location.startswith(("dynamodb://", "emr://")):
        raise StatementError(f"COPY from {location!r} is not emulated; only S3 is, s3://bucket/prefix.")
    if not location.startswith("s3://"):
        raise StatementError("LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)")
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return bucket, key


def _objects(command: CopyCommand, source: Bucket) -> Iterator[tuple[str, bytes]]:
    """Every object that a COPY names, with its place.

    :raises StatementError: there is none.
    """
    bucket, key = split_location(command.location)
    if not command.manifest:
        keys = source.keys(bucket, key)
        if not keys:
            raise StatementError(f"The specified S3 prefix '{key}' does not exist")
        yield from ((f"s3://{bucket}/{found}", source.read(bucket, found)) for found in keys)
        return
    try:
        entries = json.loads(source.read(bucket, key))["entries"]
    except (ValueError, KeyError, TypeError):
        raise StatementError(f'Invalid manifest: s3://{bucket}/{key} does not hold {{"entries": [...]}}.') from None
    for entry in entries:
        place = split_location(entry["url"])
        if entry.get("mandatory") or source.keys(*place):
            yield entry["url"], source.read(*place)


def columns_to_load(command: CopyCommand, found: Sequence[Sequence[str]]) -> list[Column]:
    """The columns to load: those named, else all that do not number themselves (unless EXPLICIT_IDS).

    :param found: name, type, identity (empty: none) and whether NULL is refused, of the table's columns in order.
    :raises StatementError: a column that is named does not exist.
    """
    types = {name: Column(name, kind, bool(not_null)) for name, kind, _, not_null in found}
    if not command.columns:
        return [types[name] for name, _, identity, _ in found if not identity or command.explicit_ids]
    unknown = [name for name in command.columns if name not in types]
    if unknown:
        raise StatementError(f'column "{unknown[0]}" of relation "{command.table}" does not exist')
    return [types[name] for name in command.columns]


class Loader:
    """Reads the objects of a COPY into rows.

    :param load: takes down what comes of it.
    """

    def __init__(self, load: Load, columns: Sequence[Column], source: Bucket) -> None:
        self._load, self._columns, self._source = load, columns, source
        self._command = load.command

    def rows(self) -> Iterator[list[str | None]]:
        """The rows of all objects, as PostgreSQL takes them.

        :raises StatementError: more records than MAXERROR allows do not fit, or an object cannot be read as its format
            says.
        """
        names = [column.name for column in self._columns]
        supers = [column.base == "super" for column in self._columns]
        if self._command.json_location:
            paths = json_paths(self._source.read(*split_location(self._command.json_location)))
            self._command = replace(self._command, json_paths=paths)
        for file, body in _objects(self._command, self._source):
            count = 0
            try:
                for record in records(decoded(body, self._command), self._command, names, supers):
                    row = self._row(file, record)
                    if row is not None:
                        count += 1
                        yield row
            except (ValueError, OSError, csv.Error) as error:
                self._fail(LoadError(file, 0, "", "", "", "", "", 1216, f"Invalid input: {error}"))
            self._load.files.append(LoadedFile(file, count, len(body)))

    def _row(self, file: str, record: Record) -> list[str | None] | None:
        """The record as a row; ``None`` when it does not fit, and that is allowed."""
        fields = record.fields
        if len(fields) == len(self._columns) + 1 and fields[-1] == "":
            fields = fields[:-1]  # one empty field may follow the last delimiter
        if len(fields) < len(self._columns) and self._command.fill_record:
            missing = self._columns[len(fields) :]
            fields = [*fields, *("" if column.base == "character varying" else None for column in missing)]
        if len(fields) != len(self._columns):
            many = len(fields) > len(self._columns)
            code, reason = (1202, "Extra column(s) found") if many else (1214, "Delimiter not found")
            self._refuse(LoadError(file, record.line, "", "", "", record.raw, "", code, reason))
            return None
        row = []
        for column, text in zip(self._columns, fields, strict=True):
            try:
                row.append(column.value(text, self._command))
            except FieldError as error:
                where = (file, record.line, column.name, column.short, str(column.sizes[0] or ""))
                self._refuse(LoadError(*where, record.raw, text or "", error.code, error.reason))
                return None
        return row

    def _refuse(self, error: LoadError) -> None:
        if len(self._load.errors) + 1 >= max(self._command.max_error, 1):
            self._fail(error)
        self._load.errors.append(error)

    def _fail(self, error: LoadError) -> None:
        self._load.errors.append(error)
        raise StatementError(self._load.failure)


def copy_from_s3(load: Load, connection: psycopg.Connection, source: Bucket) -> int:
    """Carry out a COPY and return how many rows it loaded.

    :raises StatementError: it cannot be carried out, in Redshift's words where they are known.
    """
    command = load.command
    columns = columns_to_load(command, connection.execute(COLUMNS, (command.table,)).fetchall())
    rows = Loader(load, columns, source).rows()
    if command.no_load:
        for _ in rows:
            pass
        return 0
    names = pgsql.SQL(", ").join(pgsql.Identifier(column.name) for column in columns)
    target = pgsql.SQL("copy {} ({}) from stdin").format(pgsql.SQL(command.table), names)
    cursor = connection.cursor()
    try:
        with cursor.copy(target) as writer:
            for row in rows:
                writer.write_row(row)
    except psycopg.errors.DataError as error:
        context = f" ({error.diag.context})" if error.diag.context else ""
        load.errors.append(LoadError("", 0, "", "", "", "", "", 1216, f"{error.diag.message_primary}{context}"))
        raise StatementError(load.failure) from error
    return cursor.rowcount


__all__ = ["COLUMNS", "Load", "LoadError", "LoadedFile", "Loader", "columns_to_load", "copy_from_s3", "parse_copy"]
