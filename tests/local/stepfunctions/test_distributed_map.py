"""Distributed Map: child executions with context objects of their own, items from S3, thousands at once."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import Aws, jsonata, passing

OWN = {name: f"{{% $states.context.Execution.{name} %}}" for name in ("Id", "Name", "Input", "RedriveCount")}


def distributed(states: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Map state over children that begin with the first of ``states``."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": next(iter(states)), "States": states}
    return {"Type": "Map", "Label": "kids", "ItemProcessor": processor, "End": True, **more}


@beyond_stock("TypeError: 'NoneType' object is not subscriptable")
def test_a_child_is_an_execution_of_its_own(aws: Aws) -> None:
    """Its context object has its own ARN, name, input and redrive count; what belongs to the parent is given to it by
    the ItemSelector, which sees the parent's."""
    state = distributed(
        {"own": {"Type": "Pass", "Output": OWN, "End": True}},
        Items=["a", "b"],
        ItemSelector={"item": "{% $states.context.Map.Item.Value %}", "parent": OWN["Name"], "v": "{% $v %}"},
    )
    first = {"Type": "Pass", "Assign": {"v": 7}, "Next": "m"}
    answer = aws.run(jsonata({"first": first, "m": state}))
    children = json.loads(answer["output"])
    parent = answer["executionArn"]
    assert [child["Input"] for child in children] == [
        {"item": item, "parent": answer["name"], "v": 7} for item in ("a", "b")
    ]
    assert [child["RedriveCount"] for child in children] == [0, 0]
    assert len({child["Name"] for child in children} | {answer["name"]}) == 3
    machine = parent.rpartition(":")[0]
    assert [child["Id"] for child in children] == [f"{machine}/kids:{child['Name']}" for child in children]


@beyond_stock("InternalError", "InternalServerError", "Internal Server Error", "500")
def test_the_children_of_a_map_run_are_listed(aws: Aws) -> None:
    """ListExecutions of a Map Run gives its children, by status, and DescribeExecution their causes."""
    gate = {"Type": "Choice", "Choices": [{"Condition": "{% $states.input = 1 ? $error('no') : true %}", "Next": "p"}]}
    state = distributed({"g": gate, "p": passing()}, Items=[0, 1], ToleratedFailureCount=1)
    arn = aws.run(jsonata({"m": state}))["executionArn"]
    (run,) = aws.sfn.list_map_runs(executionArn=arn)["mapRuns"]
    listed = aws.sfn.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert sorted(child["status"] for child in listed) == ["FAILED", "SUCCEEDED"]
    assert {child["mapRunArn"] for child in listed} == {run["mapRunArn"]}
    (failed,) = aws.sfn.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED")["executions"]
    described = aws.sfn.describe_execution(executionArn=failed["executionArn"])
    assert (described["error"], described["input"]) == ("States.QueryEvaluationError", "1")
    assert "no" in described["cause"]
    assert described["stopDate"] >= described["startDate"]
    assert aws.fails("list_executions", mapRunArn=run["mapRunArn"] + "0") == "ResourceNotFound"


@beyond_stock("[None] == [False]")
def test_a_child_sees_no_variables_of_its_parent(aws: Aws) -> None:
    """A Distributed Map's states cannot refer to variables outside of it."""
    state = distributed({"p": {"Type": "Pass", "Output": "{% $exists($v) %}", "End": True}}, Items=[1])
    assert aws.output(jsonata({"first": {"Type": "Pass", "Assign": {"v": 7}, "Next": "m"}, "m": state})) == [False]


def test_items_come_from_an_object_in_s3(aws: Aws) -> None:
    """The elements of a JSON array, in its order."""
    s3, bucket = aws.client("s3"), f"b-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="jobs/x.json", Body=json.dumps([{"n": number} for number in range(20)]))
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Arguments": {"Bucket": bucket, "Key": "jobs/x.json"},
    }
    state = distributed({"p": {"Type": "Pass", "Output": "{% $states.input.n %}", "End": True}}, ItemReader=reader)
    assert aws.output(jsonata({"m": state})) == list(range(20))


