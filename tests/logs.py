"""Logs that a failing test shows: the last words of every server that ran beside it.

A time-out says where the test waited; why in vain, these say.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LINES = 50
WIDTH = 1000

_shown: dict[str, Path] = {}


@contextmanager
def shown(**logs: Path) -> Iterator[None]:
    """Tests that fail within the block show the ends of these logs."""
    _shown.update(logs)
    try:
        yield
    finally:
        for name in logs:
            _shown.pop(name, None)


def ends() -> list[tuple[str, str]]:
    """Title and text of each log that says something."""
    found = [(f"end of the log of {name}, {path}", tail(path)) for name, path in _shown.items()]
    return [(title, text) for title, text in found if text]


def tail(path: Path) -> str:
    """The last lines of a file; nothing when there is none."""
    try:
        return last_lines(path.read_text(errors="replace"))
    except OSError:
        return ""


def last_lines(text: str) -> str:
    return "\n".join(line[:WIDTH] for line in text.splitlines()[-LINES:])
