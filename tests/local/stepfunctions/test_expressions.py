"""JSONata: functions, bindings, errors, and every field that takes an expression."""

import json
import re
from typing import Any

import pytest

from elt_redshift.local.stepfunctions import jsonata as evaluator
from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import Aws, branch, jsonata, jsonpath, missing_table, passing, sdk

BAD = "{% 'text' %}"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$partition([1,2,3], 2)", [[1, 2], [3]]),
        ("$range(1, 9, 4)", [1, 5, 9]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$hash('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661"),
        ("$hash('a', 'SHA-512') = $hash('a', 'SHA-512')", True),
        ("$random(7) = $random(7)", True),
        ("$random() < 1", True),
        ("$length($uuid())", 36),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$x.y", 'it\'s "quoted"\n\\'),
        ("$exists($x.nothing)", True),
        ("$exists($x.missing)", False),
        ("$x.nothing", None),
        ("$type($x.nothing)", "null"),
        ("1.5 + 1.5", 3),
        ("$map([1,2], function($v) { $v * 2 })", [2, 4]),
        ("'$eval(1)'", "$eval(1)"),
    ],
)
def test_expressions_give_json(expression: str, value: Any) -> None:
    """JSONata's functions and Step Functions' own work, and null is not undefined."""
    bindings = {"x": {"y": 'it\'s "quoted"\n\\', "nothing": None}}
    result = evaluator.evaluate(expression, bindings)
    assert result == value
    assert type(result) is type(value)


HELD = {
    "states": {"input": {"a": {"b": [1], "c": None, "d": 2.0}, "list": [{"b": 1}, {"b": 2}], "none": []}},
    "other": 7,
}


@pytest.mark.parametrize(
    "expression",
    [
        "$states",
        "$states.input.a",
        " $states.input.a.b ",
        "$states.input.a.c",
        "$states.input.a.d",
        "$states.input.none",
        "$states.input.list",
        "$states.input.list.b",
        "$states.input.a.missing",
        "$states.input.a.c.b",
        "$nothing",
        "$other.a",
        "$states.input.true",
        "$keys($states.input)",
        "$states.input.*",
        "$states.input.a.b[0]",
        "$states.input.list[b = 2].b",
        "$states.input.a.d.%.c",
        "$states.input.list@$one.($one.b + $states.input.a.d)",
        "($all := $states; $all.input.a.d)",
        "$string($states.input)",
        "$states.input.$keys($)",
        "$states.input.list.$string(b)",
        '$states."input".a.d',
        "$merge([$states.input.a, {'e': $other}])",
    ],
)
def test_what_is_left_out_changes_no_result(expression: str) -> None:
    """Paths that are looked up, and values of which only what is named is given, are as if all had been given."""
    outcomes = []
    for asked in (expression, f"($none := '%'; {expression})"):
        try:
            outcomes.append(evaluator.evaluate(asked, HELD))
        except evaluator.QueryError as error:
            outcomes.append(type(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("$error('boom')", "D3137: boom"),
        ("1 + 'a'", "T2002"),
        ("$eval('1')", "not supported"),
        ("$parse('{')", "no valid JSON"),
        ("$hash('a', 'CRC')", "SHA-256"),
        ("$range(1, 2000, 1)", "1000"),
        ("$missing", "undefined"),
        ("function($v) { $v }", "unsupported result type"),
    ],
)
def test_failed_expressions_say_why(expression: str, message: str) -> None:
    """An expression that fails or gives nothing raises with JSONata's code and message."""
    with pytest.raises(evaluator.QueryError, match=re.escape(message)):
        evaluator.evaluate(expression, {})


def test_expressions_are_checked_before_they_run() -> None:
    """A syntax error and $eval are found without evaluating."""
    assert evaluator.check("1 +")
    assert "$eval" in str(evaluator.check("$eval('1')"))
    assert evaluator.check("'$eval(1)'") is None


