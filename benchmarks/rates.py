"""How a job fares whose tasks are ready at once, and are more than the Data API's quotas let through.

    python benchmarks/rates.py [--tasks 3000] [--seconds 1 60] [--deviation 0]
    python benchmarks/rates.py --embedded [--tasks 300] [--rate 2]

The first form interprets the compiled definition in simulated time, at AWS's rates: 30 submissions and 100 looks a
second, 500 active statements. Beside tasks of which it is known how long they take stand those of which it is not, and
those that take twice as long as is expected. The bound is the least time that the quotas leave. Ends with 1 when a
task failed, ran twice, or a goal is missed: 1.1 times the bound, and 1.2 billed transitions more for each task that
had to wait.

The second form deploys and runs the job on the embedded AWS, throttled to ``--rate`` submissions a second, for which it
is compiled; with ``--unaware`` for AWS's.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

import boto3

from elt_redshift.aws.account import Account
from elt_redshift.aws.deployment import prepare
from elt_redshift.aws.execution_status import execution_name
from elt_redshift.job.model import EltJob
from elt_redshift.local import process
from elt_redshift.local.faults import Faults
from elt_redshift.protocol.limits import DATA_API_RATES, MAX_ACTIVE_STATEMENTS, MAX_SUBMISSIONS
from elt_redshift.testing import crowds

GOAL, MOST = 1.1, 1.2

#: So many seconds' submissions may come at once: turns are whole seconds, which is much at a low rate.
BURST = 2
PARAMETERS = {"RedshiftClusterIdentifier": "warehouse", "DatabaseUserName": "awsuser", "DatabaseName": "dev"}


def job_of(tasks: int, expected: float | None, sql: str = "select 1") -> EltJob:
    job = EltJob(job_id="1", name="rates", layout="map")
    for number in range(tasks):
        job.task(f"t{number}", statement=sql, expected=timedelta(seconds=expected) if expected else None)
    return job


def usual(expected: float | None, seconds: Callable[[str], float]) -> float:
    """Transitions of a task that is not throttled."""
    ten, twenty = (crowds.run(job_of(tasks, expected), seconds).transitions for tasks in (10, 20))
    return (twenty - ten) / 10


def simulated(tasks: int, expected: float | None, took: dict[str, float]) -> tuple[bool, float, float]:
    """Whether each task ran once, makespan / bound, and the transitions more for each task that had to wait."""
    job = job_of(tasks, expected)
    ran = crowds.run(job, took.__getitem__)
    more = ran.transitions - crowds.run(job_of(10, expected), took.__getitem__).transitions
    more -= round((tasks - 10) * usual(expected, took.__getitem__))
    bound = crowds.least([took[task.name] for task in job.tasks], MAX_SUBMISSIONS, MAX_ACTIVE_STATEMENTS)
    once, ratio, extra = ran.succeeded and not ran.twice, ran.makespan / bound, more / max(1, ran.waited)
    sys.stdout.write(
        f"{'all, none twice' if once else 'NOT ALL ONCE'}; {ran.makespan:.1f} s, {ratio:.3f} x the bound; "
        f"{ran.waited:,} waited, for {extra:.2f} transitions more each; refused: {dict(ran.refused)}\n"
    )
    return once, ratio, extra


def simulate(tasks: int, durations: list[float], deviation: float) -> bool:
    kept = True
    rng = Random(1)  # noqa: S311  # the same durations each time is what is wanted
    for seconds in durations:
        took = {f"t{number}": seconds * math.exp(rng.gauss(-(deviation**2) / 2, deviation)) for number in range(tasks)}
        for case, expected in (
            ("as expected", seconds),
            ("nothing expected", None),
            ("half expected", max(1.0, seconds / 2)),
        ):
            sys.stdout.write(f"{tasks:,} tasks of {seconds:g} s, {case}: ")
            once, ratio, extra = simulated(tasks, expected, took)
            kept = kept and once and (deviation > 0 or (ratio <= GOAL and extra <= MOST))
    return kept


def embedded(tasks: int, rate: float, compiled_for: float) -> bool:
    job = job_of(tasks, 1, "select pg_sleep(1)")
    with process.running() as aws, Faults(aws) as faults:
        session = boto3.session.Session("local", "local", region_name="us-east-1")

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=aws.endpoint)  # type: ignore[call-overload]

        account = Account(client)
        with patch.dict(DATA_API_RATES, executeStatement=compiled_for):
            account.stacks.execute(prepare(account, job, "rates", PARAMETERS).change_set)
        faults.limit_rate("redshift-data", "ExecuteStatement", rate, burst=BURST * rate)
        executions = account.executions(account.stacks.find(job.name, "rates").state_machine_arn)
        started = executions.start(execution_name("benchmark", datetime.now(UTC)), {})
        *_, last = executions.follow(started, job.task_names, interval=5.0, timeout=timedelta(hours=2))
        execution, refused = last.execution, faults.met()[0]
        listed = client("redshift-data").get_paginator("list_statements").paginate(Status="ALL", StatementName="1/")
        names = [one["StatementName"] for page in listed for one in page["Statements"]]
    assert execution.stopped is not None
    took, bound = (execution.stopped - execution.started).total_seconds(), tasks / rate + 1
    once = execution.status == "SUCCEEDED" and len(names) == len({*names}) == tasks
    sys.stdout.write(
        f"{tasks} tasks at {rate:g} a second: {execution.status}, {len(names)} statements of {len({*names})} names; "
        f"{took:.0f} s, {took / bound:.2f} x the bound; {refused} calls refused\n"
    )
    return once


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 60])
    parser.add_argument("--deviation", type=float, default=0.0, help="of the logarithm of how long tasks take")
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--rate", type=float, default=2)
    parser.add_argument("--unaware", action="store_true")
    given = parser.parse_args()
    if given.embedded:
        known = DATA_API_RATES["executeStatement"] if given.unaware else given.rate
        return 0 if embedded(given.tasks or 300, given.rate, known) else 1
    return 0 if simulate(given.tasks or 3000, given.seconds, given.deviation) else 1


if __name__ == "__main__":
    sys.exit(main())
