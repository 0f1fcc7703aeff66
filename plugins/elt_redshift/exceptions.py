"""Every error that elt_redshift raises on purpose.

All derive from :class:`EltError`, carry what went wrong as fields and survive pickling, so that they can cross
Airflow's process boundaries.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class EltError(Exception):
    """Root of the package's errors."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        """A copy has the same text and fields. An exception's own way gives the text to ``__init__``, which takes the
        fields here."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Problem:
    """One mistake in a job, in words a user can act on.

    :param place: file and key, such as ``sql/yearly_sales/job.yaml: tasks.load_fact.upstream``.
    :param message: what is wrong, naming the object.
    :param remedy: what to do about it.
    """

    place: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} {self.remedy}"


class JobError(EltError):
    """A job is not valid. ``problems`` holds every mistake found, in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...] | list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
