"""How fast the embedded Step Functions interpret: time per Task state against the bare HTTP call that it makes.

    python benchmarks/embedded.py [--executions 50] [--tasks 10]

All executions run at once, each a chain of tasks that count in DynamoDB. The ratio compares the time per task with the
time of the same DynamoDB call made directly, by as many clients at once, in the same run, so that it hardly depends on
the machine. About 1 means that interpreting costs next to nothing beside the calls.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
TABLE = "counters"


def serve() -> str:
    """Start the patched server in this process and return its endpoint."""
    os.environ.update(KEYS)
    import logging

    from moto.core.config import default_user_config
    from moto.server import ThreadedMotoServer

    from elt_redshift.local import dynamodb, stepfunctions

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    dynamodb.apply_all()
    stepfunctions.apply_all()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    os.environ["MOTO_PORT"] = str(server.get_host_and_port()[1])
    return f"http://127.0.0.1:{os.environ['MOTO_PORT']}"


def arguments(item: str) -> dict[str, Any]:
    """The call that every task makes: count up one item."""
    return {
        "TableName": TABLE,
        "Key": {"id": {"S": item}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }


def chain(tasks: int) -> str:
    """The definition: so many tasks in a row."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:updateItem"}
    item = "{% $states.context.Execution.Name %}"
    states = {f"t{n}": {**task, "Arguments": arguments(item), "Next": f"t{n + 1}"} for n in range(tasks)}
    states[f"t{tasks}"] = {"Type": "Succeed"}
    return json.dumps({"QueryLanguage": "JSONata", "StartAt": "t0", "States": states})


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def run_all(sfn: Any, machine: str, executions: int) -> None:
    """Start all executions and wait until each has succeeded; ten minutes at most."""
    end = time.monotonic() + 600
    arns = [sfn.start_execution(stateMachineArn=machine, name=f"e{n}")["executionArn"] for n in range(executions)]
    while arns and time.monotonic() < end:
        time.sleep(0.1)
        answers = [sfn.describe_execution(executionArn=arn) for arn in arns]
        if any(answer["status"] not in ("RUNNING", "SUCCEEDED") for answer in answers):
            sys.exit(f"an execution failed: {answers}")
        arns = [answer["executionArn"] for answer in answers if answer["status"] == "RUNNING"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--executions", type=int, default=50)
    options.add_argument("--tasks", type=int, default=10)
    chosen = options.parse_args()
    endpoint = serve()
    import boto3
    from botocore.config import Config

    config = Config(max_pool_connections=100)
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoint, config=config)
    sfn = boto3.client("stepfunctions", endpoint_url=endpoint, config=config)
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    machine = sfn.create_state_machine(
        name="chain", definition=chain(chosen.tasks), roleArn="arn:aws:iam::123456789012:role/r"
    )
    total = chosen.executions * chosen.tasks
    with ThreadPoolExecutor(chosen.executions) as pool:
        call = lambda n: dynamodb.update_item(**arguments(f"b{n}"))  # noqa: E731
        list(pool.map(call, range(chosen.executions)))  # open the connections
        bare = timed(lambda: list(pool.map(call, range(total))))
    whole = timed(lambda: run_all(sfn, machine["stateMachineArn"], chosen.executions))
    sys.stdout.write(
        f"{chosen.executions} executions of {chosen.tasks} tasks: {whole:.1f} s, {1000 * whole / total:.1f} ms a task\n"
        f"the same {total} calls made directly: {bare:.1f} s, {1000 * bare / total:.1f} ms a call\n"
        f"ratio: {whole / bare:.2f}\n"
    )
    os._exit(0)  # the server's threads


if __name__ == "__main__":
    main()
