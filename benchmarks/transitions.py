"""Billed transitions of a run, counted in executions on the embedded AWS: every `wait`, beside the usual polling loop.

    python benchmarks/transitions.py [--seconds 2 12 45] [--pause 5]

The job is the demo's shape, two tasks and then one behind both, whose statements all sleep for so long. The usual loop
has the same Parallel; each task is submit, Wait, describe, Choice, and there is no lock. All runs of a design are
executed at once. What is counted is states entered, which is what Step Functions bills when nothing is retried.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from executions import ROLE, TRUST, WAREHOUSE

from elt_redshift.aws.account import Account
from elt_redshift.aws.deployment import prepare
from elt_redshift.aws.execution_status import execution_name
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import WAITS, Wait
from elt_redshift.local import process

PARAMETERS = {"RedshiftClusterIdentifier": "warehouse", "DatabaseUserName": "awsuser", "DatabaseName": "dev"}
LIMIT = timedelta(minutes=10)
DATA_API = "arn:aws:states:::aws-sdk:redshiftdata"


def job(wait: Wait, seconds: float) -> EltJob:
    made = EltJob(job_id=f"{wait}-{seconds:g}", name=f"{wait}_{seconds:g}".replace(".", "_"), wait=wait)
    made.task("a", statement=f"select pg_sleep({seconds})")
    made.task("b", statement=f"select pg_sleep({seconds})")
    made.task("c", statement=f"select pg_sleep({seconds})", upstream=["a", "b"])
    return made


def loop(seconds: float, pause: int) -> dict[str, Any]:
    """The same job as people write it by hand."""

    def task(name: str, following: str | None) -> dict[str, Any]:
        submit = {**WAREHOUSE, "Sql": f"select pg_sleep({seconds})"}
        finished = "{% $states.input.Status = 'FINISHED' %}"
        ends = {"Next": following} if following else {"End": True}
        return {
            name: _task("executeStatement", submit, f"{name} wait"),
            f"{name} wait": {"Type": "Wait", "Seconds": pause, "Next": f"{name} describe"},
            f"{name} describe": _task("describeStatement", {"Id": "{% $states.input.Id %}"}, f"{name} choice"),
            f"{name} choice": {
                "Type": "Choice",
                "Choices": [{"Condition": finished, "Next": f"{name} done"}],
                "Default": f"{name} wait",
            },
            f"{name} done": {"Type": "Pass", **ends},
        }

    branches = [{"StartAt": name, "States": task(name, None)} for name in ("a", "b")]
    both = {"Type": "Parallel", "Branches": branches, "Next": "c"}
    return {"QueryLanguage": "JSONata", "StartAt": "both", "States": {"both": both, **task("c", None)}}


def _task(action: str, arguments: dict[str, Any], following: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"{DATA_API}:{action}", "Arguments": arguments, "Next": following}


def started(client: Any, lengths: list[float], pause: int) -> Iterator[tuple[str, float, str]]:
    """Deploy and start everything; gives design, length and the execution's ARN."""
    account = Account(client)
    stacks = account.stacks
    role = client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    for seconds in lengths:
        for wait in WAITS:
            made = job(wait, seconds)
            stacks.execute(prepare(account, made, made.name.replace("_", "-"), PARAMETERS).change_set)
            arn = stacks.find(made.name).state_machine_arn
            yield (
                wait,
                seconds,
                account.executions(arn).start(execution_name("x", datetime.now(UTC)), {}),
            )
        machine = client("stepfunctions").create_state_machine(
            name=f"loop-{seconds:g}", definition=json.dumps(loop(seconds, pause)), roleArn=role
        )
        answer = client("stepfunctions").start_execution(stateMachineArn=machine["stateMachineArn"])
        yield f"loop of {pause} s", seconds, answer["executionArn"]


def transitions(client: Any, arn: str) -> int:
    """How many states the execution entered, once it has ended."""
    end = time.monotonic() + LIMIT.total_seconds()
    while (status := client.describe_execution(executionArn=arn)["status"]) == "RUNNING":
        assert time.monotonic() < end, f"{arn} still runs"
        time.sleep(0.5)
    assert status == "SUCCEEDED", client.describe_execution(executionArn=arn).get("cause")
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=False)
    return sum("stateEnteredEventDetails" in event for page in pages for event in page["events"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[2, 12, 45])
    parser.add_argument("--pause", type=int, default=5, help="of the usual loop, in seconds")
    given = parser.parse_args()
    with process.running() as aws:
        session = boto3.session.Session("local", "local", region_name="us-east-1")

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=aws.endpoint)  # type: ignore[call-overload]

        runs = list(started(client, given.seconds, given.pause))
        counted = {(design, length): transitions(client("stepfunctions"), arn) for design, length, arn in runs}
    sys.stdout.write(f"{'':14}" + "".join(f"{length:>8g} s" for length in given.seconds) + "\n")
    for design in dict.fromkeys(design for design, _, _ in runs):
        cells = "".join(f"{counted[design, length]:>10}" for length in given.seconds)
        sys.stdout.write(f"{design:14}{cells}\n")


if __name__ == "__main__":
    main()
