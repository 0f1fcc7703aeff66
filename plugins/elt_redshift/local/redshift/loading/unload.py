"""UNLOAD ('select …') TO 's3://…': a query's rows into objects of the embedded S3."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect import translate
from elt_redshift.local.redshift.dialect.catalog import SUPER_OID, Catalog
from elt_redshift.local.redshift.dialect.tokens import lex, string_value, words
from elt_redshift.local.redshift.errors import StatementError
from elt_redshift.local.redshift.loading.s3 import Bucket
from elt_redshift.local.redshift.results import Column, Result, from_postgres

_UNSUPPORTED = ("parquet", "partition", "iceberg", "zstd")
_COMPRESSIONS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "": ("", bytes),
    "bzip2": (".bz2", bz2.compress),
    "gzip": (".gz", gzip.compress),
}
_NUMBERS = (20, 21, 23, 700, 701, 1700, 16, SUPER_OID)


@dataclass(frozen=True)
class UnloadCommand:
    """What an UNLOAD asks for.

    :param query: Redshift's, as it is written.
    :param format: ``text``, ``csv``, ``json`` or ``fixed``, with ``widths``.
    :param compression: ``gzip``, ``bzip2`` or none.
    """

    query: str
    bucket: str
    prefix: str
    format: str
    delimiter: str
    null: str
    header: bool
    add_quotes: bool
    escape: bool
    compression: str
    overwrite: bool
    manifest: bool
    widths: tuple[int, ...] = ()


def _after(tokens: list[Token], *options: str) -> str | None:
    """The string that follows one of ``options``, perhaps after AS."""
    for index, token in enumerate(tokens):
        if token.word in options:
            rest = [found for found in tokens[index + 1 : index + 3] if found.word != "as"]
            if rest and rest[0].kind == "string":
                return string_value(rest[0])
    return None


def parse_unload(statement: str) -> UnloadCommand:
    """Read an UNLOAD statement.

    :raises StatementError: it is incomplete, or asks for a format that is not emulated.
    """
    tokens = [token for token in lex(statement) if token.kind not in ("space", "comment")]
    options = words(tokens, len(tokens))
    refused = [option for option in _UNSUPPORTED if option in options]
    location = _after(tokens, "to") or ""
    if refused:
        raise StatementError(f"UNLOAD with {refused[0].upper()} is not emulated; use CSV, JSON or delimited text.")
    if len(tokens) < 3 or tokens[2].kind not in ("string", "dollar") or "to" not in options:
        raise StatementError("syntax error in UNLOAD: expected UNLOAD ('select …') TO 's3://…'")
    if not location.startswith("s3://"):
        raise StatementError("UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)")
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    widths = _after(tokens[3:], "fixedwidth") or ""
    formats = {"csv": "csv" in options, "json": "json" in options, "fixed": bool(widths)}
    kind = next((name for name, asked in formats.items() if asked), "text")
    return UnloadCommand(
        query=string_value(tokens[2]),
        bucket=bucket,
        prefix=prefix,
        format=kind,
        delimiter=_after(tokens[3:], "delimiter") or ("," if kind == "csv" else "|"),
        null=_after(tokens[3:], "null") or "",
        header="header" in options,
        add_quotes="addquotes" in options,
        escape="escape" in options,
        compression=next((name for name in ("gzip", "bzip2") if name in options), ""),
        overwrite="allowoverwrite" in options or "cleanpath" in options,
        manifest="manifest" in options,
        widths=tuple(int(part.split(":")[1]) for part in widths.split(",")) if widths else (),
    )


def _texts(result: Result, null: str) -> Iterator[list[str]]:
    columns = result.columns or ()
    for row in result.rows:
        pairs = zip(columns, row, strict=True)
        yield [null if value is None else _text(column, value) for column, value in pairs]


def _text(column: Column, value: bytes) -> str:
    return {"true": "t", "false": "f"}[column.text(value)] if column.oid == 16 else column.text(value)


def _plain_line(values: list[str], command: UnloadCommand) -> str:
    """A line without quoting of its own: as Redshift writes it, so that only ESCAPE makes it safe to read."""
    if command.escape:
        special = re.compile(
            f"[\\\\\\n\\r{re.escape(command.delimiter)}{re.escape(chr(34)) if command.add_quotes else ''}]"
        )
        values = [special.sub(lambda found: f"\\{found[0]}", value) for value in values]
    return command.delimiter.join(f'"{value}"' if command.add_quotes else value for value in values)


def _json_line(row: tuple[bytes | None, ...], columns: tuple[Column, ...]) -> str:
    members = {
        column.name: None if value is None else _json_value(column, value)
        for column, value in zip(columns, row, strict=True)
    }
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False)


def _json_value(column: Column, value: bytes) -> object:
    return json.loads(column.text(value)) if column.oid in _NUMBERS else column.text(value)


def _lines(result: Result, command: UnloadCommand) -> Iterator[str]:
    columns = result.columns or ()
    if command.format == "json":
        yield from (_json_line(row, columns) for row in result.rows)
        return
    head = [[column.name for column in columns]] if command.header else []
    for values in (*head, *_texts(result, command.null)):
        if command.format == "fixed":
            yield "".join(value[:width].ljust(width) for value, width in zip(values, command.widths, strict=False))
        else:
            yield _plain_line(values, command)


def _body(result: Result, command: UnloadCommand) -> bytes:
    if command.format != "csv":
        return "".join(f"{line}\n" for line in _lines(result, command)).encode()
    output = io.StringIO()
    writer = csv.writer(output, delimiter=command.delimiter, lineterminator="\n")
    if command.header:
        writer.writerow([column.name for column in result.columns or ()])
    writer.writerows(_texts(result, command.null))
    return output.getvalue().encode()


def write_unload(command: UnloadCommand, result: Result, target: Bucket) -> int:
    """Write the rows of an UNLOAD into one object named ``<prefix>000``, and return how many they are.

    :raises StatementError: the object exists and ALLOWOVERWRITE is not given, or there is no such bucket.
    """
    ending, compress = _COMPRESSIONS[command.compression]
    key = f"{command.prefix}000{ending}"
    if target.keys(command.bucket, key) and not command.overwrite:
        raise StatementError(
            "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, "
            "manually removing the target files in S3, or using the ALLOWOVERWRITE option."
        )
    body = compress(_body(result, command))
    target.write(command.bucket, key, body)
    if command.manifest:
        entry = {"url": f"s3://{command.bucket}/{key}", "meta": {"content_length": len(body)}}
        target.write(command.bucket, f"{command.prefix}manifest", json.dumps({"entries": [entry]}).encode())
    return result.affected


def unload_to_s3(statement: str, connection: psycopg.Connection, target: Bucket, catalog: Catalog) -> int:
    """Carry out an UNLOAD and return how many rows it wrote.

    :raises StatementError: see :func:`parse_unload` and :func:`write_unload`.
    """
    command = parse_unload(statement)
    cursor = connection.execute(translate(command.query, catalog).sql.encode())
    assert cursor.pgresult is not None
    return write_unload(command, from_postgres(cursor.pgresult, cursor.rowcount), target)
