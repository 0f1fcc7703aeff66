"""What PostgreSQL has and Redshift has not: it is refused here too, so that nobody meets it first in a warehouse.

https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-features.html, and beside it in the guide
c_unsupported-postgresql-datatypes.html and c_unsupported-postgresql-functions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import InvalidSqlError
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    divide,
    following,
    last_word,
    name_end,
    strip,
    symbol,
    text,
    word,
    words,
)

#: Statements by how they begin.
_STATEMENTS = re.compile(
    r"(create|alter|drop) (or replace )?(unique |unlogged |foreign |event |constraint )?"
    r"(index|trigger|sequence|extension|rule|domain|type|operator|aggregate|cast|conversion|collation|tablespace"
    r"|publication|subscription|statistics|policy|server|access method|text search)\b"
    r"|create (unlogged|foreign) table\b|rollback (work |transaction )?to\b|security label\b|import foreign\b"
    r"|(listen|notify|unlisten|cluster|reindex|checkpoint|load|savepoint|release)\b"
)
_TYPES = frozenset(
    {
        *("bigserial", "bit", "box", "bytea", "cidr", "circle", "hstore", "inet", "json", "jsonb", "line", "lseg"),
        *(
            "macaddr",
            "money",
            "path",
            "point",
            "polygon",
            "serial",
            "smallserial",
            "tsquery",
            "tsvector",
            "uuid",
            "xml",
        ),
    }
)
#: Functions that their look alone tells from those of a script, with what there is for them.
_FUNCTIONS = {
    **dict.fromkeys(("array_agg", "json_agg", "jsonb_agg", "xmlagg"), "LISTAGG gives a text"),
    **dict.fromkeys(("json_build_array", "jsonb_build_array", "string_to_array"), "there is ARRAY or SPLIT_TO_ARRAY"),
    **dict.fromkeys(("json_build_object", "jsonb_build_object", "row_to_json", "to_jsonb"), "there is OBJECT"),
    **dict.fromkeys(("regexp_matches", "regexp_match"), "there is REGEXP_SUBSTR"),
    **dict.fromkeys(("regexp_split_to_table", "unnest"), "name the SUPER in FROM"),
    "string_agg": "there is LISTAGG",
    "gen_random_uuid": "there is none",
    "uuid_generate_v4": "there is none",
}
_CHANGES = ("insert", "update", "delete", "with")


def refuse_postgres(tokens: Sequence[Token]) -> None:
    """:raises InvalidSqlError: the statement has something in it that Redshift does not take."""
    found = " ".join(words(tokens, 6))
    if _STATEMENTS.match(found):
        raise InvalidSqlError(f'SQL command "{text(tokens)[:60].strip()}" not supported on Redshift tables.')
    if re.match(r"create (temp |temporary |local )*table\b", found):
        _check_columns(tokens)
    if found.startswith("alter table "):
        _check_actions(tokens)
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        check = _WORDS.get(token.word)
        if check is not None and check(tokens, index, depth):
            near = {"distinct": "on", "on": "conflict"}.get(token.word, token.word)
            raise InvalidSqlError(f'syntax error at or near "{near}": Redshift does not have {token.word.upper()} here')
        if token.word in _FUNCTIONS and symbol(tokens, following(tokens, index)) == "(" and _is_bare(tokens, index):
            raise InvalidSqlError(f"function {token.word} does not exist in Redshift: {_FUNCTIONS[token.word]}")


def _is_bare(tokens: Sequence[Token], index: int) -> bool:
    """Whether a name has nothing before it that would make it another's: a schema, or CREATE FUNCTION."""
    before = last_word(tokens[:index])
    return before is None or (before.text != "." and before.word not in ("function", "procedure"))


def _follows(*expected: str) -> Callable[[Sequence[Token], int, int], bool]:
    """A check for words behind the one at an index; a bracket counts as one."""

    def check(tokens: Sequence[Token], index: int, _depth: int) -> bool:
        return words(tokens[index + 1 : index + 6], len(expected)) == list(expected)

    return check


def _returns(tokens: Sequence[Token], index: int, depth: int) -> bool:
    """RETURNING at the end of a change; PostgreSQL reserves the word."""
    before = last_word(tokens[:index])
    return depth == 0 and words(tokens, 1)[0] in _CHANGES and before is not None and before.text != "."


def _constant_table(tokens: Sequence[Token], index: int, _depth: int) -> bool:
    """VALUES in brackets where a table or a query stands; behind INSERT it has none before it."""
    bracket = last_word(tokens[:index])
    before = last_word(tokens[: tokens.index(bracket)]) if bracket is not None and bracket.text == "(" else None
    return before is not None and before.word in ("from", "join", "in", "as")


def _lateral(tokens: Sequence[Token], index: int, _depth: int) -> bool:
    before = last_word(tokens[:index])
    behind = before is not None and (before.text == "," or before.word in ("join", "from"))
    return behind and symbol(tokens, following(tokens, index)) == "("


_WORDS: dict[str, Callable[[Sequence[Token], int, int], bool]] = {
    "distinct": _follows("on", "("),
    "filter": _follows("(", "where"),
    "inherits": _follows("("),
    "lateral": _lateral,
    "on": _follows("conflict"),
    "returning": _returns,
    "values": _constant_table,
}


def _check_actions(tokens: Sequence[Token]) -> None:
    """ALTER TABLE does one thing, but for encodings: https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html"""
    start = following(tokens, following(tokens, following(tokens, -1)))
    first, *more = divide(tokens[name_end(tokens, start) :])
    begins = [words(action, 1) for action in [first, *more]]
    if more and any(begin in (["add"], ["drop"], ["rename"]) for begin in begins):
        raise InvalidSqlError('syntax error at or near ","')


def _check_columns(tokens: Sequence[Token]) -> None:
    start = next(index for index in range(len(tokens)) if word(tokens, index) == "table")
    name = following(tokens, start)
    if words(tokens[name:], 3) == ["if", "not", "exists"]:
        name = following(tokens, following(tokens, following(tokens, name)))
    bracket = name_end(tokens, name)
    if symbol(tokens, bracket) != "(":
        return
    table = text(strip(tokens[name:bracket]))
    for element in divide(tokens[bracket + 1 : arguments(tokens, bracket)[1]]):
        column = words(element, 9)
        if any(
            token.word == "check" and symbol(element, following(element, i)) == "(" for i, token in enumerate(element)
        ):
            raise InvalidSqlError("CHECK constraints are not supported on Redshift tables.")
        is_array = len(column) > 2 and "[" in column[2:6] and column[1] not in ("super", "default")
        if len(column) > 1 and (column[1] in _TYPES or is_array):
            kind = f"{column[1]}[]" if is_array else column[1]
            raise InvalidSqlError(f'Column "{table}.{column[0]}" has unsupported type "{kind}".')
