"""Reading the COPY statement: its table, location and options."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    following,
    lex,
    name_end,
    string_value,
    strip,
    symbol,
    text,
    word,
)
from elt_redshift.local.redshift.errors import StatementError


@dataclass(frozen=True)
class CopyCommand:
    """What a COPY asks for; the defaults are Redshift's.

    :param date_format: Python's form, or ``auto``; empty: YYYY-MM-DD. ``time_format`` too, or ``epochsecs``.
    :param replacement: of characters that are none (ACCEPTINVCHARS).
    :param json_paths: what the file at ``json_location`` holds.
    """

    table: str
    columns: tuple[str, ...]
    location: str
    format: str = "delimited"
    delimiter: str = "|"
    quote: str = '"'
    null_as: str = "\\N"
    ignore_header: int = 0
    compression: str | None = None
    manifest: bool = False
    escape: bool = False
    remove_quotes: bool = False
    empty_as_null: bool = False
    blanks_as_null: bool = False
    trim_blanks: bool = False
    fill_record: bool = False
    explicit_ids: bool = False
    ignore_case: bool = False
    ignore_blank_lines: bool = False
    truncate_columns: bool = False
    accept_any_date: bool = False
    round_decimals: bool = False
    replacement: str | None = None
    encoding: str = "utf8"
    max_error: int = 0
    no_load: bool = False
    no_shred: bool = False
    json_location: str = ""
    json_paths: tuple[str, ...] = ()
    date_format: str = ""
    time_format: str = ""
    fixed_width: tuple[int, ...] = ()


#: Options without a value, and what they set.
_FLAGS: dict[str, dict[str, Any]] = {
    "bzip2": {"compression": "bzip2"},
    "gzip": {"compression": "gzip"},
    "manifest": {"manifest": True},
    "escape": {"escape": True},
    "removequotes": {"remove_quotes": True},
    "emptyasnull": {"empty_as_null": True},
    "blanksasnull": {"blanks_as_null": True},
    "trimblanks": {"trim_blanks": True},
    "fillrecord": {"fill_record": True},
    "explicit_ids": {"explicit_ids": True},
    "noload": {"no_load": True},
    "ignoreblanklines": {"ignore_blank_lines": True},
    "truncatecolumns": {"truncate_columns": True},
    "acceptanydate": {"accept_any_date": True},
    "roundec": {"round_decimals": True},
}
#: Options with a value that change nothing here.
_IGNORED = {
    "iam_role",
    "credentials",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "master_symmetric_key",
    "kms_key_id",
    "region",
    "compupdate",
    "statupdate",
    "comprows",
    "readratio",
}
#: Words that stand alone or between an option and its value.
_NOISE = {"as", "format", "delimited", "encrypted", "and"}
_UNSUPPORTED = {"parquet", "orc", "avro", "shapefile", "ssh", "lzop", "zstd", "iceberg"}
_DATE_PARTS = {
    "YYYY": "%Y", "MONTH": "%B", "MON": "%b", "MM": "%m", "DD": "%d", "YY": "%y",
    "HH24": "%H", "HH12": "%I", "HH": "%H", "MI": "%M", "SS": "%S", "AM": "%p", "PM": "%p",
}  # fmt: skip


def _literal(token: Token) -> str:
    """The value of a string literal, or the token as written; ``'\\N'`` is COPY's own word for NULL, no escape."""
    raw_forms = (r"'\N'", r"'\0'")
    return string_value(token) if token.kind == "string" and token.text not in raw_forms else token.text.strip("'")


def _date_format(value: str) -> str:
    """Python's form of a date or time format; Redshift's own words stay.

    https://docs.aws.amazon.com/redshift/latest/dg/r_DATEFORMAT_and_TIMEFORMAT_strings.html
    """
    if value.lower() in ("auto", "epochsecs", "epochmillisecs"):
        return value.lower()
    return re.sub("|".join(_DATE_PARTS), lambda part: _DATE_PARTS[part[0]], value.upper())


