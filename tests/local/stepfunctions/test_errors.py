"""Error names: what Retry, Catch and the end of an execution see."""

import json
from typing import Any

import pytest

from elt_redshift.local.stepfunctions.errors import catches
from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import Aws, branch, jsonata, jsonpath, missing_table, passing, sdk

MISSING = "DynamoDb.ResourceNotFoundException"


@pytest.mark.parametrize(
    ("error_equals", "error", "caught"),
    [
        ("States.ALL", MISSING, True),
        ("States.ALL", "States.Timeout", True),
        ("States.ALL", "States.QueryEvaluationError", True),
        ("States.ALL", "States.Runtime", False),
        ("States.Runtime", "States.Runtime", False),
        ("States.ALL", "States.DataLimitExceeded", False),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
        ("States.TaskFailed", MISSING, True),
        ("States.TaskFailed", "States.QueryEvaluationError", True),
        ("States.TaskFailed", "States.Timeout", False),
        ("States.Timeout", "States.HeartbeatTimeout", True),
        ("States.HeartbeatTimeout", "States.Timeout", False),
        (MISSING, MISSING, True),
        ("Other", MISSING, False),
    ],
)
def test_error_equals_covers_what_aws_says(error_equals: str, error: str, caught: bool) -> None:
    """The wildcards and their exceptions are those of AWS's guide."""
    assert catches({error_equals}, error) is caught


def caught_by(states: dict[str, Any]) -> dict[str, Any]:
    """A Parallel state of one branch, with a Catch for everything."""
    parallel = {
        "Type": "Parallel",
        "Branches": [branch(states)],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "e"}],
        "End": True,
    }
    return jsonata({"p": parallel, "e": passing(Output="{% $states.input %}")})


@beyond_stock("got 'States.Runtime'")
def test_a_states_error_in_a_branch_is_caught_by_its_parallel(aws: Aws) -> None:
    """Error names beginning with States. pass through Parallel's Catch."""
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "x"}]}
    output = aws.output(caught_by({"c": choice, "x": passing()}))
    assert output["Error"] == "States.NoChoiceMatched"


@beyond_stock("got 'States.Runtime'")
def test_a_states_error_in_an_iteration_is_caught_by_its_map(aws: Aws) -> None:
    """Error names beginning with States. pass through Map's Catch."""
    item = passing(Output="{% $error('bad item') %}")
    state = {
        "Type": "Map",
        "Items": [1],
        "ItemProcessor": branch({"i": item}),
        "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "e"}],
        "End": True,
    }
    output = aws.output(jsonata({"m": state, "e": passing(Output="{% $states.input %}")}))
    assert "bad item" in output["Cause"]


@beyond_stock("'States.Runtime' == 'States.NoChoiceMatched'")
def test_no_matching_choice_is_its_own_error(aws: Aws) -> None:
    """A Choice without a match and without Default fails with States.NoChoiceMatched."""
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.x", "NumericEquals": 1, "Next": "e"}]}
    assert aws.run(jsonpath({"c": choice, "e": passing()}), {"x": 2})["error"] == "States.NoChoiceMatched"


@beyond_stock("'NoneType' object is not callable")
def test_a_rule_whose_next_is_the_default_is_not_the_default(aws: Aws) -> None:
    """The state's own Assign and Output belong to Default only."""
    choice = {
        "Type": "Choice",
        "Choices": [{"Condition": "{% true %}", "Next": "e", "Output": "rule"}],
        "Default": "e",
        "Output": "default",
    }
    assert aws.output(jsonata({"c": choice, "e": passing()})) == "rule"


