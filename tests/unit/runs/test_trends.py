"""How long tasks take, over many runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from elt_redshift.runs.history import TaskRun
from elt_redshift.runs.trends import Trend, trends

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def _done(seconds: float, rows: int | None = None, task: str = "a") -> TaskRun:
    return TaskRun(task, "succeeded", BEGIN, BEGIN + timedelta(seconds=seconds), rows=rows)


def test_a_trend_is_of_the_runs_in_which_a_task_succeeded() -> None:
    """The median, what 95 of 100 runs stay within, and the newest; a task that was kept took no time."""
    runs = [[_done(float(seconds), rows=seconds)] for seconds in range(20, 0, -1)]
    kept = TaskRun("a", "succeeded", ended=BEGIN, kept_from="arn:old")
    failed = TaskRun("a", "failed", BEGIN, BEGIN + timedelta(seconds=900))
    assert trends([[kept], [failed], *runs]) == (Trend("a", 20, 1, median=10.5, p95=19.0, last=20.0, rows=10.5),)


def test_tasks_are_in_the_order_of_the_job() -> None:
    """Those that it has no more come last; one that has never succeeded has no times."""
    found = trends([[_done(1.0, task="old"), _done(2.0, task="b")]], tasks=["a", "b"])
    assert [(one.task, one.runs, one.median, one.rows) for one in found] == [
        ("a", 0, None, None),
        ("b", 1, 2.0, None),
        ("old", 1, 1.0, None),
    ]
