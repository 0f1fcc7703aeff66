"""Change sets: planned, looked at, executed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.local.cloudformation.stacks import (
    PASS,
    ROLE,
    SECRETLY_WRONG,
    TABLE,
    arguments,
    create,
    definition,
    describe,
    machine,
    refusal,
    table,
)
from tests.local.conftest import ClientFactory
from tests.local.must_fail import beyond_stock

TEMPLATE = {
    "Parameters": {"Comment": {"Type": "String"}, "Other": {"Type": "String", "Default": "x"}},
    "Resources": {"Role": ROLE, "Machine": machine(Definition={**PASS, "Comment": {"Ref": "Comment"}})},
}


def changes(cloudformation: Any, stack: str, name: str) -> list[tuple[str, str, str]]:
    """Action, resource and replacement of each change of a change set."""
    found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)["Changes"]
    return [
        (change["Action"], change["LogicalResourceId"], change.get("Replacement", ""))
        for change in (item["ResourceChange"] for item in found)
    ]


def plan(cloudformation: Any, stack: str, name: str, kind: str, template: dict[str, Any], **values: str) -> None:
    settings = arguments(template, values)
    cloudformation.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType=kind, **settings)


def test_create_by_change_set(client: ClientFactory, unique: str) -> None:
    """Until it is executed there is a stack in review and nothing else; then the stack is complete."""
    cloudformation = client("cloudformation")
    plan(cloudformation, unique, "first", "CREATE", TEMPLATE, Comment="one")
    assert describe(cloudformation, unique)["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert changes(cloudformation, unique, "first") == [("Add", "Role", ""), ("Add", "Machine", "")]
    assert cloudformation.describe_stack_resources(StackName=unique)["StackResources"] == []
    cloudformation.get_waiter("change_set_create_complete").wait(StackName=unique, ChangeSetName="first")
    cloudformation.execute_change_set(StackName=unique, ChangeSetName="first")
    cloudformation.get_waiter("stack_create_complete").wait(StackName=unique)
    assert definition(client, unique)["Comment"] == "one"


@beyond_stock("Unable to parse response")
def test_update_by_change_set_with_previous_values(client: ClientFactory, unique: str) -> None:
    """Only what the new parameter touches is a change; previous values and tags stay what they were."""
    cloudformation = client("cloudformation")
    tags = [{"Key": "team", "Value": "data"}]
    cloudformation.create_stack(StackName=unique, Tags=tags, **arguments(TEMPLATE, {"Comment": "one", "Other": "y"}))
    parameters = [
        {"ParameterKey": "Comment", "ParameterValue": "two"},
        {"ParameterKey": "Other", "UsePreviousValue": True},
    ]
    cloudformation.create_change_set(
        StackName=unique,
        ChangeSetName="second",
        UsePreviousTemplate=True,
        Parameters=parameters,
        Capabilities=["CAPABILITY_IAM"],
    )
    assert changes(cloudformation, unique, "second") == [("Modify", "Machine", "False")]
    assert definition(client, unique)["Comment"] == "one"
    cloudformation.execute_change_set(StackName=unique, ChangeSetName="second")
    stack = describe(cloudformation, unique)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]} == {
        "Comment": "two",
        "Other": "y",
    }
    assert stack["Tags"] == tags
    assert definition(client, unique)["Comment"] == "two"


@beyond_stock("[('Add', 'New")
def test_replacements_and_removals_are_announced(client: ClientFactory, unique: str) -> None:
    """A change set says which resources will be made anew, and what follows from that."""
    cloudformation = client("cloudformation")
    before = {
        "Role": ROLE,
        "Table": TABLE,
        "Old": TABLE,
        "Machine": machine(Definition={**PASS, "Comment": {"Ref": "Table"}}),
    }
    create(cloudformation, unique, {"Resources": before})
    after = {**before, "Table": table(TableName=unique), "New": TABLE}
    del after["Old"]
    plan(cloudformation, unique, "next", "UPDATE", {"Resources": after})
    assert sorted(changes(cloudformation, unique, "next")) == [
        ("Add", "New", ""),
        ("Modify", "Machine", "False"),
        ("Modify", "Table", "True"),
        ("Remove", "Old", ""),
    ]
    cloudformation.execute_change_set(StackName=unique, ChangeSetName="next")
    assert definition(client, unique)["Comment"] == unique


@beyond_stock("it was not refused")
def test_a_change_set_without_changes_fails(client: ClientFactory, unique: str) -> None:
    """It is FAILED with AWS's reason, boto3's waiter says so, and it cannot be executed."""
    cloudformation = client("cloudformation")
    create(cloudformation, unique, TEMPLATE, Comment="one")
    plan(cloudformation, unique, "same", "UPDATE", TEMPLATE, Comment="one")
    found = cloudformation.describe_change_set(StackName=unique, ChangeSetName="same")
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert found["StatusReason"].startswith("The submitted information didn't contain changes.")
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("change_set_create_complete").wait(StackName=unique, ChangeSetName="same")
    code, _ = refusal(lambda: cloudformation.execute_change_set(StackName=unique, ChangeSetName="same"))
    assert code == "InvalidChangeSetStatus"


@beyond_stock("'CREATE_COMPLETE' == 'ROLLBACK_COMPLETE'")
def test_executing_a_bad_change_set_rolls_back(client: ClientFactory, unique: str) -> None:
    """What fails during the execution is undone, for a new stack as for an old one."""
    cloudformation = client("cloudformation")
    wrong = {"Resources": {"Role": ROLE, "Machine": machine(Definition=SECRETLY_WRONG)}}
    plan(cloudformation, unique, "first", "CREATE", wrong)
    cloudformation.execute_change_set(StackName=unique, ChangeSetName="first")
    assert describe(cloudformation, unique)["StackStatus"] == "ROLLBACK_COMPLETE"
    found = cloudformation.describe_change_set(StackName=unique, ChangeSetName="first")
    assert found["ExecutionStatus"] == "EXECUTE_FAILED"


@beyond_stock("-2' == 't")
def test_change_sets_belong_to_their_stack(client: ClientFactory, unique: str) -> None:
    """Two stacks may have change sets of the same name; listing shows one's own; deleting forgets it."""
    cloudformation = client("cloudformation")
    for stack in (unique, f"{unique}-2"):
        plan(cloudformation, stack, "plan", "CREATE", TEMPLATE, Comment=stack)
    found = cloudformation.describe_change_set(StackName=unique, ChangeSetName="plan")
    assert found["StackName"] == unique
    assert len(cloudformation.list_change_sets(StackName=unique)["Summaries"]) == 1
    cloudformation.delete_change_set(StackName=unique, ChangeSetName="plan")
    code, _ = refusal(lambda: cloudformation.describe_change_set(StackName=unique, ChangeSetName="plan"))
    assert code == "ChangeSetNotFound"


def test_the_template_of_a_change_set(client: ClientFactory, unique: str) -> None:
    """GetTemplate gives the planned template for a change set and the deployed one for the stack."""
    cloudformation = client("cloudformation")
    create(cloudformation, unique, {"Resources": {"Table": TABLE}})
    plan(cloudformation, unique, "next", "UPDATE", {"Resources": {"Table": TABLE, "More": TABLE}})
    planned = cloudformation.get_template(StackName=unique, ChangeSetName="next")["TemplateBody"]
    deployed = cloudformation.get_template(StackName=unique)["TemplateBody"]
    assert ("More" in json.dumps(planned), "More" in json.dumps(deployed)) == (True, False)
