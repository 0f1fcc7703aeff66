"""UNLOAD ('select …') TO 's3://…': a query's rows into objects of the embedded S3.

https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html
"""

from __future__ import annotations

import csv
import gzip
import io
from typing import Literal

import psycopg

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect import translate
from elt_redshift.local.redshift.dialect.tokens import lex, string_value, words
from elt_redshift.local.redshift.errors import StatementError
from elt_redshift.local.redshift.results import Result, from_postgres
from elt_redshift.local.redshift.s3 import Bucket

_UNSUPPORTED = ("parquet", "json", "partition", "iceberg", "zstd", "bzip2")


def _after(tokens: list[Token], *options: str) -> str | None:
    """The string that follows one of ``options``, perhaps after AS."""
    for index, token in enumerate(tokens):
        if token.word in options:
            rest = [found for found in tokens[index + 1 : index + 3] if found.word != "as"]
            if rest and rest[0].kind == "string":
                return string_value(rest[0])
    return None


def _body(result: Result, *, delimiter: str, as_csv: bool, header: bool, null: str) -> bytes:
    columns = result.columns or ()
    output = io.StringIO()
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if as_csv else csv.QUOTE_NONE
    writer = csv.writer(output, delimiter=delimiter, lineterminator="\n", quoting=quoting, escapechar="\\")
    if header:
        writer.writerow([column.name for column in columns])
    for row in result.rows:
        pairs = zip(columns, row, strict=True)
        writer.writerow([null if value is None else column.text(value) for column, value in pairs])
    return output.getvalue().encode()


def unload_to_s3(statement: str, connection: psycopg.Connection, target: Bucket) -> int:
    """Carry out an UNLOAD into one object named ``<prefix>000`` and return how many rows it wrote.

    :raises StatementError: it asks for a format that is not emulated, or the object exists and ALLOWOVERWRITE is not
        given.
    """
    tokens = [token for token in lex(statement) if token.kind not in ("space", "comment")]
    options = words(tokens, len(tokens))
    refused = [option for option in _UNSUPPORTED if option in options]
    location = _after(tokens, "to")
    if refused:
        raise StatementError(f"UNLOAD with {refused[0].upper()} is not emulated here; use CSV or delimited text.")
    if len(tokens) < 3 or tokens[2].kind not in ("string", "dollar") or not (location or "").startswith("s3://"):
        raise StatementError("syntax error in UNLOAD: expected UNLOAD ('select …') TO 's3://…'")
    bucket, _, prefix = (location or "").removeprefix("s3://").partition("/")
    compressed = "gzip" in options
    key = f"{prefix}000{'.gz' if compressed else ''}"
    if "allowoverwrite" not in options and target.keys(bucket, key):
        raise StatementError(
            "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix."
        )
    cursor = connection.execute(translate(string_value(tokens[2])).sql.encode())
    assert cursor.pgresult is not None
    result = from_postgres(cursor.pgresult, cursor.rowcount)
    as_csv = "csv" in options
    delimiter = _after(tokens[3:], "delimiter") or ("," if as_csv else "|")
    null = _after(tokens[3:], "null") or ""
    body = _body(result, delimiter=delimiter, as_csv=as_csv, header="header" in options, null=null)
    target.write(bucket, key, gzip.compress(body) if compressed else body)
    return result.affected
