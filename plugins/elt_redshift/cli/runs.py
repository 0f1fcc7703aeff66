"""Commands that let runs begin, go on and end, and follow them: ``run``, ``redrive``, ``watch``, ``stop``."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.execution_status import execution_name
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.stopping import stop_and_settle
from elt_redshift.cli.options import Commands, add_aws, command, load, pair
from elt_redshift.cli.redriving import Continuation
from elt_redshift.cli.watch import watch
from elt_redshift.exceptions import EltError, JobError, Problem
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.audit import ASSUMPTIONS, Assumption
from elt_redshift.protocol.owners import GRACE


def add_parser(commands: Commands) -> None:
    run_ = command(commands, "run", run)
    run_.add_argument("-p", "--parameter", type=pair, action="append", default=[], metavar="NAME=VALUE")
    run_.add_argument("--name", help="name of the execution; starting the same name twice is the same as once")
    run_.add_argument("--watch", action="store_true", help="show the tasks until the end; exit 1 unless it succeeds")
    redrive_ = command(commands, "redrive", redrive)
    redrive_.add_argument(
        "--execution", metavar="RUN", help="its name, or the ARN; default: the one that holds the lock, or the newest"
    )
    redrive_.add_argument(
        "--rerun", metavar="TASK", action="append", default=[], help="run it again although it is done"
    )
    redrive_.add_argument(
        "--assume",
        nargs=2,
        action="append",
        default=[],
        metavar=("done|not-done", "TASK"),
        help="what to take a task for whose statement is forgotten, so that nobody can know whether it has run",
    )
    redrive_.add_argument("--from-start", action="store_true", help="keep nothing that the run has done")
    redrive_.add_argument(
        "--watch", action="store_true", help="show the tasks until the end; exit 1 unless it succeeds"
    )
    watch_ = command(commands, "watch", follow)
    watch_.add_argument("execution", metavar="RUN", nargs="?", help="its name, or the ARN; default: the one that runs")
    stop_ = command(commands, "stop", stop)
    stop_.add_argument("execution", metavar="RUN", nargs="?", help="its name, or the ARN; default: the one that runs")
    stop_.add_argument("--reason", required=True, help="why; kept in the audit item and in the history, and notified")
    for made in (run_, redrive_, watch_, stop_):
        add_aws(made)


@dataclass(frozen=True)
class _Runs:
    """A deployed job, where it is deployed."""

    job: EltJob
    account: Account
    executions: Executions
    audit: AuditStore


def _open(given: argparse.Namespace) -> _Runs:
    job, account = load(given), Account.here(given.region)
    deployed = account.stacks.find(job.name, given.stack)
    executions = account.executions(deployed.state_machine_arn).started_by(lambda: account.caller)
    return _Runs(job, account, executions, account.audit(deployed.audit_table))


def run(given: argparse.Namespace) -> int:
    runs = _open(given)
    values = runs.job.values(_once_each(given.parameter))
    name = given.name or execution_name(runs.job.name, datetime.now(UTC))
    arn = runs.executions.start(name, values)
    print(f"Started {arn}")
    return watch(runs.job, runs.executions, arn) if given.watch else 0


def _once_each(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """:raises JobError: a name is given twice, of which one value would be lost."""
    counts = Counter(name for name, _ in pairs)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise JobError([Problem("-p", f"{', '.join(twice)} is given more than once.", "Give each value once.")])
    return dict(pairs)


def redrive(given: argparse.Namespace) -> int:
    runs = _open(given)
    definitions, again = runs.account.definitions, tuple(given.rerun)
    assumed = _assumed(given.assume)
    by = runs.account.caller if assumed else ""
    continuation = Continuation(
        runs.job, runs.executions, runs.audit, definitions, again, given.from_start, assumed, by
    )
    arn = continuation.go_on(given.execution)
    return watch(runs.job, runs.executions, arn) if given.watch else 0


def follow(given: argparse.Namespace) -> int:
    runs = _open(given)
    return watch(runs.job, runs.executions, _running(runs, given.execution, "watch"))


def stop(given: argparse.Namespace) -> int:
    runs = _open(given)
    job, arn, account = runs.job, _running(runs, given.execution, "stop"), runs.account
    run, cause = arn.rpartition(":")[2], f"{account.caller.rpartition(':')[2]} stopped it: {given.reason}"
    if not stop_and_settle(runs.executions, account.statements, runs.audit, job.job_id, arn, cause):
        raise EltError(f"Run {run} of job {job.name} has ended already.")
    print(f"Stopped {arn}")
    print(
        f"The next run begins from the start. Within the next {GRACE} s it may wait first, for calls that this one has "
        f"under way. To let this one go on instead, `elt-redshift redrive {job.name} --execution {run}`."
    )
    return 0


def _running(runs: _Runs, named: str | None, verb: str) -> str:
    """The ARN of the run that is named, or of the only one that runs.

    :param verb: what is to be done with it, for messages.
    """
    if named:
        return runs.executions.named(named, runs.job.name).arn
    running = runs.executions.running()
    if not running:
        raise EltError(f"No run of job {runs.job.name} is under way. There is nothing to {verb}.")
    if len(running) > 1:
        names = ", ".join(one.name for one in running)
        raise EltError(f"Several runs of job {runs.job.name} are under way: {names}. Name the one to {verb}.")
    return running[0].arn


def _assumed(given: list[list[str]]) -> dict[str, Assumption]:
    """By the task, what to take it for."""
    assumed: dict[str, Assumption] = {}
    for what, task in given:
        if what not in ASSUMPTIONS:
            raise EltError(f"--assume: '{what}' is neither done nor not-done. Write --assume done {task}.")
        if assumed.setdefault(task, what) != what:
            raise EltError(f"--assume: Task '{task}' cannot be both done and not done. Say one of them.")
    return assumed
