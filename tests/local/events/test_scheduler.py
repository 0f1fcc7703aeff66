"""EventBridge Scheduler calls targets when their schedules are due, again when that fails, and then gives up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from elt_redshift.local.clock import Clock
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests.local.conftest import ClientFactory
from tests.local.events.test_delivery import SCHEDULER
from tests.local.must_fail import beyond_stock
from tests.local.waiting import wait_for

ATTRIBUTES = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
CONTEXT = json.dumps({name: f"<aws.scheduler.{name}>" for name in ATTRIBUTES})


class Target:
    """A queue that a schedule fills, and a dead-letter queue beside it."""

    def __init__(self, client: ClientFactory, name: str) -> None:
        self.client, self.name, self._scheduler = client, name, client("scheduler")
        self.queues = [client("sqs").create_queue(QueueName=one)["QueueUrl"] for one in (name, f"{name}-dead")]
        self.arns = [f"arn:aws:sqs:us-east-1:123456789012:{one}" for one in (name, f"{name}-dead")]
        trust = {"Version": "2012-10-17", "Statement": [SCHEDULER]}
        role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self._target = {"Arn": self.arns[0], "RoleArn": role, "Input": CONTEXT}

    def schedule(self, expression: str, update: bool = False, **more: Any) -> None:
        put = self._scheduler.update_schedule if update else self._scheduler.create_schedule
        target = {**self._target, **more.pop("Target", {})}
        more = {"Name": self.name, "FlexibleTimeWindow": {"Mode": "OFF"}, **more}
        put(ScheduleExpression=expression, Target=target, **more)

    def received(self, number: int, queue: int = 0) -> list[dict[str, Any]]:
        """What stands in a queue, once it is that many messages, by the scheduled time."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            url = self.queues[queue]
            answer = self.client("sqs").receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
            )
            found.extend(answer.get("Messages", []))
            return len(found) >= number

        wait_for(look, f"{number} messages", self.client.patience)
        told = [
            {**json.loads(one["Body"]), **{k: v["StringValue"] for k, v in one.get("MessageAttributes", {}).items()}}
            for one in found
        ]
        return sorted(told, key=lambda one: str(one.get("scheduled-time")))

    def is_empty(self) -> bool:
        return "Messages" not in self.client("sqs").receive_message(QueueUrl=self.queues[0], WaitTimeSeconds=0)


@pytest.fixture
def target(client: ClientFactory, unique: str) -> Iterator[Target]:
    made = Target(client, unique)
    yield made
    schedules = client("scheduler").list_schedules(NamePrefix=unique)["Schedules"]
    for one in schedules:
        client("scheduler").delete_schedule(Name=one["Name"])


@pytest.fixture
def clock(local_aws: LocalAws) -> Clock:
    return Clock(local_aws)


@beyond_stock("3 messages")
def test_a_rate_calls_its_target_each_minute(target: Target, clock: Clock) -> None:
    """It begins when it is made. The input has the time that the call was due, an id of its own and the attempt."""
    target.schedule("rate(1 minute)")
    clock.advance(timedelta(minutes=2, seconds=2))
    calls = target.received(3)
    times = [datetime.fromisoformat(call["scheduled-time"]) for call in calls[:3]]
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=1)}
    assert len({call["execution-id"] for call in calls}) == len(calls)
    assert {call["attempt-number"] for call in calls} == {"1"}
    assert {call["schedule-arn"] for call in calls} == {
        f"arn:aws:scheduler:us-east-1:123456789012:schedule/default/{target.name}"
    }


@beyond_stock("1 messages")
def test_a_cron_goes_by_the_clock_of_its_zone(target: Target, clock: Clock) -> None:
    """A time in Kolkata, five and a half hours ahead of UTC, comes at that time in UTC."""
    due = (clock.advance(timedelta()) + timedelta(minutes=2)).replace(second=0, microsecond=0)
    local = due + timedelta(hours=5, minutes=30)
    target.schedule(f"cron({local.minute} {local.hour} * * ? *)", ScheduleExpressionTimezone="Asia/Kolkata")
    clock.advance(timedelta(minutes=2))
    assert [call["scheduled-time"] for call in target.received(1)] == [f"{due:%Y-%m-%dT%H:%M:%SZ}"]


@beyond_stock("1 messages")
def test_a_disabled_schedule_is_silent_until_it_is_enabled(target: Target, clock: Clock) -> None:
    """An update puts another expression and state in place of the old ones, and a deleted schedule is over."""
    target.schedule("rate(1 minute)", State="DISABLED")
    clock.advance(timedelta(minutes=3))
    assert target.is_empty()
    target.schedule("rate(1 hour)", update=True, State="ENABLED")
    clock.advance(timedelta(minutes=3))
    (call,) = target.received(1)
    assert call["attempt-number"] == "1"
    target.client("scheduler").delete_schedule(Name=target.name)
    clock.advance(timedelta(hours=1))
    assert target.is_empty()