@beyond_stock("KeyError: 'error'")
def test_states_all_does_not_catch_runtime_errors(aws: Aws) -> None:
    """States.Runtime always fails the execution."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:listTables",
        "Parameters": {"Limit.$": "$.missing"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "e"}],
        "End": True,
    }
    answer = aws.run(jsonpath({"a": state, "e": passing()}))
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Runtime")


@beyond_stock("'States.Runtime' == 'States.DataLimitExceeded'")
def test_states_all_does_not_catch_a_payload_over_the_limit(aws: Aws) -> None:
    """A result over 256 KiB is States.DataLimitExceeded, which only its own name catches."""
    big = "{% $join($map($range(1, 600, 1), function($n) { $pad('', 500, 'x') })) %}"

    def definition(name: str) -> dict[str, Any]:
        parallel = {"Type": "Parallel", "Branches": [branch({"b": passing(Output=big)})], "End": True}
        parallel["Catch"] = [{"ErrorEquals": [name], "Next": "e"}]
        return jsonata({"p": parallel, "e": passing(Output="caught")})

    assert aws.run(definition("States.ALL"))["error"] == "States.DataLimitExceeded"
    assert aws.output(definition("States.DataLimitExceeded")) == "caught"


@beyond_stock("'status': 'RUNNING'")
def test_a_missing_heartbeat_is_heartbeat_timeout(aws: Aws) -> None:
    """A task without heartbeats fails with States.HeartbeatTimeout."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:listTables.waitForTaskToken",
        "Arguments": {},
        "HeartbeatSeconds": 1,
        "End": True,
    }
    assert aws.run(jsonata({"a": state}))["error"] == "States.HeartbeatTimeout"


@beyond_stock("'States.Runtime' == 'States.HeartbeatTimeout'")
def test_a_heartbeat_may_come_before_the_answer_to_the_call(aws: Aws) -> None:
    """A token is good as soon as it is passed on: here to the call that is the heartbeat itself, and the only one."""
    mine = {"TaskToken": "{% $states.context.Task.Token %}"}
    state = sdk("sfn:sendTaskHeartbeat.waitForTaskToken", mine, HeartbeatSeconds=1, End=True)
    assert aws.run(jsonata({"a": state}))["error"] == "States.HeartbeatTimeout"


