"""A job far beyond the limits of an unrolled definition: compiled, and run on the embedded AWS.

    python benchmarks/large_job.py [--tasks 1200] [--compile-only 10000]
    python benchmarks/large_job.py --table

The job is like a large dbt project: sources, and on them layers of models with one to three upstreams each, every task
with about 2 KB of SQL. Printed are the seconds for compiling, the bytes of definition and job file, the seconds for the
run, and its ratio to the same statements submitted directly, by as many clients at once as the pool takes.

With ``--table`` nothing runs: such jobs of several sizes, whose tasks have lognormal durations that are expected of
them, are compiled and simulated, as ``layout: auto`` has them and by the layouts that it chose before statements could
be followed. That is the table of ``docs/cost.md``.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import boto3
from botocore.config import Config

from elt_redshift.asl import bounds, jobfile
from elt_redshift.asl.bounds import size
from elt_redshift.asl.compiler import PASSES, Arranged, compile_job
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.target import Target
from elt_redshift.aws.account import Account
from elt_redshift.aws.deployment import prepare
from elt_redshift.aws.execution_status import execution_name
from elt_redshift.graph import layout
from elt_redshift.job.model import EltJob, SqlStatement, SqlTask
from elt_redshift.local.process import environment, running
from elt_redshift.planning.estimates import simulate
from elt_redshift.planning.plan import plan_job
from elt_redshift.planning.scenario import Scenario
from elt_redshift.protocol.limits import MAX_EVENTS

WAREHOUSE = {"ClusterIdentifier": "warehouse", "Database": "dev", "DbUser": "awsuser"}
PARAMETERS = {"RedshiftClusterIdentifier": "warehouse", "DatabaseUserName": "awsuser", "DatabaseName": "dev"}
COLUMNS = ",\n    ".join(f"coalesce({number}, 0)::decimal(18, 2) as amount_{number}" for number in range(36))


def sql(name: str) -> str:
    """About 2 KB that the warehouse is done with at once."""
    return f"insert into ledger\nselect '{name}'\nfrom (\n  select\n    {COLUMNS}\n) as {name}_source -- it's a model\n"


def large_job(tasks: int, seed: int = 1) -> EltJob:
    """A job of so many tasks; a fifth of them wait for nobody."""
    rng = Random(seed)  # noqa: S311  # the same graph each time is what is wanted
    names = [f"model_{number}" for number in range(tasks)]

    def upstream(index: int) -> tuple[str, ...]:
        count = rng.choice((1, 2, 2, 3, 3, 3)) if index >= tasks // 5 else 0
        return tuple(sorted(rng.sample(names[max(0, index - tasks // 4) : index], min(index, count))))

    made = (
        SqlTask(name=name, statements=(SqlStatement(text=sql(name)),), upstream=upstream(index))
        for index, name in enumerate(names)
    )
    return EltJob(job_id="1", name="large", tasks=made)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds that ``work`` takes, and what it gives."""
    begin = time.perf_counter()
    given = work()
    return time.perf_counter() - begin, given


def show_compiled(job: EltJob) -> None:
    """Compile ``job`` and print how long that takes and how large the result is."""
    seconds, machine = timed(lambda: compile_job(job))
    edges = sum(len(task.upstream) for task in job.tasks)
    file = len(jobfile.dump(machine.job_file)) if machine.job_file else 0
    sys.stdout.write(
        f"{len(job.tasks):,} tasks, {edges:,} edges: compiled in {seconds:.2f} s; definition "
        f"{size(machine.definition()):,} bytes, job file {file:,} bytes\n"
    )


def submit_all(client: Any, job: EltJob) -> None:
    """Every statement of ``job``, without waiting for any other."""

    def submit(task: SqlTask) -> None:
        answer = client.execute_statement(**WAREHOUSE, Sql=task.statements[0].text, WaitTimeSeconds=30)
        assert answer["Status"] == "FINISHED", answer

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(submit, job.tasks))


