"""RedriveExecution, state type by state type.

(https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html, "Redrive behavior of individual states")
"""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import Aws, branch, count, jsonata, jsonpath, passing, sdk


def gate(then: str, condition: str = "$states.context.Execution.RedriveCount > 0") -> dict[str, Any]:
    """A Choice that fails with an error until the execution has been redriven."""
    expression = f"{{% {condition} ? true : $error('the statement failed') %}}"
    return {"Type": "Choice", "Choices": [{"Condition": expression, "Next": then}], "Default": then}


def redrive(aws: Aws, arn: str) -> dict[str, Any]:
    """Redrive and wait for the end."""
    aws.sfn.redrive_execution(executionArn=arn)
    return aws.ended(arn)


@beyond_stock("'States.Runtime' == 'States.QueryEvaluationError'")
def test_a_parallel_goes_on_in_its_failed_and_aborted_branches_only(aws: Aws) -> None:
    """Of three branches the finished one is left alone, the failed one passes its gate, the aborted one goes on."""
    table = aws.table()
    done = {"done": count(table, "done", End=True)}
    failed = {
        "submit": count(table, "submit", Next="failed"),
        "failed": gate("again"),
        "again": count(table, "again", End=True),
    }
    aborted = {
        "before": count(table, "before", Next="long"),
        "long": {
            "Type": "Wait",
            "Seconds": "{% $states.context.Execution.RedriveCount > 0 ? 0 : 600 %}",
            "Next": "after",
        },
        "after": count(table, "after", End=True),
    }
    ready = {"ready": {"Type": "Wait", "Seconds": 1, "Next": "submit"}, **failed}
    parallel = {"Type": "Parallel", "Branches": [branch(done), branch(ready), branch(aborted)], "Next": "end"}
    arn = aws.start(jsonata({"work": parallel, "end": count(table, "end", End=True)}))
    answer = aws.ended(arn)
    assert answer["error"] == "States.QueryEvaluationError"
    assert "D3137: the statement failed" in answer["cause"]
    assert aws.counts(table) == {"done": 1, "submit": 1, "before": 1}
    assert [event["type"] for event in aws.history(arn)][-3:] == [
        "WaitStateAborted",
        "ParallelStateFailed",
        "ExecutionFailed",
    ]
    assert redrive(aws, arn)["status"] == "SUCCEEDED"
    assert aws.counts(table) == {"done": 1, "submit": 1, "again": 1, "before": 1, "after": 1, "end": 1}


@beyond_stock("'NoneType' object is not callable")
def test_a_gate_closes_again_for_the_next_failure(aws: Aws) -> None:
    """A gate that compares with the redrives at the failure passes once for each redrive, and names the cause."""
    table = aws.table()
    redrives = "$states.context.Execution.RedriveCount"
    output = {
        "ok": f"{{% {redrives} = 2 %}}",
        "redrives": f"{{% {redrives} %}}",
        "cause": f"{{% 'try ' & {redrives} %}}",
    }
    passed = f"{{% {redrives} > $states.input.redrives ? true : $error($states.input.cause) %}}"
    states = {
        "task": count(table, "task", Output=output, Next="task: status"),
        "task: status": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.ok %}", "Next": "end"}],
            "Default": "task: failed",
        },
        "task: failed": {"Type": "Choice", "Choices": [{"Condition": passed, "Next": "task"}]},
        "end": {"Type": "Succeed"},
    }
    arn = aws.start(jsonata(states))
    assert "D3137: try 0" in aws.ended(arn)["cause"]
    assert "D3137: try 1" in redrive(aws, arn)["cause"]
    assert redrive(aws, arn)["status"] == "SUCCEEDED"
    assert aws.counts(table) == {"task": 3}


@beyond_stock("(500) when calling the RedriveExecution")
def test_a_fail_state_fails_again(aws: Aws) -> None:
    """A redrive enters the Fail state again; what came before is not run again."""
    table = aws.table()
    definition = jsonata({"work": count(table, "work", Next="no"), "no": {"Type": "Fail", "Error": "E", "Cause": "C"}})
    arn = aws.start(definition)
    aws.ended(arn)
    answer = redrive(aws, arn)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "E", "C")
    assert aws.entered(arn) == ["work", "no", "no"]
    assert aws.counts(table) == {"work": 1}


