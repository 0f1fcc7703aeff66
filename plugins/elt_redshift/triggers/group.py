"""What became of a group of tasks: decided from the snapshots of their execution, and told task by task meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from elt_redshift.protocol import statements
from elt_redshift.runs import causes
from elt_redshift.triggers.outcome import Outcome, outcome_of, outcome_of_run

if TYPE_CHECKING:
    from elt_redshift.aws.execution_status import Snapshot
    from elt_redshift.runs.history import TaskRun

#: Gives what became of what a mirror shows, or None while that is open; of an ended execution it knows.
Decide = Callable[["Snapshot"], Outcome | None]


_ENDED = ("succeeded", "failed", "aborted")


def decider(name: str, tasks: Collection[str], tell: Callable[[str], object]) -> Decide:
    """How the mirror called ``name`` decides.

    :param tasks: those of the group that it shows; none: it shows the task of its name.
    :param tell: takes a line for each of them, as it ends.
    """
    return GroupWatch(name, tasks, tell) if tasks else partial(outcome_of, name)


class GroupWatch:
    """Decides about a group once all of its tasks have ended, or their execution has: until then some may still run."""

    def __init__(self, group: str, tasks: Collection[str], tell: Callable[[str], object]) -> None:
        self._group, self._tasks, self._tell = group, tuple(tasks), tell
        self._told: set[tuple[str, str, datetime | None]] = set()

    def __call__(self, snapshot: Snapshot) -> Outcome | None:
        from elt_redshift.runs.history import TaskRun  # a DAG file that names the operators has no need for histories

        known = {run.name: run for run in snapshot.tasks}
        runs = [known.get(task) or TaskRun(task) for task in self._tasks]
        self._tell_news(runs)
        ends = [(run, end) for run in runs if (end := outcome_of_run(run, snapshot))]
        return self._decided(ends, snapshot.execution.arn) if len(ends) == len(runs) else None

    def _tell_news(self, runs: Sequence[TaskRun]) -> None:
        """Of the tasks that have ended since the last look, by the times of their ends."""
        ended = {(run.name, run.status, run.ended): run for run in runs if run.status in _ENDED}
        news = sorted((run for key, run in ended.items() if key not in self._told), key=_end)
        self._told |= ended.keys()
        for run in news:
            self._tell(_line(run))
        if news:
            self._tell(self._summary([run for run in runs if run.status == "succeeded"]))

    def _decided(self, ends: Sequence[tuple[TaskRun, Outcome]], arn: str) -> Outcome:
        runs: dict[str, list[TaskRun]] = {}
        for run, end in ends:
            runs.setdefault(end.status, []).append(run)
        outcomes = {run.name: end for run, end in ends}
        seconds, done = _seconds([run for run, _ in ends]), runs.get("succeeded", [])
        if failed := sorted(runs.get("failed", []), key=_end):
            beside = self._summary(done, [run.name for run in failed[1:]])
            return replace(outcomes[failed[0].name], seconds=seconds, task=failed[0].name, beside=beside)
        if stopped := sorted(
            runs.get("aborted", []), key=lambda run: not run.attempt
        ):  # one that had begun, if any had
            first = outcomes[stopped[0].name].message
            return Outcome("aborted", f"{self._summary(done)} {first}", None, seconds, execution_arn=arn)
        if skipped := runs.get("skipped"):
            return Outcome("skipped", outcomes[skipped[0].name].message, execution_arn=arn)
        told = f"all {len(done)} tasks of the group"
        return Outcome("succeeded", None, None, seconds, _rows(done), execution_arn=arn, told=told)

    def _summary(self, done: Sequence[TaskRun], failed_too: Sequence[str] = ()) -> str:
        too = f"; {causes.named(failed_too)} failed too" if failed_too else ""
        return f"{len(done)} of {len(self._tasks)} tasks of group {self._group} have succeeded{too}."


def _end(run: TaskRun) -> datetime:
    return run.ended or datetime.max.replace(tzinfo=UTC)


def _line(run: TaskRun) -> str:
    """How a task ended, for the log."""
    if run.kept_from:
        return f"Task {run.name} is kept: execution {run.kept_from.rpartition(':')[2]} had done it"
    if run.status == "failed":
        return causes.task_failed(run.name, run.message, run.statement_id)
    if run.status == "aborted":
        return f"Task {run.name} was stopped"
    when = f" at {run.ended.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if run.ended else ""
    statement = statements.submitted(run.statement_id)
    parts = [
        f"{run.seconds:.1f} s" if run.seconds is not None else "",
        f"{run.rows} rows" if run.rows is not None else "",
    ]
    told = ", ".join(filter(None, [*parts, f"statement {statement}" if statement else ""]))
    return f"Task {run.name} succeeded{when}{f': {told}' if told else ''}"


def _seconds(runs: Sequence[TaskRun]) -> float | None:
    """From the first start of the group's tasks to their last end, as far as they are known."""
    began, ended = [run.started for run in runs if run.started], [run.ended for run in runs if run.ended]
    return max(0.0, (max(ended) - min(began)).total_seconds()) if began and ended else None


def _rows(runs: Sequence[TaskRun]) -> int | None:
    """Of all tasks together; None where it is not known of one."""
    rows = [run.rows for run in runs]
    return None if None in rows else sum(row or 0 for row in rows)
