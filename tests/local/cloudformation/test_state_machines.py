"""State machines of a stack: every form of definition arrives at the interpreter, complete."""

from __future__ import annotations

import json

import pytest

from tests.local.cloudformation.stacks import PASS, ROLE, create, definition, machine, physical, refusal, update
from tests.local.conftest import ClientFactory
from tests.local.must_fail import beyond_stock

CONDITIONAL = {
    "Parameters": {"Cluster": {"Type": "String", "Default": ""}},
    "Conditions": {"HasCluster": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Cluster"}, ""]}]}},
}


def conditional(value: object) -> dict[str, object]:
    return {"Fn::If": ["HasCluster", value, {"Ref": "AWS::NoValue"}]}


@beyond_stock("Template error: instance of Fn::GetAtt")
def test_definition_object_with_substitutions(client: ClientFactory, unique: str) -> None:
    """A Definition object runs, with its placeholders filled, also those that hold quotes."""
    result = {"Only": {"Type": "Pass", "Result": {"role": "iam '${Role}'"}, "End": True}}
    template = {
        "Resources": {
            "Role": ROLE,
            "Machine": machine(
                Definition={"StartAt": "Only", "States": result},
                DefinitionSubstitutions={"Role": {"Fn::GetAtt": "Role.Arn"}},
            ),
        }
    }
    create(client("cloudformation"), unique, template)
    role = client("iam").get_role(RoleName=physical(client("cloudformation"), unique, "Role"))["Role"]["Arn"]
    assert definition(client, unique)["States"]["Only"]["Result"] == {"role": f"iam '{role}'"}


@beyond_stock("StateMachineDoesNotExist")
def test_definition_string_with_substitutions(client: ClientFactory, unique: str) -> None:
    """Placeholders of a DefinitionString are filled; one that has no substitution stays."""
    text = json.dumps({**PASS, "Comment": "${Greeting} ${Unknown}"})
    properties = {"DefinitionString": text, "DefinitionSubstitutions": {"Greeting": "hello"}}
    spec = machine(**properties)
    del spec["Properties"]["Definition"]
    create(client("cloudformation"), unique, {"Resources": {"Role": ROLE, "Machine": spec}})
    assert definition(client, unique)["Comment"] == "hello ${Unknown}"


@beyond_stock("StateMachineDoesNotExist")
def test_definition_from_s3(client: ClientFactory, unique: str) -> None:
    """A definition that lies in S3 is fetched and its placeholders are filled."""
    client("s3").create_bucket(Bucket=unique)
    client("s3").put_object(Bucket=unique, Key="d.json", Body=json.dumps({**PASS, "Comment": "${Greeting}"}))
    spec = machine(DefinitionS3Location={"Bucket": unique, "Key": "d.json"}, DefinitionSubstitutions={"Greeting": "hi"})
    del spec["Properties"]["Definition"]
    create(client("cloudformation"), unique, {"Resources": {"Role": ROLE, "Machine": spec}})
    assert definition(client, unique)["Comment"] == "hi"


@beyond_stock("StateMachineDoesNotExist")
@pytest.mark.parametrize(("cluster", "expected"), [("", ["always"]), ("c1", ["always", "c1"])])
def test_conditions_inside_a_definition(client: ClientFactory, unique: str, cluster: str, expected: list[str]) -> None:
    """Fn::If works inside the definition; what is AWS::NoValue is not there, in objects as in lists."""
    result = {"list": ["always", conditional({"Ref": "Cluster"})], "cluster": conditional({"Ref": "Cluster"})}
    states = {"Only": {"Type": "Pass", "Result": result, "End": True}}
    template = {
        **CONDITIONAL,
        "Resources": {"Role": ROLE, "Machine": machine(Definition={"StartAt": "Only", "States": states})},
    }
    create(client("cloudformation"), unique, template, Cluster=cluster)
    found = definition(client, unique)["States"]["Only"]["Result"]
    assert found == {"list": expected, **({"cluster": cluster} if cluster else {})}


@beyond_stock("does not support attribute type Arn")
def test_logging_tracing_and_tags_are_kept(client: ClientFactory, unique: str) -> None:
    """Step Functions knows the logging, tracing and tags that the template asks for, and the attributes are right."""
    logging = {
        "Level": "ALL",
        "IncludeExecutionData": True,
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]}}}],
    }
    properties = {"LoggingConfiguration": logging, "TracingConfiguration": {"Enabled": True}}
    properties |= {"Tags": [{"Key": "team", "Value": "data"}], "StateMachineName": unique}
    template = {
        "Resources": {"Role": ROLE, "Logs": {"Type": "AWS::Logs::LogGroup"}, "Machine": machine(**properties)},
        "Outputs": {name: {"Value": {"Fn::GetAtt": ["Machine", name]}} for name in ("Arn", "Name")},
    }
    stack = create(client("cloudformation"), unique, template)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs == {"Arn": f"arn:aws:states:us-east-1:123456789012:stateMachine:{unique}", "Name": unique}
    found = client("stepfunctions").describe_state_machine(stateMachineArn=outputs["Arn"])
    assert found["loggingConfiguration"]["level"] == "ALL"
    group = found["loggingConfiguration"]["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"]
    assert group.endswith(":*")
    assert found["tracingConfiguration"] == {"enabled": True}
    tags = client("stepfunctions").list_tags_for_resource(resourceArn=outputs["Arn"])["tags"]
    assert tags == [{"key": "team", "value": "data"}]