@pytest.mark.parametrize("body", [None, "{"], ids=["no object", "no JSON"])
@beyond_stock("States.ItemReaderFailed")
def test_items_that_cannot_be_read_fail_with_an_error_of_their_own(aws: Aws, body: str | None) -> None:
    """Which the Map may catch."""
    s3, bucket = aws.client("s3"), f"b-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket)
    if body is not None:
        s3.put_object(Bucket=bucket, Key="x.json", Body=body)
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Arguments": {"Bucket": bucket, "Key": "x.json"},
    }
    answer = aws.run(jsonata({"m": distributed({"p": passing()}, ItemReader=reader)}))
    assert (answer["status"], answer["error"]) == ("FAILED", "States.ItemReaderFailed")


def test_an_item_that_cannot_be_selected_fails_the_run(aws: Aws) -> None:
    """Whatever an evaluator makes of the expression, no child is left out."""
    selector = {"x": "{% $contains('a', $states.context.Map.Item.Value.missing) %}"}
    answer = aws.run(jsonata({"m": distributed({"p": passing()}, Items=["a"], ItemSelector=selector)}))
    assert (answer["status"], answer["error"]) == ("FAILED", "States.QueryEvaluationError")


@pytest.mark.exhaustive
def test_hundreds_of_children_wait_at_once(aws: Aws) -> None:
    """Every child stores its token before any goes on: all have been started."""
    children, table = 250, aws.table()
    wait = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem.waitForTaskToken",
        "Arguments": {
            "TableName": table,
            "Item": {
                "id": {"S": "{% $string($states.input) %}"},
                "token": {"S": "{% $states.context.Task.Token %}"},
            },
        },
        "Output": "{% $states.input %}",
        "End": True,
    }
    arn = aws.start(jsonata({"m": distributed({"w": wait}, Items=list(range(children)))}))
    items = aws.until(lambda: aws.dynamodb.scan(TableName=table)["Items"], lambda found: len(found) == children)
    for item in items:
        aws.sfn.send_task_success(taskToken=item["token"]["S"], output="{}")
    assert json.loads(aws.ended(arn)["output"]) == list(range(children))


@beyond_stock("'SUCCEEDED' == 'FAILED'")
def test_a_redrive_counts_for_each_child(aws: Aws) -> None:
    """A child that was redriven has a count of 1; one that had not been started begins with 0."""
    gate = {
        "Type": "Choice",
        "Choices": [
            {
                "Condition": "{% $states.input.redriven or $states.input.item != 'b' or "
                "$states.context.Execution.RedriveCount > 0 ? true : $error('no') %}",
                "Next": "p",
            }
        ],
    }
    state = distributed(
        {"g": gate, "p": {"Type": "Pass", "Output": OWN["RedriveCount"], "End": True}},
        Items=["a", "b", "c"],
        ItemSelector={
            "item": "{% $states.context.Map.Item.Value %}",
            "redriven": "{% $states.context.Execution.RedriveCount > 0 %}",
        },
        MaxConcurrency=1,
    )
    arn = aws.start(jsonata({"m": state}))
    assert aws.ended(arn)["status"] == "FAILED"
    aws.sfn.redrive_execution(executionArn=arn)
    assert json.loads(aws.ended(arn)["output"]) == [0, 1, 0]


def test_a_stop_ends_the_children(aws: Aws) -> None:
    """Nothing that a child does counts after its parent was stopped."""
    table = aws.table()
    write = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Arguments": {"TableName": table, "Item": {"id": {"S": "late"}}},
        "End": True,
    }
    arn = aws.start(
        jsonata({"m": distributed({"w": {"Type": "Wait", "Seconds": 3600, "Next": "x"}, "x": write}, Items=[1, 2])})
    )
    aws.until_entered(arn, "m")
    aws.sfn.stop_execution(executionArn=arn)
    assert aws.ended(arn)["status"] == "ABORTED"
    assert aws.dynamodb.scan(TableName=table)["Items"] == []
