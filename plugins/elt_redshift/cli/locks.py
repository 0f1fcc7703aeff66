"""Commands about locks: ``status``, ``unlock``, ``audit create``; of deployed jobs, or of any audit table."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Column, Table

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.audit_item import AuditItem
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.drift import drifts
from elt_redshift.aws.errors import GONE, AwsError
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.healing import Healer, Verdict
from elt_redshift.cli.commands import HELP
from elt_redshift.cli.listing import Row, add_forms, show
from elt_redshift.cli.options import Commands, add_aws, command, load
from elt_redshift.cli.watch import places
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.audit import NO_TASK
from elt_redshift.protocol.executions import ABORTED
from elt_redshift.protocol.owners import LEASE_TOLERANCE, Owner
from elt_redshift.runs import causes


def add_parser(commands: Commands) -> None:
    status_ = command(commands, "status", status, job=False)
    status_.add_argument("job", metavar="JOB", nargs="?", help="default: every job that is deployed")
    add_forms(status_)
    unlock_ = command(commands, "unlock", unlock, job=False)
    unlock_.add_argument("job", metavar="JOB", nargs="?", help="a deployed job; or name --table and --job-id")
    unlock_.add_argument("--reason", required=True, help="why; kept in the audit item")
    unlock_.add_argument("--force", action="store_true", help="although its owner may live, for example under a lease")
    for made in (status_, unlock_):
        made.add_argument("--table", help="an audit table, of locks that belong to no deployed job")
        made.add_argument("--job-id", metavar="ID", help="the key of an item in it")
        add_aws(made)
    audit = commands.add_parser("audit", help=HELP["audit"])
    create_ = command(
        audit.add_subparsers(metavar="COMMAND", required=True), "create", create_table, job=False, help=_CREATE
    )
    create_.add_argument("table", metavar="TABLE", help="its name, or the address of a table in Redshift")
    create_.add_argument("--job-id", metavar="ID", action="append", default=[], help="a job that gets its item there")
    create_.add_argument("--region", help="AWS region; default: as boto3 finds it")


_CREATE = "Make an audit table: in DynamoDB as a job's stack has it, or in Redshift; and items of jobs in it."


def create_table(given: argparse.Namespace) -> int:
    store = Account.here(given.region).audit(given.table)
    made = store.create()
    print(f"Audit table {given.table} is {'made' if made else 'there already'}.")
    for job_id in given.job_id:
        store.introduce(job_id)
        print(f"Job {job_id} has its item there.")
    return 0


#: What programs get of an item; the times are as the item has them.
_COLUMNS = ("job_id", "job", "state", "start", "end", "owner", "number", "failure", "waiting")


def status(given: argparse.Namespace) -> int:
    account = Account.here(given.region)
    rows = [_row(*found, account) for found in _items(given, account)]
    show(given, _COLUMNS, rows, lambda: _table(rows) if rows else "No job has run yet.")
    return 0


def _table(rows: Sequence[Row]) -> RenderableType:
    columns = (Column(name, overflow="fold") for name in ("JobStart", "JobEnd", "owner", "no.", "failure"))
    table = Table("JobID", "job", "JobState", *columns)
    for row in rows:
        owner = Owner(row["owner"]).short if row["owner"] else ""
        cells = (row["state"], *(_seconds(row[time]) for time in ("start", "end")), owner, row["number"])
        table.add_row(row["job_id"], row["job"], *map(escape, (*cells, "\n".join(_said(row)))))
    return table


def _said(row: Row) -> Iterator[str]:
    """A failure, and who waits, the first one first."""
    if row["failure"]:
        yield row["failure"]
    for one in row["waiting"]:
        yield f"{Owner(one['run']).short} waits since {_seconds(one['since'])}"


def _items(given: argparse.Namespace, account: Account) -> Iterator[tuple[str, EltJob | None, AuditItem]]:
    """The names of jobs, the job itself where it was given, and the items; a name is empty where only the table is
    known."""
    _check(given)
    if given.table:
        found = account.audit(given.table).items()
        yield from (("", None, item) for item in found if given.job_id in (None, item.job_id))
        return
    stacks, job = account.stacks, load(given) if given.job else None
    there = [stacks.find(job.name, given.stack)] if job else stacks.all(given.stack)
    for deployed in (one for one in there if one.is_made):
        with _told_if_gone():
            account.executions(deployed.state_machine_arn).check_there()
        for drift in drifts(account, deployed):
            print(f"Warning: {drift}", file=sys.stderr)
        with _told_if_gone():
            yield from ((deployed.job, job, item) for item in _items_of(deployed, account))


def _items_of(deployed: Deployed, account: Account) -> list[AuditItem]:
    audit = account.audit(deployed.audit_table)
    return [*filter(None, [audit.read(deployed.job_id)])] if deployed.shares_table else [*audit.items()]


@contextmanager
def _told_if_gone() -> Iterator[None]:
    """What somebody has deleted of one job's stack is told; it hides neither the rest nor other jobs."""
    try:
        yield
    except AwsError as error:
        if error.code not in GONE:
            raise
        print(f"Warning: {error}", file=sys.stderr)


