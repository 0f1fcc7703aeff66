"""How long tasks take and how many rows they change, over many runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from elt_redshift.runs.history import TaskRun


@dataclass(frozen=True)
class Trend:
    """One task in several runs.

    :param runs: in how many of them it succeeded; those count in which it was run, not kept from another.
    :param failed: in how many it failed.
    :param median: of the seconds that it took where it succeeded; None: it never did.
    :param p95: so many seconds were enough in 95 of 100 runs (nearest rank); None: as above.
    :param last: its seconds in the newest run in which it succeeded; None: as above.
    :param rows: the median of its rows; None: they are not known.
    """

    task: str
    runs: int
    failed: int
    median: float | None
    p95: float | None
    last: float | None
    rows: float | None


def trends(runs: Iterable[Iterable[TaskRun]], tasks: Iterable[str] = ()) -> tuple[Trend, ...]:
    """The trend of each task, in the order of ``tasks``, and of those that the runs tell of besides.

    :param runs: the newest first.
    """
    found: dict[str, list[TaskRun]] = {task: [] for task in tasks}
    for run in runs:
        for task in run:
            found.setdefault(task.name, []).append(task)
    return tuple(_trend(name, told) for name, told in found.items())


def _trend(name: str, told: Sequence[TaskRun]) -> Trend:
    done = [one for one in told if one.status == "succeeded" and one.kept_from is None and one.seconds is not None]
    seconds = [one.seconds for one in done if one.seconds is not None]
    rows = [one.rows for one in done if one.rows is not None]
    return Trend(
        task=name,
        runs=len(done),
        failed=sum(one.status == "failed" for one in told),
        median=median(seconds) if seconds else None,
        p95=_percentile(seconds, 95) if seconds else None,
        last=seconds[0] if seconds else None,
        rows=median(rows) if rows else None,
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
