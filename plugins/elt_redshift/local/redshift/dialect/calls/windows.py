"""Window functions that pass over NULLs, which PostgreSQL's cannot.

https://docs.aws.amazon.com/redshift/latest/dg/c_Window_functions.html
"""

from __future__ import annotations

import re

from elt_redshift.local.redshift.dialect.calls.call import Call, Rewrite, Rewritten

_BEFORE = "rows between unbounded preceding and 1 preceding"
_BEHIND = "rows between 1 following and unbounded following"
_INSIDE = re.compile(r"\s+(ignore|respect)\s+nulls$", re.IGNORECASE)


def _value(call: Call, window: str, place: str) -> str:
    """FIRST_VALUE, LAST_VALUE and NTH_VALUE of the values that are not NULL."""
    value = call.arguments[0]
    if call.name == "first_value":
        return f"redshift.first_known({value}) over ({window})"
    if call.name == "last_value":
        return f"redshift.last_known({value}) over ({window})"
    return f"(array_agg({value}) filter (where {value} is not null) over ({window}))[{place}]"


def _shifted(call: Call, window: str, place: str) -> str:
    """LAG and LEAD by ``place`` values that are not NULL."""
    value, frame = call.arguments[0], _BEFORE if call.name == "lag" else _BEHIND
    if place == "1":
        kind = "last" if call.name == "lag" else "first"
        return f"redshift.{kind}_known({value}) over ({window} {frame})"
    known = f"array_agg({value}) filter (where {value} is not null) over ({window} {frame})"
    index = place if call.name == "lead" else f"count({value}) over ({window} {frame}) - {place} + 1"
    return f"({known})[{index}]"


def _window(call: Call) -> Rewritten:
    kind, end = call.nulls(call.end + 1)
    arguments = [_INSIDE.sub("", argument) for argument in call.arguments]
    inside = next((found[1].lower() for found in map(_INSIDE.search, call.arguments) if found), "")
    window, end = call.over(end)
    if window is None or not (kind or inside):
        return None
    bare = Call(call.name, arguments, call.tokens, call.end, call.rewrite)
    place = arguments[1] if len(arguments) > 1 else "1"
    if (kind or inside) == "respect":
        return f"{call.name}({', '.join(arguments)}) over ({window})", end
    if call.name in ("lag", "lead"):
        written = _shifted(bare, window, place)
        return (f"coalesce({written}, {arguments[2]})" if len(arguments) > 2 else written), end
    return _value(bare, window, place), end


REWRITES: dict[str, Rewrite] = dict.fromkeys(("first_value", "last_value", "nth_value", "lag", "lead"), _window)
