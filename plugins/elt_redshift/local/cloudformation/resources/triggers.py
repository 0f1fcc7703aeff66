"""What starts things and tells of them: EventBridge rules and schedules, SNS topics, log groups.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-rule.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-scheduler-schedule.html
"""

from __future__ import annotations

import json
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


class Rule(Handler):
    type = "AWS::Events::Rule"
    name_property = "Name"
    attributes = frozenset({"Arn"})
    replacing = frozenset({"Name", "EventBusName"})

    def create(self, context: Context, properties: Properties) -> Made:
        return self._put(context, self.name(context, properties), properties)

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        name, bus = resource.physical_id, _bus(properties)
        kept = {target["Id"] for target in properties.get("Targets", [])}
        gone = sorted({target["Id"] for target in resource.properties.get("Targets", [])} - kept)
        if gone:
            context.client("events").remove_targets(Rule=name, Ids=gone, **bus)
        return self._put(context, name, properties)

    def delete(self, context: Context, resource: Resource) -> None:
        client, bus = context.client("events"), _bus(resource.properties)
        if ids := [target["Id"] for target in resource.properties.get("Targets", [])]:
            client.remove_targets(Rule=resource.physical_id, Ids=ids, **bus)
        client.delete_rule(Name=resource.physical_id, **bus)

    def _put(self, context: Context, name: str, properties: Properties) -> Made:
        client = context.client("events")
        arguments = {key: properties.get(key) for key in ("ScheduleExpression", "State", "Description", "RoleArn")}
        arguments |= {"Name": name, "Tags": tags(properties) or None, **_bus(properties)}
        if "EventPattern" in properties:
            arguments["EventPattern"] = json.dumps(properties["EventPattern"])
        arn = client.put_rule(**fitted(client, "PutRule", arguments))["RuleArn"]
        if targets := properties.get("Targets"):
            arguments = fitted(client, "PutTargets", {"Rule": name, "Targets": targets, **_bus(properties)})
            answer = client.put_targets(**arguments)
            if answer.get("FailedEntryCount"):
                raise ResourceError(context.logical_id, str(answer["FailedEntries"][0].get("ErrorMessage")))
        return Made(name, {"Arn": arn})


def _bus(properties: Properties) -> dict[str, Any]:
    return {"EventBusName": properties["EventBusName"]} if "EventBusName" in properties else {}


class Schedule(Handler):
    type = "AWS::Scheduler::Schedule"
    name_property = "Name"
    attributes = frozenset({"Arn"})
    replacing = frozenset({"Name", "GroupName"})

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "ScheduleExpression", "Target", "FlexibleTimeWindow")
        client, name = context.client("scheduler"), self.name(context, properties)
        arn = client.create_schedule(**fitted(client, "CreateSchedule", {**properties, "Name": name}))["ScheduleArn"]
        return Made(name, {"Arn": arn})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client = context.client("scheduler")
        arguments = {"State": "ENABLED", **properties, "Name": resource.physical_id}
        client.update_schedule(**fitted(client, "UpdateSchedule", arguments))
        return Made(resource.physical_id, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        group = {"GroupName": resource.properties["GroupName"]} if "GroupName" in resource.properties else {}
        client = context.client("scheduler")
        try:
            client.delete_schedule(Name=resource.physical_id, **group)
        except client.exceptions.ResourceNotFoundException:
            return  # a one-time schedule may have deleted itself


class ScheduleGroup(Handler):
    type = "AWS::Scheduler::ScheduleGroup"
    name_property = "Name"
    attributes = frozenset({"Arn", "State", "CreationDate", "LastModificationDate"})
    replacing = frozenset({"Name"})

    def create(self, context: Context, properties: Properties) -> Made:
        client, name = context.client("scheduler"), self.name(context, properties)
        client.create_schedule_group(Name=name, Tags=tags(properties))
        return self._made(client, name)

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client, arn = context.client("scheduler"), resource.attributes["Arn"]
        kept = tags(properties)
        gone = {tag["Key"] for tag in tags(resource.properties)} - {tag["Key"] for tag in kept}
        client.untag_resource(ResourceArn=arn, TagKeys=sorted(gone))
        client.tag_resource(ResourceArn=arn, Tags=kept)
        return self._made(client, resource.physical_id)

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("scheduler").delete_schedule_group(Name=resource.physical_id)

    def _made(self, client: Any, name: str) -> Made:
        found = client.get_schedule_group(Name=name)
        times = {key: str(found[key]) for key in ("CreationDate", "LastModificationDate")}
        return Made(name, {"Arn": found["Arn"], "State": found["State"], **times})


class Topic(Handler):
    type = "AWS::SNS::Topic"
    name_property = "TopicName"
    name_length = 256
    attributes = frozenset({"TopicArn", "TopicName"})
    replacing = frozenset({"TopicName", "FifoTopic"})

    def create(self, context: Context, properties: Properties) -> Made:
        client, name = context.client("sns"), self.name(context, properties)
        attributes = {key: str(properties[key]) for key in ("DisplayName", "KmsMasterKeyId") if key in properties}
        attributes |= {"FifoTopic": "true"} if str(properties.get("FifoTopic")).lower() == "true" else {}
        arn = client.create_topic(Name=name, Attributes=attributes, Tags=tags(properties))["TopicArn"]
        self._subscribe(client, arn, properties)
        return Made(arn, {"TopicArn": arn, "TopicName": name})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client, arn = context.client("sns"), resource.physical_id
        for key in ("DisplayName", "KmsMasterKeyId"):
            if properties.get(key) != resource.properties.get(key):
                client.set_topic_attributes(
                    TopicArn=arn, AttributeName=key, AttributeValue=str(properties.get(key, ""))
                )
        for subscription in client.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
            client.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        self._subscribe(client, arn, properties)
        return Made(arn, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("sns").delete_topic(TopicArn=resource.physical_id)

    def _subscribe(self, client: Any, arn: str, properties: Properties) -> None:
        for subscription in properties.get("Subscription", []):
            client.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])


class LogGroup(Handler):
    type = "AWS::Logs::LogGroup"
    name_property = "LogGroupName"
    name_length = 512
    attributes = frozenset({"Arn"})
    replacing = frozenset({"LogGroupName"})

    def create(self, context: Context, properties: Properties) -> Made:
        client, name = context.client("logs"), self.name(context, properties)
        arguments = {"logGroupName": name, "kmsKeyId": properties.get("KmsKeyId")}
        client.create_log_group(**fitted(client, "CreateLogGroup", arguments))
        self._retain(context, name, properties)
        return Made(name, {"Arn": f"arn:aws:logs:{context.region}:{context.account}:log-group:{name}:*"})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client, name, key = context.client("logs"), resource.physical_id, properties.get("KmsKeyId")
        if key and key != resource.properties.get("KmsKeyId"):
            client.associate_kms_key(logGroupName=name, kmsKeyId=key)
        elif not key and "KmsKeyId" in resource.properties:
            client.disassociate_kms_key(logGroupName=name)
        self._retain(context, resource.physical_id, properties)
        return Made(resource.physical_id, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("logs").delete_log_group(logGroupName=resource.physical_id)

    def _retain(self, context: Context, name: str, properties: Properties) -> None:
        client = context.client("logs")
        if "RetentionInDays" in properties:
            client.put_retention_policy(logGroupName=name, retentionInDays=int(properties["RetentionInDays"]))
        else:
            client.delete_retention_policy(logGroupName=name)