@beyond_stock("'States.Runtime' == 'DynamoDb.Con")
def test_a_failed_task_runs_again_with_the_same_input_and_fresh_retries(aws: Aws) -> None:
    """The input and the variables are those of the first attempt; the retry count begins at 0."""
    table = aws.table()
    aws.dynamodb.put_item(TableName=table, Item={"id": {"S": "0"}})
    task = sdk(
        "dynamodb:putItem",
        {
            "TableName": table,
            "Item": {
                "id": {"S": "{% $string($states.context.State.RetryCount) %}"},
                "v": {"S": "{% $v & $states.input %}"},
            },
            "ConditionExpression": "attribute_not_exists(id) and attribute_not_exists(v)",
        },
        End=True,
    )
    definition = jsonata({"a": {"Type": "Pass", "Assign": {"v": "var"}, "Output": "in", "Next": "t"}, "t": task})
    arn = aws.start(definition)
    assert aws.ended(arn)["error"] == "DynamoDb.ConditionalCheckFailedException"
    aws.dynamodb.delete_item(TableName=table, Key={"id": {"S": "0"}})
    assert redrive(aws, arn)["status"] == "SUCCEEDED"
    assert aws.dynamodb.get_item(TableName=table, Key={"id": {"S": "0"}})["Item"]["v"]["S"] == "varin"
    assert aws.entered(arn) == ["a", "t", "t"]


