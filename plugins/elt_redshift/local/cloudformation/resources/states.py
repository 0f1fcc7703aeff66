"""Step Functions: state machines, versions and aliases.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine.html
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from botocore.exceptions import ClientError

from elt_redshift.local.cloudformation.errors import ResourceError
from elt_redshift.local.cloudformation.resources.base import (
    Context,
    Handler,
    Made,
    Properties,
    Resource,
    lower_camel,
    require,
    tags,
)

_PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")


class StateMachine(Handler):
    type = "AWS::StepFunctions::StateMachine"
    name_property = "StateMachineName"
    name_length = 80
    attributes = frozenset({"Arn", "Name", "StateMachineRevisionId"})
    changing = frozenset({"StateMachineRevisionId"})
    replacing = frozenset({"StateMachineName", "StateMachineType"})

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "RoleArn")
        name = self.name(context, properties)
        client = context.client("stepfunctions")
        self._refuse_existing(context, name)
        settings = _settings(context, properties)
        arn = client.create_state_machine(
            name=name,
            type=properties.get("StateMachineType", "STANDARD"),
            tags=tags(properties, "key", "value"),
            **settings,
        )["stateMachineArn"]
        return _made(arn, settings)

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client = context.client("stepfunctions")
        settings = _settings(context, properties)
        client.update_state_machine(stateMachineArn=resource.physical_id, **settings)
        gone = {tag["Key"] for tag in resource.properties.get("Tags", [])} - {tag["Key"] for tag in tags(properties)}
        client.untag_resource(resourceArn=resource.physical_id, tagKeys=sorted(gone))
        client.tag_resource(resourceArn=resource.physical_id, tags=tags(properties, "key", "value"))
        return _made(resource.physical_id, settings)

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("stepfunctions").delete_state_machine(stateMachineArn=resource.physical_id)

    def _refuse_existing(self, context: Context, name: str) -> None:
        """CreateStateMachine is idempotent, but CloudFormation does not adopt a state machine that it did not make."""
        arn = f"arn:aws:states:{context.region}:{context.account}:stateMachine:{name}"
        try:
            context.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
        except ClientError:
            return
        raise ResourceError(
            context.logical_id, f"Resource of type '{self.type}' with identifier '{arn}' already exists."
        )


def _made(arn: str, settings: dict[str, Any]) -> Made:
    revision = hashlib.sha1(json.dumps(settings, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
    return Made(arn, {"Arn": arn, "Name": arn.rpartition(":")[2], "StateMachineRevisionId": revision})


def _settings(context: Context, properties: Properties) -> dict[str, Any]:
    _check_role(context, str(properties["RoleArn"]))
    return {
        "definition": _definition(context, properties),
        "roleArn": properties["RoleArn"],
        "loggingConfiguration": lower_camel(properties.get("LoggingConfiguration")) or {"level": "OFF"},
        "encryptionConfiguration": lower_camel(properties.get("EncryptionConfiguration")) or {"type": "AWS_OWNED_KEY"},
        "tracingConfiguration": lower_camel(properties.get("TracingConfiguration")) or {"enabled": False},
    }


def _check_role(context: Context, role_arn: str) -> None:
    """Step Functions refuses a role that it cannot assume. Here: one that does not exist."""
    try:
        context.client("iam").get_role(RoleName=role_arn.rpartition("/")[2])
    except ClientError as error:
        raise ResourceError(
            context.logical_id,
            'Resource handler returned message: "Neither the global service principal states.amazonaws.com, nor the '
            f'regional one is authorized to assume the provided role. (Service: Sfn, Status Code: 400)" ({role_arn})',
        ) from error


def _definition(context: Context, properties: Properties) -> str:
    """The definition as a text, placeholders ``${Name}`` filled from ``DefinitionSubstitutions``."""
    substitutions = properties.get("DefinitionSubstitutions", {})
    given = [name for name in ("Definition", "DefinitionString", "DefinitionS3Location") if name in properties]
    if len(given) != 1:
        raise ResourceError(
            context.logical_id, "Specify exactly one of Definition, DefinitionString or DefinitionS3Location."
        )
    if given == ["Definition"]:
        return json.dumps(_filled(properties["Definition"], substitutions))
    if given == ["DefinitionString"]:
        return str(_filled(properties["DefinitionString"], substitutions))
    location = properties["DefinitionS3Location"]
    version = {"VersionId": location["Version"]} if "Version" in location else {}
    answer = context.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"], **version)
    return str(_filled(answer["Body"].read().decode(), substitutions))


def _filled(node: Any, substitutions: dict[str, Any]) -> Any:
    """Fill placeholders in every text; one without a substitution stays as it is."""
    if isinstance(node, dict):
        return {key: _filled(value, substitutions) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, substitutions) for item in node]
    if isinstance(node, str):
        return _PLACEHOLDER.sub(lambda match: _text(substitutions.get(match[1], match[0])), node)
    return node


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class StateMachineVersion(Handler):
    type = "AWS::StepFunctions::StateMachineVersion"
    attributes = frozenset({"Arn"})
    replacing = frozenset({"StateMachineArn", "StateMachineRevisionId", "Description"})

    def create(self, context: Context, properties: Properties) -> Made:
        arn = context.client("stepfunctions").publish_state_machine_version(
            stateMachineArn=properties["StateMachineArn"], description=properties.get("Description", "")
        )["stateMachineVersionArn"]
        return Made(arn, {"Arn": arn})

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("stepfunctions").delete_state_machine_version(stateMachineVersionArn=resource.physical_id)


class StateMachineAlias(Handler):
    type = "AWS::StepFunctions::StateMachineAlias"
    name_property = "Name"
    name_length = 80
    attributes = frozenset({"Arn"})
    replacing = frozenset({"Name"})

    def create(self, context: Context, properties: Properties) -> Made:
        arn = context.client("stepfunctions").create_state_machine_alias(
            name=self.name(context, properties),
            description=properties.get("Description", ""),
            routingConfiguration=_routing(properties),
        )["stateMachineAliasArn"]
        return Made(arn, {"Arn": arn})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        context.client("stepfunctions").update_state_machine_alias(
            stateMachineAliasArn=resource.physical_id,
            description=properties.get("Description", ""),
            routingConfiguration=_routing(properties),
        )
        return Made(resource.physical_id, {"Arn": resource.physical_id})

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("stepfunctions").delete_state_machine_alias(stateMachineAliasArn=resource.physical_id)


def _routing(properties: Properties) -> list[dict[str, Any]]:
    """A deployment preference shifts all traffic at once here: nothing waits for an interval."""
    if "DeploymentPreference" in properties:
        version = properties["DeploymentPreference"]["StateMachineVersionArn"]
        return [{"stateMachineVersionArn": version, "weight": 100}]
    return [
        {"stateMachineVersionArn": route["StateMachineVersionArn"], "weight": int(route["Weight"])}
        for route in properties.get("RoutingConfiguration", [])
    ]
