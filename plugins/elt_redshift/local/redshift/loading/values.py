"""A field of a loaded file as PostgreSQL takes it, or why the column cannot take it.

https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-conversion.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property

from elt_redshift.exceptions import EltError
from elt_redshift.local.redshift.loading.options import CopyCommand

_TYPE = re.compile(r"^([a-z ]+?)(?:\((\d+)(?:,(\d+))?\))?( without time zone| with time zone)?$")
_WHOLE = {"smallint": ("Short", 2), "integer": ("Integer", 4), "bigint": ("Long", 8)}
_SHORT = {
    "smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4", "double precision": "float8",
    "boolean": "bool", "character varying": "varchar", "character": "char", "bytea": "varbyte",
    "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
}  # fmt: skip
_TRUTHS = {**dict.fromkeys(("t", "true", "y", "yes", "1"), "t"), **dict.fromkeys(("f", "false", "n", "no", "0"), "f")}
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?( ?[+-]\d{2}(:?\d{2})?|Z)?")
_ASCII = 127


class FieldError(EltError):
    """A field that its column cannot take.

    :param code: Redshift's, https://docs.aws.amazon.com/redshift/latest/dg/r_Load_Error_Reference.html
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(code, reason)

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Column:
    """A column to load: its name, its type as PostgreSQL writes it, whether NULL is refused.

    What follows from the type is found once, not for each of a million fields.
    """

    name: str
    type: str
    not_null: bool = False

    @cached_property
    def base(self) -> str:
        """The type without its size."""
        found = _TYPE.match(self.type)
        return found[1] + (found[4] or "") if found else self.type

    @cached_property
    def short(self) -> str:
        """The type as Redshift's system tables name it."""
        return _SHORT.get(self.base, self.base)

    @cached_property
    def sizes(self) -> tuple[int | None, int]:
        """Length or precision (``None``: any), and scale."""
        found = _TYPE.match(self.type)
        return (int(found[2]) if found and found[2] else None), (int(found[3] or 0) if found else 0)

    @cached_property
    def is_text(self) -> bool:
        return self.base in ("text", "character varying", "character")

    def value(self, text: str | None, command: CopyCommand) -> str | None:
        """A field as PostgreSQL takes it.

        :raises FieldError: the column cannot take it.
        """
        value = self._value(text, command)
        if value is None and self.not_null:
            raise FieldError(1213, "Missing data for not-null field")
        return value

    def _value(self, text: str | None, command: CopyCommand) -> str | None:
        if text is None or text == command.null_as:
            return None
        if self.is_text:
            return _text(text, self, command)
        text = text.strip()
        return None if text == "" else _CONVERTERS.get(self.base, _as_it_is)(text, self, command)


def _text(text: str, column: Column, command: CopyCommand) -> str | None:
    if (command.blanks_as_null and text.strip() == "") or (command.empty_as_null and text == ""):
        return None
    if command.trim_blanks:
        text = text.rstrip(" ")
    if column.base == "character" and (bad := next((char for char in text if ord(char) > _ASCII), None)):
        found = bad.encode().hex(" ")
        raise FieldError(
            1220, f"Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: {found}"
        )
    length = column.sizes[0]
    if length is not None and len(text.encode()) > length:
        if not command.truncate_columns and len(text.rstrip(" ").encode()) > length:
            raise FieldError(1204, "String length exceeds DDL length")
        text = text.encode()[:length].decode(errors="ignore")
    return text


def _whole(text: str, column: Column, _command: CopyCommand) -> str:
    kind, size = _WHOLE[column.base]
    digits = text[1:] if text[:1] in "+-" else text
    if not digits.isdecimal():
        wrong = next((place for place, char in enumerate(digits) if not char.isdecimal()), 0)
        place = wrong + len(text) - len(digits)
        raise FieldError(1207, f"Invalid digit, Value '{text[place : place + 1]}', Pos {place}, Type: {kind}")
    if not -(2 ** (8 * size - 1)) <= int(text) < 2 ** (8 * size - 1):
        raise FieldError(1204, f"Overflow, Value '{text}', Type: {kind}")
    return text


