"""Stacks complete, fail, roll back and go away as AWS's do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.cloudformation.stacks import (
    PASS,
    ROLE,
    SECRETLY_WRONG,
    TABLE,
    arguments,
    create,
    definition,
    describe,
    events,
    machine,
    physical,
    refusal,
    table,
    update,
)
from tests.local.conftest import ClientFactory
from tests.local.must_fail import beyond_stock


def tables(client: ClientFactory, name: str) -> list[str]:
    """Names of the tables that stacks of this test have made."""
    pages = client("dynamodb").get_paginator("list_tables").paginate()
    return [table for page in pages for table in page["TableNames"] if table.startswith(name)]


@beyond_stock("'CREATE_COMPLETE' == 'ROLLBACK_COMPLETE'")
def test_a_bad_definition_rolls_the_stack_back(client: ClientFactory, unique: str) -> None:
    """The stack ends in ROLLBACK_COMPLETE, the event says why, and what was made is gone."""
    template = {"Resources": {"Table": TABLE, "Role": ROLE, "Machine": machine(Definition=SECRETLY_WRONG)}}
    stack = create(client("cloudformation"), unique, template)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    history = events(client("cloudformation"), unique)
    failed = [(name, reason) for name, status, reason in history if status == "CREATE_FAILED"]
    assert [name for name, _ in failed] == ["Machine"]
    assert "Invalid State Machine Definition" in failed[0][1]
    assert "Paas" in failed[0][1]
    assert ("Table", "DELETE_COMPLETE", "") in history
    assert tables(client, unique) == []


@beyond_stock("'UPDATE_COMPLETE' == 'UPDATE_ROLLBACK_COMPLETE'")
def test_a_failing_update_restores_everything(client: ClientFactory, unique: str) -> None:
    """The stack ends in UPDATE_ROLLBACK_COMPLETE; changed resources are as before, added ones gone."""
    cloudformation = client("cloudformation")
    logs = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": unique, "RetentionInDays": 7}}
    create(cloudformation, unique, {"Resources": {"Logs": logs, "Role": ROLE, "Machine": machine()}})
    changed = {**logs, "Properties": {**logs["Properties"], "RetentionInDays": 14}}  # type: ignore[dict-item]
    wrong = {
        "Resources": {"Logs": changed, "Table": TABLE, "Role": ROLE, "Machine": machine(Definition=SECRETLY_WRONG)}
    }
    stack = update(cloudformation, unique, wrong)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    found = client("logs").describe_log_groups(logGroupNamePrefix=unique)["logGroups"]
    assert found[0]["retentionInDays"] == 7
    assert definition(client, unique) == PASS
    assert tables(client, unique) == []
    assert update(cloudformation, unique, {"Resources": {"Role": ROLE}})["StackStatus"] == "UPDATE_COMPLETE"


@beyond_stock("'UPDATE_COMPLETE' == 'UPDATE_ROLLBACK_COMPLETE'")
def test_a_failing_replacement_keeps_the_old_resource(client: ClientFactory, unique: str) -> None:
    """A resource that was replaced before another one failed is the old one again."""
    cloudformation = client("cloudformation")
    create(cloudformation, unique, {"Resources": {"Table": TABLE, "Role": ROLE, "Machine": machine()}})
    before = physical(cloudformation, unique, "Table")
    wrong = {
        "Table": table(TableName=f"{unique}-new"),
        "Role": ROLE,
        "Machine": machine(Definition={**SECRETLY_WRONG, "Comment": {"Ref": "Table"}}),
    }
    stack = update(cloudformation, unique, {"Resources": wrong})
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert physical(cloudformation, unique, "Table") == before
    assert tables(client, unique) == [before]


@beyond_stock("it was not refused")
def test_nothing_to_update(client: ClientFactory, unique: str) -> None:
    """An update that changes nothing, or only a parameter that nothing uses, is refused in AWS's words."""
    cloudformation = client("cloudformation")
    template = {"Parameters": {"Unused": {"Type": "String"}}, "Resources": {"Table": TABLE}}
    create(cloudformation, unique, template, Unused="1")
    for value in ("1", "2"):
        assert refusal(lambda value=value: update(cloudformation, unique, template, Unused=value)) == (
            "ValidationError",
            "No updates are to be performed.",
        )
    previous = {"UsePreviousTemplate": True, "Parameters": [{"ParameterKey": "Unused", "UsePreviousValue": True}]}
    assert refusal(lambda: cloudformation.update_stack(StackName=unique, **previous))[1].startswith("No updates")


