"""DynamoDB tables, with time to live and point-in-time recovery.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-dynamodb-table.html
"""

from __future__ import annotations

from typing import Any

from elt_redshift.local.cloudformation.errors import ResourceError
from elt_redshift.local.cloudformation.resources.base import (
    Context,
    Handler,
    Made,
    Properties,
    Resource,
    fitted,
    require,
    tags,
)

_CREATE = (
    "KeySchema",
    "AttributeDefinitions",
    "BillingMode",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "DeletionProtectionEnabled",
    "TableClass",
)
_UPDATE = ("BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled", "TableClass")


class Table(Handler):
    type = "AWS::DynamoDB::Table"
    name_property = "TableName"
    name_length = 255
    attributes = frozenset({"Arn", "StreamArn"})
    replacing = frozenset({"TableName", "KeySchema", "LocalSecondaryIndexes", "ImportSourceSpecification"})

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "KeySchema")
        name = self.name(context, properties)
        client = context.client("dynamodb")
        arguments: dict[str, Any] = {key: properties.get(key) for key in _CREATE}
        arguments |= {"TableName": name, "Tags": tags(properties) or None, "StreamSpecification": _stream(properties)}
        arguments["SSESpecification"] = _encryption(properties)
        client.create_table(**fitted(client, "CreateTable", arguments))
        self._apply_extras(client, name, {}, properties)
        return self._made(client, name)

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        old, client, name = resource.properties, context.client("dynamodb"), resource.physical_id
        if old.get("GlobalSecondaryIndexes") != properties.get("GlobalSecondaryIndexes"):
            raise ResourceError(
                context.logical_id, "The embedded AWS does not change the global secondary indexes of a table."
            )
        changed = {key: properties.get(key) for key in _UPDATE if old.get(key) != properties.get(key)}
        if old.get("StreamSpecification") != properties.get("StreamSpecification"):
            changed["StreamSpecification"] = _stream(properties) or {"StreamEnabled": False}
        if old.get("SSESpecification") != properties.get("SSESpecification"):
            changed["SSESpecification"] = _encryption(properties) or {"Enabled": False}
        if arguments := fitted(client, "UpdateTable", changed):
            client.update_table(TableName=name, **arguments)
        self._apply_extras(client, name, old, properties)
        return self._made(client, name)

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("dynamodb").delete_table(TableName=resource.physical_id)

    def _apply_extras(self, client: Any, name: str, old: Properties, new: Properties) -> None:
        """Settings that have API calls of their own."""
        if old and tags(old) != tags(new):
            arn = client.describe_table(TableName=name)["Table"]["TableArn"]
            client.tag_resource(ResourceArn=arn, Tags=tags(new))
            gone = {tag["Key"] for tag in tags(old)} - {tag["Key"] for tag in tags(new)}
            client.untag_resource(ResourceArn=arn, TagKeys=sorted(gone))
        ttl = new.get("TimeToLiveSpecification")
        if ttl is None and "TimeToLiveSpecification" in old:
            ttl = {**old["TimeToLiveSpecification"], "Enabled": False}
        if ttl is not None and ttl != old.get("TimeToLiveSpecification"):
            arguments = fitted(client, "UpdateTimeToLive", {"TimeToLiveSpecification": ttl})
            client.update_time_to_live(TableName=name, **arguments)
        recovery = new.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False})
        if recovery != old.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False}):
            arguments = fitted(client, "UpdateContinuousBackups", {"PointInTimeRecoverySpecification": recovery})
            client.update_continuous_backups(TableName=name, **arguments)

    def _made(self, client: Any, name: str) -> Made:
        table = client.describe_table(TableName=name)["Table"]
        attributes = {"Arn": table["TableArn"]}
        if "LatestStreamArn" in table:
            attributes["StreamArn"] = table["LatestStreamArn"]
        return Made(name, attributes)


def _encryption(properties: Properties) -> dict[str, Any] | None:
    """As the API has it, which calls one of the members by another name."""
    if "SSESpecification" not in properties:
        return None
    given = dict(properties["SSESpecification"])
    return {"Enabled": given.pop("SSEEnabled", True), **given}


def _stream(properties: Properties) -> dict[str, Any] | None:
    """CloudFormation has no ``StreamEnabled``: naming a stream enables it."""
    if "StreamSpecification" not in properties:
        return None
    return {"StreamEnabled": True, "StreamViewType": properties["StreamSpecification"]["StreamViewType"]}
