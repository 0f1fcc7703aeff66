"""``GROUP BY ALL``: everything in the select list that is no aggregate.

https://docs.aws.amazon.com/redshift/latest/dg/r_GROUP_BY_clause.html
"""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.select import Select, opens_query
from elt_redshift.local.redshift.dialect.tokens import closing, following, lex, symbol, text, word, words

#: https://docs.aws.amazon.com/redshift/latest/dg/c_Aggregate_Functions.html
AGGREGATES = frozenset(
    {
        "any_value",
        "approximate",
        "avg",
        "bit_and",
        "bit_or",
        "bool_and",
        "bool_or",
        "count",
        "hll",
        "hll_cardinality",
        "hll_combine",
        "hll_create_sketch",
        "listagg",
        "max",
        "median",
        "min",
        "percentile_cont",
        "percentile_disc",
        "stddev",
        "stddev_pop",
        "stddev_samp",
        "sum",
        "var_pop",
        "var_samp",
        "variance",
    }
)


def is_aggregate(item: Sequence[Token]) -> bool:
    """Whether an expression holds an aggregate (one with OVER is none), outside of the queries in it."""
    index = 0
    while index < len(item):
        bracket = following(item, index)
        if opens_query(item, index):
            index = closing(item, index)
        elif word(item, index) in AGGREGATES and symbol(item, bracket) == "(":
            after = following(item, closing(item, bracket))
            while word(item, after) in ("within", "group", "ignore", "respect", "nulls"):
                after = following(item, after)
                after = following(item, closing(item, after)) if symbol(item, after) == "(" else after
            if word(item, after) != "over":
                return True
        index += 1
    return False


def rewrite(select: Select, context: Context) -> None:
    """:raises UnsupportedSqlError: ``*`` stands in the select list."""
    if words(select.clauses.get("group", []), 2) != ["all"]:
        return
    if any(text(item).strip().endswith("*") for item in select.items):
        raise UnsupportedSqlError("GROUP BY ALL with * is not emulated; list the columns.")
    places = [str(place) for place, item in enumerate(select.items, 1) if not is_aggregate(item)]
    if places:
        select.clauses["group"] = lex(", ".join(places))
    else:
        del select.clauses["group"]