@beyond_stock("'NoneType' object is not callable")
def test_every_field_of_a_map_takes_expressions(aws: Aws) -> None:
    """Items, MaxConcurrency, ItemSelector, Output and Assign are evaluated, with quotes in the values."""
    definition = jsonata(
        {
            "m": {
                "Type": "Map",
                "Items": "{% $states.input.items %}",
                "MaxConcurrency": "{% 1 + 1 %}",
                "ItemSelector": {"v": "{% $states.context.Map.Item.Value & $states.input.suffix %}"},
                "ItemProcessor": branch(
                    {"p": passing(Output="{% $states.input.v & $states.context.Map.Item.Index %}")}
                ),
                "Assign": {"all": "{% $join($states.result, '|') %}"},
                "Output": "{% $states.input.suffix %}",
                "Next": "e",
            },
            "e": passing(Output={"all": "{% $all %}", "was": "{% $states.input %}"}),
        }
    )
    assert aws.output(definition, {"items": ["a", "b"], "suffix": "\"'"}) == {"all": "a\"'0|b\"'1", "was": "\"'"}


@beyond_stock("'NoneType' object is not callable")
def test_waits_and_timeouts_take_expressions(aws: Aws) -> None:
    """Seconds and TimeoutSeconds are evaluated; a Wait for 0 s ends at once."""
    definition = jsonata(
        {
            "w": {"Type": "Wait", "Seconds": "{% $states.input.s %}", "Next": "t"},
            "t": missing_table(
                TimeoutSeconds="{% 5 %}", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "e"}], End=True
            ),
            "e": passing(Output="{% $states.input.Error %}"),
        }
    )
    assert aws.output(definition, {"s": 0}) == "DynamoDb.ResourceNotFoundException"


@beyond_stock("KeyError: 'output'")
def test_an_error_in_arguments_is_retried_and_caught_with_its_cause(aws: Aws) -> None:
    """Retry and Catch see States.QueryEvaluationError; $states.errorOutput has the message."""
    state = missing_table(
        Retry=[{"ErrorEquals": ["States.QueryEvaluationError"], "IntervalSeconds": 1, "MaxAttempts": 1}],
        Catch=[{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "e", "Output": "{% $states.errorOutput %}"}],
        End=True,
    )
    state["Arguments"]["TableName"] = "{% $error('no table') %}"
    arn = aws.start(jsonata({"a": state, "e": passing()}))
    answer = aws.ended(arn)
    output = json.loads(answer["output"])
    assert output["Error"] == "States.QueryEvaluationError"
    assert (
        "The JSONata expression '$error('no table')' specified for the field 'Arguments/TableName'" in output["Cause"]
    )
    assert "D3137: no table" in output["Cause"]
    assert [event["type"] for event in aws.history(arn)].count("EvaluationFailed") == 2


@beyond_stock("'States.Runtime' == 'States.QueryEvaluationError'")
@pytest.mark.parametrize(
    ("field", "state"),
    [
        ("Seconds", {"Type": "Wait", "Seconds": BAD}),
        ("TimeoutSeconds", missing_table(TimeoutSeconds=BAD)),
        ("HeartbeatSeconds", sdk("dynamodb:listTables.waitForTaskToken", {}, HeartbeatSeconds=BAD)),
        (
            "MaxConcurrency",
            {"Type": "Map", "Items": [1], "ItemProcessor": branch({"i": passing()}), "MaxConcurrency": BAD},
        ),
        ("Items", {"Type": "Map", "Items": BAD, "ItemProcessor": branch({"i": passing()})}),
    ],
)
def test_a_result_of_the_wrong_type_is_a_query_error(aws: Aws, field: str, state: dict[str, Any]) -> None:
    """A field that wants an integer or an array says what it got, and the history has the event."""
    arn = aws.start(jsonata({"a": state | {"End": True}}))
    answer = aws.ended(arn)
    assert answer["error"] == "States.QueryEvaluationError"
    assert f"specified for the field '{field}' returned an unexpected result type" in answer["cause"]
    assert [event["type"] for event in aws.history(arn)].count("EvaluationFailed") == 1


