"""A state that starts an execution and waits for its end: startExecution.sync and .sync:2."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from elt_redshift.local.iam.record import Rights
from elt_redshift.local.state import LocalAws
from tests.local.stepfunctions.support import Aws, branch, jsonata, passing

ENDLESS = jsonata({"w": {"Type": "Wait", "Seconds": 600, "End": True}})
GATE = jsonata(
    {
        "gate": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $states.context.Execution.RedriveCount > 0 or $error('why') %}", "Next": "go"}
            ],
        },
        "go": passing(Output={"redrives": "{% $states.context.Execution.RedriveCount %}"}),
    }
)
EXISTS = "StepFunctions.ExecutionAlreadyExistsException"


def nested(machine: str, name: str = "child", version: str = ":2", **flow: Any) -> dict[str, Any]:
    """A state that waits for an execution of a state machine; by default the program's last one."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:startExecution.sync{version}",
        "Arguments": {"StateMachineArn": machine, "Name": name, "Input": {"n": 1}},
        **({} if "Next" in flow else {"End": True}),
        **flow,
    }


def execution_of(machine: str, name: str = "child") -> str:
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def submitted(aws: Aws, arn: str) -> list[str]:
    """The types of the execution's events, once its nested execution has been started."""
    types: list[str] = aws.until(
        lambda: [event["type"] for event in aws.history(arn)], lambda all: "TaskSubmitted" in all
    )
    return types


@pytest.mark.parametrize(("version", "output"), [("", '{"x":1}'), (":2", {"x": 1})], ids=["sync", "sync:2"])
def test_the_result_is_the_childs_description(aws: Aws, version: str, output: Any) -> None:
    """Names are in PascalCase and in their order, times are milliseconds; .sync:2 gives input and output as JSON."""
    child = aws.create(jsonata({"a": passing(Output={"x": "{% $states.input.n %}"})}))
    result = aws.output(jsonata({"t": nested(child, version=version)}))
    told = aws.sfn.describe_execution(executionArn=execution_of(child))
    assert (result["Output"], result["Status"], result["Name"]) == (output, "SUCCEEDED", "child")
    assert result["Input"] == ({"n": 1} if version else '{"n":1}')
    assert result["StopDate"] == round(told["stopDate"].timestamp() * 1000)
    assert (list(result), result["InputDetails"]) == (sorted(result), {"Included": True})


@pytest.mark.parametrize("version", ["", ":2"], ids=["sync", "sync:2"])
def test_a_child_without_success_is_a_failed_task_that_describes_it(aws: Aws, version: str) -> None:
    """Whatever the child failed with, the state's error is States.TaskFailed; its cause is the child's description,
    with the input as a text in both versions."""
    child = aws.create(jsonata({"f": {"Type": "Fail", "Error": "States.Timeout", "Cause": "why"}}))
    answer = aws.run(jsonata({"t": nested(child, version=version)}))
    told = aws.sfn.describe_execution(executionArn=execution_of(child))
    assert answer["error"] == "States.TaskFailed"
    assert answer["cause"] == json.dumps(
        {
            "Cause": "why",
            "Error": "States.Timeout",
            "ExecutionArn": execution_of(child),
            "Input": '{"n":1}',
            "InputDetails": {"Included": True},
            "Name": "child",
            "RedriveCount": 0,
            "RedriveStatus": "REDRIVABLE",
            "StartDate": round(told["startDate"].timestamp() * 1000),
            "StateMachineArn": child,
            "Status": "FAILED",
            "StopDate": round(told["stopDate"].timestamp() * 1000),
        },
        separators=(",", ":"),
    )


def test_a_running_child_is_joined(aws: Aws) -> None:
    """A start with the name and input of an execution that runs gives that one: two states wait for one child."""
    child = aws.create(ENDLESS)
    both = [aws.start(jsonata({"t": nested(child)})) for _ in range(2)]
    assert [submitted(aws, arn)[-1] for arn in both] == ["TaskSubmitted"] * 2
    (listed,) = aws.sfn.list_executions(stateMachineArn=child)["executions"]
    aws.sfn.stop_execution(executionArn=listed["executionArn"], error="E", cause="by hand")
    causes = [json.loads(aws.ended(arn)["cause"]) for arn in both]
    assert [(cause["Status"], cause["Cause"]) for cause in causes] == [("ABORTED", "by hand")] * 2


def test_the_name_of_a_child_that_has_ended_is_refused(aws: Aws) -> None:
    """The error is one that a Catch can name."""
    child = aws.create(jsonata({"a": passing()}))
    aws.output(jsonata({"t": nested(child)}))
    catch = [{"ErrorEquals": [EXISTS], "Next": "caught"}]
    states = {"t": nested(child, Catch=catch), "caught": passing(Output="{% $states.input.Cause %}")}
    assert execution_of(child) in aws.output(jsonata(states))


