"""Aggregates."""

from __future__ import annotations

from elt_redshift.local.redshift.dialect.calls.call import Call, Rewrite, Rewritten

#: Picks the values at both sides of the middle in one sorting; of an odd number of values, the one there twice.
_MIDDLE = "array[0.5, 0.500000000001]::double precision[]"
_WHOLE_PARTITION = "rows between unbounded preceding and unbounded following"


def _avg(call: Call) -> Rewritten:
    """The average has the type of its argument: see sql/aggregates.sql.

    https://docs.aws.amazon.com/redshift/latest/dg/r_AVG.html
    """
    over, end = call.window(call.end + 1)
    argument = ", ".join(call.arguments)
    return f"redshift.settle(redshift.avg({argument}){over}, redshift.avg_total({argument}){over})", end


def _hll(call: Call) -> Rewritten:
    """An estimate of how many values differ; here they are counted."""
    value = call.arguments[0]
    return f"count({value if value.lower().startswith('distinct ') else f'distinct {value}'})", call.end + 1


def _listagg(call: Call) -> Rewritten:
    """https://docs.aws.amazon.com/redshift/latest/dg/r_LISTAGG.html and r_WF_LISTAGG.html.

    PostgreSQL can neither order an aggregate with OVER nor order a DISTINCT one by something else, so the order of a
    window comes from its own ORDER BY, and duplicates are taken out of the ordered array.
    """
    value, separator = call.arguments[0], call.arguments[1] if len(call.arguments) > 1 else "''"
    distinct = value.lower().startswith("distinct ")
    value = f"({value[9:].strip() if distinct else value})::text"
    order, end = call.within_group(call.end + 1)
    window, end = call.over(end)
    inner = f" {order}" if order and window is None else ""
    frame = "" if window is None else f" over ({window} {order} {_WHOLE_PARTITION if order else ''})"
    if distinct:
        return f"redshift.join_distinct(array_agg({value}{inner}){frame}, {separator})", end
    return f"string_agg({value}, {separator}{inner}){frame}", end


def _percentile(call: Call) -> Rewritten:
    """PostgreSQL has no ordered-set aggregate with OVER: the sorted values of the partition are picked from.

    https://docs.aws.amazon.com/redshift/latest/dg/r_WF_PERCENTILE_CONT.html
    """
    order, end = call.within_group(call.end + 1)
    window, end = call.over(end)
    if window is None or not order:
        return None
    value = order[len("order by") :].strip()
    for ending in (" asc", " desc"):
        value = value.removesuffix(ending)
    frame = f"{window} {order} {_WHOLE_PARTITION}"
    picked = f"array_agg({value}) filter (where {value} is not null) over ({frame})"
    return f"redshift.{call.name}_of({picked}, {call.arguments[0]})", end


def _median(call: Call) -> Rewritten:
    window, end = call.over(call.end + 1)
    value = call.arguments[0]
    if window is None:
        return f"redshift.middle(percentile_disc({_MIDDLE}) within group (order by {value}))", end
    frame = f"{window} order by {value} {_WHOLE_PARTITION}"
    return f"redshift.median_of(array_agg({value}) filter (where {value} is not null) over ({frame}))", end


def _ratio_to_report(call: Call) -> Rewritten:
    over, end = call.window(call.end + 1)
    if not over:
        return None
    value = call.arguments[0]
    return f"(({value})::double precision / nullif(sum({value}){over}, 0))", end


REWRITES: dict[str, Rewrite] = {
    "avg": _avg,
    "hll": _hll,
    "listagg": _listagg,
    "median": _median,
    "percentile_cont": _percentile,
    "percentile_disc": _percentile,
    "ratio_to_report": _ratio_to_report,
}
