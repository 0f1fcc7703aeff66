"""The lines of a loaded file, taken apart into fields.

https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-format.html
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elt_redshift.local.redshift.errors import StatementError
from elt_redshift.local.redshift.loading.options import CopyCommand

Fields = Sequence[str | None]


@dataclass(frozen=True)
class Record:
    """A record of a file: where it begins, how it is written, its fields."""

    line: int
    raw: str
    fields: Fields


def decoded(body: bytes, command: CopyCommand) -> str:
    """The text of an object.

    :raises ValueError: it is not in the encoding that it should be in. :raises OSError: it is not compressed so.
    """
    if command.compression == "gzip":
        body = gzip.decompress(body)
    elif command.compression == "bzip2":
        body = bz2.decompress(body)
    encoding = {"utf16le": "utf-16-le", "utf16be": "utf-16-be", "utf16": "utf-16"}.get(command.encoding, "utf-8-sig")
    if command.replacement is None:
        return body.decode(encoding)
    # Each byte that belongs to no character becomes the replacement.
    return body.decode(encoding, errors="surrogateescape").translate(
        dict.fromkeys(range(0xDC80, 0xDD00), command.replacement)
    )


def _lines(body: str) -> Iterator[tuple[int, str]]:
    lines = re.split(r"\r\n|\n|\r", body)
    yield from enumerate(lines[:-1] if lines[-1] == "" else lines, 1)


def _delimited(body: str, command: CopyCommand) -> Iterator[Record]:
    """Lines without quoting, as TPC-H's .tbl files are."""
    for number, line in _lines(body):
        if line or not command.ignore_blank_lines:
            yield Record(number, line, line.split(command.delimiter))


def _escaped(body: str, command: CopyCommand) -> Iterator[Record]:
    """Lines with backslash escapes or quotes that the delimiter may stand in (ESCAPE, REMOVEQUOTES)."""
    yield from _read(
        body,
        command,
        delimiter=command.delimiter,
        quotechar='"',
        quoting=csv.QUOTE_MINIMAL if command.remove_quotes else csv.QUOTE_NONE,
        escapechar="\\" if command.escape else None,
    )


def _csv(body: str, command: CopyCommand) -> Iterator[Record]:
    yield from _read(body, command, delimiter=command.delimiter, quotechar=command.quote)


def _read(body: str, command: CopyCommand, **options: Any) -> Iterator[Record]:
    lines = io.StringIO(body, newline="")
    reader = csv.reader(lines, **options)
    before = 0
    for row in reader:
        if row:
            yield Record(before + 1, command.delimiter.join(row), row)
        before = reader.line_num


def _fixed(body: str, command: CopyCommand) -> Iterator[Record]:
    for number, line in _lines(body):
        fields, start = [], 0
        for width in command.fixed_width:
            fields.append(line[start : start + width].strip())
            start += width
        yield Record(number, line, fields)


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else json.dumps(value, separators=(",", ":"))


def _step(value: Any, step: str) -> Any:
    if isinstance(value, list):
        return value[int(step)] if step.isdecimal() and int(step) < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


def _at(value: Any, path: str) -> Any:
    """What a JSONPath of COPY's kind, ``$.a['b'][0]``, finds.

    https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-json.html
    """
    for step in re.findall(r"\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\d+)\]|\.?([^.\[\]$]+)", path):
        value = _step(value, "".join(step))
    return value


def _members(item: Any, names: Sequence[str], supers: Sequence[bool], command: CopyCommand) -> Fields:
    """The fields of a JSON object, by column or by JSONPath; a SUPER's as JSON."""
    if command.json_paths:
        values = [_at(item, path) for path in command.json_paths]
    elif command.no_shred:
        values = [item]
    else:
        members = {name.lower(): member for name, member in item.items()} if command.ignore_case else item
        values = [members.get(name) for name in names]
    whole = [*supers, *[False] * len(values)]
    return [_as_json(value) if kept else _json_text(value) for value, kept in zip(values, whole, strict=False)]


def _as_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _json(body: str, command: CopyCommand, names: Sequence[str], supers: Sequence[bool]) -> Iterator[Record]:
    """Objects one after another, or in arrays."""
    decoder, position = json.JSONDecoder(), 0
    body = body.strip()
    while position < len(body):
        start = position
        value, position = decoder.raw_decode(body, position)
        raw, line = body[start:position], body.count("\n", 0, start) + 1
        while position < len(body) and body[position] in " \t\r\n,":
            position += 1
        for item in value if isinstance(value, list) and not command.no_shred else [value]:
            yield Record(line, raw, _members(item, names, supers, command))


def records(body: str, command: CopyCommand, names: Sequence[str], supers: Sequence[bool]) -> Iterator[Record]:
    """The records of an object.

    :param names: the columns to load; ``supers`` says which of them are SUPER.
    :raises ValueError: the text is not in its format (csv.Error too).
    """
    if command.format == "json":
        yield from _json(body, command, names, supers)
        return
    skipped = command.ignore_header
    body = body.split("\n", skipped)[skipped] if skipped and body.count("\n") >= skipped else "" if skipped else body
    if command.format == "csv":
        found = _csv(body, command)
    elif command.fixed_width:
        found = _fixed(body, command)
    else:
        found = _escaped(body, command) if command.escape or command.remove_quotes else _delimited(body, command)
    for record in found:
        yield Record(record.line + skipped, record.raw, record.fields)


def json_paths(body: bytes) -> tuple[str, ...]:
    """The paths of a JSONPaths file.

    :raises StatementError: it is none.
    """
    try:
        return tuple(json.loads(body)["jsonpaths"])
    except (ValueError, KeyError, TypeError):
        raise StatementError('Invalid JSONPaths file: expected {"jsonpaths": ["$.…", …]}.') from None
