"""Many executions and many clients at once."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import Aws, branch, count, jsonata, jsonpath, passing


def test_of_many_starts_with_one_name_one_runs(aws: Aws) -> None:
    """StartExecution is atomic: one execution, the others get it or ExecutionAlreadyExists."""
    machine = aws.create(jsonata({"w": {"Type": "Wait", "Seconds": 600, "End": True}}))

    def start(number: int) -> str:
        try:
            return str(
                aws.sfn.start_execution(stateMachineArn=machine, name="one", input=str(number % 2))["executionArn"]
            )
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(start, range(40)))
    assert len(aws.sfn.list_executions(stateMachineArn=machine)["executions"]) == 1
    assert answers.count("ExecutionAlreadyExists") == 20
    aws.sfn.stop_execution(executionArn=next(answer for answer in answers if answer.startswith("arn:")))


def test_of_many_redrives_at_once_one_takes(aws: Aws) -> None:
    """RedriveExecution is atomic: a second one finds the execution running."""
    states = {
        "w": {"Type": "Wait", "Seconds": "{% $states.context.Execution.RedriveCount > 0 ? 600 : 0 %}", "Next": "f"},
        "f": {"Type": "Fail"},
    }
    arn = aws.start(jsonata({"p": {"Type": "Parallel", "Branches": [branch(states)], "End": True}}, TimeoutSeconds=60))
    aws.ended(arn)

    def redrive(_: int) -> str:
        try:
            aws.sfn.redrive_execution(executionArn=arn)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "redriven"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(redrive, range(8)))
    count_ = aws.sfn.describe_execution(executionArn=arn)["redriveCount"]
    assert answers.count("redriven") == count_
    assert set(answers) <= {"redriven", "ExecutionNotRedrivable"}


@beyond_stock("KeyError: 'output'")
def test_executions_of_one_definition_share_nothing(aws: Aws) -> None:
    """Retries, variables and outputs of executions that run at once stay apart."""
    states = {
        "a": {"Type": "Pass", "Assign": {"n": "{% $states.input.n %}"}, "Next": "p"},
        "p": {
            "Type": "Parallel",
            "Branches": [branch({f"b{i}": passing(Output=f"{{% $n * {i} %}}")}) for i in range(3)],
            "Next": "e",
        },
        "e": passing(Output="{% $sum($states.input) + $n %}"),
    }
    machine = aws.create(jsonata(states))

    def run(number: int) -> Any:
        arn = aws.sfn.start_execution(stateMachineArn=machine, name=str(uuid.uuid4()), input=json.dumps({"n": number}))
        return json.loads(aws.ended(arn["executionArn"])["output"])

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(run, range(32))) == [4 * number for number in range(32)]


@beyond_stock("'NoneType' object is not callable")
def test_counters_lose_nothing_under_a_wide_map(aws: Aws) -> None:
    """A Map of many items counts each once."""
    table = aws.table()
    state = {
        "Type": "Map",
        "Items": "{% [1..2000] %}",
        "MaxConcurrency": 1,
        "ItemProcessor": branch({"i": passing(Output=1)}),
        "Output": "{% $sum($states.result) %}",
        "Next": "c",
    }
    definition = jsonata({"m": state, "c": count(table, "all", Output="{% $states.input %}", End=True)})
    assert aws.output(definition) == 2000


def test_a_jsonpath_map_works_too(aws: Aws) -> None:
    """ItemSelector and ResultPath of a JSONPath Map."""
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"},
        "ItemProcessor": branch({"i": passing()}),
        "ResultPath": "$.out",
        "End": True,
    }
    output = aws.output(jsonpath({"m": state}), {"items": ["a", "b"]})
    assert output["out"] == [{"v": "a", "i": 0}, {"v": "b", "i": 1}]
