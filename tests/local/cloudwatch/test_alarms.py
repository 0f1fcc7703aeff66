"""Alarms of the embedded AWS look at metrics that are put, change their states and tell topics of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elt_redshift.local.clock import Clock
from elt_redshift.local.process import LocalAws

MINUTE = timedelta(minutes=1)


class Watched:
    """An alarm on a metric of its own, and the queue that its topic fills."""

    def __init__(self, client: Callable[[str], Any], clock: Clock) -> None:
        self.cloudwatch, self.sqs, self.clock, self.name = client("cloudwatch"), client("sqs"), clock, uuid.uuid4().hex
        self.queue = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.topic = client("sns").create_topic(Name=self.name)["TopicArn"]
        queue = f"arn:aws:sqs:us-east-1:123456789012:{self.name}"
        client("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue)

    def alarm(self, **given: Any) -> None:
        watched = {"Namespace": "Tests", "MetricName": self.name, "Statistic": "Sum", "Period": 60}
        rule = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 1, "EvaluationPeriods": 1}
        told = {"AlarmActions": [self.topic], "OKActions": [self.topic]}
        self.cloudwatch.put_metric_alarm(AlarmName=self.name, **{**watched, **rule, **told, **given})

    def put(self, value: float, at: datetime | None = None, **dimensions: str) -> None:
        """A value, of now if no moment is given."""
        named = [{"Name": name, "Value": one} for name, one in dimensions.items()]
        datum = {"MetricName": self.name, "Value": value, "Dimensions": named}
        self.cloudwatch.put_metric_data(Namespace="Tests", MetricData=[{**datum, "Timestamp": at or datetime.now(UTC)}])

    def after(self, by: timedelta = MINUTE) -> str:
        """Its state when that much time has passed."""
        self.clock.advance(by)
        return str(self.cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]["StateValue"])

    def told(self) -> list[str]:
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(one["Body"])["Subject"] for one in found]


@pytest.fixture
def watched(client: Callable[[str], Any], local_aws: LocalAws) -> Iterator[Watched]:
    made = Watched(client, Clock(local_aws))
    yield made
    made.cloudwatch.delete_alarms(AlarmNames=[made.name])


def test_an_alarm_rings_and_falls_silent(watched: Watched) -> None:
    """It knows nothing at first; each change of its state is told once, by the region's name."""
    watched.alarm(Dimensions=[{"Name": "of", "Value": "this"}])
    found = watched.cloudwatch.describe_alarms(AlarmNames=[watched.name])
    assert found["MetricAlarms"][0]["StateValue"] == "INSUFFICIENT_DATA"
    watched.put(5, of="another")
    watched.put(5)
    assert watched.after() == "INSUFFICIENT_DATA"
    for _ in range(2):
        watched.put(1, of="this")
    assert watched.after() == "ALARM"
    assert watched.after() == "ALARM"
    watched.put(0, of="this")
    assert watched.after() == "OK"
    where = "in US East (N. Virginia)"
    assert watched.told() == [f'ALARM: "{watched.name}" {where}', f'OK: "{watched.name}" {where}']


def test_an_alarm_that_is_put_again_keeps_its_state(watched: Watched) -> None:
    """Until it is looked at; without actions it tells nobody."""
    watched.alarm(ActionsEnabled=False)
    watched.put(5)
    assert watched.after() == "ALARM"
    watched.alarm(Threshold=9, ActionsEnabled=False)
    assert watched.after(timedelta()) == "ALARM"
    watched.put(5)
    assert watched.after() == "OK"
    assert watched.told() == []


@pytest.mark.parametrize(("statistic", "rings"), [("Sum", 12), ("Maximum", 7), ("Minimum", 5), ("Average", 6)])
def test_a_statistic_is_of_all_values_of_a_period(watched: Watched, statistic: str, rings: int) -> None:
    """Whether they came one by one; the alarm is at the value itself and not above it."""
    watched.put(5)
    watched.put(7)
    watched.alarm(Statistic=statistic, Threshold=rings, Period=300, ComparisonOperator="GreaterThanOrEqualToThreshold")
    assert watched.after() == "ALARM"
    watched.alarm(Statistic=statistic, Threshold=rings, Period=300)
    assert watched.after() == "OK"


def test_values_are_of_the_time_that_they_name(watched: Watched) -> None:
    """One of long ago rings no alarm."""
    watched.alarm(TreatMissingData="notBreaching")
    watched.put(5, datetime.now(UTC) - timedelta(hours=1))
    assert watched.after() == "OK"
