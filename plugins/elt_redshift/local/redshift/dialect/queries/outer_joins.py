"""Oracle's outer joins: ``from a, b where a.id = b.id(+)`` is ``from a left join b on a.id = b.id``.

https://docs.aws.amazon.com/redshift/latest/dg/r_WHERE_oracle_outer.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import InvalidSqlError, UnsupportedSqlError
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.select import Select, top_level
from elt_redshift.local.redshift.dialect.queries.sources import Source, identifier, sources
from elt_redshift.local.redshift.dialect.queries.sources import clause as from_clause
from elt_redshift.local.redshift.dialect.tokens import (
    SPACE,
    following,
    is_blank,
    last_word,
    lex,
    strip,
    symbol,
    text,
    word,
)

_BESIDE_JOINS = "The outer join operator (+) cannot be used beside the joins of a FROM clause."


@dataclass
class _Condition:
    """A condition of WHERE: without its ``(+)``, and the columns that had one."""

    tokens: list[Token]
    marked: list[list[Token]]


def _mark_end(tokens: Sequence[Token], index: int) -> int | None:
    """The index after ``(+)``."""
    plus = following(tokens, index)
    end = following(tokens, plus)
    return end + 1 if [symbol(tokens, place) for place in (index, plus, end)] == ["(", "+", ")"] else None


def _column_before(tokens: Sequence[Token], index: int) -> list[Token]:
    """The column, perhaps with its table, that ends before ``index``."""
    found: list[Token] = []
    for token in reversed([token for token in tokens[:index] if not is_blank(token)]):
        if token.text != "." and token.kind not in ("name", "quoted"):
            break
        if found and (token.text == ".") == (found[0].text == "."):
            break
        found.insert(0, token)
    return found


def _unmarked(tokens: list[Token]) -> _Condition:
    result: list[Token] = []
    marked = []
    index = 0
    while index < len(tokens):
        end = _mark_end(tokens, index)
        if end is None:
            result.append(tokens[index])
            index += 1
        else:
            marked.append(_column_before(tokens, index))
            index = end
    return _Condition(result, marked)


def _conditions(where: list[Token]) -> list[list[Token]]:
    """The parts of WHERE between its ANDs (the AND of BETWEEN parts nothing)."""
    parts: list[list[Token]] = [[]]
    between = False
    levels = set(top_level(where))
    for index, token in enumerate(where):
        if index in levels and token.word == "or":
            raise InvalidSqlError("Outer join operator (+) not allowed in operand of OR or IN.")
        if index in levels and token.word == "between":
            between = True
        if index in levels and token.word == "and" and not between:
            parts.append([])
            continue
        between = between and not (index in levels and token.word == "and")
        parts[-1].append(token)
    return [strip(part) for part in parts]


def _table_of(column: Sequence[Token], tables: Sequence[Source], context: Context) -> str:
    """The table that a column with ``(+)`` belongs to.

    :raises UnsupportedSqlError: its table is not written, and nobody knows.
    """
    if len(column) > 1:
        return identifier(column[-3])
    for source in tables:
        known = context.columns(text(expression([*source.reference, SPACE, *source.alias])))
        if known and any(found.name == identifier(column[0]) for found in known):
            return source.name
    raise UnsupportedSqlError(f"Write the table of {text(column)}(+): which one has the column is not known here.")


def _joined(source: Source, conditions: list[_Condition]) -> list[Token]:
    on = [token for place, part in enumerate(conditions) for token in (lex(" and ") if place else []) + part.tokens]
    return [*lex("left join "), *source.reference, SPACE, *source.alias, *lex(" on "), *on]


def _uses(condition: _Condition, names: set[str]) -> bool:
    """Whether a condition speaks of one of the tables ``names``."""
    return any(
        symbol(condition.tokens, following(condition.tokens, place)) == "." and identifier(token) in names
        for place, token in enumerate(condition.tokens)
        if token.kind in ("name", "quoted") and getattr(last_word(condition.tokens[:place]), "text", "") != "."
    )


def _is_marked(tokens: Sequence[Token]) -> bool:
    return any(_mark_end(tokens, index) for index in range(len(tokens)) if symbol(tokens, index) == "(")


def rewrite(select: Select, context: Context) -> None:
    """:raises UnsupportedSqlError: the ``(+)`` stand where Redshift refuses them too, or their table is not known."""
    where = select.clauses.get("where", [])
    if any(_is_marked(source.condition) for source in sources(select.clauses.get("from", []))):
        raise InvalidSqlError(_BESIDE_JOINS)
    if not _is_marked(where):
        return
    tables = sources(select.clauses["from"])
    if any(word(table.join, place) == "join" for table in tables for place in range(len(table.join))):
        raise InvalidSqlError(_BESIDE_JOINS)
    conditions = [_unmarked(part) for part in _conditions(where)]
    optional: dict[str, list[_Condition]] = {}
    for condition in conditions:
        if condition.marked:
            optional.setdefault(_table_of(condition.marked[0], tables, context), []).append(condition)
    if strange := sorted(optional.keys() - {table.name for table in tables}):
        raise InvalidSqlError(f'missing FROM-clause entry for table "{strange[0]}"')
    if optional.keys() == {table.name for table in tables}:  # nothing that they could be joined to
        optional, conditions = {}, [_Condition(condition.tokens, []) for condition in conditions]
    select.clauses["from"] = _from(tables, optional)
    rest = [condition.tokens for condition in conditions if not condition.marked]
    if rest:
        select.clauses["where"] = [
            token for place, part in enumerate(rest) for token in (lex(" and ") if place else []) + part
        ]
    else:
        del select.clauses["where"]


def _from(tables: list[Source], optional: dict[str, list[_Condition]]) -> list[Token]:
    """The tables that must be there, cross-joined, and the optional ones, each behind those that it is joined to."""
    written = from_clause(
        [
            Source(lex("cross join ") if place else [], table.reference, [], table.alias, table.name)
            for place, table in enumerate([table for table in tables if table.name not in optional])
        ]
    )
    waiting = [table for table in tables if table.name in optional]
    while waiting:
        names = {table.name for table in waiting}
        ready = [
            table
            for table in waiting
            if not any(_uses(condition, names - {table.name}) for condition in optional[table.name])
        ]
        if not ready or not written:
            raise InvalidSqlError("A table may be outer joined to at most one other table.")
        written += [token for table in ready for token in [SPACE, *_joined(table, optional[table.name])]]
        waiting = [table for table in waiting if table not in ready]
    return written
