"""Whom a template tells of how runs end: topics and alarms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from elt_redshift.aws.template.alarms import looking_back
from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.job.model import Notify, Schedule
from tests.unit.asl.jobs import JOBS, job, task
from tests.unit.aws.template.rendered import NO_VALUE, inline_policies, policy_documents, template_of


def _notifying(**more: Any) -> dict[str, Any]:
    return template_of(job(task("a"), notify=Notify(**more)))


def test_a_job_that_notifies_has_a_topic_and_alarms() -> None:
    """Its alarms may publish to the topic, and so may the machine behind the ends of runs; whoever does uses TLS."""
    template = _notifying()
    resources = template["Resources"]
    topic = {"Ref": "NotificationTopic"}
    own_key = {"Fn::If": ["OwnKey", {"Ref": "KmsKeyArn"}, NO_VALUE]}
    assert resources["NotificationTopic"]["Properties"]["KmsMasterKeyId"] == own_key
    allowed, refused = resources["NotificationTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (allowed["Principal"], allowed["Resource"]) == ({"Service": "cloudwatch.amazonaws.com"}, topic)
    assert (refused["Effect"], refused["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (["sns:Publish"], topic) in inline_policies(resources["RunEndRole"])
    alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert [(one["Dimensions"][0]["Value"]["Ref"], one["MetricName"], one["AlarmActions"]) for one in alarms] == [
        (machine, metric, [topic])
        for machine in (MACHINE, "RunEndStepFunction")
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut")
    ]


def test_a_schedule_s_missed_starts_ring_too() -> None:
    """As long as the queue holds any; without a schedule there is no such alarm."""
    assert "MissedStartsAlarm" not in _notifying()["Resources"]
    resources = template_of(job(task("a"), notify=Notify(), schedule=Schedule(rate="1 day")))["Resources"]
    alarm = resources["MissedStartsAlarm"]["Properties"]
    queue = [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["MissedStarts", "QueueName"]}}]
    assert (alarm["Namespace"], alarm["Dimensions"], alarm["Statistic"]) == ("AWS/SQS", queue, "Maximum")
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["AlarmActions"] == [{"Ref": "NotificationTopic"}]


def test_a_job_that_does_not_succeed_for_too_long_rings() -> None:
    """Also when nothing is counted at all; a schedule that starts nothing has no such alarm."""

    def resources(**schedule: Any) -> dict[str, Any]:
        notify = Notify(not_succeeded_for=3)
        return template_of(job(task("a"), notify=notify, schedule=Schedule(rate="1 hour", **schedule)))["Resources"]

    made = resources()
    alarm = made["NotSucceededAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("ELT/Redshift", "RunsSucceeded", "Sum")
    assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": MACHINE}}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert (alarm["TreatMissingData"], alarm["Period"] * alarm["EvaluationPeriods"]) == ("breaching", 3 * 3600)
    rights = [one for one in policy_documents(made["RunEndRole"]) if "cloudwatch:PutMetricData" in one["Action"]]
    assert [one["Condition"] for one in rights] == [{"StringEquals": {"cloudwatch:namespace": "ELT/Redshift"}}]
    assert "NotSucceededAlarm" not in resources(enabled=False)


@pytest.mark.parametrize("seconds", [60, 300, 900, 3599, 3601, 86_000, 86_400, 86_460, 259_200, 604_800])
def test_an_alarm_looks_back_as_far_as_cloudwatch_takes(seconds: int) -> None:
    """At least so far, a little more at most, and within the limits: a day in periods under an hour, else 7 days."""
    back = looking_back(seconds)
    whole = back["Period"] * back["EvaluationPeriods"]
    assert seconds <= whole < seconds + back["Period"]
    assert back["Period"] % 60 == 0
    assert whole <= (86_400 if back["Period"] < 3600 else 604_800)


def test_a_job_may_notify_by_a_topic_that_there_is() -> None:
    """Nothing is made but the alarms, if they are wanted."""
    arn = "arn:aws:sns:eu-west-1:123456789012:told"
    template = _notifying(sns=arn, alarms=False)
    kinds = [one["Type"] for one in template["Resources"].values()]
    assert not [kind for kind in kinds if kind.startswith(("AWS::SNS", "AWS::CloudWatch"))]
    published = template["Resources"]["RunEndStepFunction"]["Properties"]["Definition"]["States"]["publish"]
    assert published["Arguments"]["TopicArn"] == arn
    assert (["sns:Publish"], arn) in inline_policies(template["Resources"]["RunEndRole"])


def test_a_job_that_notifies_nobody_has_no_topic() -> None:
    """Nor the right to publish anywhere."""
    assert "sns:Publish" not in json.dumps(template_of(JOBS["one_task"]))
