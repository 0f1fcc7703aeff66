"""Service integrations: names, casing, values, errors."""

import datetime
import io
import json

import pytest
from botocore.model import ShapeResolver

from elt_redshift.local.stepfunctions import services, values
from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import Aws, count, jsonata, jsonpath, missing_table, passing, sdk


@pytest.mark.parametrize(
    ("asl", "boto"),
    [("redshiftdata", "redshift-data"), ("sfn", "stepfunctions"), ("dynamodb", "dynamodb"), ("eventbridge", "events")],
)
def test_asl_names_of_services_are_translated_to_botos(asl: str, boto: str) -> None:
    """A resource's service is found whatever boto calls it."""
    assert services.boto_name(asl) == boto


@pytest.mark.parametrize(
    ("boto", "prefix"),
    [
        ("redshift-data", "RedshiftData"),
        ("stepfunctions", "Sfn"),
        ("dynamodb", "DynamoDb"),
        ("s3", "S3"),
        ("sns", "Sns"),
    ],
)
def test_error_prefixes_are_those_of_the_sdk_for_java(boto: str, prefix: str) -> None:
    """Errors of SDK integrations begin with the SDK's class name."""
    assert services.error_prefix(boto) == prefix


def test_lists_of_lists_are_recased_both_ways() -> None:
    """Records of a statement's result come as Records[0][0].LongValue."""
    model = services.operation("redshift-data", "getStatementResult")
    assert model is not None
    answer = {"Records": [[{"longValue": 1}]], "ColumnMetadata": [{"name": "a", "typeName": "int4"}]}
    assert values.to_result(answer, model.output_shape) == {
        "Records": [[{"LongValue": 1}]],
        "ColumnMetadata": [{"Name": "a", "TypeName": "int4"}],
    }


def test_every_member_of_a_request_can_be_written_as_its_result_is() -> None:
    """Casing a request's names and reading them back gives the API's names, for all operations of three services."""
    for service in ("redshift-data", "stepfunctions", "dynamodb"):
        model = services.service_model(service)
        for name in model.operation_names:
            shape = model.operation_model(name).input_shape
            members = shape.members if shape else {}
            written = {values.pascal_case(member): None for member in members}
            assert set(members) == {values._request_member(key, "", shape)[0] for key in written}


def test_unknown_and_wrongly_cased_members_are_refused() -> None:
    """A parameter must exist and be in PascalCase."""
    model = services.operation("redshift-data", "executeStatement")
    assert model is not None
    for name in ("sql", "Sqll"):
        with pytest.raises(values.UnknownMemberError, match=name):
            values.to_request({name: "select 1"}, model.input_shape)


