"""Lambda: functions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from elt_redshift.local import awslambda
from elt_redshift.local.cloudformation.errors import ResourceError
from elt_redshift.local.cloudformation.resources.base import (
    Context,
    Handler,
    Made,
    Properties,
    Resource,
    fitted,
    require,
)

#: What a template may give as text is one file of this name; beside it AWS puts this module.
_INLINE = "index.py"
_ANSWERING = Path(__file__).with_name("cfnresponse.py")


class Function(Handler):
    """A function; where its code is, the embedded AWS looks when the function is made or changed."""

    type = "AWS::Lambda::Function"
    name_property = "FunctionName"
    attributes = frozenset({"Arn"})
    replacing = frozenset({"FunctionName", "PackageType"})

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "Code", "Role")
        _check_runtime(context, properties)
        client = context.client("lambda")
        arguments = {
            **properties,
            "FunctionName": self.name(context, properties),
            "Code": _code(context, properties),
            "Tags": _tags(properties),
        }
        made = client.create_function(**fitted(client, "CreateFunction", arguments))
        return Made(made["FunctionName"], {"Arn": made["FunctionArn"]})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        _check_runtime(context, properties)
        client, name = context.client("lambda"), resource.physical_id
        if properties["Code"] != resource.properties["Code"]:
            client.update_function_code(FunctionName=name, **_code(context, properties))
        arguments = {**_DEFAULTS, **properties, "FunctionName": name}
        client.update_function_configuration(**fitted(client, "UpdateFunctionConfiguration", arguments))
        arn, tags = resource.attributes["Arn"], _tags(properties)
        if gone := sorted(_tags(resource.properties).keys() - tags.keys()):
            client.untag_resource(Resource=arn, TagKeys=gone)
        client.tag_resource(Resource=arn, Tags=tags)
        return Made(name, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("lambda").delete_function(FunctionName=resource.physical_id)


#: What an update makes of properties that a template drops.
_DEFAULTS: Properties = {"Description": "", "Timeout": 3, "MemorySize": 128, "Environment": {"Variables": {}}}


def _tags(properties: Properties) -> dict[str, str]:
    return {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", [])}


def _check_runtime(context: Context, properties: Properties) -> None:
    if what := awslambda.missing():
        raise ResourceError(context.logical_id, what)
    runtime = str(properties.get("Runtime", ""))
    if not runtime.startswith("python3"):
        raise ResourceError(
            context.logical_id,
            f"The embedded AWS runs functions in Python only, not those with the runtime {runtime or '(none)'}",
        )


def _code(context: Context, properties: Properties) -> dict[str, Any]:
    """The code as the API takes it."""
    code = dict(properties["Code"])
    if "ZipFile" not in code:
        return code
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr(_INLINE, str(code["ZipFile"]))
        writing.writestr(_ANSWERING.name, _ANSWERING.read_text())
    return {"ZipFile": archive.getvalue()}
