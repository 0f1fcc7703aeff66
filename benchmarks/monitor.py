"""How many calls to AWS the mirrors of an execution make, against the number of mirrors.

    python benchmarks/monitor.py [--mirrors 1 10 100 500] [--seconds 10] [--interval 1]

For each number, an execution on the embedded AWS passes the states of as many tasks, a tenth of them at a time, while
as many triggers wait for one each in one event loop, as in Airflow's triggerer. What is counted are the HTTP requests
that leave the process, by API action, retries included. An interval is the time between two looks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from elt_redshift.local import process

LOOKS = ("DescribeExecution", "GetExecutionHistory")
ROLE = "arn:aws:iam::123456789012:role/benchmark"
STEPS = 10


def definition(tasks: int, seconds: float) -> str:
    """A state machine whose history tells of tasks as a job's does; it runs no SQL, which nothing here depends on."""
    states: dict[str, Any] = {}
    per_step = max(1, tasks // STEPS)
    order: list[str] = []
    for number in range(tasks):
        if number % per_step == 0:
            states[f"wait {number}"] = {"Type": "Wait", "Seconds": max(1, round(seconds * per_step / tasks))}
            order.append(f"wait {number}")
        name = f"task_{number}"
        states[name] = {"Type": "Pass"}
        states[f"{name}: status"] = {"Type": "Pass", "Result": {"finished": name, "statement": f"statement-{number}"}}
        order += [name, f"{name}: status"]
    for name, following in zip(order, [*order[1:], None], strict=True):
        states[name] |= {"Next": following} if following else {"End": True}
    return json.dumps({"StartAt": order[0], "States": states})


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Every HTTP request that boto3 sends meanwhile."""
    from botocore.httpsession import URLLib3Session

    calls: Counter[str] = Counter()
    send = URLLib3Session.send

    def counting(self: Any, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target", b"other")
        calls[(target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]] += 1
        return send(self, request)

    URLLib3Session.send = counting
    try:
        yield calls
    finally:
        URLLib3Session.send = send


async def watch(arn: str, tasks: range, interval: float) -> None:
    """One trigger for each task, until each has fired."""
    from elt_redshift.triggers.step_functions import TaskTrigger

    async def one(task: str) -> None:
        trigger = TaskTrigger(arn, task, aws_conn_id=None, poll_interval=interval)
        payload: Any = (await anext(trigger.run())).payload
        assert payload["status"] == "succeeded", payload

    await asyncio.gather(*(one(f"task_{number}") for number in tasks))


def measure(client: Any, mirrors: int, seconds: float, interval: float) -> tuple[float, Counter[str], Counter[str]]:
    """Intervals, calls while the execution ran, calls of a triggerer that starts when it has ended."""
    machine = client.create_state_machine(name=f"m{mirrors}", definition=definition(mirrors, seconds), roleArn=ROLE)
    arn = client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    with counted() as calls:
        begin = time.perf_counter()
        asyncio.run(watch(arn, range(mirrors), interval))
        intervals = 1 + (time.perf_counter() - begin) / interval
    with counted() as late:
        asyncio.run(watch(arn, range(mirrors), interval))
    return intervals, calls, late


def looks(calls: Counter[str]) -> int:
    return sum(calls[action] for action in LOOKS)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mirrors", type=int, nargs="+", default=[1, 10, 100, 500])
    options.add_argument("--seconds", type=float, default=10, help="how long each execution waits in all")
    options.add_argument("--interval", type=float, default=1, help="seconds between two looks")
    given = options.parse_args()
    columns = "mirrors  intervals  DescribeExecution  GetExecutionHistory  per interval  ratio  late  DescribeStatement"
    sys.stdout.write(columns + "\n")
    with tempfile.TemporaryDirectory() as home, process.running() as aws:
        os.environ |= process.environment(aws) | {"AIRFLOW_HOME": home, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
        client = boto3.client("stepfunctions")
        measure(client, 2, 2, 0.1)  # whatever is imported on first use
        first: float | None = None
        for mirrors in given.mirrors:
            intervals, calls, late = measure(client, mirrors, given.seconds, given.interval)
            rate = looks(calls) / intervals
            first = first or rate
            cells = (mirrors, intervals, *(calls[action] for action in LOOKS), rate, rate / first, looks(late))
            sys.stdout.write("{:>7}  {:>9.1f}  {:>17}  {:>19}  {:>12.2f}  {:>5.2f}  {:>4}".format(*cells))
            sys.stdout.write(f"  {calls['DescribeStatement']:>17}\n")
            sys.stdout.flush()
    sys.stdout.write(
        "late: the looks of a triggerer that starts when all has ended. DescribeStatement: once for each mirror that\n"
        "succeeds, for its rows.\n"
    )


if __name__ == "__main__":
    main()
