"""Show an execution's tasks while it runs, and what came of it."""

from __future__ import annotations

import sys

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table

from elt_redshift.aws.execution_status import Snapshot
from elt_redshift.aws.executions import Executions
from elt_redshift.cli.console import console
from elt_redshift.job import statements
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.executions import ABORTED, TIMED_OUT
from elt_redshift.runs import causes
from elt_redshift.runs.history import TaskRun

STYLE = {"waiting": "dim", "running": "cyan", "succeeded": "green", "failed": "red", "aborted": "yellow"}


def watch(job: EltJob, executions: Executions, execution_arn: str) -> int:
    """Follow an execution to its end; gives 0 when it succeeded or had nothing to do, otherwise 1.

    :raises KeyboardInterrupt: nobody wants to see more; that it goes on is told.
    """
    out, name = console(), execution_arn.rpartition(":")[2]
    try:
        with Live(console=out, refresh_per_second=4, transient=True) as live:
            for snapshot in executions.follow(execution_arn, {task.name: task.upstream for task in job.tasks}):
                live.update(_picture(snapshot) if out.is_terminal else "")
    except KeyboardInterrupt:
        print(f"Run {name} goes on. `elt-redshift watch {job.name} {name}` shows it again.", file=sys.stderr)
        raise
    out.print(_picture(snapshot))
    for line in failures(job, snapshot):
        out.print(f"[red]{escape(line)}[/red]", soft_wrap=True)
    if snapshot.execution.skipped:
        out.print(f"Nothing was done. {escape(snapshot.execution.skipped)}", soft_wrap=True)
    return 0 if snapshot.execution.succeeded else 1


def failures(job: EltJob, snapshot: Snapshot) -> list[str]:
    """Why an execution that has ended did not succeed: a line for each task that failed, or one about itself."""
    execution = snapshot.execution
    if execution.succeeded:
        return []
    failed = [failure(job, run) for run in snapshot.tasks if run.status == "failed"]
    why = causes.execution_ended(execution.name, execution.status, execution.error, execution.cause)
    interrupted = execution.status in (ABORTED, TIMED_OUT)
    onward = f" To let it go on: `elt-redshift redrive {job.name} --execution {execution.name}`." if interrupted else ""
    return failed or [f"{why[:1].upper()}{why[1:]}.{onward}"]


def failure(job: EltJob, run: TaskRun) -> str:
    """One line about a failed task: its SQL file and line, Redshift's message, the statement's id, what to do."""
    remedy = f"Mend it, deploy the job if its SQL has changed, and run `elt-redshift redrive {job.name}`."
    return causes.task_failed(run.name, run.message, run.statement_id, places(job, run.name), remedy)


def places(job: EltJob, task: str) -> list[str]:
    """Where the task's statements stand; none for a task that the job does not have (any more)."""
    found = [one for one in job.tasks if one.name == task]
    return [place for one in found for place in statements.places(one.statements, bool(job.fence))]


def _picture(snapshot: Snapshot) -> Group:
    table = Table(*("task", "status", "attempt", "seconds"), Column("statement", overflow="fold"))
    for run in snapshot.tasks:
        seconds = f"{run.seconds:.1f}" if run.seconds is not None else ""
        status = f"[{STYLE[run.status]}]{'kept' if run.kept_from else run.status}[/]"
        table.add_row(run.name, status, str(run.attempt or ""), seconds, run.statement_id or "")
    told = f"{snapshot.execution.name}: {snapshot.execution.status}"
    return Group(told) if snapshot.did_nothing and snapshot.execution.ended else Group(table, told)
