"""Redshift's expressions in PostgreSQL's words: functions of another form, casts, sysdate, temporary tables."""

from __future__ import annotations

import re
from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.calls import REWRITES, Call
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    closing,
    following,
    is_blank,
    last_word,
    raw,
    strip,
    symbol,
    text,
    word,
)
from elt_redshift.local.redshift.dialect.types import type_at

#: Views of the catalog that have more columns, or other types, in Redshift: see the end of sql/catalog.sql.
EXTENDED_VIEWS = (
    *("pg_attrdef", "pg_attribute", "pg_class", "pg_default_acl", "pg_group", "pg_locks", "pg_stat_activity"),
    "pg_user",
)
_DATE = re.compile(r"'\d{4}-\d{2}-\d{2}'")
#: What gives the text behind it a type.
_TYPED = (
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "zone",
    "interval",
    "datetime",
    "bpchar",
    "varchar",
    "text",
)


def _call(tokens: Sequence[Token], index: int) -> tuple[Token, int] | None:
    """The rewritten call that starts at ``index``, if its function is one of ours."""
    rewrite = REWRITES.get(word(tokens, index))
    bracket = following(tokens, index)
    if rewrite is None or symbol(tokens, bracket) != "(":
        return None
    pieces, end = arguments(tokens, bracket)
    written = [text(strip(expression(piece))) for piece in pieces]
    try:
        result = rewrite(Call(word(tokens, index), written, tokens, end, expression))
    except (ValueError, IndexError):  # another number of arguments: the database says what is wrong
        return None
    return (raw(result[0]), result[1]) if result else None


def _catalog_name(tokens: Sequence[Token], index: int) -> int | None:
    """The index of the dot behind ``pg_catalog`` when Redshift has more columns in what is named there."""
    dot = following(tokens, index)
    extended = word(tokens, index) == "pg_catalog" and word(tokens, following(tokens, dot)) in EXTENDED_VIEWS
    return dot if extended and symbol(tokens, dot) == "." else None


def _dated(tokens: Sequence[Token], index: int, before: Token | None) -> bool:
    """Whether a text is a date that something is added to, or taken from; PostgreSQL would take it for a number."""
    typed = before is not None and (before.text == "::" or before.word in _TYPED)
    return (
        not typed
        and symbol(tokens, following(tokens, index)) in ("+", "-")
        and bool(_DATE.fullmatch(tokens[index].text))
    )


def _is_text(tokens: Sequence[Token], index: int) -> bool:
    return index < len(tokens) and tokens[index].kind == "string"


def _temporary(before: Sequence[Token]) -> str:
    """``temp`` for a ``#name`` that SELECT … INTO creates; INSERT INTO and MERGE INTO use one that is there."""
    last = [token.word for token in before if not is_blank(token)][-2:]
    return "temp " if last[-1:] == ["into"] and last[0] not in ("insert", "merge") else ""


def _keyword(tokens: Sequence[Token], index: int, result: Sequence[Token]) -> tuple[Token, int] | None:
    """A single word that means something else in PostgreSQL, and the index after it.

    :param result: what was written so far.
    """
    before = last_word(result)
    keyword, after = word(tokens, index), following(tokens, index)
    if keyword.startswith("#"):
        return raw(f'{_temporary(result)}"{keyword}"'), index + 1
    named = before is not None and before.word == "as"
    if (dot := _catalog_name(tokens, index)) is not None:
        return raw("redshift."), dot + 1
    name = tokens[index].text.strip("'").lower()
    if (
        name in EXTENDED_VIEWS
        and symbol(tokens, after) == "::"
        and word(tokens, following(tokens, after)) == "regclass"
    ):
        return raw(f"'pg_catalog.{name}'"), index + 1
    if tokens[index].kind == "string" and _dated(tokens, index, before):
        return raw(f"date {tokens[index].text}"), index + 1
    if tokens[index].kind == "string" and symbol(tokens, after) == "+" and _is_text(tokens, following(tokens, after)):
        return raw(f"varchar {tokens[index].text}"), index + 1
    if keyword == "sysdate" and symbol(tokens, after) != "(" and not named:
        return raw("redshift.sysdate()"), index + 1
    if keyword == "current_user_id" and not named:
        return raw("redshift.current_user_id()"), index + 1
    if keyword == "approximate" and tokens[after : after + 1] and tokens[after].kind == "name":
        return raw(""), after
    queries = word(tokens, after) in ("select", "all") or symbol(tokens, after) == "("
    if keyword == "minus" and queries and before is not None and before.text not in (".", ",", "("):
        return raw("except"), index + 1
    if before is not None and before.text == "::" and (kind := type_at(tokens, index)) is not None:
        return raw(text(kind[0])), kind[1]
    return None


def expression(tokens: Sequence[Token]) -> list[Token]:
    """Rewrite a query, an expression or any other stretch of SQL without table definitions."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        before = last_word(result)
        dotted = before is not None and before.text == "."
        replaced = None if dotted else (_call(tokens, index) or _keyword(tokens, index, result))
        if replaced is not None:
            result.append(replaced[0])
            index = replaced[1]
        elif symbol(tokens, index) == "(":
            end = closing(tokens, index)
            result += [tokens[index], *expression(tokens[index + 1 : end]), tokens[end]]
            index = end + 1
        else:
            result.append(tokens[index])
            index += 1
    return result
