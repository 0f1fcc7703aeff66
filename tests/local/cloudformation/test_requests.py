"""Requests that AWS refuses are refused here, with its code and its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.cloudformation.stacks import (
    ROLE,
    TABLE,
    arguments,
    create,
    definition,
    describe,
    machine,
    physical,
    refusal,
)
from tests.local.conftest import ClientFactory
from tests.local.must_fail import beyond_stock

RULES = {
    "Env": {"Type": "String", "AllowedValues": ["dev", "prod"], "Default": "dev"},
    "Name": {"Type": "String", "AllowedPattern": "[a-z]+", "MinLength": 2, "MaxLength": 5, "Default": "abc"},
    "Count": {"Type": "Number", "MinValue": 1, "MaxValue": 9, "Default": 5},
    "Arn": {
        "Type": "String",
        "AllowedPattern": "arn:.*",
        "Default": "arn:x",
        "ConstraintDescription": "must be the ARN of a role",
    },
    "Zones": {"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"], "Default": "a,b"},
}
REQUIRED = {"First": {"Type": "String"}, "Second": {"Type": "String"}}


@beyond_stock("assert ('ValidationE", "it was not refused", "Unable to parse response")
@pytest.mark.parametrize(
    ("declared", "values", "message"),
    [
        (REQUIRED, {}, "Parameters: [First, Second] must have values"),
        (RULES, {"Nmae": "x"}, "Parameters: [Nmae] do not exist in the template"),
        (RULES, {"Env": "test"}, "Parameter 'Env' must be one of AllowedValues"),
        (RULES, {"Name": "ABC"}, "Parameter 'Name' must match pattern [a-z]+"),
        (RULES, {"Name": "a"}, "Parameter 'Name' must contain at least 2 characters"),
        (RULES, {"Name": "abcdef"}, "Parameter 'Name' must contain at most 5 characters"),
        (RULES, {"Count": "x"}, "Parameter 'Count' must be a number."),
        (RULES, {"Count": "0"}, "Parameter 'Count' must be a number not less than 1"),
        (RULES, {"Count": "10"}, "Parameter 'Count' must be a number not greater than 9"),
        (RULES, {"Arn": "me"}, "Parameter Arn failed to satisfy constraint: must be the ARN of a role"),
        (RULES, {"Zones": "a, c"}, "Parameter 'Zones' must be one of AllowedValues"),
    ],
)
def test_parameters(
    client: ClientFactory, unique: str, declared: dict[str, Any], values: dict[str, str], message: str
) -> None:
    """Every constraint of a parameter is checked before anything is made."""
    template = {"Parameters": declared, "Resources": {"Table": TABLE}}
    assert refusal(lambda: create(client("cloudformation"), unique, template, **values)) == ("ValidationError", message)


REFERENCE = {"Ref": "Tabel"}
CIRCLE = {"A": {**TABLE, "DependsOn": "B"}, "B": {**TABLE, "DependsOn": ["A"]}}


@beyond_stock("Unable to parse response", "it was not refused", "assert ('ValidationE")
@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Resources: [", "Template format error: YAML not well-formed. (line 1, column 13)"),
        ("just text", "Template format error: unsupported structure."),
        ({"Resources": {}}, "Template format error: At least one Resources member must be defined."),
        (
            {"Resources": {"Table": {"Properties": {}}}},
            "Template format error: [/Resources/Table] Every Resources object must contain a Type member.",
        ),
        (
            {"Resources": {"Table": TABLE}, "Outputs": {"Name": {"Value": REFERENCE}}},
            "Template format error: Unresolved resource dependencies [Tabel] in the Outputs block of the template",
        ),
        (
            {
                "Resources": {
                    "Role": ROLE,
                    "Machine": machine(DefinitionSubstitutions={"T": {"Fn::Sub": "${Tabel.Arn}"}}),
                }
            },
            "Template format error: Unresolved resource dependencies [Tabel] in the Resources block of the template",
        ),
        (
            {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Table": TABLE}},
            "The embedded AWS does not know the transform AWS::Serverless-2016-10-31",
        ),
        ({"Resources": CIRCLE}, "Circular dependency between resources: [A, B]"),
        (
            {"Resources": {"Role": ROLE, "Machine": machine(Definition={"ResultPath": None})}},
            "[/Resources/Machine/Properties/Definition/ResultPath] 'null' values are not allowed in templates",
        ),
        (
            {"Resources": {"Table": {**TABLE, "Condition": "Nope"}}},
            "Template format error: Unresolved condition Nope in the Resources block of the template (Table)",
        ),
    ],
)
def test_templates(client: ClientFactory, unique: str, template: dict[str, Any] | str, message: str) -> None:
    """A template that AWS would not read is refused with its words, before anything is made."""
    assert refusal(lambda: create(client("cloudformation"), unique, template)) == ("ValidationError", message)


@beyond_stock("it was not refused")
@pytest.mark.parametrize(
    ("name", "given", "needed"),
    [(None, [], "CAPABILITY_IAM"), ("me", ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM")],
)
def test_capabilities(client: ClientFactory, unique: str, name: str | None, given: list[str], needed: str) -> None:
    """Roles need the caller's consent, roles with names of their own need more."""
    properties = {**ROLE["Properties"], **({"RoleName": name} if name else {})}  # type: ignore[dict-item]
    template = {"Resources": {"Role": {**ROLE, "Properties": properties}}}
    settings = arguments(template, {}) | {"Capabilities": given}
    code, message = refusal(lambda: client("cloudformation").create_stack(StackName=unique, **settings))
    assert (code, message) == ("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


@beyond_stock("it was not refused")
def test_large_templates_go_through_s3(client: ClientFactory, unique: str) -> None:
    """Inline a template may have 51,200 bytes; from S3 more."""
    template = json.dumps({"Description": "x" * 60_000, "Resources": {"Table": TABLE}})
    inline = refusal(lambda: client("cloudformation").create_stack(StackName=unique, TemplateBody=template))
    assert "less than or equal to 51200" in inline[1]
    client("s3").create_bucket(Bucket=unique)
    client("s3").put_object(Bucket=unique, Key="folder/t.json", Body=template)
    for number, url in enumerate(
        (
            f"https://{unique}.s3.us-east-1.amazonaws.com/folder/t.json",
            f"https://s3.us-east-1.amazonaws.com/{unique}/folder/t.json",
            f"{client('s3').meta.endpoint_url}/{unique}/folder/t.json",
        )
    ):
        stack_id = client("cloudformation").create_stack(StackName=f"{unique}-{number}", TemplateURL=url)["StackId"]
        assert describe(client("cloudformation"), stack_id)["StackStatus"] == "CREATE_COMPLETE"


@beyond_stock("Template error: instance of Fn::GetAtt")
def test_yaml_short_forms(client: ClientFactory, unique: str) -> None:
    """All short forms work, nested ones and the list form of !GetAtt too; dates stay texts."""
    template = """
      AWSTemplateFormatVersion: 2010-09-09
      Parameters: {Number: {Type: Number, Default: 7}}
      Mappings: {Words: {en: {hello: hi}}}
      Conditions: {Always: !Equals [a, a], Never: !Not [!Condition Always]}
      Resources:
        Table:
          Type: AWS::DynamoDB::Table
          Properties:
            BillingMode: PAY_PER_REQUEST
            KeySchema: [{AttributeName: id, KeyType: HASH}]
            AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
        Role:
          Type: AWS::IAM::Role
          Properties:
            AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}
        Machine:
          Type: AWS::StepFunctions::StateMachine
          Properties:
            RoleArn: !GetAtt [Role, Arn]
            Definition:
              StartAt: Only
              States:
                Only:
                  Type: Pass
                  End: true
                  Result:
                    sub: !Sub ["${Table.Arn}/${name}/${!literal}", {name: !FindInMap [Words, en, hello]}]
                    join: !Join ["-", [!Ref Number, !Select [1, !Split [",", "a,b"]]]]
                    if: !If [Never, 1, !If [Always, !Ref Table, 3]]
    """
    create(client("cloudformation"), unique, template)
    name = physical(client("cloudformation"), unique, "Table")
    assert definition(client, unique)["States"]["Only"]["Result"] == {
        "sub": f"arn:aws:dynamodb:us-east-1:123456789012:table/{name}/hi/${{literal}}",
        "join": "7-b",
        "if": name,
    }


def test_stacks_that_do_not_exist(client: ClientFactory, unique: str) -> None:
    """The error says which, so that a deployer can tell a new stack from a broken one."""
    cloudformation = client("cloudformation")
    assert refusal(lambda: describe(cloudformation, unique)) == (
        "ValidationError",
        f"Stack with id {unique} does not exist",
    )
    settings = arguments({"Resources": {"Table": TABLE}}, {})
    assert refusal(lambda: cloudformation.update_stack(StackName=unique, **settings)) == (
        "ValidationError",
        f"Stack [{unique}] does not exist",
    )


def test_a_name_that_is_taken(client: ClientFactory, unique: str) -> None:
    """A second stack of a name is refused with AlreadyExistsException."""
    create(client("cloudformation"), unique, {"Resources": {"Table": TABLE}})
    code, _ = refusal(lambda: create(client("cloudformation"), unique, {"Resources": {"Table": TABLE}}))
    assert code == "AlreadyExistsException"


def test_hidden_parameters_and_summaries(client: ClientFactory, unique: str) -> None:
    """NoEcho hides a value; GetTemplateSummary and ValidateTemplate list the parameters."""
    cloudformation = client("cloudformation")
    template = {"Parameters": {"Secret": {"Type": "String", "NoEcho": True}}, "Resources": {"Table": TABLE}}
    stack = create(cloudformation, unique, template, Secret="hush")
    assert stack["Parameters"] == [{"ParameterKey": "Secret", "ParameterValue": "****"}]
    summary = cloudformation.get_template_summary(StackName=unique)
    assert summary["ResourceTypes"] == ["AWS::DynamoDB::Table"]
    assert summary["Parameters"][0]["ParameterKey"] == "Secret"
    checked = cloudformation.validate_template(TemplateBody=json.dumps(template))
    assert checked["Parameters"][0]["NoEcho"] is True


@pytest.mark.parametrize("name", ["two words", "1st", "a_b", "a" * 129])
def test_a_name_that_is_none(client: ClientFactory, name: str) -> None:
    """Letters, digits and dashes, a letter first, up to 128 of them."""
    code, message = refusal(lambda: create(client("cloudformation"), name, {"Resources": {"Table": TABLE}}))
    assert code == "ValidationError"
    assert f"Value '{name}' at 'stackName' failed to satisfy constraint" in message