@beyond_stock("'NoneType' object is not callable")
@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("Output", {"Output": "{% $none %}"}),
        ("Output/a/b", {"Output": {"a": {"b": "{% $none %}"}}}),
        ("Output/a", {"Output": {"a": ["{% $none %}"]}}),
        ("Assign/x", {"Assign": {"x": "{% $none %}"}}),
        ("Assign/x/y", {"Assign": {"x": {"y": ["{% $none %}"]}}}),
    ],
)
def test_a_cause_names_the_field(aws: Aws, field: str, fields: dict[str, Any]) -> None:
    """The path of the field is in the cause."""
    assert (
        f"'$none' specified for the field '{field}' returned nothing"
        in aws.run(jsonata({"a": passing(**fields)}))["cause"]
    )


@beyond_stock("'NoneType' object is not callable")
def test_an_error_in_a_tasks_output_is_caught(aws: Aws) -> None:
    """Output is part of what Catch covers."""
    state = missing_table(
        Output="{% $states.result.no.such %}", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "e"}], End=True
    )
    state["Resource"] = "arn:aws:states:::aws-sdk:dynamodb:listTables"
    state["Arguments"] = {}
    definition = jsonata({"a": state, "e": passing(Output="{% $states.input.Error %}")})
    assert aws.output(definition) == "States.QueryEvaluationError"


@beyond_stock("'States.Runtime' == 'States.QueryEvaluationError'")
def test_a_choices_error_fails_the_execution_with_the_message(aws: Aws) -> None:
    """$error in a Condition fails the execution; its cause has the message and names the field."""
    choice = {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $error($states.input.cause) %}", "Next": "e"}],
        "Default": "e",
    }
    arn = aws.start(jsonata({"gate": choice, "e": passing()}), {"cause": 'relation "t" does not exist'})
    answer = aws.ended(arn)
    assert answer["error"] == "States.QueryEvaluationError"
    assert 'D3137: relation "t" does not exist' in answer["cause"]
    assert "specified for the field 'Condition'" in answer["cause"]
    failed = next(event for event in aws.history(arn) if event["type"] == "EvaluationFailed")
    assert failed["evaluationFailedEventDetails"]["state"] == "gate"


@beyond_stock("'States.Runtime' == 'States.QueryEvaluationError'")
@pytest.mark.parametrize("expression", ["{% $states.input.nothing %}", "{% 1 & 'a' %}"])
def test_an_undefined_or_wrongly_typed_condition_is_a_query_error(aws: Aws, expression: str) -> None:
    """A Condition must give a boolean."""
    choice = {"Type": "Choice", "Choices": [{"Condition": expression, "Next": "e"}], "Default": "e"}
    assert aws.run(jsonata({"c": choice, "e": passing()}))["error"] == "States.QueryEvaluationError"