def test_outputs_alone_can_be_updated(client: ClientFactory, unique: str) -> None:
    """A new output is an update, though no resource changes."""
    cloudformation = client("cloudformation")
    create(cloudformation, unique, {"Resources": {"Table": TABLE}})
    outputs = {"Name": {"Value": {"Ref": "Table"}}}
    stack = update(cloudformation, unique, {"Resources": {"Table": TABLE}, "Outputs": outputs})
    assert stack["Outputs"][0]["OutputValue"] == physical(cloudformation, unique, "Table")


@beyond_stock("it was not refused", "Unable to parse response")
@pytest.mark.parametrize("kind", ["AWS::MWAA::Environment", "AWS::CloudFormation::Stack", "Mine::Own::Thing"])
def test_unknown_types_are_refused(client: ClientFactory, unique: str, kind: str) -> None:
    """A stack with a type that is not emulated is not made at all, and the message names the type."""
    template = {"Resources": {"Table": TABLE, "Other": {"Type": kind, "Properties": {}}}}
    code, message = refusal(lambda: create(client("cloudformation"), unique, template))
    assert code == "ValidationError"
    assert f"Unrecognized resource types: [{kind}]" in message
    assert tables(client, unique) == []


def test_unknown_functions_fail_the_stack(client: ClientFactory, unique: str) -> None:
    """A function that is not emulated does not end up as a value."""
    template = {"Resources": {"Table": table(TableName={"Fn::Cidr": ["10.0.0.0/8", 1, 8]})}}
    stack = create(client("cloudformation"), unique, template)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("does not evaluate Fn::Cidr" in reason for _, _, reason in events(client("cloudformation"), unique))


def test_events_tell_the_story(client: ClientFactory, unique: str) -> None:
    """Each resource is reported in progress and complete, after those that it refers to."""
    create(client("cloudformation"), unique, {"Resources": {"Machine": machine(), "Role": ROLE}})
    assert [(name, status) for name, status, _ in events(client("cloudformation"), unique)] == [
        (unique, "CREATE_IN_PROGRESS"),
        ("Role", "CREATE_IN_PROGRESS"),
        ("Role", "CREATE_COMPLETE"),
        ("Machine", "CREATE_IN_PROGRESS"),
        ("Machine", "CREATE_COMPLETE"),
        (unique, "CREATE_COMPLETE"),
    ]


