"""Routines that are there already, as statements name them: by their arguments, with or without names and modes.

https://docs.aws.amazon.com/redshift/latest/dg/r_DROP_PROCEDURE.html
"""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.procedures import with_types
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    divide,
    following,
    match,
    name_end,
    quote,
    strip,
    symbol,
    text,
    word,
)

_MODES = ("in", "out", "inout")
#: Types of several words, by their second.
_SECOND = ("precision", "varying", "with", "without")


def _kind(argument: Sequence[Token]) -> str:
    """The type of ``[name] [mode] type`` or ``[mode] [name] type``."""
    tokens = strip([token for token in argument if token.word not in _MODES])
    after = following(tokens, following(tokens, -1))
    named = after < len(tokens) and tokens[after].kind in ("name", "quoted") and word(tokens, after) not in _SECOND
    return text(with_types(strip(tokens[after:]) if named else tokens))


def signature(tokens: Sequence[Token], index: int) -> tuple[str, str, int]:
    """The procedure that is named at ``index``: its name and its types as SQL expressions, and the index after it."""
    end = name_end(tokens, index)
    name = quote(text(strip(tokens[index:end])))
    if symbol(tokens, end) != "(":
        return name, "null", end
    pieces, close = arguments(tokens, end)
    kinds = ", ".join(quote(_kind(piece)) for piece in pieces)
    return name, f"array[{kinds}]::text[]", close + 1


def on_procedures(before: str, procedures: Sequence[Token], after: str) -> str:
    """A statement about procedures, once for each.

    What PostgreSQL takes for a signature has the parameters in it that only go out (see ``procedures.py``), which
    Redshift's may leave out: so each is looked up when the statement runs.

    :param before: what stands before the procedures.
    :param after: what stands behind them.
    """
    found = [signature(strip(piece), 0) for piece in divide(procedures)]
    runs = "; ".join(
        f"execute {quote(before)} || redshift.procedure_named({name}, {kinds})::text || {quote(f' {after}')}"
        for name, kinds, _ in found
    )
    return f"do $routine$begin {runs}; end$routine$"


def drop_procedure(tokens: Sequence[Token]) -> str:
    """``DROP PROCEDURE [IF EXISTS] name (…)``."""
    named = following(tokens, following(tokens, following(tokens, -1)))
    optional = match(tokens, named, "if", "exists")
    start = optional or named
    end = signature(tokens, start)[2]
    dropped = on_procedures("drop procedure ", tokens[start:end], text(tokens[end:]))
    return dropped.replace("; end$", "; exception when undefined_function then null; end$") if optional else dropped


def alter_procedure(tokens: Sequence[Token]) -> str:
    """``ALTER PROCEDURE name [(…)] …``."""
    start = following(tokens, following(tokens, following(tokens, -1)))
    end = signature(tokens, start)[2]
    return on_procedures("alter procedure ", tokens[start:end], text(tokens[end:]))


def on_function(tokens: Sequence[Token]) -> str:
    """``ALTER FUNCTION`` and ``DROP FUNCTION``."""
    return text(with_types(tokens))


def show_procedure(tokens: Sequence[Token]) -> str:
    """``SHOW PROCEDURE name [(…)]``."""
    start = following(tokens, following(tokens, following(tokens, -1)))
    name, kinds, _ = signature(tokens, start)
    return f"select * from redshift.show_procedure({name}, {kinds})"  # noqa: S608 - rewrites SQL
