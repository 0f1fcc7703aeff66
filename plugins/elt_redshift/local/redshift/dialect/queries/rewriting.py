"""The passes, and the way down into the brackets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries import (
    aliases,
    exclude,
    group_all,
    names,
    outer_joins,
    pivot,
    semistructured,
)
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.qualify import finish
from elt_redshift.local.redshift.dialect.queries.select import Chain, Select, parse, top_level
from elt_redshift.local.redshift.dialect.queries.sources import names as table_names
from elt_redshift.local.redshift.dialect.queries.sources import sources
from elt_redshift.local.redshift.dialect.tokens import closing, following, symbol, text, word

#: In this order: each finds the SELECT as the ones before it left it.
PASSES: tuple[Callable[[Select, Context], None], ...] = (
    semistructured.rewrite,
    pivot.rewrite,
    outer_joins.rewrite,
    exclude.rewrite,
    aliases.rewrite,
    group_all.rewrite,
    names.rewrite,
)


def _bracket(tokens: Sequence[Token], index: int, context: Context) -> tuple[list[Token], int]:
    """The bracket that opens at ``index`` with what stands in it rewritten, and the index after it."""
    end = closing(tokens, index)
    if symbol(tokens, end) != ")":  # it is closed behind these tokens
        return [tokens[index]], index + 1
    return [tokens[index], *query(tokens[index + 1 : end], context), *tokens[end : end + 1]], end + 1


def _brackets(tokens: Sequence[Token], context: Context) -> list[Token]:
    """``tokens`` with what stands in brackets rewritten."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        if symbol(tokens, index) == "(":
            bracket, index = _bracket(tokens, index, context)
            result += bracket
        else:
            result.append(tokens[index])
            index += 1
    return result


def _commons(tokens: Sequence[Token], context: Context) -> tuple[list[Token], Context]:
    """WITH …, rewritten, and the context behind it."""
    result: list[Token] = []
    start = index = 0
    while index < len(tokens):
        if symbol(tokens, index) == "(":
            bracket, index = _bracket(tokens, index, context)
            result += bracket
            after = following(tokens, index - 1)
            if symbol(tokens, after) in (",", "") and word(tokens, after) != "as":
                context = context.with_common(text(expression(result[start:])))
                start = len(result) + 1
            continue
        if word(tokens, index) in ("with", "recursive") and not text(result[start:]).strip():
            start = len(result) + 1
        result.append(tokens[index])
        index += 1
    return result, context


def _rewrite(select: Select, context: Context) -> None:
    if "connect" in select.clauses or "start" in select.clauses:
        raise UnsupportedSqlError("CONNECT BY is not emulated; write a recursive common table expression.")
    found = sources(select.clauses["from"]) if "from" in select.clauses else []
    inside = context.within(table_names(found), semistructured.elements(found, context))
    select.items = [_brackets(item, inside) for item in select.items]
    select.clauses = {keyword: _brackets(clause, inside) for keyword, clause in select.clauses.items()}
    select.tail = {keyword: _brackets(clause, inside) for keyword, clause in select.tail.items()}
    for rewrite in PASSES:
        rewrite(select, context)


def _before(chain: Chain, context: Context) -> Context:
    place = next((index for index in top_level(chain.before) if word(chain.before, index) == "with"), None)
    if place is None:
        chain.before = _brackets(chain.before, context)
        return context
    commons, context = _commons(chain.before[place:], context)
    chain.before = [*_brackets(chain.before[:place], context), *commons]
    return context


def query(tokens: Sequence[Token], context: Context) -> list[Token]:
    """Rewrite a stretch of SQL that may hold whole queries; functions and operators are left to ``expression``."""
    chain = parse(tokens)
    context = _before(chain, context)
    for select in chain.selects:
        _rewrite(select, context)
    parts = [part if isinstance(part, Select) else _brackets(part, context) for part in chain.parts]
    return finish(Chain(chain.before, parts, _brackets(chain.after, context)), context)
