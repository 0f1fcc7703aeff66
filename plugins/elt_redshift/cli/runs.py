"""Commands about runs: ``run``, ``status``, ``history``, ``unlock``, ``redrive``."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Column, Table

from elt_redshift.asl import causes
from elt_redshift.asl.audit import AIRFLOW_OWNER, FAILED, LEASE_TOLERANCE
from elt_redshift.aws.audit import AuditItem, AuditStore
from elt_redshift.aws.calls import Clients, aws_errors
from elt_redshift.aws.executions import Executions, execution_name
from elt_redshift.aws.stacks import Deployed, Stacks
from elt_redshift.cli.console import console
from elt_redshift.cli.options import Commands, add_aws, command, load, pair
from elt_redshift.cli.redriving import Continuation
from elt_redshift.cli.watch import places, watch
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob


def add_parser(commands: Commands) -> None:
    run_ = command(commands, "run", run, "Start an execution.")
    run_.add_argument("-p", "--parameter", type=pair, action="append", default=[], metavar="NAME=VALUE")
    run_.add_argument("--name", help="name of the execution; starting the same name twice is the same as once")
    run_.add_argument("--watch", action="store_true", help="show the tasks until the end; exit 1 unless it succeeds")
    status_ = command(commands, "status", status, "Show the audit table, or one job's item.", job=False)
    status_.add_argument("job", metavar="JOB", nargs="?", help="default: every job that is deployed")
    history_ = command(commands, "history", history, "List the newest executions.")
    history_.add_argument("--limit", type=int, default=20, help="how many, 1 to 1000 (default 20)")
    unlock_ = command(commands, "unlock", unlock, "Let a failed run's lock go, on record.")
    unlock_.add_argument("--reason", required=True, help="why; kept in the audit item")
    redrive_ = command(
        commands,
        "redrive",
        redrive,
        "Let the failed run go on where it failed; if the job was deployed anew since, with its new version.",
    )
    redrive_.add_argument("--execution", metavar="ARN", help="default: the one that holds the lock, or the newest")
    redrive_.add_argument(
        "--rerun", metavar="TASK", action="append", default=[], help="run it again although it is done"
    )
    redrive_.add_argument("--from-start", action="store_true", help="keep nothing that the run has done")
    redrive_.add_argument(
        "--watch", action="store_true", help="show the tasks until the end; exit 1 unless it succeeds"
    )
    for made in (run_, status_, history_, unlock_, redrive_):
        add_aws(made)


@dataclass(frozen=True)
class _Runs:
    """A deployed job with the clients for it."""

    job: EltJob
    deployed: Deployed
    executions: Executions
    audit: AuditStore
    clients: Clients


def _open(given: argparse.Namespace) -> _Runs:
    job, clients = load(given), Clients(given.region)
    deployed = Stacks(clients("cloudformation")).find(job.name, given.stack)
    executions = Executions(clients("stepfunctions"), deployed.state_machine_arn, tables=lambda: clients("dynamodb"))
    return _Runs(job, deployed, executions, AuditStore(clients("dynamodb"), deployed.audit_table), clients)


def run(given: argparse.Namespace) -> int:
    runs = _open(given)
    values = runs.job.values(dict(given.parameter))
    name = given.name or execution_name(runs.job.name, datetime.now(UTC))
    arn = runs.executions.start(name, values)
    print(f"Started {arn}")
    return watch(runs.job, runs.executions, arn) if given.watch else 0


def status(given: argparse.Namespace) -> int:
    clients = Clients(given.region)
    stacks = Stacks(clients("cloudformation"))
    job = load(given) if given.job else None
    found = [stacks.find(job.name, given.stack)] if job else list(stacks.all(given.stack))
    columns = (Column(name, overflow="fold") for name in ("JobStart", "JobEnd", "owner", "failure"))
    table = Table("JobID", "job", "JobState", *columns)
    for deployed in found:
        for item in AuditStore(clients("dynamodb"), deployed.audit_table).items():
            table.add_row(item.job_id, deployed.job, *_row(item), escape(_failure(item, job)))
    console().print(table if table.row_count else "No job has run yet.")
    return 0


def _row(item: AuditItem) -> tuple[str, ...]:
    free = item.state == FAILED and item.after_failure == "release"
    state = f"{item.state or ''}{' (next run takes over)' if free else ''}"
    owner = (item.owner or "").rpartition(":" if ":states:" in (item.owner or "") else AIRFLOW_OWNER)[2]
    return state, _seconds(item.start), _seconds(item.end), owner


def _failure(item: AuditItem, job: EltJob | None) -> str:
    """What failed, where, and why, as far as the item says."""
    if item.failure_message is None:
        return ""
    task = item.failed_task or "none"
    return causes.task_failed(task, item.failure_message, item.failed_statement, places(job, task) if job else ())


def _seconds(time: str | None) -> str:
    """An ISO 8601 time without its fraction."""
    return re.sub(r"\.\d+Z$", "Z", time or "")


def history(given: argparse.Namespace) -> int:
    runs = _open(given)
    table = Table("execution", "status", "started (UTC)", "seconds", "redrives")
    for one in runs.executions.recent(given.limit):
        seconds = f"{(one.stopped - one.started).total_seconds():.1f}" if one.stopped else ""
        started = f"{one.started.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        table.add_row(one.name, one.status, started, seconds, str(one.redrive_count))
    console().print(table)
    return 0


def unlock(given: argparse.Namespace) -> int:
    runs = _open(given)
    item = runs.audit.read(runs.job.job_id)
    if item is None or item.free:
        raise EltError(f"Job {runs.job.job_id} is not locked. There is nothing to unlock.")
    if item.owner and item.state != FAILED and not runs.audit.expired(item):
        raise EltError(f"Job {item.job_id} is {item.state}, held by {item.owner}. {_remedy(item)}")
    with aws_errors("caller identity"):
        caller = runs.clients("sts").get_caller_identity()["Arn"]
    runs.audit.unlock(item, by=caller, reason=given.reason)
    print(f"Job {item.job_id} is unlocked: the next run takes over and runs from the start.")
    return 0


def _remedy(item: AuditItem) -> str:
    """What to do about a lock whose owner may live."""
    if str(item.owner).startswith(AIRFLOW_OWNER):
        return (
            f"Mark that DAG run as failed if it must not go on. If it is dead, its lease runs out at {item.lease}; "
            f"{LEASE_TOLERANCE} s later it can be unlocked, and the next run takes the lock over by itself."
        )
    return "Stop that execution if it must not go on; the next run takes the lock of a stopped one by itself."


def redrive(given: argparse.Namespace) -> int:
    runs = _open(given)
    continuation = Continuation(
        runs.job, runs.executions, runs.audit, runs.clients, tuple(given.rerun), from_start=given.from_start
    )
    arn = continuation.go_on(given.execution)
    return watch(runs.job, runs.executions, arn) if given.watch else 0
