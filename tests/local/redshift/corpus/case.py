"""A piece of SQL as one writes it for Redshift, and what Redshift documents of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One piece of SQL and what must come of it; exactly one expectation is given.

    :param setup: statements to run first.
    :param check: a query to run afterwards; ``rows`` are then its rows.
    :param rows: the result's rows; NULL is ``None``, numbers with decimals, dates and times are strings.
    :param count: rows that the statement changed.
    :param error: how the error begins, or what it contains.
    """

    name: str
    sql: str
    rows: list[tuple[Any, ...]] | None = None
    count: int | None = None
    error: str | None = None
    setup: tuple[str, ...] = ()
    check: str = ""
