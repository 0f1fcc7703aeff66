"""Moto as it ships answers: so what fails on it in the tests of its patches fails there because of moto."""

from __future__ import annotations

import json

import pytest

from tests import bounds
from tests.local.conftest import client_factory
from tests.local.waiting import wait_for

pytestmark = pytest.mark.stock


def test_it_keeps_items_and_runs_state_machines(stock_endpoint: str, unique: str) -> None:
    """An item that was put can be read; a state machine runs to its end and gives its output."""
    client = client_factory(stock_endpoint)
    table, steps = client("dynamodb"), client("stepfunctions")
    key = [{"AttributeName": "id", "AttributeType": "S"}]
    schema = [{"AttributeName": "id", "KeyType": "HASH"}]
    table.create_table(TableName=unique, KeySchema=schema, AttributeDefinitions=key, BillingMode="PAY_PER_REQUEST")
    table.put_item(TableName=unique, Item={"id": {"S": "a"}})
    assert table.get_item(TableName=unique, Key={"id": {"S": "a"}})["Item"] == {"id": {"S": "a"}}

    definition = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Pass", "Result": 1, "End": True}}})
    role = "arn:aws:iam::123456789012:role/states"
    machine = steps.create_state_machine(name=unique, definition=definition, roleArn=role)["stateMachineArn"]
    execution = steps.start_execution(stateMachineArn=machine, name=unique)["executionArn"]
    wait_for(lambda: steps.describe_execution(executionArn=execution)["status"] != "RUNNING", "it ends", bounds.ANSWER)
    answer = steps.describe_execution(executionArn=execution)
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "1")
