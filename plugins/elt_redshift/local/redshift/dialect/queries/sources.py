"""The FROM clause as its tables, each with its alias, how it is joined, and what stands behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.queries.select import top_level
from elt_redshift.local.redshift.dialect.tokens import (
    SPACE,
    closing,
    following,
    is_blank,
    strip,
    symbol,
    word,
)

_JOINS = ("join", "natural", "inner", "left", "right", "full", "cross", "outer")
_CONDITIONS = ("on", "using")


@dataclass
class Source:
    """A table of a FROM clause.

    :param join: how it follows the one before: ``,``, ``left join``; empty for the first.
    :param reference: the table, query in brackets, function or path.
    :param pivot: PIVOT (…) or UNPIVOT (…) behind it.
    :param alias: its tokens with ``as`` and column aliases.
    :param name: what the query calls it, in lower case; empty: nothing.
    :param index: the name behind AT.
    :param condition: ON … or USING (…).
    """

    join: list[Token]
    reference: list[Token]
    pivot: list[Token] = field(default_factory=list)
    alias: list[Token] = field(default_factory=list)
    name: str = ""
    index: str = ""
    condition: list[Token] = field(default_factory=list)

    @property
    def is_query(self) -> bool:
        return symbol(self.reference, 0) == "(" and word(self.reference, following(self.reference, 0)) in _QUERIES

    @property
    def is_group(self) -> bool:
        """Whether it is a join in brackets."""
        return symbol(self.reference, 0) == "(" and not self.is_query

    def tokens(self) -> list[Token]:
        parts = [self.join, self.reference, self.pivot, self.alias, self.condition]
        return [token for part in parts if part for token in [*part, SPACE]]


_QUERIES = ("select", "with", "values", "(")


def _join_end(tokens: Sequence[Token], index: int) -> int:
    """The index after the words of a join that begins at ``index``; ``index`` when none does."""
    end, place = index, index
    while word(tokens, place) in _JOINS:
        end = place + 1
        if word(tokens, place) == "join":
            return end
        place = following(tokens, place)
    return index


def identifier(token: Token) -> str:
    """What a name or a quoted name names, in lower case."""
    return token.text.strip('"').lower()


def _is_identifier(tokens: Sequence[Token], index: int) -> bool:
    return index < len(tokens) and tokens[index].kind in ("name", "quoted")


def _reference_end(tokens: Sequence[Token], index: int) -> int:
    """The index after the table that begins at ``index``: a dotted name with subscripts and brackets."""
    if word(tokens, index) in ("lateral", "only", "unpivot"):
        index = following(tokens, index)
    if symbol(tokens, index) == "(":
        return closing(tokens, index) + 1
    end = index + 1
    while end < len(tokens):
        after = following(tokens, end - 1)
        if symbol(tokens, after) == ".":
            end = following(tokens, after) + 1
        elif symbol(tokens, after) == "[":
            end = next((place for place in range(after, len(tokens)) if symbol(tokens, place) == "]"), after) + 1
        elif symbol(tokens, after) == "(":
            return closing(tokens, after) + 1
        else:
            break
    return end


def _is_pivot(tokens: Sequence[Token], index: int) -> int | None:
    """The index of the bracket that PIVOT or UNPIVOT at ``index`` opens."""
    if word(tokens, index) not in ("pivot", "unpivot"):
        return None
    after = following(tokens, index)
    if word(tokens, after) in ("include", "exclude") and word(tokens, following(tokens, after)) == "nulls":
        after = following(tokens, following(tokens, after))
    return after if symbol(tokens, after) == "(" else None


def _follows_table(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word begins what may stand behind a table; ``at`` without a name behind it is an alias."""
    counts = word(tokens, index) == "at" and _is_identifier(tokens, following(tokens, index))
    return counts or word(tokens, index) in (*_CONDITIONS, "tablesample")


def _source(join: list[Token], tokens: list[Token]) -> Source:
    tokens = strip(tokens)
    end = _reference_end(tokens, 0)
    source = Source(join, tokens[:end])
    index = following(tokens, end - 1)
    if symbol(tokens, index) == "*":
        index = following(tokens, index)
    if (bracket := _is_pivot(tokens, index)) is not None:
        close = closing(tokens, bracket) + 1
        source.pivot, index = tokens[index:close], following(tokens, close - 1)
    start = index
    if word(tokens, index) == "as":
        index = following(tokens, index)
    if _is_identifier(tokens, index) and not _follows_table(tokens, index):
        source.name, index = identifier(tokens[index]), following(tokens, index)
        if symbol(tokens, index) == "(":
            index = following(tokens, closing(tokens, index))
        source.alias = strip(tokens[start:index])
    elif not source.is_query and not source.is_group:
        named = [token for token in source.reference if token.kind in ("name", "quoted")]
        source.name = (
            identifier(named[-1]) if named and symbol(source.reference, len(source.reference) - 1) != ")" else ""
        )
    if word(tokens, index) == "at" and _is_identifier(tokens, following(tokens, index)):
        place = following(tokens, index)
        source.index, index = identifier(tokens[place]), following(tokens, place)
    source.condition = strip(tokens[index:])
    return source


def sources(clause: Sequence[Token]) -> list[Source]:
    """The tables of a FROM clause, in order."""
    found: list[Source] = []
    join: list[Token] = []
    start = 0
    levels = list(top_level(clause))
    skip = 0
    for index in levels:
        if index < skip:
            continue
        end = index + 1 if symbol(clause, index) == "," else _join_end(clause, index)
        if end != index and not (end == index + 1 and word(clause, index) in ("left", "right")):
            found.append(_source(join, list(clause[start:index])))
            join, start, skip = list(clause[index:end]), end, end
    found.append(_source(join, list(clause[start:])))
    return found


def names(found: Iterable[Source]) -> set[str]:
    """What a query may call the tables."""
    known: set[str] = set()
    for source in found:
        known |= {source.name} - {""}
        if source.is_group and not source.name:
            known |= names(sources(source.reference[1:-1]))
    return known


def clause(found: Iterable[Source]) -> list[Token]:
    """The FROM clause that ``found`` make up."""
    return [token for source in found for token in source.tokens()]


def is_path(reference: Sequence[Token]) -> bool:
    """Whether a reference is a name with dots or subscripts and nothing else."""
    return all(
        token.kind in ("name", "quoted", "number") or token.text in ".[]" or is_blank(token) for token in reference
    )
