"""Redshift's expressions in PostgreSQL's words: functions with another name or form, casts, sysdate, temporary tables.

Everything that can be a function in PostgreSQL is one (functions.sql); here is only what needs other syntax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.qualify import qualify
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    closing,
    following,
    is_blank,
    last_word,
    lex,
    match,
    raw,
    strip,
    symbol,
    text,
    word,
)
from elt_redshift.local.redshift.dialect.types import type_at

_WHOLE_PARTITION = "rows between unbounded preceding and unbounded following"


@dataclass(frozen=True)
class Call:
    """A function call: its name in lower case, its arguments (rewritten), the tokens around it.

    :param tokens: the tokens that the call is in; ``end`` is the index of its closing bracket there.
    """

    name: str
    arguments: list[str]
    tokens: Sequence[Token]
    end: int


#: What a call becomes, and the index of the first token after it; ``None`` leaves it as it is.
Rewritten = tuple[str, int] | None


def _part(argument: str) -> str:
    """A date part as a string: Redshift writes it as a bare word."""
    return f"'{argument}'" if argument.isidentifier() else argument


def _moment(argument: str) -> str:
    """A date or time; a bare literal, which PostgreSQL would take for one with time zone, as a timestamp."""
    tokens = lex(argument)
    return f"{argument}::timestamp" if len(tokens) == 1 and tokens[0].kind == "string" else argument


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
    branches = "".join(f" when {subject} is not distinct from {value} then {result}" for value, result in pairs)
    default = f" else {rest[-1]}" if len(rest) % 2 else ""
    return f"(case{branches}{default} end)", call.end + 1


def _dateadd(call: Call) -> Rewritten:
    part, amount, moment = call.arguments
    return f"dateadd({_part(part)}, {amount}, {_moment(moment)})", call.end + 1


def _datediff(call: Call) -> Rewritten:
    part, first, last = call.arguments
    return f"datediff({_part(part)}, {_moment(first)}, {_moment(last)})", call.end + 1


def _date_part(call: Call) -> Rewritten:
    part, moment = call.arguments
    return (
        f"floor(pg_catalog.date_part(redshift.date_unit({_part(part)}), {_moment(moment)}))::bigint",
        call.end + 1,
    )


def _extract(call: Call) -> Rewritten:
    part, separator, moment = call.arguments[0].partition(" ")
    if not separator or not moment.lower().lstrip().startswith("from"):
        return None
    return _date_part(Call("date_part", [part, moment.lstrip()[4:].strip()], call.tokens, call.end))


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
    return f"cast({text(tokens[:place]).strip()} as {text(kind[0])})", call.end + 1


def _regexp_replace(call: Call) -> Rewritten:
    """Redshift replaces every match, PostgreSQL the first unless told."""
    if len(call.arguments) not in (2, 3):
        return None
    subject, pattern, *replacement = call.arguments
    return f"regexp_replace({subject}, {pattern}, {replacement[0] if replacement else repr('')}, 'g')", call.end + 1


def _json_extract_path_text(call: Call) -> Rewritten:
    if call.arguments[-1].lower() not in ("true", "false"):
        return None
    suffix = "_or_null" if call.arguments[-1].lower() == "true" else ""
    return f"json_extract_path_text{suffix}({', '.join(call.arguments[:-1])})", call.end + 1


def _within_group(call: Call) -> tuple[str, int]:
    """The ORDER BY of ``WITHIN GROUP (ORDER BY …)`` after a call, and the index after it."""
    after = match(call.tokens, following(call.tokens, call.end), "within", "group")
    if after is None or symbol(call.tokens, after) != "(":
        return "", call.end + 1
    end = closing(call.tokens, after)
    return text(strip(expression(call.tokens[after + 1 : end]))), end + 1


def _over(tokens: Sequence[Token], index: int) -> tuple[str | None, int]:
    """The contents of ``OVER (…)`` that follows ``index``, and the index after it."""
    over = following(tokens, index - 1)
    start = following(tokens, over)
    if word(tokens, over) != "over" or symbol(tokens, start) != "(":
        return None, index
    end = closing(tokens, start)
    return text(strip(expression(tokens[start + 1 : end]))), end + 1


def _listagg(call: Call) -> Rewritten:
    """https://docs.aws.amazon.com/redshift/latest/dg/r_LISTAGG.html and r_WF_LISTAGG.html.

    PostgreSQL can neither order an aggregate with OVER nor order a DISTINCT one by something else, so the order of a
    window comes from its own ORDER BY, and duplicates are taken out of the ordered array.
    """
    value, separator = call.arguments[0], call.arguments[1] if len(call.arguments) > 1 else "''"
    distinct = value.lower().startswith("distinct ")
    value = f"({value[9:].strip() if distinct else value})::text"
    order, end = _within_group(call)
    window, end = _over(call.tokens, end)
    inner = f" {order}" if order and window is None else ""
    frame = "" if window is None else f" over ({window} {order} {_WHOLE_PARTITION if order else ''})"
    if distinct:
        return f"redshift.join_distinct(array_agg({value}{inner}){frame}, {separator})", end
    return f"string_agg({value}, {separator}{inner}){frame}", end


def _ratio_to_report(call: Call) -> Rewritten:
    window, end = _over(call.tokens, call.end + 1)
    if window is None:
        return None
    value = call.arguments[0]
    return f"(({value})::double precision / nullif(sum({value}) over ({window}), 0))", end


_FUNCTIONS: dict[str, Callable[[Call], Rewritten]] = {
    "cast": _cast,
    "convert": _convert,
    "date_add": _dateadd,
    "date_diff": _datediff,
    "date_part": _date_part,
    "dateadd": _dateadd,
    "datediff": _datediff,
    "decode": _decode,
    "extract": _extract,
    "json_extract_path_text": _json_extract_path_text,
    "listagg": _listagg,
    "nvl": _nvl,
    "nvl2": _nvl2,
    "pgdate_part": _date_part,
    "ratio_to_report": _ratio_to_report,
    "regexp_replace": _regexp_replace,
}


def _call(tokens: Sequence[Token], index: int) -> tuple[Token, int] | None:
    """The rewritten call that starts at ``index``, if its function is one of ours."""
    rewrite = _FUNCTIONS.get(word(tokens, index))
    bracket = following(tokens, index)
    if rewrite is None or symbol(tokens, bracket) != "(":
        return None
    pieces, end = arguments(tokens, bracket)
    if not pieces:
        return None
    written = [text(strip(expression(piece))) for piece in pieces]
    try:
        result = rewrite(Call(word(tokens, index), written, tokens, end))
    except ValueError:  # another number of arguments: the database says what is wrong
        return None
    return (raw(result[0]), result[1]) if result else None


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
    if keyword == "sysdate" and symbol(tokens, after) != "(":
        return raw("sysdate()"), index + 1
    if keyword == "approximate" and tokens[after : after + 1] and tokens[after].kind == "name":
        return raw(""), after
    if keyword == "avg" and symbol(tokens, after) == "(":
        return raw("redshift.avg"), index + 1
    queries = word(tokens, after) in ("select", "all") or symbol(tokens, after) == "("
    if keyword == "minus" and queries and before is not None and before.text not in (".", ",", "("):
        return raw("except"), index + 1
    if before is not None and before.text == "::" and (kind := type_at(tokens, index)) is not None:
        return raw(text(kind[0])), kind[1]
    return None


def _top(tokens: list[Token]) -> list[Token]:
    """``SELECT TOP n …`` as ``SELECT … LIMIT n``, at this level of brackets."""
    result: list[Token] = []
    limit: Token | None = None
    index, depth = 0, 0
    while index < len(tokens):
        depth += {"(": 1, ")": -1}.get(symbol(tokens, index), 0)
        after = following(tokens, index)
        before = last_word(result)
        starts = before is not None and before.word in ("select", "distinct", "all")
        counts = after < len(tokens) and tokens[after].kind == "number"
        if starts and counts and depth == 0 and word(tokens, index) == "top":
            limit, index = tokens[after], after + 1
            continue
        result.append(tokens[index])
        index += 1
    return [*result, raw(f" limit {limit.text}")] if limit else result


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
    return _top(result)


def query(tokens: Sequence[Token]) -> list[Token]:
    """Rewrite a stretch of SQL that may hold whole queries, QUALIFY included."""
    return expression(qualify(tokens))
