"""Conditional functions and conversions."""

from __future__ import annotations

from elt_redshift.local.redshift.dialect.calls.call import Call, Rewrite, Rewritten
from elt_redshift.local.redshift.dialect.tokens import following, lex, quote, text, word
from elt_redshift.local.redshift.dialect.types import type_at


def _nvl(call: Call) -> Rewritten:
    return f"coalesce({', '.join(call.arguments)})", call.end + 1


def _nvl2(call: Call) -> Rewritten:
    tested, present, absent = call.arguments
    return f"(case when {tested} is not null then {present} else {absent} end)", call.end + 1


def _decode(call: Call) -> Rewritten:
    if len(call.arguments) < 3:
        return None
    subject, *rest = call.arguments
    pairs = [(rest[index], rest[index + 1]) for index in range(0, len(rest) - 1, 2)]
    branches = "".join(f" when {_same(subject, value)} then {result}" for value, result in pairs)
    default = f" else {rest[-1]}" if len(rest) % 2 else ""
    return f"(case{branches}{default} end)", call.end + 1


def _same(subject: str, value: str) -> str:
    """Equal, or both NULL; a literal is not NULL, and its comparison is one that PostgreSQL can use best."""
    tokens = lex(value)
    if len(tokens) == 1 and tokens[0].kind in ("string", "number"):
        return f"{subject} = {value}"
    return (
        f"{subject} is null"
        if value.lower() == "null"
        else f"({subject} = {value} or {subject} is null and {value} is null)"
    )


def _convert(call: Call) -> Rewritten:
    if len(call.arguments) != 2:
        return None
    target, value = call.arguments
    kind = type_at(lex(target), 0)
    return f"cast({value} as {text(kind[0]) if kind else target})", call.end + 1


def _cast(call: Call) -> Rewritten:
    tokens = lex(call.arguments[0])
    place = max((index for index in range(len(tokens)) if word(tokens, index) == "as"), default=None)
    kind = None if place is None else type_at(tokens, following(tokens, place))
    if place is None or kind is None:
        return None
    return f"cast({text(tokens[:place]).strip()} as {text(kind[0])}{text(tokens[kind[1] :])})", call.end + 1


def _try_cast(call: Call) -> Rewritten:
    """https://docs.aws.amazon.com/redshift/latest/dg/r_TRY_CAST.html"""
    tokens = lex(call.arguments[0])
    place = max(index for index in range(len(tokens)) if word(tokens, index) == "as")
    start = following(tokens, place)
    kind = type_at(tokens, start)
    value, target = text(tokens[:place]).strip(), text(kind[0]) if kind else text(tokens[start:]).strip()
    first = lex(value)
    # A literal has no type by itself, and the test takes a value of any.
    given = f"{value}::text" if len(first) == 1 and (first[0].kind == "string" or value.lower() == "null") else value
    return f"(case when redshift.castable({given}, {quote(target)}) then cast({given} as {target}) end)", call.end + 1


REWRITES: dict[str, Rewrite] = {
    "cast": _cast,
    "convert": _convert,
    "decode": _decode,
    "nvl": _nvl,
    "nvl2": _nvl2,
    "try_cast": _try_cast,
}
