"""SQS: queues, and who may do what with them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sqs-queue.html
"""

from __future__ import annotations

import json
from typing import Any

from elt_redshift.local.cloudformation.resources.base import Context, Handler, Made, Properties, Resource, require

#: Properties that are attributes of a queue under the same name, with what they are when a template drops them.
ATTRIBUTES = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "KmsMasterKeyId": "",
    "KmsDataKeyReusePeriodSeconds": "300",
    "SqsManagedSseEnabled": "true",
    "ContentBasedDeduplication": "false",
    "RedrivePolicy": "",
    "RedriveAllowPolicy": "",
}


class Queue(Handler):
    type = "AWS::SQS::Queue"
    name_property = "QueueName"
    name_length = 80
    attributes = frozenset({"Arn", "QueueName", "QueueUrl"})
    replacing = frozenset({"QueueName", "FifoQueue"})

    def create(self, context: Context, properties: Properties) -> Made:
        client, name = context.client("sqs"), self.name(context, properties)
        fifo = _text(properties.get("FifoQueue", "false")) == "true"
        name = f"{name[:75]}.fifo" if fifo and "QueueName" not in properties else name
        given = {key: _text(properties[key]) for key in ATTRIBUTES if key in properties}
        given |= {"FifoQueue": "true"} if fifo else {}
        tags = {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags", [])}
        url = client.create_queue(QueueName=name, Attributes=given, tags=tags)["QueueUrl"]
        arn = f"arn:aws:sqs:{context.region}:{context.account}:{name}"
        return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client, url = context.client("sqs"), resource.physical_id
        changed = {
            key: _text(properties.get(key, default))
            for key, default in ATTRIBUTES.items()
            if properties.get(key) != resource.properties.get(key)
        }
        if changed:
            client.set_queue_attributes(QueueUrl=url, Attributes=changed)
        return Made(url, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("sqs").delete_queue(QueueUrl=resource.physical_id)


class QueuePolicy(Handler):
    type = "AWS::SQS::QueuePolicy"
    attributes = frozenset({"Id"})

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "PolicyDocument", "Queues")
        name = self.name(context, properties)
        self._put(context, properties, properties["Queues"])
        return Made(name, {"Id": name})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        self._clear(context, [one for one in resource.properties["Queues"] if one not in properties["Queues"]])
        self._put(context, properties, properties["Queues"])
        return Made(resource.physical_id, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        self._clear(context, resource.properties["Queues"])

    def _put(self, context: Context, properties: Properties, urls: list[str]) -> None:
        for url in urls:
            policy = {"Policy": json.dumps(properties["PolicyDocument"])}
            context.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=policy)

    def _clear(self, context: Context, urls: list[str]) -> None:
        for url in urls:
            context.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _text(value: Any) -> str:
    """An attribute's value: all of them are texts."""
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
