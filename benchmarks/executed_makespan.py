"""How much longer than its critical path a job takes that is really executed, on the embedded AWS.

    python benchmarks/executed_makespan.py [--staging 40] [--seed 1]

A dbt-like graph whose statements sleep for lognormal times is deployed and run. The critical path is that of the
durations which the Data API reports, so that what remains is lost parallelism and what the emulator's states take. The
same graph level by level is computed beside it. Ends with 1 when the goal, 1.10, is missed.
"""

from __future__ import annotations

import argparse
import math
import sys
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import boto3
from makespan import Graph, critical_path, models, waves

from elt_redshift.aws.account import Account
from elt_redshift.aws.deployment import prepare
from elt_redshift.aws.execution_status import execution_name
from elt_redshift.aws.executions import Execution
from elt_redshift.job.model import EltJob
from elt_redshift.local import process
from elt_redshift.runs.history import TaskRun

GOAL = 1.10
STACK = "makespan"
PARAMETERS = {"RedshiftClusterIdentifier": "warehouse", "DatabaseUserName": "awsuser", "DatabaseName": "dev"}
LIMIT = timedelta(minutes=10)

#: Of the statements: the median, in seconds, and the deviation of the logarithm. Long enough for the emulator's states,
#: which take some hundredths of a second each on a machine of two cores, to weigh little.
SECONDS, DEVIATION = 3.0, 0.6


def job_of(graph: Graph, rng: Random) -> EltJob:
    job = EltJob(job_id="1", name="makespan")
    for task, ups in graph.items():
        seconds = rng.lognormvariate(math.log(SECONDS), DEVIATION)
        job.task(task, statement=f"select pg_sleep({seconds:.3f})", upstream=ups)
    return job


def run(client: Any, job: EltJob) -> tuple[Execution, tuple[TaskRun, ...]]:
    """Deploy the job, execute it, and give what its history tells."""
    account = Account(client)
    stacks = account.stacks
    stacks.execute(prepare(account, job, STACK, PARAMETERS).change_set)
    arn = stacks.find(job.name, STACK).state_machine_arn
    executions = account.executions(arn)
    started = executions.start(execution_name("benchmark", datetime.now(UTC)), {})
    *_, last = executions.follow(started, job.task_names, interval=1.0, timeout=LIMIT)
    assert last.execution.status == "SUCCEEDED", last.execution.cause
    return last.execution, last.tasks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--staging", type=int, default=40, help="two and a half as many tasks in all")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = Random(given.seed)  # noqa: S311  # the same graph each time is what is wanted
    job = job_of(models(rng, given.staging), rng)
    with process.running() as aws:
        session = boto3.session.Session("local", "local", region_name="us-east-1")

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=aws.endpoint)  # type: ignore[call-overload]

        execution, tasks = run(client, job)
        data = client("redshift-data")
        seconds = {one.name: data.describe_statement(Id=one.statement_id)["Duration"] / 1e9 for one in tasks}
    graph = {task.name: list(task.upstream) for task in job.tasks}
    assert execution.stopped is not None
    took = (execution.stopped - execution.started).total_seconds()
    shortest = critical_path(graph, seconds)
    ratio = took / shortest
    sys.stdout.write(
        f"{len(graph)} tasks, {sum(map(len, graph.values()))} edges\n"
        f"critical path of the statements: {shortest:.1f} s\n"
        f"executed: {took:.1f} s, ratio {ratio:.3f} (goal {GOAL}: {'kept' if ratio <= GOAL else 'missed'})\n"
        f"level by level it would be at least {waves(graph, seconds) / shortest:.3f}\n"
    )
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
