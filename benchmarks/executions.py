"""How long many jobs at once take on the embedded AWS, against the bare statements that they run.

    python benchmarks/executions.py [--executions 50] [--tasks 10]

Each job is one task, then all but one side by side, then the last; every task runs ``select 1``, with the audit lock
around them. The floor is the same number of statements, submitted directly to the Data API by eight threads in the same
run, so that the ratio hardly depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.local import process

WAREHOUSE = {"ClusterIdentifier": "warehouse", "Database": "dev", "DbUser": "awsuser"}
TABLE = "audit"
ROLE = "benchmark"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def job(number: int, tasks: int) -> EltJob:
    """One, then all but one side by side, then the last."""
    made = EltJob(job_id=str(number), name=f"job_{number}")
    nodes = [made.task(f"task_{index}", statement="select 1") for index in range(tasks)]
    nodes[0] >> nodes[1:-1]
    nodes[1:-1] >> nodes[-1]
    return made


def filled(definition: dict[str, Any]) -> str:
    """A definition as text, with the names of here."""
    text = json.dumps(definition)
    for key, name in WAREHOUSE.items():
        text = text.replace(Target.connection[key], name)
    return text.replace(Target.audit_table, TABLE)


def deploy(client: Any, executions: int, tasks: int) -> list[str]:
    """The ARNs of as many state machines, with one audit table."""
    client("dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "JobID", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "JobID", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    role = client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    definitions = [filled(compile_job(job(number, tasks)).definition()) for number in range(executions)]
    return [
        client("stepfunctions").create_state_machine(name=f"job_{number}", definition=definition, roleArn=role)[
            "stateMachineArn"
        ]
        for number, definition in enumerate(definitions)
    ]


def run(client: Any, machines: list[str]) -> float:
    """Seconds from the first start to the last end."""
    begin = time.perf_counter()
    running = {client("stepfunctions").start_execution(stateMachineArn=arn)["executionArn"] for arn in machines}
    while running:
        for arn in sorted(running):
            status = client("stepfunctions").describe_execution(executionArn=arn)["status"]
            if status == "RUNNING":
                time.sleep(0.1)
                continue
            assert status == "SUCCEEDED", status
            running.remove(arn)
    return time.perf_counter() - begin


def floor(client: Any, statements: int) -> float:
    """Seconds for the statements alone."""
    data = client("redshift-data")
    begin = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda _: data.execute_statement(**WAREHOUSE, Sql="select 1", WaitTimeSeconds=30), range(statements)
            )
        )
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=10)
    given = parser.parse_args()
    with process.running() as aws:
        session = boto3.session.Session("local", "local", region_name="us-east-1")
        clients: dict[str, Any] = {}

        def client(service: str) -> Any:
            if service not in clients:
                clients[service] = session.client(service, endpoint_url=aws.endpoint)  # type: ignore[call-overload]
            return clients[service]

        machines = deploy(client, given.executions, given.tasks)
        statements = given.executions * given.tasks
        bare, whole = floor(client, statements), run(client, machines)
    sys.stdout.write(
        f"{given.executions} executions of {given.tasks} tasks: {whole:.1f} s\n"
        f"the same {statements} statements made directly: {bare:.1f} s\n"
        f"ratio: {whole / bare:.1f}\n"
    )


if __name__ == "__main__":
    main()
