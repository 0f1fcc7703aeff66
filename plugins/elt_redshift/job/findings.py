"""Collecting every mistake of a job before telling any, in the order in which the user wrote it."""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Iterable, Mapping

from elt_redshift.exceptions import JobError, Problem

#: Where something stands in a job: ``("tasks", "load_fact", "retries")``.
Path = tuple[str, ...]


def did_you_mean(word: str, known: Iterable[object]) -> str:
    """``Did you mean 'x'?`` when something known is close to ``word``, else the list of what is known."""
    names = [str(name) for name in known]
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"Did you mean '{close[0]}'?"
    listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"Known here: {listed}." if names else "There are none here."


def shown(value: object) -> str:
    """``value`` as a message quotes it: as Python writes it, shortened to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class Findings:
    """The mistakes found so far.

    :param origin: the file that holds the job, or words that name a job built in Python.
    :param lines: 1-based line of each key of that file, when it is known.
    :param base: folder of the job's SQL files.
    """

    def __init__(
        self, origin: str, lines: Mapping[Path, int] | None = None, base: pathlib.Path = pathlib.Path()
    ) -> None:
        self.origin = origin
        self.base = base
        self._lines = lines or {}
        self._found: list[tuple[int, Problem]] = []
        self._paths: set[Path] = set()

    def add(self, path: Path, message: str, remedy: str) -> None:
        """Note a mistake at a key of the job."""
        line = self._line(path)
        origin = f"{self.origin}:{line}" if line else self.origin
        self.add_at(path, f"{origin}: {'.'.join(path)}" if path else origin, message, remedy)

    def add_in_file(self, path: Path, file: str, line: int, message: str, remedy: str) -> None:
        """Note a mistake at a line of an SQL file that the key ``path`` led to."""
        self.add_at(path, f"{self.base / file}:{line}", message, remedy)

    def add_at(self, path: Path, place: str, message: str, remedy: str) -> None:
        """Note a mistake at a place in other words than those of :meth:`add`; it is sorted to the key ``path``."""
        self._paths.add(path)
        self._found.append((self._line(path), Problem(place, message, remedy)))

    def copy(self) -> Findings:
        """The same findings, to add to without changing these."""
        copied = Findings(self.origin, self._lines, self.base)
        copied._found = list(self._found)
        copied._paths = set(self._paths)
        return copied

    def at(self, *path: str) -> bool:
        """Whether a mistake was noted at that key or inside it, so that what depends on it need not be judged."""
        return any(found[: len(path)] == path for found in self._paths)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every mistake, each once, by line; those without a line in the order in which they were found."""
        ordered = [problem for _, problem in sorted(self._found, key=lambda found: found[0])]
        return tuple(dict.fromkeys(ordered))

    def raise_if_any(self) -> None:
        """:raises JobError: there are mistakes; it carries all of them."""
        if self._found:
            raise JobError(self.problems)

    def _line(self, path: Path) -> int:
        """The line of the key, or of the nearest key around it; 0 when nothing is known."""
        for length in range(len(path), 0, -1):
            if line := self._lines.get(path[:length]):
                return line
        return 0