def test_a_states_timeout_fails_it_with_states_timeout(aws: Aws) -> None:
    """TimeoutSeconds of a task that waits for its token is States.Timeout, which Catch sees."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:listTables.waitForTaskToken",
        "Arguments": {},
        "TimeoutSeconds": 1,
        "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "e"}],
        "End": True,
    }
    assert aws.output(jsonata({"a": state, "e": passing(Output="late")})) == "late"


@beyond_stock("still []")
@pytest.mark.parametrize("over", ["answered", "timed out"])
def test_a_token_ends_one_wait_once(aws: Aws, over: str) -> None:
    """A token is refused once its task is answered or has timed out, while the execution goes on."""
    table = aws.table()
    item = {"id": {"S": "{% $states.context.Task.Token %}"}}
    task = sdk("dynamodb:putItem.waitForTaskToken", {"TableName": table, "Item": item}, Next="w", TimeoutSeconds=60)
    if over == "timed out":
        task |= {"TimeoutSeconds": 1, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "w"}]}
    arn = aws.start(jsonata({"t": task, "w": {"Type": "Wait", "Seconds": 60, "Next": "e"}, "e": passing()}))
    (row,) = aws.until(lambda: aws.dynamodb.scan(TableName=table)["Items"], bool)
    if over == "answered":
        aws.sfn.send_task_success(taskToken=row["id"]["S"], output="1")
    aws.until_entered(arn, "w")
    for answer, more in (
        ("send_task_success", {"output": "1"}),
        ("send_task_failure", {}),
        ("send_task_heartbeat", {}),
    ):
        assert aws.fails(answer, taskToken=row["id"]["S"], **more) == "TaskTimedOut"
    aws.sfn.stop_execution(executionArn=arn)


@beyond_stock("still")
@pytest.mark.parametrize("first", ["failed", "timed out"])
def test_each_attempt_waits_for_a_token_of_its_own(aws: Aws, first: str) -> None:
    """A task that failed, or timed out, and is tried again takes another token; the old one is refused."""
    table = aws.table()
    item = {"id": {"S": "{% $states.context.Task.Token %}"}}
    retry = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}
    task = sdk("dynamodb:putItem.waitForTaskToken", {"TableName": table, "Item": item}, End=True, Retry=[retry])
    if first == "timed out":
        # Of the first attempt only, so that the second one may take its time.
        task["TimeoutSeconds"] = "{% $states.context.State.RetryCount = 0 ? 1 : 600 %}"
    arn = aws.start(jsonata({"t": task}))

    def tokens() -> set[str]:
        return {row["id"]["S"] for row in aws.dynamodb.scan(TableName=table)["Items"]}

    (old,) = aws.until(tokens, bool)
    if first == "failed":
        aws.sfn.send_task_failure(taskToken=old, error="E")
    (new,) = aws.until(tokens, lambda found: len(found) == 2) - {old}
    assert aws.fails("send_task_success", taskToken=old, output="1") == "TaskTimedOut"
    aws.sfn.send_task_success(taskToken=new, output="2")
    assert json.loads(aws.ended(arn)["output"]) == 2


@beyond_stock("'NoneType' object is not callable")
def test_a_catch_may_go_back_to_its_own_state(aws: Aws) -> None:
    """Next of a Catch may be the state itself, which then runs again."""
    table = "{% $states.input.Error ? $error('second time') : 'missing' %}"
    state = missing_table(Catch=[{"ErrorEquals": [MISSING], "Next": "a"}], Next="e")
    state["Arguments"]["TableName"] = table
    arn = aws.start(jsonata({"a": state, "e": passing()}))
    assert "second time" in aws.ended(arn)["cause"]
    assert aws.entered(arn) == ["a", "a"]


@beyond_stock("0 == 1")
def test_the_cause_names_the_innermost_state_once(aws: Aws) -> None:
    """A failure in a nested branch is not wrapped again by every Parallel around it."""
    inner = {"Type": "Parallel", "Branches": [branch({"deep": passing(Output="{% $error('x') %}")})], "End": True}
    outer = {"Type": "Parallel", "Branches": [branch({"inner": inner})], "End": True}
    cause = aws.run(jsonata({"outer": outer}))["cause"]
    assert cause.count("An error occurred while executing the state") == 1
    assert "the state 'deep'" in cause


@beyond_stock("still []")
def test_a_task_failure_carries_error_and_cause(aws: Aws) -> None:
    """SendTaskFailure's cause is the execution's cause."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem.waitForTaskToken",
        "Arguments": {"TableName": aws.table(), "Item": {"id": {"S": "{% $states.context.Task.Token %}"}}},
        "End": True,
    }
    table = state["Arguments"]["TableName"]  # type: ignore[index]
    arn = aws.start(jsonata({"a": state}))
    items = aws.until(lambda: aws.dynamodb.scan(TableName=table)["Items"], bool)
    aws.sfn.send_task_failure(taskToken=items[0]["id"]["S"], error="E", cause="C")
    answer = aws.ended(arn)
    assert (answer["error"], answer["cause"]) == ("E", "C")


def test_retries_end_and_the_last_error_counts(aws: Aws) -> None:
    """A task is tried MaxAttempts times more; RetryCount counts them."""
    state = missing_table(
        Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 1}]
    )
    state["Arguments"]["Key"] = {"id": {"S": "{% $string($states.context.State.RetryCount) %}"}}
    arn = aws.start(jsonata({"a": state | {"End": True}}))
    assert aws.ended(arn)["error"] == MISSING
    scheduled = [event["taskScheduledEventDetails"] for event in aws.history(arn) if event["type"] == "TaskScheduled"]
    assert [json.loads(item["parameters"])["Key"]["id"]["S"] for item in scheduled] == ["0", "1"]


def test_a_payload_is_measured_as_it_is_sent(aws: Aws) -> None:
    """A character counts as many bytes as it takes in UTF-8, not those of an escape."""
    text = "{% $join($map($range(1, 600, 1), function($n) { $pad('', 200, 'é') })) %}"
    assert aws.output(jsonata({"a": passing(Output={"text": text})})) == {"text": "é" * 120_000}


def test_retries_come_at_the_pace_that_is_set(aws: Aws) -> None:
    """The time before a retry is shortened by a factor, so that tests need not wait it out."""
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 1}]
    arn = aws.start(jsonata({"a": missing_table(Retry=retry, End=True)}))
    aws.ended(arn)
    first, second = (event["timestamp"] for event in aws.history(arn) if event["type"] == "TaskFailed")
    assert (second - first).total_seconds() < 10