def test_what_json_lacks_becomes_text() -> None:
    """Timestamps, bytes and streams become strings."""
    moment = datetime.datetime(2024, 1, 1, 1, 0, 0, 123000, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    shape = ShapeResolver({"S": {"type": "structure", "members": {}}}).get_shape_by_name("S")
    answer = {"At": moment, "Text": b"abc", "Raw": b"\xff", "Body": io.BytesIO(b"body")}
    assert values.to_result(answer, shape) == {
        "At": "2024-01-01T00:00:00.123Z",
        "Text": "abc",
        "Raw": "/w==",
        "Body": "body",
    }


@beyond_stock("'StateMachineArn'")
def test_sdk_results_are_in_pascal_case_with_iso_times(aws: Aws) -> None:
    """sfn:describeStateMachine gives StateMachineArn and CreationDate as text."""
    arn = aws.create(jsonata({"a": passing()}))
    output = aws.output(jsonata({"a": sdk("sfn:describeStateMachine", {"StateMachineArn": arn}, End=True)}))
    assert output["StateMachineArn"] == arn
    assert datetime.datetime.fromisoformat(output["CreationDate"]).utcoffset() == datetime.timedelta()


@beyond_stock("'States.Runtime' == 'Sfn.Executio")
def test_an_sdk_error_is_named_by_service_and_error(aws: Aws) -> None:
    """An error of the SDK integration of Step Functions is Sfn.ExecutionDoesNotExistException."""
    arn = "arn:aws:states:us-east-1:123456789012:execution:none:none"
    state = sdk("sfn:describeExecution", {"ExecutionArn": arn}, End=True)
    answer = aws.run(jsonata({"a": state}))
    assert answer["error"] == "Sfn.ExecutionDoesNotExistException"
    assert "Service: Sfn" in answer["cause"]


@beyond_stock("assert False")
def test_a_service_is_reached_whose_boto_name_has_a_hyphen(aws: Aws) -> None:
    """redshiftdata is boto's redshift-data; its errors begin with RedshiftData."""
    state = sdk("redshiftdata:describeStatement", {"Id": "no-such-id"}, End=True)
    assert aws.run(jsonata({"a": state}))["error"].startswith("RedshiftData.")


def test_errors_of_dynamodb_differ_by_integration(aws: Aws) -> None:
    """The SDK integration says DynamoDb., the optimized one DynamoDB."""
    table = aws.table()
    condition = {"ConditionExpression": "attribute_exists(id)"}
    optimized = count(table, "a", End=True)
    optimized["Arguments"] |= condition
    plain = sdk("dynamodb:updateItem", optimized["Arguments"], End=True)
    assert aws.run(jsonata({"a": optimized}))["error"] == "DynamoDB.ConditionalCheckFailedException"
    assert aws.run(jsonata({"a": plain}))["error"] == "DynamoDb.ConditionalCheckFailedException"
    assert aws.run(jsonata({"a": missing_table(End=True)}))["error"] == "DynamoDb.ResourceNotFoundException"


@beyond_stock("'DynamoDB.Ama")
def test_a_query_error_in_a_dynamodb_task_keeps_its_name(aws: Aws) -> None:
    """The optimized DynamoDB integration does not rename what is not DynamoDB's error."""
    state = count("t", "{% $error('no id') %}", End=True)
    answer = aws.run(jsonata({"a": state}))
    assert answer["error"] == "States.QueryEvaluationError"
    assert "no id" in answer["cause"]


@beyond_stock("'StateMachineArn'")
def test_a_nested_execution_is_started_awaited_and_parsed(aws: Aws) -> None:
    """startExecution.sync:2 gives the child's output as JSON."""
    child = aws.create(jsonata({"a": passing(Output={"doubled": "{% $states.input.n * 2 %}"})}))
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Input": {"n.$": "$.n"}},
        "ResultSelector": {"output.$": "$.Output", "status.$": "$.Status"},
        "End": True,
    }
    assert aws.output(jsonpath({"a": state}), {"n": 21}) == {"output": {"doubled": 42}, "status": "SUCCEEDED"}


@beyond_stock("'States.Runtime' == 'States.TaskFailed'")
def test_a_nested_executions_failure_names_its_cause(aws: Aws) -> None:
    """A failed child fails the task with States.TaskFailed and the child's description."""
    child = aws.create(jsonata({"a": {"Type": "Fail", "Error": "E", "Cause": "C"}}))
    arguments = {"StateMachineArn": child, "Input": {}}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": arguments,
        "End": True,
    }
    answer = aws.run(jsonata({"a": state}))
    assert answer["error"] == "States.TaskFailed"
    assert json.loads(answer["cause"])["Error"] == "E"


def test_the_optimized_dynamodb_integration_returns_items(aws: Aws) -> None:
    """getItem gives Item with DynamoDB's own attribute names unchanged."""
    table = aws.table()
    aws.dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "jobState": {"S": "Ready"}})
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Arguments": {"TableName": table, "Key": {"id": {"S": "a"}}},
        "Output": "{% $states.result.Item.jobState.S %}",
        "End": True,
    }
    assert aws.output(jsonata({"a": state})) == "Ready"
