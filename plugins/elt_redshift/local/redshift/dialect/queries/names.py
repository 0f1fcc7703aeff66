"""What the columns of a result are called, where the function behind them is called otherwise here."""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.select import Select, top_level
from elt_redshift.local.redshift.dialect.queries.sources import identifier
from elt_redshift.local.redshift.dialect.tokens import closing, following, is_blank, lex, strip, symbol, word

#: Redshift's name for the column, by function.
OUTPUT_NAMES = {
    "date_add": "date_add",
    "date_diff": "date_diff",
    "date_part": "pgdate_part",
    "dateadd": "date_add",
    "datediff": "date_diff",
    "extract": "date_part",
    "pgdate_part": "pgdate_part",
    **{
        name: name
        for name in (
            "array",
            "avg",
            "first_value",
            "hll",
            "json_extract_path_text",
            "lag",
            "last_value",
            "lead",
            "listagg",
            "median",
            "nth_value",
            "object",
            "percentile_cont",
            "percentile_disc",
            "ratio_to_report",
            "sysdate",
        )
    },
}


def alias_of(item: Sequence[Token]) -> str | None:
    """The name that an expression of a select list is given; ``None``: none is."""
    levels = [index for index in top_level(item) if not is_blank(item[index])]
    if len(levels) < 2:
        return None
    last, before = item[levels[-1]], item[levels[-2]]
    if last.kind not in ("name", "quoted") or last.word == "end" or before.text in (".", "::"):
        return None
    if before.word == "as":
        return identifier(last)
    operators = (
        "and",
        "or",
        "not",
        "is",
        "zone",
        "over",
        "precision",
        "interval",
        "in",
        "like",
        "ilike",
        "null",
        "distinct",
        "from",
    )
    if (before.kind == "operator" and before.text != "(" and not _is_finished(before)) or before.word in operators:
        return None
    if last.word in ("null", "true", "false", "nulls", "over", "varying", "precision") or _is_type(item, levels):
        return None
    return identifier(last)


def alias_start(item: Sequence[Token]) -> int:
    """Where the name that an expression is given begins, or the AS before it."""
    *_, before, last = (index for index in top_level(item) if not is_blank(item[index]))
    return before if item[before].word == "as" else last


def _is_finished(token: Token) -> bool:
    """Whether an operator is rewritten text, an expression by itself."""
    return len(token.text) > 2


def _is_type(item: Sequence[Token], levels: Sequence[int]) -> bool:
    """Whether the last word belongs to a type of several words behind ``::``."""
    return len(levels) > 2 and item[levels[-3]].text == "::" and item[levels[-1]].word in ("varying", "precision")


def _call_name(item: Sequence[Token]) -> str | None:
    """The function that an item is a call of, perhaps with OVER, WITHIN GROUP and casts behind it."""
    first = following(item, -1)
    name, bracket = word(item, first), following(item, first)
    if name == "sysdate" and bracket >= len(item):
        return name
    if symbol(item, bracket) != "(":
        return None
    for index in top_level(item[closing(item, bracket) + 1 :]):
        token = item[closing(item, bracket) + 1 + index]
        if token.kind == "operator" and token.text not in ("::", "(", ")"):
            return None
        if token.kind in ("number", "string") or token.word in (
            "and",
            "or",
            "is",
            "as",
            "like",
            "in",
            "between",
            "not",
            "at",
        ):
            return None
    return name


def rewrite(select: Select, context: Context) -> None:
    """Name the columns whose function is rewritten."""
    for place, item in enumerate(select.items):
        name = OUTPUT_NAMES.get(_call_name(item) or "")
        if name is not None and alias_of(item) is None:
            select.items[place] = [*strip(item), *lex(f" as {name}")]
