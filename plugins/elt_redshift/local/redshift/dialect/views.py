"""Views in PostgreSQL's words, and what stands before a change of a table that late binding views may read.

https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html; sql/views.sql has the other half.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import InvalidSqlError
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries import Context, whole
from elt_redshift.local.redshift.dialect.queries.sources import identifier
from elt_redshift.local.redshift.dialect.tables import query_of, quietly, without_attributes
from elt_redshift.local.redshift.dialect.tokens import (
    closing,
    divide,
    following,
    last_word,
    lex,
    match,
    name_end,
    quote,
    strip,
    symbol,
    text,
    word,
    words,
)

#: What is found without its schema: the system's tables.
_SYSTEM = re.compile(r"(pg|stl|stv|svl|svv|svcs|sys)_\w+")


def _common_tables(tokens: Sequence[Token]) -> set[str]:
    """What WITH names in a query; perhaps more."""
    found = set()
    for index, token in enumerate(tokens):
        after = following(tokens, index)
        if symbol(tokens, after) == "(":
            after = following(tokens, closing(tokens, after))
        query = following(tokens, after)
        if token.kind in ("name", "quoted") and word(tokens, after) == "as" and symbol(tokens, query) == "(":
            found.add(identifier(token))
    return found


def _unqualified(tokens: Sequence[Token]) -> Iterator[str]:
    """The tables behind FROM and JOIN of a query that are named without a schema.

    In brackets FROM is a query's only behind a SELECT; in ``extract(year from d)`` it is not.
    """
    selects = [True]
    for index, token in enumerate(tokens):
        if token.text == "(":
            selects.append(False)
        elif token.text == ")" and len(selects) > 1:
            selects.pop()
        selects[-1] = selects[-1] or token.word == "select"
        before = last_word(tokens[:index])
        table = following(tokens, index)
        named = table < len(tokens) and tokens[table].kind in ("name", "quoted")
        is_from = token.word == "from" and selects[-1] and (before is None or before.word != "distinct")
        if (is_from or token.word == "join") and named and symbol(tokens, following(tokens, table)) not in (".", "("):
            yield identifier(tokens[table])


def _check_binding(select: Sequence[Token]) -> None:
    """:raises InvalidSqlError: a late binding view reads a table that is named without its schema."""
    known = _common_tables(select)
    if any(name not in known and not _SYSTEM.fullmatch(name) for name in _unqualified(select)):
        raise InvalidSqlError(
            "All the relation names inside should be qualified when creating views with no schema binding."
        )


def create_view(tokens: Sequence[Token], context: Context) -> str:
    """``CREATE [MATERIALIZED] VIEW``; with late binding see sql/views.sql."""
    header, select = query_of(tokens, 0)
    body = text(whole(select, context)).rstrip()
    ending = [token for token in lex(body) if token.kind not in ("space", "comment")][-4:]
    head = strip(without_attributes(expression(header)))
    start = following(head, next(index for index in range(len(head)) if word(head, index) == "view"))
    end = name_end(head, start)
    named, replacing = quote(text(strip(head[start:end]))), "replace" in words(head[:start])
    if [token.word for token in ending] == ["with", "no", "schema", "binding"]:
        _check_binding(select)
        definition = quote(f"{text(head[end:])} {body[: ending[0].start].rstrip()}")
        return quietly(f"redshift.create_late_view({named}, {definition}, {str(replacing).lower()})")
    bound = f"{quietly(f'redshift.bound({named})')}; " if replacing else ""
    return f"{bound}{text(head)} {body}"


def drop_view(tokens: Sequence[Token]) -> str:
    """``DROP VIEW [IF EXISTS] name, … [CASCADE | RESTRICT]``."""
    start = following(tokens, following(tokens, following(tokens, -1)))
    optional = match(tokens, start, "if", "exists")
    last = words(tokens, len(tokens))[-1]
    behaviour = last if last in ("cascade", "restrict") else ""
    end = max(index for index in range(len(tokens)) if word(tokens, index) == last) if behaviour else len(tokens)
    names = [text(strip(piece)) for piece in divide(tokens[optional or start : end])]
    given = f"{str(optional is not None).lower()}, '{behaviour}'"
    return quietly(*(f"redshift.drop_view({quote(name)}, {given})" for name in names))


def drop_table(tokens: Sequence[Token], start: int) -> str:
    """``DROP TABLE`` and ``DROP MATERIALIZED VIEW`` of what is named from ``start`` on."""
    written = text(expression(tokens))
    names = expression(tokens[match(tokens, start, "if", "exists") or start :])
    ending = words(names, len(names))[-1]
    if ending in ("cascade", "restrict"):
        names = names[: max(index for index in range(len(names)) if word(names, index) == ending)]
    unbound = (f"redshift.unbind({quote(text(strip(piece)))})" for piece in divide(names))
    return f"{quietly(*unbound)}; {written}"
