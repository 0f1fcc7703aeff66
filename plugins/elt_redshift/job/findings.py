"""Collecting every mistake of a job before telling any, in the order in which the user wrote it."""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Collection, Iterable, Mapping

from elt_redshift.exceptions import JobError, Problem
from elt_redshift.job.written import bare, in_one_line

#: Where something stands in a job: ``("tasks", "load_fact", "retries")``.
Path = tuple[str, ...]

#: Words up to so many characters are compared with what is known …
_LONGEST = 200
#: … and for all of a job's mistakes so many pairs of usual words, which takes a second. Then nothing more is proposed.
_PAIRS = 30_000
_USUAL = 20


def did_you_mean(word: str, known: Iterable[object]) -> str:
    """``Did you mean 'x'?`` when something known is close to ``word``, else the list of what is known."""
    names = [bare(name) for name in known]
    close = difflib.get_close_matches(word, names, n=1) if len(word) <= _LONGEST else []
    if close:
        return f"Did you mean '{close[0]}'?"
    listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"Known here: {listed}." if names else "There are none here."


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
        self._pairs = 0.0

    def add(self, path: Path, message: str, remedy: str) -> None:
        """Note a mistake at a key of the job."""
        line = self._line(path)
        origin = f"{self.origin}:{line}" if line else self.origin
        self.add_at(path, f"{origin}: {'.'.join(map(bare, path))}" if path else origin, message, remedy)

    def add_in_file(self, path: Path, file: str, line: int, message: str, remedy: str) -> None:
        """Note a mistake at a line of an SQL file that the key ``path`` led to."""
        self.add_at(path, f"{self.base / file}:{line}", message, remedy)

    def add_at(self, path: Path, place: str, message: str, remedy: str) -> None:
        """Note a mistake at a place in other words than those of :meth:`add`; it is sorted to the key ``path``."""
        self._paths.update(path[:length] for length in range(len(path) + 1))
        self._found.append((self._line(path), Problem(*map(in_one_line, (place, message, remedy)))))

    def did_you_mean(self, word: str, known: Collection[object]) -> str:
        """:func:`did_you_mean`, as long as the job's mistakes are not too many for it."""
        self._pairs += len(known) * max(1.0, len(word) / _USUAL) ** 2
        return did_you_mean(word, known) if self._pairs <= _PAIRS else "Mend the name."

    def copy(self) -> Findings:
        """The same findings, to add to without changing these."""
        copied = Findings(self.origin, self._lines, self.base)
        copied._found = list(self._found)
        copied._paths = set(self._paths)
        return copied

    def at(self, *path: str) -> bool:
        """Whether a mistake was noted at that key or inside it, so that what depends on it need not be judged."""
        return path in self._paths

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
