"""Stored procedures and functions: signatures, and the statements inside their bodies.

https://docs.aws.amazon.com/redshift/latest/dg/stored-procedure-overview.html
"""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.bodies import Translate, plpgsql_body
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.queries import Context, whole
from elt_redshift.local.redshift.dialect.settings import IGNORED_SETTINGS
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    divide,
    following,
    lex,
    name_end,
    raw,
    spaced,
    string_value,
    strip,
    symbol,
    text,
    word,
    words,
)
from elt_redshift.local.redshift.dialect.types import type_at


def with_types(tokens: Sequence[Token]) -> list[Token]:
    """``tokens`` with every Redshift type in PostgreSQL's words."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        found = type_at(tokens, index)
        result += found[0] if found else [tokens[index]]
        index = found[1] if found else index + 1
    return spaced(result)


def _mode(parameter: Sequence[Token]) -> str:
    return next((item for item in words(parameter, 2) if item in ("out", "inout", "in")), "in")


def _signature(inside: Sequence[Token]) -> str:
    """The parameters, with OUT as an INOUT that defaults to NULL, so that CALL can leave it out as in Redshift."""
    parameters = [strip(piece) for piece in divide(inside)]
    written = []
    optional = False
    for place, parameter in enumerate(parameters):
        mode = _mode(parameter)
        optional = optional or (mode == "out" and all(_mode(later) != "in" for later in parameters[place + 1 :]))
        tokens = [raw("inout") if token.word == "out" and mode == "out" else token for token in parameter]
        written.append(text(with_types(tokens)) + (" default null" if optional else ""))
    return ", ".join(written)


def _unquote(token: Token) -> tuple[str, str, str]:
    """The opening quote, contents and closing quote of a routine's body."""
    if token.kind == "dollar":
        tag = token.text[: token.text.index("$", 1) + 1]
        return tag, token.text[len(tag) : -len(tag)], tag
    return "$body_$", string_value(token), "$body_$"


def _options(tokens: Sequence[Token]) -> list[Token]:
    """Options without NONATOMIC (the body shows it) and SECURITY (everybody is the same user here)."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        setting = word(tokens, following(tokens, index)) if word(tokens, index) == "set" else ""
        if setting in IGNORED_SETTINGS:
            index = following(tokens, following(tokens, following(tokens, index))) + 1
        elif word(tokens, index) == "security":
            index = following(tokens, index) + 1
        elif word(tokens, index) == "nonatomic":
            index += 1
        else:
            result.append(tokens[index])
            index += 1
    return spaced(result)


def _body(options: Sequence[Token]) -> int | None:
    """The index of the quoted body behind AS; a setting's value is quoted too."""
    for index, token in enumerate(options):
        if token.word == "as" and following(options, index) < len(options):
            after = following(options, index)
            return after if options[after].kind in ("dollar", "string") else None
    return None


def create_routine(tokens: Sequence[Token], context: Context, translate: Translate) -> str:
    """``CREATE [OR REPLACE] PROCEDURE`` or ``FUNCTION``, its body rewritten too.

    :param translate: translates one SQL statement of the body.
    """
    kind = next(index for index in range(len(tokens)) if word(tokens, index) in ("procedure", "function"))
    start = following(tokens, kind)
    end = name_end(tokens, start)
    if symbol(tokens, end) != "(":
        return text(tokens)
    close = arguments(tokens, end)[1]
    rest = list(tokens[close + 1 :])
    if any(token.word == "plpythonu" for token in rest):
        raise UnsupportedSqlError("Python functions are not emulated; Redshift itself has ended them.")
    place = _body(rest)
    nonatomic = any(token.word == "nonatomic" for token in rest)
    if place is not None:
        opening, body, ending = _unquote(rest[place])
        procedural = any(token.word == "plpgsql" for token in rest)
        written = (
            plpgsql_body(body, context, translate, nonatomic=nonatomic)
            if procedural
            else text(whole(lex(body), context))
        )
        rest[place] = raw(f"{opening}{written}{ending}")
    parameters = _signature(tokens[end + 1 : close]) if words(tokens[end + 1 : close]) else ""
    return f"{text(tokens[:end])}({parameters}){text(with_types(_options(rest)))}"
