"""Functions run, and what becomes of an invocation is told as Lambda tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from elt_redshift.local.iam.record import Rights
from elt_redshift.local.process import LocalAws
from tests.local.awslambda.functions import CODE, function, invoked, role, template
from tests.local.cloudformation.stacks import create, events, physical, update
from tests.local.conftest import ClientFactory, client_factory
from tests.local.waiting import wait_for

STACK = "functions"


@pytest.fixture(scope="module")
def clients(local_aws: LocalAws) -> ClientFactory:
    return client_factory(local_aws.endpoint)


@pytest.fixture(scope="module")
def name(clients: ClientFactory) -> Iterator[str]:
    """A function of a stack."""
    cloudformation = clients("cloudformation")
    assert create(cloudformation, STACK, template())["StackStatus"] == "CREATE_COMPLETE"
    yield physical(cloudformation, STACK, "Function")
    cloudformation.delete_stack(StackName=STACK)
    assert not [one for one in clients("lambda").list_functions()["Functions"] if STACK in one["FunctionName"]]


def test_a_function_is_invoked_as_its_template_says(clients: ClientFactory, name: str, local_aws: LocalAws) -> None:
    """It finds its environment, its context and the embedded AWS; one process takes one invocation after the other,
    what it prints is in its log, and what it calls is its role's doing."""
    answers = [invoked(clients("lambda"), name, {"number": number}) for number in (1, 2)]
    assert [error for error, _ in answers] == [None, None]
    first, second = (answer for _, answer in answers)
    assert second["calls"] == first["calls"] + 1
    assert (second["mode"], second["name"], second["tables"]) == ("one", name, True)
    assert 0 < second["left"] <= 30_000
    assert any("called with {'number': 2}" in line for line in _log(clients("logs"), f"/aws/lambda/{name}"))
    used = [use for use in Rights(local_aws).used() if use.role.startswith(f"{STACK}-Role")]
    assert [(use.action, use.denied) for use in used if use.action.startswith("dynamodb")] == [
        ("dynamodb:ListTables", False)
    ]


def _log(logs: Any, group: str) -> list[str]:
    """What a function has written; nothing before its first invocation."""
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    found = [logs.get_log_events(logGroupName=group, logStreamName=one["logStreamName"])["events"] for one in streams]
    return [event["message"] for events in found for event in events]


def test_an_error_of_a_function_is_told_as_lambda_tells_it(clients: ClientFactory, name: str) -> None:
    """What it raised, with its type, text and place."""
    error, told = invoked(clients("lambda"), name, {"raise": "Odd.Error"})
    assert (error, told["errorType"], told["errorMessage"]) == ("Unhandled", "Odd.Error", "it was asked to")
    assert "in handler" in told["stackTrace"][0]
    assert told["requestId"]


def test_a_function_that_ends_or_takes_too_long_is_told_by_lambda(clients: ClientFactory, unique: str) -> None:
    """Its process is gone, and the next invocation gets another one; one that cannot be imported says why."""
    cloudformation, client = clients("cloudformation"), clients("lambda")
    quick = CODE.replace("import boto3", "").replace('boto3.client("dynamodb").list_tables()["TableNames"]', "1")
    create(cloudformation, unique, template(code=quick, Timeout=1))
    name = physical(cloudformation, unique, "Function")
    told = [invoked(client, name, event) for event in ({"exit": 3}, {"sleep": 9}, {})]
    assert [error for error, _ in told] == ["Unhandled", "Unhandled", None]
    assert [answer.get("errorType") for _, answer in told] == ["Runtime.ExitError", "Sandbox.Timedout", None]
    assert "exit status 3" in told[0][1]["errorMessage"]
    assert "Task timed out after 1.00 seconds" in told[1][1]["errorMessage"]
    assert told[2][1]["calls"] == 1
    assert update(cloudformation, unique, template(code="import nothing"))["StackStatus"] == "UPDATE_COMPLETE"
    assert invoked(client, name, {})[1]["errorType"] == "Runtime.ImportModuleError"
    update(cloudformation, unique, template(code=quick, Environment={"Variables": {"MODE": "two"}}))
    assert invoked(client, name, {})[1]["mode"] == "two"


def test_a_state_machine_invokes_it(clients: ClientFactory, name: str) -> None:
    """The result is the answer's payload; an error has the name of what the function raised, and Lambda's JSON as its
    cause."""
    states, arn = clients("stepfunctions"), physical(clients("cloudformation"), STACK, "Machine")

    def output(event: Any) -> Any:
        execution = states.start_execution(stateMachineArn=arn, input=json.dumps(event))["executionArn"]
        describe = states.describe_execution
        return json.loads(wait_for(lambda: describe(executionArn=execution).get("output"), "the execution ends"))

    assert output({}) >= 1
    caught = output({"raise": "RedshiftData.ValidationException"})
    assert caught["Error"] == "RedshiftData.ValidationException"
    assert json.loads(caught["Cause"])["errorMessage"] == "it was asked to"


def test_an_event_is_answered_before_the_function_has_run(clients: ClientFactory, name: str) -> None:
    """An asynchronous invocation answers nothing, and happens."""
    assert invoked(clients("lambda"), name, {"number": "later"}, InvocationType="Event") == (None, None)
    group = f"/aws/lambda/{name}"
    wait_for(lambda: [line for line in _log(clients("logs"), group) if "'later'" in line], "it has run")


def test_a_function_in_another_language_is_refused(clients: ClientFactory, unique: str) -> None:
    """It could be made, and would never run."""
    made = {"Resources": {"Role": role(), "Function": function(Runtime="nodejs22.x")}}
    stack = create(clients("cloudformation"), unique, made)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("in Python only" in reason for *_, reason in events(clients("cloudformation"), unique))
