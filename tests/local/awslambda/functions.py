"""A stack with a function, its role and a state machine that invokes it, as tests share them."""

from __future__ import annotations

import json
from typing import Any

#: Does what its event says.
CODE = """
import os, sys, time
import boto3

calls = 0

def handler(event, context):
    global calls
    calls += 1
    print("called with", event)
    if "raise" in event:
        raise type(event["raise"], (Exception,), {})("it was asked to")
    if "exit" in event:
        os._exit(event["exit"])
    if "sleep" in event:
        time.sleep(event["sleep"])
    return {
        "calls": calls,
        "mode": os.environ["MODE"],
        "tables": boto3.client("dynamodb").list_tables()["TableNames"] is not None,
        "left": context.get_remaining_time_in_millis(),
        "name": context.function_name,
    }
"""


def function(code: str = CODE, **properties: Any) -> dict[str, Any]:
    """A function that runs as the role ``Role``."""
    given = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": code},
        "Timeout": 30,
        "Environment": {"Variables": {"MODE": "one"}},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": {**given, **properties}}


def role() -> dict[str, Any]:
    """What both services may assume."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
    allowed = {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}
    policy = {"PolicyName": "use", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document, "Policies": [policy]}}


def machine() -> dict[str, Any]:
    """It invokes the function with its input, and gives the answer, or the error that it catches."""
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": {"Ref": "Function"}, "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload.calls %}",
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}],
        "End": True,
    }
    states = {"Invoke": invoke, "Caught": {"Type": "Succeed"}}
    definition = {"QueryLanguage": "JSONata", "StartAt": "Invoke", "States": states}
    properties = {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Definition": definition}
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}


def template(**changed: Any) -> dict[str, Any]:
    """:param changed: properties of the function."""
    return {"Resources": {"Role": role(), "Function": function(**changed), "Machine": machine()}}


def invoked(client: Any, name: str, event: Any, **how: Any) -> tuple[str | None, Any]:
    """Which kind of error there was, and what came back."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event), **how)
    text = answer["Payload"].read()
    return answer.get("FunctionError"), json.loads(text) if text else None