class _Options:
    """Walks over the options of a COPY."""

    def __init__(self, tokens: Sequence[Token], command: CopyCommand) -> None:
        self._tokens = [token for token in tokens if token.kind not in ("space", "comment")]
        self._command = command
        self._index = 0

    def read(self) -> CopyCommand:
        self._set(delimiter="")
        while self._index < len(self._tokens):
            self._option()
        if not self._command.delimiter:
            self._set(delimiter="," if self._command.format == "csv" else CopyCommand.delimiter)
        return self._command

    def _set(self, **changes: Any) -> None:
        self._command = replace(self._command, **changes)

    def _next(self) -> Token | None:
        """The option's value, if a literal, a number or ``default`` follows; AS may stand before it."""
        index = self._index
        if word(self._tokens, index) == "as":
            index += 1
        if index < len(self._tokens):
            token = self._tokens[index]
            if token.kind in ("string", "number") or token.word in ("default", "on", "off", "true", "false", "preset"):
                self._index = index + 1
                return token
        return None

    def _value(self, option: str) -> str:
        token = self._next()
        if token is None:
            raise StatementError(f'syntax error in COPY: "{option.upper()}" needs a value')
        return _literal(token)

    def _option(self) -> None:
        option = self._tokens[self._index].word
        self._index += 1
        if option in _FLAGS:
            self._set(**_FLAGS[option])
        elif option in _IGNORED:
            self._ignored(option)
        elif option in _UNSUPPORTED:
            raise StatementError(f"COPY from {option.upper()} is not emulated; use CSV, delimited text or JSON.")
        elif option not in _NOISE:
            self._valued(option)

    def _ignored(self, option: str) -> None:
        if self._next() is None and option in ("iam_role", "region", "credentials"):
            raise StatementError(f'syntax error in COPY: "{option.upper()}" needs a value')

    def _valued(self, option: str) -> None:
        if option == "csv":
            self._set(format="csv")
        elif option == "json":
            self._json()
        elif option == "delimiter":
            self._set(delimiter=self._value(option))
        elif option == "quote":
            self._set(quote=self._value(option))
        elif option == "null":
            self._set(null_as=self._value(option))
        elif option == "ignoreheader":
            self._set(ignore_header=int(self._value(option)))
        elif option == "dateformat":
            self._set(date_format=_date_format(self._value(option)))
        elif option == "timeformat":
            self._set(time_format=_date_format(self._value(option)))
        elif option == "maxerror":
            self._set(max_error=int(self._value(option)))
        elif option == "ignoreallerrors":
            self._set(max_error=sys.maxsize)
        elif option == "acceptinvchars":
            given = self._next()
            self._set(replacement="?" if given is None else _literal(given))
        elif option == "encoding":
            self._encoding()
        elif option == "fixedwidth":
            self._set(fixed_width=tuple(int(part.split(":")[1]) for part in self._value(option).split(",")))
        else:
            near = self._tokens[self._index - 1].text
            raise StatementError(f'syntax error at or near "{near}" in COPY')

    def _encoding(self) -> None:
        index = self._index + (word(self._tokens, self._index) == "as")
        self._set(encoding=_literal(self._tokens[index]).lower().replace("-", ""))
        self._index = index + 1

    def _json(self) -> None:
        mode = self._next()
        choice = "auto" if mode is None else _literal(mode)
        location = choice if choice.startswith("s3://") else ""
        if not location and choice.lower() not in ("auto", "auto ignorecase", "noshred"):
            raise StatementError(f"JSON {choice!r} is not emulated; use 'auto', 'noshred' or a JSONPaths file in S3.")
        self._set(
            format="json",
            json_location=location,
            ignore_case=choice.lower() == "auto ignorecase",
            no_shred=choice.lower() == "noshred",
        )


def parse_copy(statement: str) -> CopyCommand:
    """Read a COPY statement.

    :raises StatementError: an option is unknown, incomplete or not emulated.
    """
    tokens = strip(lex(statement))
    start = following(tokens, following(tokens, -1))
    end = name_end(tokens, start)
    columns: tuple[str, ...] = ()
    table = text(expression(strip(tokens[start:end])))
    if symbol(tokens, end) == "(":
        pieces, close = arguments(tokens, end)
        columns = tuple(text(strip(piece)).strip('"').lower() for piece in pieces)
        end = following(tokens, close)
    location = following(tokens, end)
    if word(tokens, end) != "from" or location >= len(tokens) or tokens[location].kind != "string":
        raise StatementError("syntax error in COPY: expected FROM 's3://…'")
    return _Options(tokens[location + 1 :], CopyCommand(table, columns, _literal(tokens[location]))).read()
