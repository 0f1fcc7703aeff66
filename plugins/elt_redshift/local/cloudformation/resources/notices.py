"""What tells people: policies of SNS topics, and CloudWatch alarms.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sns-topicpolicy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html
"""

from __future__ import annotations

import json
from typing import Any

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


class TopicPolicy(Handler):
    type = "AWS::SNS::TopicPolicy"
    attributes = frozenset({"Id"})

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "PolicyDocument", "Topics")
        self._put(context.client("sns"), properties["Topics"], properties["PolicyDocument"])
        return Made(context.logical_id, {"Id": context.logical_id})

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        client, topics = context.client("sns"), properties["Topics"]
        self._reset(client, [topic for topic in resource.properties["Topics"] if topic not in topics])
        self._put(client, topics, properties["PolicyDocument"])
        return Made(resource.physical_id, resource.attributes)

    def delete(self, context: Context, resource: Resource) -> None:
        self._reset(context.client("sns"), resource.properties["Topics"])

    def _put(self, client: Any, topics: list[str], document: Any) -> None:
        for topic in topics:
            client.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(document))

    def _reset(self, client: Any, topics: list[str]) -> None:
        """A topic without a policy of its own has the default one: its owner's account may do everything."""
        for topic in topics:
            allowed = {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["sns:Publish", "sns:Subscribe"],
                "Resource": topic,
                "Condition": {"StringEquals": {"AWS:SourceOwner": topic.split(":")[4]}},
            }
            try:
                self._put(client, [topic], {"Version": "2012-10-17", "Statement": [allowed]})
            except client.exceptions.NotFoundException:
                continue  # the topic went first and took the policy with it


class Alarm(Handler):
    type = "AWS::CloudWatch::Alarm"
    name_property = "AlarmName"
    name_length = 255
    attributes = frozenset({"Arn"})
    replacing = frozenset({"AlarmName"})

    def create(self, context: Context, properties: Properties) -> Made:
        require(context, properties, "ComparisonOperator", "EvaluationPeriods")
        return self._put(context, self.name(context, properties), properties)

    def update(self, context: Context, resource: Resource, properties: Properties) -> Made:
        return self._put(context, resource.physical_id, properties)

    def delete(self, context: Context, resource: Resource) -> None:
        context.client("cloudwatch").delete_alarms(AlarmNames=[resource.physical_id])

    def _put(self, context: Context, name: str, properties: Properties) -> Made:
        client = context.client("cloudwatch")
        arguments = {**properties, "AlarmName": name, "Tags": tags(properties) or None}
        client.put_metric_alarm(**fitted(client, "PutMetricAlarm", arguments))
        return Made(name, {"Arn": f"arn:aws:cloudwatch:{context.region}:{context.account}:alarm:{name}"})
