"""What became of one task of an execution: decided from a snapshot, carried by a trigger's event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from elt_redshift.protocol import executions, statements
from elt_redshift.runs import causes

if TYPE_CHECKING:
    from elt_redshift.aws.execution_status import Snapshot
    from elt_redshift.aws.statement_status import StatementStatus
    from elt_redshift.runs.history import TaskRun

Status = Literal["succeeded", "failed", "aborted", "skipped", "unknown"]

#: Under this key the start task pushes what mirrors need to redrive or stop: ``job`` (a JobRef) and ``parameters``.
RUN = "run"

#: In there, where the deployed SQL of tasks is not that of the DAG file: the deployed SQL, by tasks.
DEPLOYED = "deployed"

#: Under this key Airflow keeps what a task returns, which others pull where they name no key. One XCom is all that a
#: mirror has: each costs the triggerer some 30 ms.
RETURNED = "return_value"

#: Of these it is made.
_TOLD = ("execution_arn", "statement_id", "seconds", "rows")


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    :param status: ``aborted``: the execution ended before the task did, or without it; ``unknown``: AWS would not tell.
    :param message: why, unless it succeeded: of a task that failed, the database's words; otherwise one line.
    :param statement_id: of the last statement, or of the part of a batch that failed; None when none was submitted.
    :param seconds: from the start of the task's last attempt to its end.
    :param rows: how many rows its statements returned or changed, where that is known.
    :param attempt: number of the last submission, from 1; 0 when there was none.
    :param execution_arn: what was looked at; of a task that a part of the run tells of, the part's.
    :param told: a line for the log: what Redshift tells of the last attempt's statement.
    :param task: of a group of tasks, the one that this is about; None: the group as a whole.
    :param beside: a sentence about the other tasks of a group.
    """

    status: Status
    message: str | None = None
    statement_id: str | None = None
    seconds: float | None = None
    rows: int | None = None
    attempt: int = 0
    execution_arn: str | None = None
    told: str | None = None
    task: str | None = None
    beside: str | None = None

    def seen(self, look: Callable[[str], StatementStatus | None]) -> Outcome:
        """The outcome with what Redshift tells of its statement; that of an unsuccessful task has no rows.

        :param look: it blocks.
        """
        status = look(self.statement_id) if self.statement_id and self.status in ("succeeded", "failed") else None
        if status is None:
            return self
        seconds = self.seconds if status.seconds is None else status.seconds
        rows = status.rows if self.status == "succeeded" else None
        return replace(self, rows=rows, seconds=seconds, told=status.summary)

    def line(self, name: str, what: str = "Task") -> str:
        """How a task ended, for the log; why it failed is told elsewhere.

        :param what: what is called ``name``.
        """
        told = self.told or (f"statement {self.statement_id}" if self.statement_id else "")
        return f"{f'Task {self.task}' if self.task else f'{what} {name}'} {self.status}{f': {told}' if told else ''}"

    def to_event(self) -> dict[str, Any]:
        """The outcome as the small JSON that a trigger event holds."""
        return asdict(self)

    @property
    def returned(self) -> dict[str, Any]:
        """What other tasks can pull, as far as it is known: ``execution_arn``, ``statement_id``, ``seconds``,
        ``rows``."""
        return {key: value for key in _TOLD if (value := getattr(self, key)) is not None}

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Outcome:
        return cls(**event)


def outcome_of(task: str, snapshot: Snapshot) -> Outcome | None:
    """What became of ``task``, or None while that is open."""
    from elt_redshift.runs.history import TaskRun  # a DAG file that names the operators has no need for histories

    return outcome_of_run(next((run for run in snapshot.tasks if run.name == task), TaskRun(task)), snapshot)


def outcome_of_run(run: TaskRun, snapshot: Snapshot) -> Outcome | None:
    """What became of the task whose run in ``snapshot`` this is, or None while that is open."""
    execution = snapshot.execution
    decided = _decide(run, snapshot)
    if decided is None:
        return None
    statement = statements.submitted(run.statement_id)
    kept = f"execution {run.kept_from.rpartition(':')[2]} had done it, and it is kept" if run.kept_from else None
    where = run.part or execution.arn
    return Outcome(*decided, statement, run.seconds, attempt=run.attempt, execution_arn=where, told=kept)


def _decide(run: TaskRun, snapshot: Snapshot) -> tuple[Status, str | None] | None:
    """The status and why; None while that is open."""
    execution = snapshot.execution
    if run.status == "succeeded":
        return "succeeded", None
    if run.status == "failed":
        return "failed", run.message
    if not execution.ended:
        return None
    if execution.resumed and (snapshot.skipped or execution.skipped):
        return "aborted", f"Nothing was done. {execution.skipped or 'The job was locked.'} Clear the task again later."
    if snapshot.skipped or execution.skipped:
        return "skipped", f"Nothing was done. {execution.skipped or 'The job was locked.'}"
    if snapshot.lost:
        again = "Clear the task: it is kept if it was done, and runs if not."
        return "aborted", f"What became of task {run.name} is not known: {causes.untold(execution.name)}. {again}"
    if execution.succeeded:
        return (
            "aborted",
            f"Execution {execution.name} succeeded without a task {run.name}: the deployed state machine is another "
            "version of the job. Deploy the job again with `elt-redshift deploy`, and clear the task.",
        )
    begun = run.attempt > 0 or snapshot.ends_only
    return "aborted", causes.task_stopped(run.name, begun, _because(snapshot), causes.CLEAR_JOB)


def _because(snapshot: Snapshot) -> str:
    """Why an execution ended before its tasks did: another task failed, the first one if several did; or else what
    Step Functions says."""
    failed = [run for run in snapshot.tasks if run.status == "failed" and run.ended]
    if snapshot.execution.status == executions.FAILED and failed:
        first = min(failed, key=lambda run: run.ended or snapshot.execution.started)
        return causes.other_failed(first.name, first.message)
    execution = snapshot.execution
    return causes.execution_ended(execution.name, execution.status, execution.error, execution.cause)
