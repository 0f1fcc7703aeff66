"""PIVOT and UNPIVOT in the FROM clause.

https://docs.aws.amazon.com/redshift/latest/dg/r_FROM_clause-pivot-unpivot-examples.html
"""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.names import alias_of, alias_start
from elt_redshift.local.redshift.dialect.queries.select import Select, top_level
from elt_redshift.local.redshift.dialect.queries.sources import Source, clause, identifier, sources
from elt_redshift.local.redshift.dialect.tokens import (
    divide,
    following,
    lex,
    quote,
    quoted_name,
    raw,
    string_value,
    strip,
    symbol,
    text,
    word,
    words,
)


def _aliased(tokens: Sequence[Token]) -> tuple[list[Token], str]:
    """An expression without its alias, and the alias (empty: none)."""
    tokens = strip(tokens)
    alias = alias_of(tokens)
    if alias is None:
        return tokens, ""
    return strip(tokens[: alias_start(tokens)]), alias


def _parts(pivot: list[Token]) -> tuple[list[list[Token]], list[Token], list[list[Token]]]:
    """What stands before FOR, its column, and the list behind IN."""
    start = next(index for index in range(len(pivot)) if symbol(pivot, index) == "(")
    inside = pivot[start + 1 : -1]
    levels = list(top_level(inside))
    at = next((index for index in levels if word(inside, index) == "for"), None)
    into = next((index for index in levels if at is not None and index > at and word(inside, index) == "in"), None)
    if at is None or into is None:
        raise UnsupportedSqlError("syntax error in PIVOT: expected (… FOR column IN (…))")
    bracket = following(inside, into)
    values = strip(inside[bracket:])[1:-1]
    return divide(inside[:at]), strip(inside[at + 1 : into]), [strip(value) for value in divide(values)]


def _input(source: Source) -> list[Token]:
    """The table that is turned, named ``pivoted_``."""
    return [*source.reference, *lex(" as pivoted_")]


def _columns(source: Source, context: Context) -> list[str]:
    """:raises UnsupportedSqlError: nobody knows them."""
    known = context.columns(text(expression(_input(source))))
    if known is None:
        raise UnsupportedSqlError("PIVOT and UNPIVOT are not emulated where the table does not exist yet.")
    return [column.name for column in known]


def _mentioned(tokens: Sequence[Token]) -> set[str]:
    return {identifier(token) for token in tokens if token.kind in ("name", "quoted")}


def _value_name(value: list[Token]) -> str:
    """What the column of a value without alias is called: the constant itself."""
    if len(value) == 1:
        return string_value(value[0]) if value[0].kind == "string" else value[0].text.lower()
    return text(value) if all(token.kind in ("number", "operator") for token in value) else "?column?"


def _pivot(source: Source, context: Context) -> list[Token]:
    aggregates, column, values = _parts(source.pivot)
    called = [_aliased(aggregate) for aggregate in aggregates]
    used = _mentioned(column) | {name for call, _ in called for name in _mentioned(call)}
    others = [quoted_name(name) for name in _columns(source, context) if name not in used]
    results = []
    for value, alias in map(_aliased, values):
        test = f"{text(column)} is null" if words(value) == ["null"] else f"{text(column)} = {text(value)}"
        for call, suffix in called:
            name = "_".join(filter(None, [alias or _value_name(value), suffix]))
            results.append(f"{_filtered(call, test)} as {quoted_name(name)}")
    group = f" group by {', '.join(others)}" if others else ""
    items = ", ".join([*others, *results])
    return lex(f"(select {items} from {text(_input(source))}{group})")  # noqa: S608 - rewrites SQL


def _filtered(call: list[Token], test: str) -> str:
    """An aggregate over the rows that pass ``test``; written without FILTER, which a rewritten call could not take."""
    name = text(call[: following(call, -1) + 1]).strip()
    argument = text(call[following(call, following(call, -1)) :]).strip()[1:-1].strip()
    distinct = "distinct " if argument.lower().startswith("distinct ") else ""
    argument = "1" if argument == "*" else argument[len(distinct) :]
    return f"{name}({distinct}case when {test} then {argument} end)"


def _unpivot(source: Source, context: Context) -> list[Token]:
    value, name, columns = _parts(source.pivot)
    named = [_aliased(column) for column in columns]
    used = {identifier(column[-1]) for column, _ in named}
    others = [f"pivoted_.{quoted_name(found)}" for found in _columns(source, context) if found not in used]
    rows = ", ".join(
        f"({place}, {quote(alias or identifier(column[-1]))}::varchar, pivoted_.{column[-1].text})"
        for place, (column, alias) in enumerate(named)
    )
    label, content = text(name), text(strip(value[0]))
    kept = "" if words(source.pivot, 2)[1:] == ["include"] else f" where turned_.{content} is not null"
    items = ", ".join([*others, f"turned_.{label}", f"turned_.{content}"])
    values = f"(values {rows}) as turned_(place_, {label}, {content})"
    written = f"select {items} from {text(_input(source))} cross join lateral {values}{kept}"  # noqa: S608
    return lex(f"({written} order by turned_.place_)")


def rewrite(select: Select, context: Context) -> None:
    """:raises UnsupportedSqlError: nobody knows the table's columns."""
    if not any(
        word(select.clauses.get("from", []), index) in ("pivot", "unpivot")
        for index in range(len(select.clauses.get("from", [])))
    ):
        return
    found = sources(select.clauses["from"])
    for source in found:
        if source.pivot:
            turned = _pivot if word(source.pivot, 0) == "pivot" else _unpivot
            source.reference, source.pivot = turned(source, context), []
            source.alias = source.alias or [raw("as pivot_")]
    select.clauses["from"] = clause(found)