def _check(given: argparse.Namespace) -> None:
    """:raises EltError: the options do not fit together."""
    if given.job and (given.table or given.job_id):
        raise EltError("Give either JOB, for a deployed job, or --table, for any audit table.")
    if given.job_id and not given.table:
        raise EltError("--job-id needs --table: the audit table that holds the item.")


def _row(name: str, job: EltJob | None, item: AuditItem, account: Account) -> Row:
    return {
        "job_id": item.job_id,
        "job": name,
        "state": f"{item.state or ''}{' (next run takes over)' if item.let_go else ''}",
        "start": item.start or "",
        "end": item.end or "",
        "owner": item.owner or "",
        "number": item.fence or "",
        "failure": _failure(item, job, account),
        "waiting": [one._asdict() for one in item.waiting],
    }


def _failure(item: AuditItem, job: EltJob | None, account: Account) -> str:
    """What failed, where, and why, or what is wrong with the item; and who has unlocked it last."""
    return "\n".join(
        filter(None, (item.problem if not item.free else None, _failed(item, job, account), item.unlocked))
    )


def _failed(item: AuditItem, job: EltJob | None, account: Account) -> str:
    if item.failure_message is None:
        return ""
    task = None if item.failed_task == NO_TASK else item.failed_task
    if _was_stopped(item, account):
        return causes.run_stopped(task, item.failure_message)
    at = places(job, task) if job and task else ()
    return causes.task_failed(task, item.failure_message, item.failed_statement, at)


def _was_stopped(item: AuditItem, account: Account) -> bool:
    """Whether somebody has stopped the run that holds the item. Only Step Functions knows: an item has but words for
    it. Where that cannot be asked, they have to do."""
    if not (item.let_go and item.owner and item.owner.is_execution):
        return False
    try:
        return account.executions().describe(item.owner).status == ABORTED
    except AwsError:
        return False


def _seconds(time: str | None) -> str:
    """An ISO 8601 time without its fraction."""
    return re.sub(r"\.\d+Z$", "Z", time or "")


def unlock(given: argparse.Namespace) -> int:
    account = Account.here(given.region)
    store, job_id, executions = _lock(given, account)
    item = store.read(job_id)
    if item is None or item.free:
        raise EltError(f"Job {job_id} is not locked. There is nothing to unlock.")
    execution = item.owner is not None and item.owner.is_execution
    # Whatever else is wrong with the item, an execution can be asked about.
    asked = replace(item, problem=None) if execution else item
    healer = Healer.of(account, store)
    verdict = healer.look(asked)
    _check_owner(item, verdict, given.force)
    known = not (execution and verdict.whose == "unclear")
    store.unlock(item, by=account.caller, reason=given.reason, known=known)
    if executions:
        with _told_if_gone():
            executions.check_there()
    print(f"Job {item.job_id} is unlocked: the next run takes over and runs from the start.{_first(healer, job_id)}")
    return 0


def _first(healer: Healer, job_id: str) -> str:
    """That the next run may have to wait, if it may."""
    item = healer.store.read(job_id)
    wait = 0 if item is None or item.free else math.ceil(healer.wait(item))
    calls = "for calls that the one before has under way"
    return f" Within the next {wait} s it may wait first, {calls}." if wait else ""


def _check_owner(item: AuditItem, verdict: Verdict, force: bool) -> None:
    """:raises EltError: the item has an owner that lives, or may live, and that nobody has said to be dead."""
    if item.owner is None or verdict.whose in ("held", "dead"):
        return
    if verdict.whose == "locked" and item.owner.is_execution:
        raise EltError(
            f"Job {item.job_id} is locked by {item.owner}, which runs. If it must not go on, `elt-redshift stop` "
            "ends it; the next run takes the lock of a stopped one by itself."
        )
    if force:
        return
    if verdict.whose == "locked":
        raise EltError(f"Job {item.job_id} is {item.state}, held by {item.owner}. {_until_then(item)}")
    if item.owner.is_execution:
        raise EltError(
            f"Whether job {item.job_id} may be unlocked cannot be told: {verdict.problem}. If that execution does not "
            "run any more, add --force."
        )


def _until_then(item: AuditItem) -> str:
    """What to do about a lock under a lease whose owner may live."""
    dag_run = item.owner is not None and item.owner.is_dag_run
    end = "Mark that DAG run as failed" if dag_run else "End it"
    return (
        f"{end} if it must not go on. If it is dead, its lease runs out at {item.lease}; {LEASE_TOLERANCE} s later it "
        "can be unlocked, and the next run takes the lock over by itself. To free it at once all the same, add --force:"
        " then it loses the lock, and its statements are cancelled."
    )


def _lock(given: argparse.Namespace, account: Account) -> tuple[AuditStore, str, Executions | None]:
    """The audit table, the key of the item in it, and the executions of a deployed job."""
    _check(given)
    if given.job:
        job = load(given)
        deployed = account.stacks.find(job.name, given.stack)
        return account.audit(deployed.audit_table), job.job_id, account.executions(deployed.state_machine_arn)
    if not (given.table and given.job_id):
        raise EltError("Name what to unlock: JOB, a deployed job, or --table TABLE --job-id ID.")
    return account.audit(given.table), given.job_id, None