def run(job: EltJob, client: Callable[[str], Any]) -> None:
    """Deploy and run ``job``; every task must have run once."""
    account = Account(client)
    data, stacks = client("redshift-data"), account.stacks
    data.execute_statement(**WAREHOUSE, Sql="create table ledger (task varchar(100))", WaitTimeSeconds=30)
    direct, _ = timed(lambda: submit_all(data, job))
    stacks.execute(prepare(account, job, "large", PARAMETERS).change_set)
    arn = stacks.find(job.name, "large").state_machine_arn
    executions = account.executions(arn)

    def until_the_end() -> Any:
        started = executions.start(execution_name("large", datetime.now(UTC)), {})
        *_, last = executions.follow(started, job.task_names, interval=1.0, timeout=timedelta(minutes=20))
        return last

    seconds, last = timed(until_the_end)
    succeeded = sum(one.status == "succeeded" for one in last.tasks)
    sys.stdout.write(
        f"run on the embedded AWS: {last.execution.status}, {succeeded:,} of {len(job.tasks):,} tasks succeeded, "
        f"{seconds:.1f} s; the same statements directly: {direct:.1f} s; ratio {seconds / direct:.1f}\n"
    )


#: The sizes of the table; and of the durations, in seconds, median, deviation of the logarithm, and the longest.
SIZES = (13, 100, 250, 500, 611, 1211)
MEDIAN, DEVIATION, LONGEST = 10, 1.0, 600


def timed_job(tasks: int) -> EltJob:
    """The same of whose tasks is known how long they take."""
    rng = Random(1)  # noqa: S311
    job = large_job(tasks)
    lengths = (min(LONGEST, max(1, round(rng.lognormvariate(math.log(MEDIAN), DEVIATION)))) for _ in job.tasks)
    known = (replace(task, expected=timedelta(seconds=one)) for task, one in zip(job.tasks, lengths, strict=True))
    return EltJob(job_id=job.job_id, name=job.name, tasks=known)


def before(job: EltJob) -> StateMachine:
    """The job by the layouts that there were before statements could be followed."""
    reading = PASSES.read(job)
    unrolled = PASSES.assemble(Arranged(reading, layout.arrange(reading.graph)), Target())
    fits = unrolled.size <= bounds.AUTO_DEFINITION and bounds.history_events(job) <= MAX_EVENTS
    return unrolled if fits else PASSES.assemble(Arranged(reading), Target())


def rows(tasks: int) -> Iterator[str]:
    """What the table tells of a job of so many tasks: before, and now."""
    job = timed_job(tasks)
    for when, machine in (("before", before(job)), ("now", compile_job(job))):
        planned = plan_job(machine)
        worst = simulate(machine, Scenario(planned.seconds, joins="always"))
        typical, largest = planned.estimates.typical, planned.estimates.limits[0].used
        followed = "unrolled, followed" if machine.follows else planned.layout
        name = f"{len(machine.parts)} parts" if machine.parts else followed
        each = (f"{count / tasks:.1f}" for count in (typical.transitions, worst.transitions))
        yield (
            f"| {tasks:,} | {when} | {name} | {planned.estimates.states:,} | {largest:,} | {' | '.join(each)} "
            f"| {typical.events:,} | {planned.ratio:.3f} |"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tasks", type=int, default=1200, help="of the job that is run")
    options.add_argument("--compile-only", type=int, default=10_000, help="of the job that is compiled only")
    options.add_argument("--table", action="store_true", help="print the table of docs/cost.md, and run nothing")
    chosen = options.parse_args()
    if chosen.table:
        sys.stdout.writelines(f"{row}\n" for size in SIZES for row in rows(size))
        return
    show_compiled(large_job(chosen.compile_only))
    job = large_job(chosen.tasks)
    show_compiled(job)
    with running() as aws:
        keys = environment(aws)
        config = Config(max_pool_connections=60, read_timeout=120)
        session = boto3.session.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=keys["AWS_DEFAULT_REGION"]
        )
        run(job, lambda service: session.client(service, endpoint_url=aws.endpoint, config=config))


if __name__ == "__main__":
    main()
