"""What the tests of the embedded Step Functions talk to: a server process, and a client that waits with a deadline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from elt_redshift.local.stepfunctions.attempts import RETRY_PACE
from tests import bounds, logs

ROLE = "arn:aws:iam::123456789012:role/states"


class Aws:
    """Clients for one server, and shorthands for starting executions and reading what they did."""

    def __init__(self, endpoint: str, deadline: float = bounds.ANSWER) -> None:
        self.endpoint, self.deadline = endpoint, deadline
        self._created: list[str] = []
        self.sfn = self.client("stepfunctions")
        self.dynamodb = self.client("dynamodb")

    def client(self, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=bounds.ANSWER, max_pool_connections=100)
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
        return boto3.client(service, endpoint_url=self.endpoint, config=config, **keys)

    def fails(self, operation: str, **arguments: Any) -> str:
        """The code of the error that a Step Functions request must end in."""
        with pytest.raises(ClientError) as caught:
            getattr(self.sfn, operation)(**arguments)
        return str(caught.value.response["Error"]["Code"])

    def create(self, definition: dict[str, Any] | str, **more: Any) -> str:
        """A new state machine's ARN."""
        text = definition if isinstance(definition, str) else json.dumps(definition)
        answer = self.sfn.create_state_machine(name=f"m-{uuid.uuid4()}", definition=text, roleArn=ROLE, **more)
        self._created.append(answer["stateMachineArn"])
        return self._created[-1]

    def stop_all(self) -> None:
        """Stop what still runs of all that was created: a loop without end would take a processor, and fill the memory
        with its history, for as long as the server lives."""
        while self._created:
            running = self.sfn.list_executions(stateMachineArn=self._created.pop(), statusFilter="RUNNING")
            for execution in running["executions"]:
                self.sfn.stop_execution(executionArn=execution["executionArn"])

    def start(self, definition: dict[str, Any], value: Any = None, **more: Any) -> str:
        """A new execution's ARN."""
        arn = self.create(definition)
        more.setdefault("name", f"e-{uuid.uuid4()}")
        return str(self.sfn.start_execution(stateMachineArn=arn, input=json.dumps(value or {}), **more)["executionArn"])

    def ended(self, arn: str) -> dict[str, Any]:
        """The execution's description, once it has ended."""
        describe = self.sfn.describe_execution
        try:
            return self.until(lambda: describe(executionArn=arn), lambda answer: answer["status"] != "RUNNING")
        except AssertionError as error:
            error.add_note(f"Its history ends with {self.history(arn)[-10:]}")
            raise

    def run(self, definition: dict[str, Any], value: Any = None) -> dict[str, Any]:
        """Start an execution and wait for its end."""
        return self.ended(self.start(definition, value))

    def output(self, definition: dict[str, Any], value: Any = None) -> Any:
        """The output of an execution, which must succeed."""
        answer = self.run(definition, value)
        assert answer["status"] == "SUCCEEDED", answer
        return json.loads(answer["output"])

    def history(self, arn: str) -> list[dict[str, Any]]:
        return list(self.sfn.get_execution_history(executionArn=arn, maxResults=1000)["events"])

    def entered(self, arn: str) -> list[str]:
        """The names of the states entered, in order."""
        events = self.history(arn)
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def until_entered(self, arn: str, *names: str) -> None:
        """Return when all of these states have been entered."""
        self.until(lambda: self.entered(arn), lambda entered: set(names) <= set(entered))

    def until(self, read: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        """Read until the answer is good; an error after ``deadline`` seconds."""
        end = time.monotonic() + self.deadline
        while not good(answer := read()):
            assert time.monotonic() < end, f"after {self.deadline:g} s still {answer}"
            time.sleep(0.02)
        return answer

    def table(self) -> str:
        """A new table with the key ``id``."""
        name = f"t-{uuid.uuid4()}"
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def counts(self, table: str) -> dict[str, int]:
        """The counter ``n`` of every item."""
        items = self.dynamodb.scan(TableName=table)["Items"]
        return {item["id"]["S"]: int(item["n"]["N"]) for item in items}


class Patched:
    """Servers of moto with our patches but one, forked from one process, which ends with its standard input."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def without(self, patch: str) -> str:
        """The port of a server that lacks a patch."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{patch}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@contextmanager
def patched() -> Iterator[Patched]:
    """The process that gives such servers, for as long as the block runs."""
    command = [sys.executable, "-m", "tests.local.stepfunctions.moto_server"]
    environment = {**os.environ, RETRY_PACE: "0.1"}
    with (
        tempfile.NamedTemporaryFile() as log,
        logs.shown(moto_less_a_patch=Path(log.name)),
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        ) as process,
    ):
        try:
            yield Patched(process)
        finally:
            process.kill()


def jsonata(states: dict[str, Any], start: str | None = None, **more: Any) -> dict[str, Any]:
    """A JSONata state machine that starts at its first state."""
    return {"QueryLanguage": "JSONata", "StartAt": start or next(iter(states)), "States": states, **more}


def jsonpath(states: dict[str, Any], start: str | None = None, **more: Any) -> dict[str, Any]:
    """A JSONPath state machine that starts at its first state."""
    return {"StartAt": start or next(iter(states)), "States": states, **more}


def passing(**fields: Any) -> dict[str, Any]:
    """A Pass state that ends."""
    return {"Type": "Pass", "End": True, **fields}


def count(table: str, item: str, **flow: Any) -> dict[str, Any]:
    """A Task state that counts its runs in DynamoDB."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Arguments": {
            "TableName": table,
            "Key": {"id": {"S": item}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        },
        **flow,
    }


def sdk(action: str, arguments: dict[str, Any], **flow: Any) -> dict[str, Any]:
    """A JSONata Task state that calls an SDK integration, ``service:action``."""
    return {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{action}", "Arguments": arguments, **flow}


def missing_table(**flow: Any) -> dict[str, Any]:
    """A JSONata Task state that fails with DynamoDb.ResourceNotFoundException."""
    return sdk("dynamodb:getItem", {"TableName": "missing", "Key": {"id": {"S": "x"}}}, **flow)


def branch(states: dict[str, Any]) -> dict[str, Any]:
    """A Parallel state's branch, which starts at its first state."""
    return {"StartAt": next(iter(states)), "States": states}
