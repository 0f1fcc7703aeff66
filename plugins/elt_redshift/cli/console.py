"""Where commands print tables."""

from __future__ import annotations

import sys

from rich.console import Console

#: Columns where the output is no terminal, wide enough for a statement's id beside a task's name.
WIDTH = 140


def console() -> Console:
    """A console on the present stdout, as wide as the terminal."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else WIDTH)