@beyond_stock("StateMachineDoesNotExist")
def test_deployed_state_machines_execute(client: ClientFactory, unique: str) -> None:
    """What CloudFormation deploys is what StartExecution runs."""
    create(client("cloudformation"), unique, {"Resources": {"Role": ROLE, "Machine": machine()}})
    arn = physical(client("cloudformation"), unique, "Machine")
    execution = client("stepfunctions").start_execution(stateMachineArn=arn, input='{"a": 1}')["executionArn"]
    assert client("stepfunctions").describe_execution(executionArn=execution)["input"] == '{"a": 1}'


@beyond_stock("StateMachineDoesNotExist")
def test_update_changes_the_definition_in_place(client: ClientFactory, unique: str) -> None:
    """An update of the definition keeps the ARN; a new name makes a new state machine and deletes the old."""
    cloudformation = client("cloudformation")
    create(cloudformation, unique, {"Resources": {"Role": ROLE, "Machine": machine()}})
    arn = physical(cloudformation, unique, "Machine")
    changed = {**PASS, "Comment": "changed"}
    update(cloudformation, unique, {"Resources": {"Role": ROLE, "Machine": machine(Definition=changed)}})
    assert physical(cloudformation, unique, "Machine") == arn
    assert definition(client, unique) == changed
    update(cloudformation, unique, {"Resources": {"Role": ROLE, "Machine": machine(StateMachineName=unique)}})
    assert physical(cloudformation, unique, "Machine").endswith(f":{unique}")
    gone = refusal(lambda: client("stepfunctions").describe_state_machine(stateMachineArn=arn))
    assert gone[0] == "StateMachineDoesNotExist"


@beyond_stock("Unable to parse response")
def test_versions_and_aliases(client: ClientFactory, unique: str) -> None:
    """A version is published anew when the definition changes, and the alias follows it."""

    def template(comment: str) -> dict[str, object]:
        version = {
            "StateMachineArn": {"Ref": "Machine"},
            "StateMachineRevisionId": {"Fn::GetAtt": ["Machine", "StateMachineRevisionId"]},
        }
        preference = {"StateMachineVersionArn": {"Ref": "Version"}, "Type": "ALL_AT_ONCE"}
        return {
            "Resources": {
                "Role": ROLE,
                "Machine": machine(Definition={**PASS, "Comment": comment}),
                "Version": {"Type": "AWS::StepFunctions::StateMachineVersion", "Properties": version},
                "Alias": {
                    "Type": "AWS::StepFunctions::StateMachineAlias",
                    "Properties": {"Name": "live", "DeploymentPreference": preference},
                },
            }
        }

    cloudformation = client("cloudformation")
    create(cloudformation, unique, template("one"))
    first = physical(cloudformation, unique, "Version")
    update(cloudformation, unique, template("two"))
    second = physical(cloudformation, unique, "Version")
    alias = physical(cloudformation, unique, "Alias")
    routes = client("stepfunctions").describe_state_machine_alias(stateMachineAliasArn=alias)["routingConfiguration"]
    assert (first[-2:], second[-2:]) == (":1", ":2")
    assert routes == [{"stateMachineVersionArn": second, "weight": 100}]


def test_a_role_that_does_not_exist_is_refused(client: ClientFactory, unique: str) -> None:
    """As Step Functions refuses a role that it cannot assume, so does the stack."""
    spec = machine(RoleArn="arn:aws:iam::123456789012:role/nobody")
    stack = create(client("cloudformation"), unique, {"Resources": {"Machine": spec}})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = client("cloudformation").describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    assert any("authorized to assume the provided role" in event.get("ResourceStatusReason", "") for event in reasons)


def test_a_state_machine_of_somebody_else_is_not_adopted(client: ClientFactory, unique: str) -> None:
    """A name that is taken fails the resource, and the one that has it stays untouched."""
    cloudformation = client("cloudformation")
    template = {"Resources": {"Role": ROLE, "Machine": machine(StateMachineName=unique)}}
    create(cloudformation, unique, template)
    other = create(cloudformation, f"{unique}-other", template)
    assert other["StackStatus"] == "ROLLBACK_COMPLETE"
    assert definition(client, unique) == PASS
