"""QUALIFY, which filters by window functions: a subquery in PostgreSQL.

https://docs.aws.amazon.com/redshift/latest/dg/r_QUALIFY_clause.html
"""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.tokens import (
    closing,
    divide,
    following,
    is_blank,
    lex,
    raw,
    strip,
    symbol,
    text,
    word,
)

_AFTER = ("order", "limit", "offset", "union", "except", "intersect", "minus", "fetch")
_STARTS = ("select", "union", "except", "intersect", "minus")


def _top_level(tokens: Sequence[Token]) -> list[int]:
    """The indexes of the tokens outside of all brackets."""
    found, index = [], 0
    while index < len(tokens):
        found.append(index)
        index = closing(tokens, index) + 1 if symbol(tokens, index) == "(" else index + 1
    return found


def _output_name(item: Sequence[Token]) -> str:
    """The name of a column of the select list: its alias, or the last word of a plain column.

    :raises UnsupportedSqlError: it has none.
    """
    piece = [token for token in item if not is_blank(token)]
    if piece and piece[-1].kind in ("name", "quoted") and piece[-1].word != "end":
        return piece[-1].text
    raise UnsupportedSqlError(f"QUALIFY needs an alias here for the column {text(strip(item))!r}.")


def _source_name(source: Sequence[Token]) -> str:
    """The alias (or name) of the one table or subquery that ``*`` stands for.

    :raises UnsupportedSqlError: there are several.
    """
    levels = _top_level(source)
    if any(word(source, index) == "join" or symbol(source, index) == "," for index in levels):
        raise UnsupportedSqlError("QUALIFY with SELECT * from a join is not supported here; list the columns.")
    named = [source[index] for index in levels if not is_blank(source[index])]
    end = next((place for place, token in enumerate(named) if token.word in ("where", "group", "having")), len(named))
    return named[end - 1].text


def _rewrite(select: Sequence[Token], condition: Sequence[Token]) -> str:
    """``select`` (a query without QUALIFY) with ``condition`` as a column of it, filtered outside."""
    levels = _top_level(select)
    start = next(index for index in levels if word(select, index) == "select")
    source = next((index for index in levels if word(select, index) == "from"), len(select))
    items = select[start + 1 : source]
    if text(strip(items)) == "*":
        alias = _source_name(select[source + 1 :])
        outer, inner = "(qualified_.row_).*", f" {alias} as row_"
    else:
        names = [_output_name(item) for item in divide(items)]
        outer, inner = ", ".join(f"qualified_.{name}" for name in names), text(items).rstrip()
    lead = text(select[:start])
    body = text(select[source:])
    return (
        f"{lead}select {outer} from (select{inner}, ({text(condition).strip()}) as keep_ {body}) as qualified_ "  # noqa: S608 - rewrites SQL
        "where qualified_.keep_ "
    )


def qualify(tokens: Sequence[Token]) -> list[Token]:
    """Rewrite every QUALIFY in ``tokens``, innermost first."""
    inner: list[Token] = []
    index = 0
    while index < len(tokens):
        if symbol(tokens, index) == "(":
            end = closing(tokens, index)
            inner += [tokens[index], *qualify(tokens[index + 1 : end]), tokens[end]]
            index = end + 1
        else:
            inner.append(tokens[index])
            index += 1
    levels = _top_level(inner)
    place = next((index for index in levels if word(inner, index) == "qualify"), None)
    if place is None:
        return inner
    end = next((index for index in levels if index > place and word(inner, index) in _AFTER), len(inner))
    start = max(index for index in levels if index < place and word(inner, index) in _STARTS)
    if word(inner, start) != "select":
        start = following(inner, start)
    rewritten = _rewrite(inner[start:place], inner[place + 1 : end])
    return lex(text([*inner[:start], raw(rewritten), *inner[end:]]))