def test_a_call_that_fails_is_made_again(target: Target, clock: Clock, local_aws: LocalAws) -> None:
    """The same call comes later, with the time that it was due at first, its id, and a further attempt."""
    with Faults(local_aws) as faults:
        faults.fail("sqs", "SendMessage", "ServiceUnavailable", times=2, containing=f'{target.name}"')
        target.schedule("rate(1 day)", Target={"DeadLetterConfig": {"Arn": target.arns[1]}})
        clock.advance(timedelta(minutes=1))
        assert faults.met() == [2]
    (call,) = target.received(1)
    assert call["attempt-number"] == "3"


@beyond_stock("1 messages")
@pytest.mark.parametrize(
    ("policy", "condition", "retries"),
    [
        ({"MaximumRetryAttempts": 0}, "MaximumRetryAttempts", "0"),
        ({"MaximumRetryAttempts": 2}, "MaximumRetryAttempts", "2"),
        ({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", "5"),
    ],
)
def test_a_call_that_fails_too_often_is_left_in_the_dead_letter_queue(
    target: Target, clock: Clock, policy: dict[str, int], condition: str, retries: str
) -> None:
    """It tells what was called when and why it failed, and which limit of the policy was reached."""
    gone = f"arn:aws:states:us-east-1:123456789012:stateMachine:{target.name}"
    dead = {"Arn": gone, "DeadLetterConfig": {"Arn": target.arns[1]}, "RetryPolicy": policy}
    target.schedule("rate(1 day)", Target=dead)
    clock.advance(timedelta(minutes=2))
    (letter,) = target.received(1, queue=1)
    assert letter["ERROR_CODE"] == "StateMachineDoesNotExist"
    assert (letter["EXHAUSTED_RETRY_CONDITION"], letter["RETRY_ATTEMPTS"]) == (condition, retries)
    assert (letter["TARGET_ARN"], letter["SCHEDULE_ARN"]) == (gone, letter["schedule-arn"])
    assert (letter["SCHEDULED_TIME"], letter["EXECUTION_ID"]) == (letter["scheduled-time"], letter["execution-id"])


@beyond_stock("1 messages")
def test_a_universal_target_is_any_action(target: Target, clock: Clock) -> None:
    """The input is the action's request, with its names as AWS writes them."""
    request = json.dumps({"QueueUrl": target.queues[0], "MessageBody": '{"at": "<aws.scheduler.scheduled-time>"}'})
    universal = {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": request}
    target.schedule("rate(1 day)", Target=universal)
    clock.advance(timedelta(seconds=5))
    (call,) = target.received(1)
    assert datetime.fromisoformat(call["at"])


@beyond_stock("DID NOT RAISE")
@pytest.mark.parametrize(
    ("expression", "more", "message"),
    [
        ("rate(5 lightyears)", {}, "Invalid Schedule Expression rate"),
        ("cron(0 0 * * * *)", {}, "Invalid Schedule Expression cron"),
        ("rate(1 day)", {"ScheduleExpressionTimezone": "Mars/Olympus"}, "Mars/Olympus is invalid"),
        ("rate(1 day)", {"Target": {"RoleArn": "arn:aws:iam::123456789012:role/nobody"}}, "assume the role"),
    ],
)
def test_what_cannot_be_is_refused(target: Target, expression: str, more: dict[str, Any], message: str) -> None:
    """An expression, a time zone or a role that Scheduler cannot use is told when the schedule is made."""
    with pytest.raises(target.client("scheduler").exceptions.ValidationException, match=message):
        target.schedule(expression, **more)


@beyond_stock("DID NOT RAISE")
@pytest.mark.parametrize("source", ["schedule/default/{name}", "schedule-group/other"])
def test_a_role_is_trusted_on_behalf_of_a_group(target: Target, source: str) -> None:
    """A trust policy may name the schedule's group as aws:SourceArn, and neither the schedule nor another group."""

    def trust(source: str) -> None:
        arn = f"arn:aws:scheduler:us-east-1:123456789012:{source.format(name=target.name)}"
        condition = {"StringEquals": {"aws:SourceArn": arn, "aws:SourceAccount": "123456789012"}}
        document = {"Version": "2012-10-17", "Statement": [{**SCHEDULER, "Condition": condition}]}
        target.client("iam").update_assume_role_policy(RoleName=target.name, PolicyDocument=json.dumps(document))

    trust(source)
    with pytest.raises(target.client("scheduler").exceptions.ValidationException, match="assume the role"):
        target.schedule("rate(1 day)")
    trust("schedule-group/default")
    target.schedule("rate(1 day)", State="DISABLED")


def test_a_group_that_is_not_there_is_told(target: Target) -> None:
    """No schedule is made in it."""
    with pytest.raises(target.client("scheduler").exceptions.ResourceNotFoundException):
        target.schedule("rate(1 day)", GroupName="nowhere")