@beyond_stock("'NoneType' object is not callable")
def test_the_context_object_is_complete(aws: Aws) -> None:
    """$states.context has the execution, the state and the state machine, with ISO times."""
    context = aws.output(jsonata({"a": passing(Output="{% $states.context %}")}), {"in": 1})
    execution, state = context["Execution"], context["State"]
    assert set(execution) == {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount"}
    assert (execution["Input"], execution["RedriveCount"]) == ({"in": 1}, 0)
    assert set(state) == {"EnteredTime", "Name", "RetryCount"}
    assert set(context["StateMachine"]) == {"Id", "Name"}
    assert all(re.fullmatch(r"[\d-]+T[\d:]+\.\d{3}Z", text) for text in (execution["StartTime"], state["EnteredTime"]))


@beyond_stock("KeyError: 'output'")
def test_variables_reach_inner_scopes_and_history(aws: Aws) -> None:
    """A variable is visible in a Parallel's branches, an inner one is not outside, and history shows assignments."""
    definition = jsonata(
        {
            "a": {"Type": "Pass", "Next": "p", "Assign": {"x": {"deep": [1, 'q"']}, "s": 'q"'}},
            "p": {
                "Type": "Parallel",
                "Branches": [branch({"b": passing(Assign={"y": 1}, Output="{% $x.deep[1] %}")})],
                "Next": "e",
            },
            "e": passing(Output={"branch": "{% $states.input[0] %}", "y": "{% $exists($y) %}"}),
        }
    )
    arn = aws.start(definition)
    assert json.loads(aws.ended(arn)["output"]) == {"branch": 'q"', "y": False}
    exited = next(event for event in aws.history(arn) if event["type"] == "PassStateExited")
    assigned = exited["stateExitedEventDetails"]["assignedVariables"]
    assert json.loads(assigned["x"]) == {"deep": [1, 'q"']}
    assert json.loads(assigned["s"]) == 'q"'


@beyond_stock("'NoneType' object is not callable")
def test_an_error_in_a_parallels_arguments_is_caught(aws: Aws) -> None:
    """Arguments of a Parallel are part of what its Catch covers."""
    parallel = {
        "Type": "Parallel",
        "Arguments": "{% $error('no input') %}",
        "Branches": [branch({"b": passing()})],
        "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "e"}],
        "End": True,
    }
    assert "no input" in aws.output(jsonata({"p": parallel, "e": passing()}))["Cause"]


@beyond_stock("got 'States.Runtime'")
def test_a_result_of_null_is_not_undefined(aws: Aws) -> None:
    """$states.result is null where the result is null, and undefined in a state that has none."""
    parallel = {"Type": "Parallel", "Branches": [branch({"b": passing(Output="{% null %}")})], "Next": "e"}
    parallel["Output"] = "{% $type($states.result[0]) %}"
    wait = {"Type": "Wait", "Seconds": 0, "Output": "{% $exists($states.result) or $exists($states.errorOutput) %}"}
    assert aws.output(jsonata({"p": parallel, "e": {**wait, "End": True}})) is False
    task = sdk("dynamodb:listTables.waitForTaskToken", {}, Output="{% $type($states.result) %}", End=True)
    table = aws.table()
    task["Resource"] = "arn:aws:states:::aws-sdk:dynamodb:putItem.waitForTaskToken"
    task["Arguments"] = {"TableName": table, "Item": {"id": {"S": "{% $states.context.Task.Token %}"}}}
    arn = aws.start(jsonata({"t": task}))
    items = aws.until(lambda: aws.dynamodb.scan(TableName=table)["Items"], bool)
    aws.until(lambda: [event["type"] for event in aws.history(arn)], lambda types: "TaskSubmitted" in types)
    aws.sfn.send_task_success(taskToken=items[0]["id"]["S"], output="null")
    assert json.loads(aws.ended(arn)["output"]) == "null"


@beyond_stock("'NoneType' object is not callable")
def test_variables_work_in_jsonpath_states(aws: Aws) -> None:
    """$name.path reads a variable in a JSONPath state."""
    first = {"Type": "Pass", "Assign": {"v.$": "$.in"}, "Next": "b"}
    second = passing(Parameters={"got.$": "$v.deep"})
    assert aws.output(jsonpath({"a": first, "b": second}), {"in": {"deep": 'a"b'}}) == {"got": 'a"b'}


def test_an_output_is_evaluated_once(aws: Aws) -> None:
    """What Output gives does not become the input of the same expression."""
    state = missing_table(Output="{% $states.input = 1 ? 2 : 1 %}", End=True)
    state["Arguments"]["TableName"] = aws.table()
    assert aws.output(jsonata({"a": state})) == 1


@pytest.mark.parametrize(
    "state",
    [
        sdk("dynamodb:getItem", {"TableName": "{% $error('none') %}"}, End=True),
        {"Type": "Map", "Items": "{% $error('none') %}", "ItemProcessor": branch({"p": passing()}), "End": True},
    ],
    ids=["task", "map"],
)
def test_an_expression_that_fails_is_told_once(aws: Aws, state: dict[str, Any]) -> None:
    """The history has one EvaluationFailed of an attempt."""
    arn = aws.start(jsonata({"a": state}))
    assert aws.ended(arn)["error"] == "States.QueryEvaluationError"
    assert [event["type"] for event in aws.history(arn)].count("EvaluationFailed") == 1