def test_a_state_that_runs_out_of_time_stops_its_child(aws: Aws) -> None:
    """TimeoutSeconds of the state, which fails with States.Timeout."""
    child = aws.create(ENDLESS)
    assert aws.run(jsonata({"t": nested(child, TimeoutSeconds=1)}))["error"] == "States.Timeout"
    assert aws.ended(execution_of(child))["status"] == "ABORTED"


def test_a_machine_that_runs_out_of_time_stops_its_child(aws: Aws) -> None:
    """TimeoutSeconds of the state machine."""
    child = aws.create(ENDLESS)
    assert aws.run(jsonata({"t": nested(child)}, TimeoutSeconds=2))["status"] == "TIMED_OUT"
    assert aws.ended(execution_of(child))["status"] == "ABORTED"


def beside(child: str, other: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Parallel state with a nested execution in one branch, and what becomes of it behind; ``other`` beside it."""
    catch = [{"ErrorEquals": [EXISTS], "Next": "ask"}]
    arguments = {"ExecutionArn": execution_of(child)}
    ask = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:describeExecution", "Arguments": arguments}
    waits = branch({"t": nested(child, Catch=catch), "ask": {**ask, "End": True}})
    return jsonata({"p": {"Type": "Parallel", "Branches": [waits, branch(other)], "End": True}}, **more)


def test_a_branch_that_fails_stops_the_child_beside_it(aws: Aws) -> None:
    """A redrive of the parent enters the state again, which starts nothing: the child has ended, and stays so."""
    child = aws.create(ENDLESS)
    wait = {"Type": "Wait", "Seconds": 1, "Next": "gate"}
    arn = aws.start(beside(child, {"w": wait, **GATE["States"]}))
    assert aws.ended(arn)["error"] == "States.QueryEvaluationError"
    assert aws.ended(execution_of(child))["status"] == "ABORTED"
    aws.sfn.redrive_execution(executionArn=arn)
    answer = aws.ended(arn)
    described, passed = json.loads(answer["output"])
    assert (described["Status"], passed) == ("ABORTED", {"redrives": 1})


@pytest.mark.parametrize("stopped", [False, True], ids=["failed", "stopped"])
def test_a_redrive_enters_the_state_again(aws: Aws, stopped: bool) -> None:
    """The child is started anew, by the same name: refused, as long as nothing else catches that."""
    child = aws.create(ENDLESS if stopped else GATE)
    arn = aws.start(jsonata({"t": nested(child)}))
    submitted(aws, arn)
    if stopped:
        aws.sfn.stop_execution(executionArn=arn)
    aws.ended(arn)
    aws.ended(execution_of(child))
    aws.sfn.redrive_execution(executionArn=arn)
    assert aws.ended(arn)["error"] == EXISTS
    scheduled = [event["type"] for event in aws.history(arn)].count("TaskScheduled")
    assert scheduled == 2


def test_a_child_that_was_redriven_meanwhile_is_joined(aws: Aws) -> None:
    """A redrive of the parent behind that of the child waits for what the child does."""
    child = aws.create(jsonata({**GATE["States"], "go": {"Type": "Wait", "Seconds": 1, "End": True}}))
    arn = aws.start(jsonata({"t": nested(child)}))
    assert aws.ended(arn)["error"] == "States.TaskFailed"
    aws.sfn.redrive_execution(executionArn=execution_of(child))
    aws.sfn.redrive_execution(executionArn=arn)
    assert aws.ended(arn)["status"] == "SUCCEEDED"


def test_what_waiting_takes_is_asked_of_the_role(local_aws: LocalAws, aws: Aws) -> None:
    """The role starts, describes and stops the child, and lets AWS manage the rule that tells of its end."""
    role = f"waits-{uuid.uuid4().hex[:8]}"
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    arn = aws.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    child, name = aws.create(ENDLESS), f"m-{uuid.uuid4()}"
    definition = json.dumps(jsonata({"t": nested(child)}))
    machine = aws.sfn.create_state_machine(name=name, definition=definition, roleArn=arn)["stateMachineArn"]
    parent = aws.sfn.start_execution(stateMachineArn=machine)["executionArn"]
    submitted(aws, parent)
    aws.sfn.stop_execution(executionArn=parent)
    aws.ended(execution_of(child))
    used = {(use.action, use.resource) for use in Rights(local_aws).used() if use.role == role}
    rule = "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    assert used == {
        ("states:StartExecution", child),
        *((f"states:{action}", execution_of(child)) for action in ("DescribeExecution", "StopExecution")),
        *((f"events:{action}", rule) for action in ("PutRule", "PutTargets", "DescribeRule")),
    }
