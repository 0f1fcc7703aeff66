"""QUALIFY and TOP, which need a query around or behind the SELECT.

https://docs.aws.amazon.com/redshift/latest/dg/r_QUALIFY_clause.html
"""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.names import alias_of
from elt_redshift.local.redshift.dialect.queries.select import Chain, Select
from elt_redshift.local.redshift.dialect.queries.sources import identifier, sources
from elt_redshift.local.redshift.dialect.tokens import SPACE, divide, is_blank, lex, quoted_name, raw, strip, text

_DIRECTIONS = ("asc", "desc", "nulls", "first", "last")


def _names(select: Select, context: Context) -> list[str] | None:
    """The names of the columns of a select list; ``None`` when a ``*`` stands for nobody knows what."""
    names: list[str] = []
    for item in select.items:
        written = text(item).strip()
        if written.endswith("*"):
            known = context.columns(text(expression(select.clauses.get("from", []))), written)
            if known is None:
                return None
            names += [column.name for column in known]
        else:
            names.append(_name(item))
    return names


def _name(item: Sequence[Token]) -> str:
    """The name of a column of the select list: its alias, that of its column, or PostgreSQL's for an expression."""
    alias = alias_of(item)
    if alias is not None:
        return alias
    plain = [token for token in item if not is_blank(token)]
    if (
        plain
        and plain[-1].kind in ("name", "quoted")
        and all(t.text == "." or t.kind in ("name", "quoted") for t in plain)
    ):
        return identifier(plain[-1])
    if plain and plain[0].kind == "name" and len(plain) > 1 and plain[1].text == "(":
        return plain[0].word
    return "?column?"


def _row(select: Select) -> str:
    """The name of the one table that ``*`` stands for.

    :raises UnsupportedSqlError: there are several.
    """
    tables = sources(select.clauses.get("from", []))
    if len(tables) > 1 or len(select.items) > 1 or not tables[0].name:
        raise UnsupportedSqlError("QUALIFY behind * of a join is not emulated where its tables do not exist yet.")
    return tables[0].name


def _keys(select: Select, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """ORDER BY in two: hidden columns for inside, and the keys for outside."""
    hidden: list[str] = []
    keys: list[str] = []
    for part in divide(select.tail["order"]) if "order" in select.tail else []:
        direction = [token.text for token in part if token.word in _DIRECTIONS]
        body = strip([token for token in part if token.word not in _DIRECTIONS])
        if len(body) == 1 and identifier(body[0]) in names:
            key = str(names.index(identifier(body[0])) + 1)
        elif len(body) == 1 and body[0].kind == "number":
            key = body[0].text
        else:
            hidden.append(text(expression(body)))
            key = f"qualified_.k{len(hidden)}_"
        keys.append(" ".join([key, *direction]))
    return hidden, keys


def _qualified(select: Select, context: Context) -> list[Token]:
    """A SELECT with QUALIFY as a query over one that has the condition as a column."""
    condition = text(expression(select.clauses.pop("qualify")))
    names = _names(select, context)
    hidden, keys = _keys(select, names or [])
    if names is None:
        select.items, columns = [lex(f"{quoted_name(_row(select))}")], ["row_"]
        outer = "(qualified_.row_).*"
    else:
        columns = [f"c{place}_" for place in range(len(names))]
        pairs = zip(columns, names, strict=True)
        outer = ", ".join(f"qualified_.{column} as {quoted_name(name)}" for column, name in pairs)
    columns += ["keep_", *(f"k{place}_" for place in range(1, len(hidden) + 1))]
    into = [raw(" into "), *select.clauses.pop("into")] if "into" in select.clauses else []
    tail = {keyword: clause for keyword, clause in select.tail.items() if keyword != "order"}
    items = [*select.items, *([raw(item)] for item in (f"({condition})", *hidden))]
    inner = Select([raw("select")], items, select.clauses)
    written = [*select.lead, raw(f" {outer}"), *into, raw(" from ("), *inner.tokens()]
    written.append(raw(f") as qualified_({', '.join(columns)}) where qualified_.keep_"))
    if keys:
        tail = {"order": [raw(", ".join(keys))], **tail}
    return [*written, *Select([], [], {}, tail).tokens()]


def _limited(select: Select) -> None:
    """TOP as LIMIT."""
    if select.top is not None:
        order = {"order": select.tail["order"]} if "order" in select.tail else {}
        select.tail = {**order, "limit": select.top}


def _finished(select: Select, context: Context, *, alone: bool) -> list[Token]:
    _limited(select)
    written = _qualified(select, context) if "qualify" in select.clauses else select.tokens()
    return written if alone or select.top is None else [raw("("), *written, raw(")")]


def finish(chain: Chain, context: Context) -> list[Token]:
    """The chain in PostgreSQL's words."""
    written = list(chain.before)
    alone = len(chain.selects) == 1
    for part in chain.parts:
        written += _finished(part, context, alone=alone) if isinstance(part, Select) else part
        written.append(SPACE)
    return [*written, *chain.after]
