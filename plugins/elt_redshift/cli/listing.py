"""Lists that people, programs and spreadsheets read: as a table, as JSON, as CSV."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType

from elt_redshift.cli.console import console
from elt_redshift.protocol.times import iso_time

Row = Mapping[str, Any]


def add_forms(made: argparse.ArgumentParser) -> None:
    """The options that choose."""
    forms = made.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print JSON, for machines; times are in UTC")
    forms.add_argument("--csv", action="store_true", help="print CSV, for spreadsheets; times are in UTC")


def show(
    given: argparse.Namespace, columns: Sequence[str], rows: Sequence[Row], table: Callable[[], RenderableType]
) -> None:
    """Print rows.

    :param columns: the names of their members, in order.
    :param table: gives what people read.
    """
    if given.json:
        print(json.dumps([{name: row[name] for name in columns} for row in rows], indent=2, ensure_ascii=False))
    elif given.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    else:
        console().print(table())


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def time(moment: datetime | None) -> str | None:
    """A time in a row."""
    return None if moment is None else iso_time(moment)


def readable(moment: datetime | None) -> str:
    """A time in a table, in UTC."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