def _decimal(text: str, column: Column, command: CopyCommand) -> str:
    precision, scale = column.sizes
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise FieldError(1207, f"Invalid digit, Value '{text[:1]}', Pos 0, Type: Decimal") from None
    if precision is None:
        return text
    rounding = ROUND_HALF_UP if command.round_decimals else ROUND_DOWN
    number = number.quantize(Decimal(1).scaleb(-scale), rounding=rounding) if number.is_finite() else number
    if abs(number) >= Decimal(10) ** (precision - scale):
        raise FieldError(1204, f"Numeric value out of range, Value '{text}', Type: Decimal")
    return str(number)


def _float(text: str, _column: Column, _command: CopyCommand) -> str:
    try:
        float(text)
    except ValueError:
        raise FieldError(1208, f"Invalid digit, Value '{text[:1]}', Pos 0, Type: Double") from None
    return text


def _boolean(text: str, _column: Column, _command: CopyCommand) -> str:
    if text.lower() not in _TRUTHS:
        raise FieldError(1210, f"Unknown boolean format, Value '{text}'")
    return _TRUTHS[text.lower()]


def _dated(convert: Callable[[str, CopyCommand], str]) -> Callable[[str, Column, CopyCommand], str | None]:
    """With ACCEPTANYDATE what is no date is NULL."""

    def converted(text: str, _column: Column, command: CopyCommand) -> str | None:
        try:
            return convert(text, command)
        except FieldError:
            if command.accept_any_date:
                return None
            raise

    return converted


def _date(text: str, command: CopyCommand) -> str:
    if command.date_format == "auto":
        return text
    if command.date_format:
        return _parsed(text, command.date_format, 1205, "Date").strftime("%Y-%m-%d")
    if len(text) < len("2000-01-01"):
        raise FieldError(1205, "Invalid Date Format - length must be 10 or more")
    if not _DATE.match(text):
        raise FieldError(1205, "Invalid Date Format: expected YYYY-MM-DD")
    return text


def _timestamp(text: str, command: CopyCommand) -> str:
    if command.time_format in ("epochsecs", "epochmillisecs"):
        try:
            seconds = float(text) / (1000 if command.time_format == "epochmillisecs" else 1)
        except ValueError:
            raise FieldError(1206, "Invalid timestamp format or value [epoch]") from None
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if command.time_format == "auto":
        return text
    if command.time_format:
        return str(_parsed(text, command.time_format, 1206, "timestamp"))
    if not _TIMESTAMP.fullmatch(text):
        raise FieldError(1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")
    return text


def _parsed(text: str, form: str, code: int, kind: str) -> datetime:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - what the file says, in no zone
    except ValueError:
        raise FieldError(code, f"Error in {kind} value or format [{form}]") from None


def _super(text: str, _column: Column, _command: CopyCommand) -> str:
    """As sql/super.sql keeps it."""
    try:
        value = json.loads(text)
    except ValueError:
        raise FieldError(1224, f"Invalid JSON for a SUPER column: {text[:80]}") from None
    return value if isinstance(value, str) else "\x01" + json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _bytes(text: str, _column: Column, _command: CopyCommand) -> str:
    """https://docs.aws.amazon.com/redshift/latest/dg/copy-usage-varbyte.html"""
    return f"\\x{text}"


def _as_it_is(text: str, _column: Column, _command: CopyCommand) -> str:
    return text


_CONVERTERS: dict[str, Callable[[str, Column, CopyCommand], str | None]] = {
    **dict.fromkeys(_WHOLE, _whole),
    "numeric": _decimal,
    "real": _float,
    "double precision": _float,
    "boolean": _boolean,
    "date": _dated(_date),
    "timestamp without time zone": _dated(_timestamp),
    "timestamp with time zone": _dated(_timestamp),
    "super": _super,
    "bytea": _bytes,
}
