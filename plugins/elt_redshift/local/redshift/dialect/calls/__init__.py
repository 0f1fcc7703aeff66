"""Calls of functions that PostgreSQL has under another form, by theme.

Everything that can be a function in PostgreSQL is one (sql/*.sql); here is only what needs other syntax.
"""

from __future__ import annotations

from elt_redshift.local.redshift.dialect.calls import aggregates, conditions, dates, texts, windows
from elt_redshift.local.redshift.dialect.calls.call import Call, Rewrite

#: By the function's name in lower case.
REWRITES: dict[str, Rewrite] = {
    **aggregates.REWRITES,
    **conditions.REWRITES,
    **dates.REWRITES,
    **texts.REWRITES,
    **windows.REWRITES,
}

__all__ = ["REWRITES", "Call"]
