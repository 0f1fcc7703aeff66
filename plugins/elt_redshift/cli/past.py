"""Commands about what ran: ``history``, ``tasks``, ``trends``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from elt_redshift.aws.account import Account
from elt_redshift.aws.archive import Archive, RunTasks
from elt_redshift.aws.errors import GONE, AwsError
from elt_redshift.aws.execution_status import Execution
from elt_redshift.cli.listing import Row, add_forms, readable, show, time
from elt_redshift.cli.options import Commands, add_aws, command, load
from elt_redshift.cli.watch import STYLE
from elt_redshift.job.written import duration
from elt_redshift.protocol.records import OUTCOMES
from elt_redshift.runs.history import TaskRun
from elt_redshift.runs.past import PastRun
from elt_redshift.runs.trends import Trend, trends

RUNNING = "running"
MOST = 100_000

_OUTCOME_STYLE = {"succeeded": "green", "failed": "red", "held": "red", "timed_out": "red", "stopped": "yellow"}
_AGO = {"d": "days", "h": "hours", "m": "minutes"}

RUN_COLUMNS = (
    *("run", "outcome", "started", "ended", "seconds", "redrives", "started_by", "resumed_from"),
    *("task", "statement_id", "message", "parameters", "execution"),
)
TASK_COLUMNS = (
    *("task", "status", "attempt", "started", "ended", "seconds", "rows", "statement_id", "message", "kept_from"),
)
TREND_COLUMNS = ("task", "runs", "failed", "median", "p95", "last", "rows")


def add_parser(commands: Commands) -> None:
    history_ = command(commands, "history", history)
    history_.add_argument("--outcome", choices=[*OUTCOMES, RUNNING], help="only those that ended so, or that run")
    _add_period(history_)
    history_.add_argument("--limit", type=_count, default=20, help="how many at most (default 20)")
    tasks_ = command(commands, "tasks", tasks)
    tasks_.add_argument("execution", metavar="RUN", nargs="?", help="its name, or the ARN; default: the newest run")
    trends_ = command(commands, "trends", show_trends)
    _add_period(trends_)
    trends_.add_argument("--limit", type=_count, default=50, help="look at so many of the newest runs (default 50)")
    for made in (history_, tasks_, trends_):
        add_forms(made)
        add_aws(made)


def _add_period(made: argparse.ArgumentParser) -> None:
    form = "as 2026-11-24, 2026-11-24T05:30 (UTC, unless it says otherwise), or 7d, 12h, 30m ago"
    made.add_argument("--since", type=moment, metavar="TIME", help=f"only those started then or later: {form}")
    made.add_argument("--until", type=moment, metavar="TIME", help="only those started before then")


def moment(text: str, now: datetime | None = None) -> datetime:
    """Read a time: a date or a time of ISO 8601, in UTC where it does not say otherwise; or how long ago.

    :raises argparse.ArgumentTypeError: it is neither.
    """
    try:
        if ago := re.fullmatch(r"(\d{1,6})([dhm])", text):
            return (now or datetime.now(UTC)) - timedelta(**{_AGO[ago[2]]: int(ago[1])})
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"'{text}' is no time. Write 2026-11-24, 2026-11-24T05:30, or 7d, 12h, 30m for so long ago"
        ) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to {MOST:,}")
    return int(text)


def _open(given: argparse.Namespace) -> Archive:
    job, account = load(given), Account.here(given.region)
    return account.archive(job, account.stacks.find(job.name, given.stack))


def history(given: argparse.Namespace) -> int:
    archive = _open(given)
    rows = [*map(_running, _under_way(archive, given))]
    if given.outcome != RUNNING:
        _catch_up(archive, given.limit)
        found = archive.past.runs(archive.job.job_id, given.outcome, given.since, given.until, given.limit)
        rows += map(_ended, found)
    show(given, RUN_COLUMNS, rows[: given.limit], lambda: _runs_table(archive, given, rows[: given.limit]))
    return 0


def _under_way(archive: Archive, given: argparse.Namespace) -> list[Execution]:
    """Those that are asked for. Of a state machine that is gone none runs; who asks for others too is told so by what
    comes after."""
    if given.outcome not in (None, RUNNING):
        return []
    try:
        running = archive.executions.running()
    except AwsError as error:
        if error.code not in GONE or given.outcome == RUNNING:
            raise
        return []
    return [
        archive.executions.describe(one.arn)
        for one in running
        if (given.since is None or one.started >= given.since) and (given.until is None or one.started < given.until)
    ]


def _catch_up(archive: Archive, limit: int) -> None:
    """What is missing is told; it is no reason not to show what there is."""
    try:
        missing = archive.catch_up(limit)
        why = "They are being recorded; ask again in a minute."
    except AwsError as error:
        missing, why = -1, f"{error}"
    if missing:
        told = "Runs" if missing < 0 else f"{missing} runs"
        print(f"{told} that ended may be missing here. {why}", file=sys.stderr)


def _running(one: Execution) -> Row:
    seconds = round((datetime.now(UTC) - one.started).total_seconds(), 3)
    return {
        **dict.fromkeys(RUN_COLUMNS),
        "run": one.name,
        "outcome": RUNNING,
        "started": time(one.started),
        "seconds": seconds,
        "redrives": one.redrive_count,
        "started_by": one.started_by,
        "resumed_from": (one.resumed or {}).get("from"),
        "parameters": one.parameters,
        "execution": one.arn,
    }


def _ended(one: PastRun) -> Row:
    return {
        "run": one.name,
        "outcome": one.outcome,
        "started": time(one.started),
        "ended": time(one.ended),
        "seconds": round(one.seconds, 3),
        "redrives": one.redrives,
        "started_by": one.started_by,
        "resumed_from": one.resumed_from,
        "task": one.task,
        "statement_id": one.statement,
        "message": one.message,
        "parameters": dict(one.parameters),
        "execution": one.execution,
    }


def _runs_table(archive: Archive, given: argparse.Namespace, rows: Sequence[Row]) -> RenderableType:
    if not rows:
        asked = given.outcome or given.since or given.until
        return f"Job {archive.job.name} has no such run." if asked else f"Job {archive.job.name} has not run yet."
    table = Table(
        Column("run", overflow="fold"), "outcome", "started (UTC)", Column("took", justify="right"), "started by", "why"
    )
    for row in rows:
        style, redrives = _OUTCOME_STYLE.get(row["outcome"], "cyan"), row["redrives"]
        again = f"\n{redrives} redrive{'s' if redrives > 1 else ''}" if redrives else ""
        resumed = f"\ngoes on with {row['resumed_from'].rpartition(':')[2]}" if row["resumed_from"] else ""
        why = ": ".join(filter(None, (row["task"], row["message"])))
        table.add_row(
            row["run"] + resumed,
            f"[{style}]{row['outcome']}[/]{again}",
            readable(datetime.fromisoformat(row["started"])),
            duration(row["seconds"]),
            escape(_short(row["started_by"])),
            escape(why),
        )
    return table


def _short(who: str | None) -> str:
    """Of an ARN its last part, which is whom people know."""
    return who.rpartition(":")[2] if who and who.startswith("arn:") else who or ""


def tasks(given: argparse.Namespace) -> int:
    run = _open(given).tasks(given.execution)
    show(given, TASK_COLUMNS, [*map(_task, run.tasks)], lambda: _tasks_table(run))
    return 0


def _task(one: TaskRun) -> dict[str, Any]:
    return {
        "task": one.name,
        "status": "kept" if one.kept_from else one.status,
        "attempt": one.attempt or None,
        "started": time(one.started),
        "ended": time(one.ended),
        "seconds": None if one.seconds is None else round(one.seconds, 3),
        "rows": one.rows,
        "statement_id": one.statement_id,
        "message": one.message,
        "kept_from": one.kept_from,
    }


def _tasks_table(run: RunTasks) -> RenderableType:
    told = f"{run.name}: {run.status}"
    if run.skipped:
        return f"{told}. Nothing was done. {escape(run.skipped)}"
    right = (Column(name, justify="right") for name in ("attempt", "took", "rows"))
    failures = [f"Task {one.name} failed: {one.message}" for one in run.tasks if one.message]
    if run.why and not failures:
        failures = [f"{run.why[:1].upper()}{run.why[1:]}."]
    lines = [Text(line, style="red") for line in failures]
    if run.why and all(one.status == "waiting" for one in run.tasks):  # it met the job held, or its input was refused
        return Group(told, *lines)
    table = Table("task", "status", "started (UTC)", *right, Column("statement", overflow="fold"))
    for one in run.tasks:
        table.add_row(
            one.name,
            f"[{STYLE[one.status]}]{'kept' if one.kept_from else one.status}[/]",
            readable(one.started),
            str(one.attempt or ""),
            "" if one.seconds is None else duration(one.seconds),
            "" if one.rows is None else f"{one.rows:,}",
            one.statement_id or "",
        )
    return Group(table, told, *lines)


def show_trends(given: argparse.Namespace) -> int:
    archive = _open(given)
    found = trends(archive.worked(given.limit, given.since, given.until), archive.job.task_names)
    rows = [asdict(one) for one in found]
    show(given, TREND_COLUMNS, rows, lambda: _trends_table(archive, found))
    return 0


def _trends_table(archive: Archive, found: Iterable[Trend]) -> RenderableType:
    told = [one for one in found if one.runs or one.failed]
    if not told:
        return f"No run of job {archive.job.name} is kept that did its work."
    table = Table("task", *(Column(name, justify="right") for name in TREND_COLUMNS[1:]))
    for one in told:
        table.add_row(
            one.task,
            str(one.runs),
            str(one.failed),
            *("" if seconds is None else duration(seconds) for seconds in (one.median, one.p95, one.last)),
            "" if one.rows is None else f"{one.rows:,.0f}",
        )
    return table