@beyond_stock("KeyError: 'redriveCount'")
def test_history_context_and_description_tell_of_the_redrive(aws: Aws) -> None:
    """Same ARN; ExecutionRedriven is appended; RedriveCount and RedriveTime are in the context object."""
    context = passing(Output="{% $states.context.Execution %}")
    arn = aws.start(jsonata({"g": gate("e"), "e": context}))
    first = aws.ended(arn)
    assert (first["redriveCount"], first["redriveStatus"]) == (0, "REDRIVABLE")
    moment = aws.sfn.redrive_execution(executionArn=arn)["redriveDate"]
    answer = aws.ended(arn)
    execution = json.loads(answer["output"])
    assert (execution["RedriveCount"], answer["redriveCount"], answer["redriveDate"]) == (1, 1, moment)
    assert execution["RedriveTime"].startswith(f"{moment.astimezone().astimezone(tz=None):%Y}")
    assert (answer["redriveStatus"], "error" in answer, "cause" in answer) == ("NOT_REDRIVABLE", False, False)
    events = aws.history(arn)
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    redriven = next(event for event in events if event["type"] == "ExecutionRedriven")
    assert redriven["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert redriven["previousEventId"] == redriven["id"] - 1


@beyond_stock("KeyError: 'redriveCount'")
def test_a_redrive_is_seen_as_one_step(aws: Aws) -> None:
    """Nobody who asks meanwhile is told of the redrive together with the end before it."""
    arn = aws.start(jsonata({"w": {"Type": "Wait", "Seconds": 600, "End": True}}))
    ended, seen = threading.Event(), []

    def look() -> None:
        while not ended.is_set():
            found = aws.sfn.describe_execution(executionArn=arn)
            listed = aws.sfn.list_executions(stateMachineArn=found["stateMachineArn"])["executions"]
            seen.extend((found, *listed))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            for _ in range(30):
                aws.sfn.stop_execution(executionArn=arn)
                aws.sfn.redrive_execution(executionArn=arn)
        finally:
            ended.set()
        looking.result()
    aws.sfn.stop_execution(executionArn=arn)
    assert len({one["redriveCount"] for one in seen}) > 1
    for one in seen:
        assert ("stopDate" in one) == (one["status"] == "ABORTED")
        assert one["redriveCount"] == 0 or "stopDate" not in one or one["stopDate"] >= one["redriveDate"]


@beyond_stock("'500' == 'ExecutionNotRedrivable'")
def test_what_has_succeeded_or_runs_is_not_redrivable(aws: Aws) -> None:
    """ExecutionNotRedrivable for SUCCEEDED and RUNNING."""
    done = aws.start(jsonata({"a": passing()}))
    aws.ended(done)
    running = aws.start(jsonata({"w": {"Type": "Wait", "Seconds": 600, "End": True}}))
    for arn in (done, running):
        assert aws.fails("redrive_execution", executionArn=arn) == "ExecutionNotRedrivable"
    aws.sfn.stop_execution(executionArn=running)


@beyond_stock("(500) when calling the RedriveExecution")
def test_a_client_token_makes_a_redrive_idempotent(aws: Aws) -> None:
    """The same token redrives once."""
    arn = aws.start(jsonata({"f": {"Type": "Fail"}}))
    aws.ended(arn)
    dates = []
    for _ in range(2):
        dates.append(aws.sfn.redrive_execution(executionArn=arn, clientToken="once")["redriveDate"])
        answer = aws.ended(arn)
    assert dates[0] == dates[1]
    assert answer["redriveCount"] == 1


@beyond_stock("(500) when calling the RedriveExecution")
def test_an_execution_is_redriven_several_times(aws: Aws) -> None:
    """Each redrive begins where the last attempt ended, also after a stop and after a timeout."""
    table = aws.table()
    states = {
        "one": count(table, "one", Next="gate"),
        "gate": gate("two"),
        "two": count(table, "two", Next="wait"),
        "wait": {
            "Type": "Wait",
            "Seconds": "{% $states.context.Execution.RedriveCount > 2 ? 0 : 600 %}",
            "Next": "three",
        },
        "three": count(table, "three", End=True),
    }
    arn = aws.start(jsonata(states, TimeoutSeconds=3))
    assert aws.ended(arn)["status"] == "FAILED"
    aws.sfn.redrive_execution(executionArn=arn)
    aws.until_entered(arn, "wait")
    aws.sfn.stop_execution(executionArn=arn)
    assert redrive(aws, arn)["status"] == "TIMED_OUT"
    assert aws.counts(table) == {"one": 1, "two": 1}
    answer = redrive(aws, arn)
    assert (answer["status"], answer["redriveCount"]) == ("SUCCEEDED", 3)
    assert aws.counts(table) == {"one": 1, "two": 1, "three": 1}


@beyond_stock("'status': 'RUNNING'")
def test_nested_parallels_keep_what_is_done_at_every_depth(aws: Aws) -> None:
    """Only the failed branch of the failed branch goes on; outputs keep their places."""
    table = aws.table()

    def leaf(name: str) -> dict[str, Any]:
        return branch({name: count(table, name, Output=name, End=True)})

    late = {
        "late": {"Type": "Wait", "Seconds": 1, "Next": "gate"},
        "gate": gate("last"),
        "last": passing(Output="last"),
    }
    inner = {"Type": "Parallel", "Branches": [leaf("a"), branch(late), leaf("b")], "End": True}
    before = count(table, "before", Next="inner")
    outer = {"Type": "Parallel", "Branches": [leaf("c"), branch({"before": before, "inner": inner})], "End": True}
    arn = aws.start(jsonata({"outer": outer}))
    assert aws.ended(arn)["status"] == "FAILED"
    answer = redrive(aws, arn)
    assert json.loads(answer["output"]) == ["c", ["a", "last", "b"]]
    assert aws.counts(table) == {"a": 1, "b": 1, "c": 1, "before": 1}


@beyond_stock("(500) when calling the RedriveExecution")
def test_a_map_runs_unfinished_iterations_only(aws: Aws) -> None:
    """Finished iterations keep their outputs; failed and aborted ones go on with their own item."""
    table = aws.table()
    work = count(table, "{% $states.input %}", Output="{% $states.input %}", Next="pause")
    pause = {"Type": "Wait", "Seconds": "{% $states.input = 'b' ? 1 : 0 %}", "Next": "gate"}
    condition = "$states.context.Execution.RedriveCount > 0 or $states.input != 'b'"
    states = {
        "work": work,
        "pause": pause,
        "gate": gate("done", condition),
        "done": passing(Output="{% $states.input & '!' %}"),
    }
    state = {"Type": "Map", "Items": ["a", "b", "c"], "ItemProcessor": branch(states), "End": True}
    arn = aws.start(jsonata({"m": state}))
    assert aws.ended(arn)["status"] == "FAILED"
    answer = redrive(aws, arn)
    assert json.loads(answer["output"]) == ["a!", "b!", "c!"]
    assert aws.counts(table) == {"a": 1, "b": 1, "c": 1}
    started = [event for event in aws.history(arn) if event["type"] == "MapIterationStarted"]
    assert [event["mapIterationStartedEventDetails"]["index"] for event in started].count(1) == 2
    assert len(started) == 4


@beyond_stock("KeyError: 'error'")
@pytest.mark.parametrize("field", ["ItemProcessor", "Iterator"])
def test_a_distributed_map_runs_unsuccessful_children_only(aws: Aws, field: str) -> None:
    """A failed child fails the Map Run; the redrive runs that child again, the others not."""
    table = aws.table()
    work = count(table, "{% $states.input %}", Output="{% $states.input %}", Next="gate")
    condition = "$states.context.Execution.RedriveCount > 0 or $states.input != 'b'"
    processor = branch({"work": work, "gate": gate("done", condition), "done": passing()})
    processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    state = {"Type": "Map", "Items": ["a", "b"], "MaxConcurrency": 1, field: processor, "End": True}
    arn = aws.start(jsonata({"m": state}))
    assert aws.ended(arn)["error"] == "States.ExceedToleratedFailureThreshold"
    answer = redrive(aws, arn)
    assert json.loads(answer["output"]) == ["a", "b"]
    assert aws.counts(table) == {"a": 1, "b": 1}


@beyond_stock("'a' in [None, None]")
def test_a_distributed_map_tolerates_as_many_failures_as_it_says(aws: Aws) -> None:
    """Within ToleratedFailureCount the Map Run succeeds."""
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% $states.input != 'b' %}", "Next": "e"}], "Default": "f"}
    processor = branch({"c": choice, "e": passing(), "f": {"Type": "Fail"}})
    processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    state = {"Type": "Map", "Items": ["a", "b"], "ToleratedFailureCount": 1, "ItemProcessor": processor, "End": True}
    assert "a" in aws.output(jsonata({"m": state}))


