"""Custom resources are what a function makes of them."""

from __future__ import annotations

from typing import Any

from elt_redshift.local.process import LocalAws
from tests.local.awslambda.functions import function, role
from tests.local.cloudformation.stacks import create, describe, events, update
from tests.local.conftest import client_factory

#: Answers as its properties say, and tells in its data what it was asked before.
CODE = """
import cfnresponse

asked = []

def handler(event, context):
    given = event["ResourceProperties"]
    if given.get("Answer") == "none":
        raise ValueError("no answer")
    asked.append(event["RequestType"] + " " + event.get("PhysicalResourceId", "new"))
    status = cfnresponse.FAILED if given.get("Answer") == "failed" else cfnresponse.SUCCESS
    data = {"Asked": ", ".join(asked), "Old": str(event.get("OldResourceProperties", {}).get("Name"))}
    cfnresponse.send(event, context, status, data, given["Name"], reason="as it was asked")
"""


def _template(**properties: Any) -> dict[str, Any]:
    token = {"Fn::GetAtt": ["Function", "Arn"]}
    made = {"Type": "Custom::Thing", "Properties": {"ServiceToken": token, **properties}}
    outputs = {name: {"Value": {"Fn::GetAtt": ["Thing", name]}} for name in ("Asked", "Old")}
    return {
        "Resources": {"Role": role(), "Function": function(CODE), "Thing": made},
        "Outputs": {**outputs, "Name": {"Value": {"Ref": "Thing"}}},
    }


def _told(stack: dict[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def test_a_function_makes_changes_and_deletes_it(local_aws: LocalAws, unique: str) -> None:
    """It is asked to create, to update, to delete what another id has replaced, and to delete; a failure, and an end
    without an answer, undo the deployment with the reason."""
    cloudformation = client_factory(local_aws.endpoint)("cloudformation")
    stack = create(cloudformation, unique, _template(Name="one", Number=1))
    assert _told(stack) == {"Name": "one", "Asked": "Create new", "Old": "None"}
    stack = update(cloudformation, unique, _template(Name="two"))
    assert _told(stack) == {"Name": "two", "Asked": "Create new, Update one", "Old": "one"}
    for answer in ("failed", "none"):
        assert update(cloudformation, unique, _template(Name="two", Answer=answer))["StackStatus"].endswith(
            "ROLLBACK_COMPLETE"
        )
    reasons = " ".join(reason for *_, reason in events(cloudformation, unique))
    assert "Received response status [FAILED] from custom resource. Message returned: as it was asked" in reasons
    assert "has not answered: it failed with" in reasons
    stack = update(cloudformation, unique, _template(Name="three"))
    assert "Update one, Delete one" in _told(stack)["Asked"]
    cloudformation.delete_stack(StackName=unique)
    assert describe(cloudformation, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
