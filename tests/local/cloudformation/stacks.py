"""Templates and calls that the tests of CloudFormation share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["states.amazonaws.com", "scheduler.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}
PASS = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}}
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "JobID", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "JobID", "AttributeType": "S"}],
    },
}
SECRETLY_WRONG = {"StartAt": "Only", "States": {"Only": {"Type": "Paas", "End": True}}}


def machine(**properties: Any) -> dict[str, Any]:
    """A state machine that runs as the role ``Role``."""
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Definition": PASS, **properties},
    }


def table(**properties: Any) -> dict[str, Any]:
    return {"Type": TABLE["Type"], "Properties": {**TABLE["Properties"], **properties}}  # type: ignore[dict-item]


def create(cloudformation: Any, name: str, template: dict[str, Any] | str, **values: str) -> dict[str, Any]:
    """Create a stack and describe it; ``values`` are its parameters."""
    stack_id = cloudformation.create_stack(StackName=name, **arguments(template, values))["StackId"]
    return describe(cloudformation, stack_id)


def update(cloudformation: Any, name: str, template: dict[str, Any] | str, **values: str) -> dict[str, Any]:
    cloudformation.update_stack(StackName=name, **arguments(template, values))
    return describe(cloudformation, name)


def arguments(template: dict[str, Any] | str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "TemplateBody": template if isinstance(template, str) else json.dumps(template),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    }


def describe(cloudformation: Any, name: str) -> dict[str, Any]:
    stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return stack


def physical(cloudformation: Any, name: str, logical_id: str) -> str:
    """The physical id of a resource."""
    answer = cloudformation.describe_stack_resource(StackName=name, LogicalResourceId=logical_id)
    return str(answer["StackResourceDetail"]["PhysicalResourceId"])


def definition(client: Callable[[str], Any], name: str, logical_id: str = "Machine") -> dict[str, Any]:
    """The definition that Step Functions has for a state machine of a stack."""
    arn = physical(client("cloudformation"), name, logical_id)
    text = client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]
    found: dict[str, Any] = json.loads(text)
    return found


def events(cloudformation: Any, name: str) -> list[tuple[str, str, str]]:
    """Logical id, status and reason of everything that happened to a stack, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    found = [event for page in pages for event in page["StackEvents"]]
    return [
        (event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", ""))
        for event in reversed(found)
    ]


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and message with which a call is refused."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("it was not refused")