@beyond_stock("(500) when calling the RedriveExecution")
def test_a_caught_error_counts_as_done(aws: Aws) -> None:
    """A state whose error was caught is not run again: "Catch, clean up, Fail" only fails again."""
    table = aws.table()
    task = count(table, "task", Next="e", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "clean"}])
    task["Arguments"]["ConditionExpression"] = "attribute_exists(id)"
    states = {"task": task, "clean": count(table, "clean", Next="no"), "no": {"Type": "Fail"}, "e": passing()}
    arn = aws.start(jsonata(states))
    aws.ended(arn)
    assert redrive(aws, arn)["status"] == "FAILED"
    assert aws.entered(arn) == ["task", "clean", "no", "no"]
    assert aws.counts(table) == {"clean": 1}


@beyond_stock("'NoneType' object is not callable")
def test_a_wait_for_a_past_moment_ends_at_once(aws: Aws) -> None:
    """A Wait that was aborted and whose Timestamp has passed does not wait again."""
    definition = jsonpath({"w": {"Type": "Wait", "TimestampPath": "$.at", "End": True}}, TimeoutSeconds=1)
    soon = aws.output(jsonata({"a": passing(Output="{% $fromMillis($millis() + 2000) %}")}))
    arn = aws.start(definition, {"at": soon})
    assert aws.ended(arn)["status"] == "TIMED_OUT"
    aws.output(jsonata({"w": {"Type": "Wait", "Timestamp": soon, "End": True}}))
    assert redrive(aws, arn)["status"] == "SUCCEEDED"


@beyond_stock("(500) when calling the RedriveExecution")
def test_an_update_does_not_reach_a_redrive(aws: Aws) -> None:
    """The definition at the start is used, whatever the state machine has become."""
    machine = aws.create(jsonata({"g": gate("e"), "e": passing(Output="as started")}))
    arn = aws.sfn.start_execution(stateMachineArn=machine)["executionArn"]
    aws.ended(arn)
    aws.sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(jsonata({"f": {"Type": "Fail"}})))
    assert json.loads(redrive(aws, arn)["output"]) == "as started"


