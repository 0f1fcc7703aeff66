"""The part for the topic of notifications, and who may publish to it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sns-topic.html
"""

from __future__ import annotations

from typing import Any

from elt_redshift.aws.template.intrinsics import ARN, HERE, ref, sub
from elt_redshift.aws.template.part import Named, Part
from elt_redshift.aws.template.roles import deny_without_tls, document
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import NEW_TOPIC, Notify

#: Logical names.
TOPIC = "NotificationTopic"
POLICY = "NotificationTopicPolicy"


def part(job: EltJob) -> Part:
    """The topic that the job names, or one of its own."""
    own, topic = topic_of(job) == ref(TOPIC), topic_of(job)
    output = {"Description": "The topic of the job's notifications.", "Value": topic}
    return Part(
        resources=_topic(job) if own else {},
        outputs={TOPIC: output},
        named={"topic": Named(topic)},
    )


def topic_of(job: EltJob) -> Any:
    """The ARN of the topic."""
    given = (job.notify or Notify()).sns
    return ref(TOPIC) if given == NEW_TOPIC else given


def _topic(job: EltJob) -> dict[str, Any]:
    """A policy of a topic takes the place of its default one, by which the account's own alarms may publish to it."""
    alarms = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": ref(TOPIC),
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")},
            "ArnLike": {"aws:SourceArn": sub(f"{ARN}cloudwatch:{HERE}:alarm:*")},
        },
    }
    allowed = document(alarms, deny_without_tls("sns:Publish", ref(TOPIC)))
    return {
        TOPIC: {
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": f"ELT job {job.name}"},
        },
        POLICY: {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [ref(TOPIC)], "PolicyDocument": allowed},
        },
    }
