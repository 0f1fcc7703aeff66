"""What became of one task of an execution: decided from a snapshot, carried by a trigger's event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from elt_redshift.asl.history import TaskRun
from elt_redshift.aws.executions import Execution, Snapshot

Status = Literal["succeeded", "failed", "aborted", "skipped", "unknown"]


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    :param status: ``aborted``: the execution ended before the task did; ``unknown``: AWS would not tell.
    :param message: why, unless it succeeded.
    :param statement_id: of the last statement, or of the part of a batch that failed; None when none was submitted.
    :param seconds: from the task's start to its end, retries included.
    :param rows: how many rows its statements returned or changed, where that is known.
    :param attempt: number of the last submission, from 1; 0 when there was none.
    """

    status: Status
    message: str | None = None
    statement_id: str | None = None
    seconds: float | None = None
    rows: int | None = None
    attempt: int = 0

    def to_event(self) -> dict[str, Any]:
        """The outcome as the small JSON that a trigger event holds."""
        return asdict(self)

    @property
    def xcoms(self) -> dict[str, Any]:
        """What is shown of the statement: ``statement_id``, ``seconds``, ``rows``, as far as they are known."""
        shown = {"statement_id": self.statement_id, "seconds": self.seconds, "rows": self.rows}
        return {key: value for key, value in shown.items() if value is not None}

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Outcome:
        return cls(**event)


def outcome_of(task: str, snapshot: Snapshot) -> Outcome | None:
    """What became of ``task``, or None while that is open."""
    run = next((run for run in snapshot.tasks if run.name == task), TaskRun(task))
    execution = snapshot.execution
    if run.status == "succeeded":
        return _ended(run, "succeeded", None)
    if run.status == "failed":
        return _ended(run, "failed", run.message)
    if not execution.ended:
        return None
    if snapshot.skipped or execution.skipped:
        return Outcome("skipped", f"Nothing was done. {execution.skipped or 'The job was locked.'}")
    if execution.status == "SUCCEEDED":
        return Outcome(
            "failed",
            f"Execution {execution.name} succeeded without a task {task}: the deployed state machine is another "
            "version of the job. Deploy the job again with `elt-redshift deploy`.",
        )
    return _ended(run, "aborted", _why_aborted(run, execution))


def _ended(run: TaskRun, status: Status, message: str | None) -> Outcome:
    statement = None if run.statement_id == "none" else run.statement_id
    return Outcome(status, message, statement, run.seconds, attempt=run.attempt)


def _why_aborted(run: TaskRun, execution: Execution) -> str:
    before = "before it ended" if run.attempt else "before it started"
    reason = ": ".join(part for part in (execution.error, execution.cause) if part)
    return f"Task {run.name} was aborted: execution {execution.name} {execution.status} {before}. {reason}".strip()
