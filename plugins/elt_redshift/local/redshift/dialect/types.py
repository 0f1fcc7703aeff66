"""Redshift's column types and attributes in PostgreSQL's words."""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    following,
    match,
    name_end,
    raw,
    spaced,
    strip,
    symbol,
    text,
    word,
)

#: The longest VARCHAR of Redshift, which ``varchar(max)`` means.
MAX_VARCHAR = 65535
#: What a type without a size means: the length of a string column, the digits of a decimal, none after the point.
DEFAULT_LENGTH, DEFAULT_DECIMAL = 256, 18
#: Types that PostgreSQL has under another name.
_RENAMED = {"datetime": "timestamp", "datetimetz": "timestamptz", "smalldatetime": "timestamp"}
#: Redshift's names of the collation that case does not matter to.
INSENSITIVE = ("case_insensitive", "ci")
_BYTES = ("varbyte", "varbinary", "binary")
_DECIMALS = ("decimal", "numeric", "dec")
_STRINGS = ("varchar", "nvarchar", "character", "char", "nchar")


def type_at(tokens: Sequence[Token], index: int) -> tuple[list[Token], int] | None:
    """The PostgreSQL type for a Redshift type that starts at ``index``, and the index after it; ``None``: the same."""
    name, after = word(tokens, index), following(tokens, index)
    if name in _RENAMED:
        return [raw(_RENAMED[name])], index + 1
    if name in _BYTES and (name != "binary" or word(tokens, after) == "varying"):
        if name == "binary":
            after = following(tokens, after)
        return [raw("bytea")], arguments(tokens, after)[1] + 1 if symbol(tokens, after) == "(" else index + 1
    if name in _DECIMALS and symbol(tokens, after) != "(":
        return [raw(f"numeric({DEFAULT_DECIMAL},0)")], index + 1
    if name in _STRINGS and symbol(tokens, after) == "(":
        pieces, end = arguments(tokens, after)
        if pieces and text(strip(pieces[0])).lower() == "max":
            return [raw(f"varchar({MAX_VARCHAR})")], end + 1
        if name in ("nvarchar", "nchar"):
            return [raw(f"{name[1:]}{text(tokens[after : end + 1])}")], end + 1
    return None


def _identity(tokens: Sequence[Token], index: int, before: str) -> tuple[list[Token], int]:
    start, step, end = "1", "1", index - 1
    if symbol(tokens, index) == "(":
        pieces, end = arguments(tokens, index)
        start, step = (text(strip(piece)) for piece in pieces)
    lead = "" if before in ("always as", "default as") else "generated always as "
    # PostgreSQL's counters start at 1 or above (-1 or below when they count down) unless told.
    bound = "maxvalue" if step.startswith("-") else "minvalue"
    return [raw(f"{lead}identity (start with {start} increment by {step} {bound} {start})")], end + 1


def _reference_end(tokens: Sequence[Token], index: int) -> int:
    """The index after ``REFERENCES table [(column)]``, where ``index`` is at REFERENCES."""
    end = name_end(tokens, following(tokens, index))
    return arguments(tokens, end)[1] + 1 if symbol(tokens, end) == "(" else end


def _dropped(tokens: Sequence[Token], index: int) -> int | None:
    """The index after a column attribute that PostgreSQL does not have or must not enforce."""
    keyword, after = word(tokens, index), following(tokens, index)
    if keyword in ("distkey", "sortkey", "unique"):
        return index + 1
    if keyword in ("encode", "collate"):
        return after + 1
    if keyword == "references":
        return _reference_end(tokens, index)
    if keyword == "constraint" and word(tokens, following(tokens, after)) in ("primary", "unique", "references"):
        return after + 1
    return None


def table_column(tokens: Sequence[Token]) -> list[Token]:
    """A column of a table: as :func:`column`, and a string without a length has Redshift's.

    https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
    """
    kind = following(tokens, following(tokens, -1))
    unsized = word(tokens, kind) in ("varchar", "nvarchar", "text", "bpchar")
    if unsized and symbol(tokens, following(tokens, kind)) != "(":
        tokens = [*tokens[:kind], raw(f"varchar({DEFAULT_LENGTH})"), *tokens[kind + 1 :]]
    return column(tokens)


def _insensitive(tokens: Sequence[Token]) -> Sequence[Token]:
    """A column COLLATE CASE_INSENSITIVE has the type of sql/collations.sql."""
    place = next((index for index in range(len(tokens)) if word(tokens, index) == "collate"), None)
    if place is None or tokens[following(tokens, place)].text.strip('"').lower() not in INSENSITIVE:
        return tokens
    kind = following(tokens, following(tokens, -1))
    after = match(tokens, kind, "character", "varying") or following(tokens, kind)
    size = f"({DEFAULT_LENGTH})" if word(tokens, kind) in ("varchar", "text", "nvarchar") else "(1)"
    if symbol(tokens, after) == "(":
        end = arguments(tokens, after)[1] + 1
        size, after = text(tokens[after:end]).lower().replace("max", str(MAX_VARCHAR)), end
    return [*tokens[:kind], raw(f"redshift.insensitive{size} "), *tokens[after:]]


def column(tokens: Sequence[Token]) -> list[Token]:
    """A column definition without Redshift's attributes and without constraints that Redshift does not enforce.

    ``PRIMARY KEY`` leaves ``NOT NULL`` behind, which Redshift does enforce.
    https://docs.aws.amazon.com/redshift/latest/dg/t_Defining_constraints.html
    """
    tokens = _insensitive(tokens)
    start = following(tokens, -1)
    index = start + 1
    result = list(tokens[: start + 1])
    while index < len(tokens):
        replaced = type_at(tokens, index)
        if (end := _dropped(tokens, index)) is not None:
            index = end
        elif (end := match(tokens, index, "primary", "key")) is not None:
            result.append(raw(" not null "))
            index = end
        elif word(tokens, index) == "identity" and result[start + 1 :]:
            before = " ".join(token.word for token in result if token.word)[-10:].strip()
            piece, index = _identity(tokens, following(tokens, index), before)
            result += piece
        elif replaced is not None:
            result += replaced[0]
            index = replaced[1]
        else:
            result.append(tokens[index])
            index += 1
    return spaced(result)