def test_delete_removes_what_was_created(client: ClientFactory, unique: str) -> None:
    """After delete_stack its resources are gone, except those whose policy is Retain; it can be found by id only."""
    cloudformation = client("cloudformation")
    kept = {**TABLE, "DeletionPolicy": "Retain"}
    template = {"Resources": {"Role": ROLE, "Machine": machine(), "Table": TABLE, "Kept": kept}}
    stack = create(cloudformation, unique, template)
    role, arn = (physical(cloudformation, unique, name) for name in ("Role", "Machine"))
    retained = physical(cloudformation, unique, "Kept")
    cloudformation.delete_stack(StackName=unique)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=unique)
    assert describe(cloudformation, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert tables(client, unique) == [retained]
    assert refusal(lambda: client("iam").get_role(RoleName=role))[0] == "NoSuchEntity"
    assert refusal(lambda: client("stepfunctions").describe_state_machine(stateMachineArn=arn))[0] == (
        "StateMachineDoesNotExist"
    )
    assert refusal(lambda: describe(cloudformation, unique))[1] == f"Stack with id {unique} does not exist"
    cloudformation.delete_stack(StackName=unique)


@pytest.mark.parametrize(("policy", "left"), [("Retain", 1), ("RetainExceptOnCreate", 0), ("Delete", 0)])
def test_what_a_failed_creation_leaves(client: ClientFactory, unique: str, policy: str, left: int) -> None:
    """A retained resource outlives the stack's creation too, unless its policy excepts that."""
    broken = machine(Definition={"StartAt": "Nowhere", "States": {}})
    broken["DependsOn"] = "Kept"
    template = {"Resources": {"Role": ROLE, "Machine": broken, "Kept": {**TABLE, "DeletionPolicy": policy}}}
    client("cloudformation").create_stack(StackName=unique, **arguments(template, {}))
    assert describe(client("cloudformation"), unique)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert len(tables(client, unique)) == left


@beyond_stock("it was not refused")
def test_termination_protection(client: ClientFactory, unique: str) -> None:
    """A protected stack cannot be deleted until the protection is lifted."""
    cloudformation = client("cloudformation")
    settings = arguments({"Resources": {"Table": TABLE}}, {})
    cloudformation.create_stack(StackName=unique, EnableTerminationProtection=True, **settings)
    assert "TerminationProtection" in refusal(lambda: cloudformation.delete_stack(StackName=unique))[1]
    cloudformation.update_termination_protection(StackName=unique, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=unique)
    assert tables(client, unique) == []


@pytest.mark.parametrize(
    ("policy", "status"),
    [("DELETE", "DELETE_COMPLETE"), ("DO_NOTHING", "CREATE_FAILED"), ("ROLLBACK", "ROLLBACK_COMPLETE")],
)
def test_on_failure(client: ClientFactory, unique: str, policy: str, status: str) -> None:
    """OnFailure decides what becomes of a stack that could not be created."""
    template = {"Resources": {"Role": ROLE, "Machine": machine(Definition=SECRETLY_WRONG)}}
    settings = arguments(template, {})
    stack_id = client("cloudformation").create_stack(StackName=unique, OnFailure=policy, **settings)["StackId"]
    assert describe(client("cloudformation"), stack_id)["StackStatus"] == status


@beyond_stock("it was not refused")
def test_a_stack_that_was_rolled_back_cannot_be_updated(client: ClientFactory, unique: str) -> None:
    """It has to be deleted first, as on AWS; and describing its resources does not bring any back to life."""
    cloudformation = client("cloudformation")
    template = {"Resources": {"Table": TABLE, "Role": ROLE, "Machine": machine(Definition=SECRETLY_WRONG)}}
    create(cloudformation, unique, template)
    assert "can not be updated" in refusal(lambda: update(cloudformation, unique, {"Resources": {"Table": TABLE}}))[1]
    assert cloudformation.describe_stack_resources(StackName=unique)["StackResources"] == []
    assert tables(client, unique) == []


@beyond_stock("StateMachineDoesNotExist")
def test_exports_and_imports(client: ClientFactory, unique: str) -> None:
    """An export can be imported, a missing one fails the stack that wants it, which leaves nothing behind."""
    cloudformation = client("cloudformation")
    export = {"Name": {"Value": {"Ref": "Table"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-name"}}}}
    create(cloudformation, unique, {"Resources": {"Table": TABLE}, "Outputs": export})

    def importing(name: str) -> dict[str, Any]:
        value = {"Fn::ImportValue": name}
        return {"Resources": {"Role": ROLE, "Machine": machine(Definition={**PASS, "Comment": value})}}

    create(cloudformation, f"{unique}-in", importing(f"{unique}-name"))
    assert definition(client, f"{unique}-in")["Comment"] == physical(cloudformation, unique, "Table")
    assert create(cloudformation, f"{unique}-no", importing("nobody"))["StackStatus"] == "ROLLBACK_COMPLETE"


@beyond_stock("it was not refused")
def test_events_come_in_pages_of_a_hundred(client: ClientFactory, unique: str) -> None:
    """The newest first, each once, down to the first one; a token that is none is refused."""
    cloudformation = client("cloudformation")
    names = [f"Logs{number}" for number in range(60)]
    logs = {name: {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"{unique}-{name}"}} for name in names}
    create(cloudformation, unique, {"Resources": logs})
    code, _ = refusal(lambda: cloudformation.describe_stack_events(StackName=unique, NextToken="none"))
    assert code == "ValidationError"
    newest = cloudformation.describe_stack_events(StackName=unique)
    assert len(newest["StackEvents"]) == 100
    assert newest["StackEvents"][0]["ResourceStatus"] == "CREATE_COMPLETE"
    told = events(cloudformation, unique)
    assert len(told) == 2 * (len(names) + 1)
    assert told[0][:2] == (unique, "CREATE_IN_PROGRESS")
    assert sorted(name for name, status, _ in told if status == "CREATE_COMPLETE") == sorted([*names, unique])
