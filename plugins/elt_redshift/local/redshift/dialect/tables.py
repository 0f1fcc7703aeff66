"""CREATE TABLE and ALTER TABLE in PostgreSQL's words."""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries import Context, whole
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    divide,
    following,
    match,
    name_end,
    quote,
    spaced,
    strip,
    symbol,
    text,
    word,
    words,
)
from elt_redshift.local.redshift.dialect.types import table_column

_CONSTRAINTS = ("primary", "unique", "foreign")


def _is_constraint(element: Sequence[Token]) -> bool:
    first = words(element, 3)
    return first[0] in _CONSTRAINTS or (first[0] == "constraint" and first[2:] != [] and first[2] in _CONSTRAINTS)


def _primary_key(element: Sequence[Token]) -> set[str]:
    """The columns of a table's ``PRIMARY KEY (…)``."""
    if "primary" not in words(element, 3):
        return set()
    start = next(index for index in range(len(element)) if symbol(element, index) == "(")
    return {text(strip(piece)).strip('"').lower() for piece in arguments(element, start)[0]}


def _columns(inside: Sequence[Token]) -> str:
    """The inside of a table's brackets: constraints that Redshift only takes as a hint are dropped."""
    elements = [strip(element) for element in divide(inside)]
    keys = {key for element in elements if element and _is_constraint(element) for key in _primary_key(element)}
    written = []
    for element in elements:
        if not element or _is_constraint(element):
            continue
        if word(element, 0) == "like":
            written.append(text(expression(element)))
            continue
        definition = text(expression(table_column(element)))
        is_key = element[0].text.strip('"').lower() in keys
        written.append(definition + (" not null" if is_key and "not null" not in definition.lower() else ""))
    return ", ".join(written)


def without_attributes(tokens: Sequence[Token]) -> list[Token]:
    """Drop DISTSTYLE, DISTKEY, SORTKEY, ENCODE and BACKUP between a table's columns and its AS."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        keyword, after = word(tokens, index), following(tokens, index)
        if keyword in ("distkey", "sortkey") and symbol(tokens, after) == "(":
            index = arguments(tokens, after)[1] + 1
        elif keyword == "sortkey" and word(tokens, after) != "auto":
            index += 1
        elif keyword in ("diststyle", "sortkey", "encode", "backup"):
            index = after + 1
        elif match(tokens, index, "auto", "refresh") is not None:
            index = following(tokens, after) + 1
        elif keyword in ("compound", "interleaved", "distkey"):
            index += 1
        else:
            result.append(tokens[index])
            index += 1
    return result


def _header(tokens: Sequence[Token], start: int) -> tuple[str, int]:
    """``IF NOT EXISTS name`` from ``start`` on, and the index after the name."""
    named = match(tokens, start, "if", "not", "exists")
    end = name_end(tokens, start if named is None else named)
    return text(expression(strip(tokens[start:end]))), end


def query_of(tokens: Sequence[Token], start: int) -> tuple[list[Token], list[Token]]:
    """The tokens from ``start`` up to the AS that begins a query, and from there on."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(symbol(tokens, index), 0)
        if depth == 0 and word(tokens, index) == "as":
            return list(tokens[start:index]), list(tokens[index:])
    return list(tokens[start:]), []


def create_table(tokens: Sequence[Token], context: Context) -> str:
    """``CREATE TABLE``, with columns, LIKE or AS, temporary or not.

    https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html and r_CREATE_TABLE_AS.html
    """
    index = next(index for index in range(len(tokens)) if word(tokens, index) == "table")
    lead = [item for item in words(tokens[:index]) if item not in ("local", "temporary")]
    header, end = _header(tokens, following(tokens, index))
    temporary = "temp" in lead or "temporary" in words(tokens[:index]) or '"#' in header
    columns = ""
    if symbol(tokens, end) == "(":
        close = arguments(tokens, end)[1]
        columns = f" ({_columns(tokens[end + 1 : close])})"
        end = close + 1
    attributes, select = query_of(tokens, end)
    rest = text(strip(without_attributes(attributes)))
    return (
        f"create {'temp ' if temporary else ''}table {header}{columns} {rest} {text(whole(select, context))}".rstrip()
    )


def quietly(*calls: str) -> str:
    """Functions called for what they do."""
    return f"do $late$begin {' '.join(f'perform {call};' for call in calls)} end$late$"


def _append(tokens: Sequence[Token], start: int, name: Sequence[Token]) -> str:
    end = name_end(tokens, start)
    options = words(tokens[end:])
    target, source = (text(expression(strip(piece))).replace("'", "''") for piece in (name, tokens[start:end]))
    ignore, fill = ("ignoreextra" in options, "filltarget" in options)
    return f"call redshift.append('{target}', '{source}', {str(ignore).lower()}, {str(fill).lower()})"


def _is_physical(rest: list[str]) -> bool:
    """Whether an ALTER TABLE changes only what PostgreSQL does not have: keys, styles, encodings, constraints."""
    if rest[0] == "alter" and len(rest) > 1:
        return rest[1] in ("distkey", "sortkey", "compound", "interleaved", "diststyle", "encode") or "encode" in rest
    if rest[0] == "add":
        return rest[1] in _CONSTRAINTS or (rest[1] == "constraint" and rest[3] in _CONSTRAINTS)
    return rest[:2] == ["drop", "constraint"]


def alter_table(tokens: Sequence[Token]) -> str:
    """``ALTER TABLE``; an empty string when there is nothing for PostgreSQL to do.

    https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html
    """
    index = next(index for index in range(len(tokens)) if word(tokens, index) == "table")
    start = following(tokens, index)
    end = name_end(tokens, match(tokens, start, "if", "exists") or start)
    source = match(tokens, end, "append", "from")
    if source is not None:
        return _append(tokens, source, tokens[start:end])
    rest = words(tokens[end:])
    if rest and _is_physical(rest):
        return ""
    if rest[:1] == ["add"]:
        added = following(tokens, end)
        added = following(tokens, added) if word(tokens, added) == "column" else added
        definition = text(expression(table_column(strip(tokens[added:]))))
        return f"{text(expression(tokens[:end]))} add column {definition}"
    named = quote(text(expression(strip(tokens[match(tokens, start, "if", "exists") or start : end]))))
    renamed = f", {quote(rest[2])}" if rest[:2] == ["rename", "to"] and len(rest) == 3 else ""
    return f"{quietly(f'redshift.unbind({named}{renamed})')}; {text(expression(spaced(tokens)))}"