@beyond_stock("still set()")
def test_an_aborted_task_with_a_token_gets_a_new_one(aws: Aws) -> None:
    """A waitForTaskToken task that was aborted is scheduled again; the old token is no longer valid."""
    table = aws.table()
    item = {"id": {"S": "{% $states.context.Task.Token %}"}}
    task = sdk("dynamodb:putItem.waitForTaskToken", {"TableName": table, "Item": item}, End=True)
    arn = aws.start(jsonata({"t": task}))

    def tokens(number: int) -> set[str]:
        scan = lambda: {row["id"]["S"] for row in aws.dynamodb.scan(TableName=table)["Items"]}  # noqa: E731
        return set(aws.until(scan, lambda found: len(found) == number))

    def until_submitted(times: int) -> None:
        aws.until(lambda: [event["type"] for event in aws.history(arn)].count("TaskSubmitted"), lambda n: n == times)

    old = tokens(1)
    until_submitted(1)  # the call takes effect before its event is there
    aws.sfn.stop_execution(executionArn=arn)
    assert aws.fails("send_task_success", taskToken=next(iter(old)), output="1") in ("InvalidToken", "TaskTimedOut")
    aws.sfn.redrive_execution(executionArn=arn)
    (new,) = tokens(2) - old
    aws.until_entered(arn, "t")
    until_submitted(2)
    aws.sfn.send_task_success(taskToken=new, output='"done"')
    assert json.loads(aws.ended(arn)["output"]) == "done"


@beyond_stock("(500) when calling the RedriveExecution")
def test_variables_of_branches_survive_a_redrive(aws: Aws) -> None:
    """A variable assigned in a branch before its failure is there after the redrive."""
    states = {
        "a": {"Type": "Pass", "Assign": {"x": "kept"}, "Next": "gate"},
        "gate": gate("e"),
        "e": passing(Output="{% $x & $outer %}"),
    }
    parallel = {"Type": "Parallel", "Branches": [branch(states)], "End": True}
    arn = aws.start(jsonata({"o": {"Type": "Pass", "Assign": {"outer": "!"}, "Next": "p"}, "p": parallel}))
    aws.ended(arn)
    assert json.loads(redrive(aws, arn)["output"]) == ["kept!"]


@beyond_stock("'States.Runtime' == 'States.DataLimitExceeded'")
def test_a_result_over_the_limit_runs_all_branches_again(aws: Aws) -> None:
    """A Parallel that failed with States.DataLimitExceeded is rerun whole."""
    table = aws.table()
    text = "{% $states.context.Execution.RedriveCount > 0 ? 'x' : $pad('', 150000, 'x') %}"
    branches = [branch({name: count(table, name, Output=text, End=True)}) for name in ("a", "b")]
    arn = aws.start(jsonata({"p": {"Type": "Parallel", "Branches": branches, "End": True}}))
    assert aws.ended(arn)["error"] == "States.DataLimitExceeded"
    assert redrive(aws, arn)["status"] == "SUCCEEDED"
    assert aws.counts(table) == {"a": 2, "b": 2}


@pytest.mark.parametrize("index", range(3))
def test_a_stop_between_any_two_steps_loses_nothing(aws: Aws, index: int) -> None:
    """Stopped wherever, often, and redriven each time, an execution does everything and each task once or, when stopped
    within a task, again."""
    table = aws.table()
    names = [f"t{number}" for number in range(6)]
    states = {
        name: count(table, name, Next=following) for name, following in zip(names, [*names[1:], "e"], strict=True)
    }
    arn = aws.start(jsonata({**states, "e": passing()}))
    stops = 0
    while aws.sfn.describe_execution(executionArn=arn)["status"] == "RUNNING" and stops < 5:
        aws.until(lambda: len(aws.entered(arn)), lambda number: number > stops + index)  # noqa: B023
        aws.sfn.stop_execution(executionArn=arn)
        stops += 1
        if aws.sfn.describe_execution(executionArn=arn)["status"] == "SUCCEEDED":
            break
        aws.sfn.redrive_execution(executionArn=arn)
    assert aws.ended(arn)["status"] == "SUCCEEDED"
    aborted = [event["type"] for event in aws.history(arn)].count("TaskStateAborted")
    assert set(aws.counts(table)) == set(names)
    assert sum(aws.counts(table).values()) <= len(names) + aborted
    exited = [
        event["stateExitedEventDetails"]["name"] for event in aws.history(arn) if event["type"] == "TaskStateExited"
    ]
    assert exited == names
