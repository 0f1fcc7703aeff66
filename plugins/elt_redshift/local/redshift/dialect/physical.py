"""Distribution, sort keys and encodings: nothing here works by them, but the system views tell of them.

https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    divide,
    following,
    match,
    name_end,
    quote,
    strip,
    symbol,
    text,
    word,
    words,
)

_STYLES = ("compound", "interleaved")


def _names(tokens: Sequence[Token], bracket: int) -> list[str]:
    return [text(strip(piece)).strip('"').lower() for piece in arguments(tokens, bracket)[0]]


def _of_table(tokens: Sequence[Token]) -> dict[str, Any]:
    """The attributes behind a table's columns, or behind ALTER TABLE name."""
    found: dict[str, Any] = {}
    for index in range(len(tokens)):
        keyword, after = word(tokens, index), following(tokens, index)
        if keyword == "diststyle":
            found["diststyle"] = word(tokens, after)
        elif keyword == "distkey" and symbol(tokens, after) == "(":
            found["distkey"] = _names(tokens, after)[0]
        elif keyword == "distkey" and after < len(tokens) and words(tokens[:index], 2)[-1:] == ["alter"]:
            found["distkey"] = text(tokens[after : after + 1]).strip('"').lower()
        elif keyword == "sortkey" and symbol(tokens, after) == "(":
            found["sortkeys"] = _names(tokens, after)
        elif keyword == "sortkey" and word(tokens, after) == "none":
            found["sortkeys"] = []
        elif keyword == "backup":
            found["backup"] = word(tokens, after) != "no"
        elif keyword in _STYLES and word(tokens, after) == "sortkey":
            found["sortstyle"] = keyword
    return found


def _of_columns(inside: Sequence[Token]) -> dict[str, Any]:
    """The attributes of the columns themselves."""
    found: dict[str, Any] = {}
    encodings: dict[str, str] = {}
    for element in map(strip, divide(inside)):
        name = text(element[:1]).strip('"').lower()
        for index in range(1, len(element)):
            keyword = word(element, index)
            if keyword == "encode":
                encodings[name] = word(element, following(element, index))
            elif keyword == "distkey":
                found["distkey"] = name
            elif keyword == "sortkey":
                found.setdefault("sortkeys", []).append(name)
    return {**found, "encodings": encodings} if encodings else found


def _created(tokens: Sequence[Token]) -> tuple[list[Token], dict[str, Any]]:
    table = next(index for index in range(len(tokens)) if word(tokens, index) == "table")
    start = following(tokens, table)
    start = match(tokens, start, "if", "not", "exists") or start
    end = name_end(tokens, start)
    found: dict[str, Any] = {}
    query = next((index for index in range(end, len(tokens)) if word(tokens, index) == "as"), len(tokens))
    if symbol(tokens, end) == "(" and words(tokens[end + 1 :], 1) not in (["select"], ["with"]):
        close = arguments(tokens, end)[1]
        found, query = _of_columns(tokens[end + 1 : close]), max(query, close)
        end = close + 1
        query = next((index for index in range(end, len(tokens)) if word(tokens, index) == "as"), len(tokens))
    return list(tokens[start : name_end(tokens, start)]), {**found, **_of_table(tokens[end:query])}


def _altered(tokens: Sequence[Token]) -> tuple[list[Token], dict[str, Any]]:
    start = following(tokens, following(tokens, following(tokens, -1)))
    start = match(tokens, start, "if", "exists") or start
    end = name_end(tokens, start)
    rest = tokens[end:]
    found = _of_table(rest)
    heads = words(rest, 6)
    if "encode" in heads:
        place = next(index for index in range(len(rest)) if word(rest, index) == "encode")
        column = heads[heads.index("column") + 1] if "column" in heads else heads[1]
        found["encodings"] = {column.strip('"'): word(rest, following(rest, place))}
    return list(tokens[start:end]), found


def attributes(tokens: Sequence[Token]) -> str:
    """The call that keeps what a CREATE TABLE or ALTER TABLE says of this kind; empty: it says nothing."""
    head = words(tokens, 5)
    if head[:2] == ["alter", "table"]:
        name, found = _altered(tokens)
    elif head[:1] == ["create"] and "table" in head[1:4]:
        name, found = _created(tokens)
    else:
        return ""
    if not found:
        return ""
    table = text(expression(strip(name)))
    changed = ", true" if head[0] == "alter" else ""
    return f"redshift.keep({quote(table)}::regclass, {quote(json.dumps(found))}{changed})"
