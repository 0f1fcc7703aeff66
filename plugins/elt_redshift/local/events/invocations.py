"""What EventBridge Scheduler does when a schedule is due: it calls the target, again where that fails, and leaves in
the dead-letter queue what it could not deliver.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from elt_redshift.local.events.clock import ScheduleClock
from elt_redshift.local.events.delivery import client, deliver, note, send_to_queue
from elt_redshift.local.events.ticker import Timed
from elt_redshift.local.iam.record import RECORD

#: Whom a schedule's role lets act.
PRINCIPAL = "scheduler.amazonaws.com"
#: A universal target: any action of any service.
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:"
#: boto3's names of services, where the SDK that Scheduler knows has others.
SERVICES = {"sfn": "stepfunctions", "cloudwatchlogs": "logs", "eventbridge": "events"}
#: The n-th retry comes so many seconds after the failure, doubled each time. AWS tells no numbers.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
SETTLED_SECONDS = 60.0

log = logging.getLogger("elt_redshift.local.events")


@dataclass(frozen=True)
class Invocation:
    """A call that a schedule makes.

    :param due: when it was to be made.
    :param execution: its id.
    :param attempt: from 1.
    """

    schedule: str
    target: Mapping[str, Any]
    due: datetime
    execution: str
    attempt: int = 1

    @property
    def input(self) -> str:
        """The target's input with Scheduler's context attributes filled in."""
        text = str(self.target.get("Input") or "{}")
        attributes = {
            "schedule-arn": self.schedule,
            "scheduled-time": iso(self.due),
            "execution-id": self.execution,
            "attempt-number": str(self.attempt),
        }
        for name, value in attributes.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text

    @property
    def group(self) -> str:
        """The ARN of the schedule's group, which its role sees as the source."""
        before, _, name = self.schedule.partition(":schedule/")
        return f"{before}:schedule-group/{name.partition('/')[0]}"

    def call(self) -> None:
        """Make it; an error is the service's."""
        arn = str(self.target["Arn"])
        if arn.startswith(UNIVERSAL):
            service, _, action = arn.removeprefix(UNIVERSAL).partition(":")
            _call_any(service, action, self.input)
        else:
            note(self.target, PRINCIPAL, self.group)
            deliver(arn, self.input, str(uuid.uuid4()), self.target)

    def exhausted(self, next_attempt: datetime) -> str | None:
        """Which limit of the retry policy forbids a further attempt at that time."""
        policy = self.target.get("RetryPolicy", {})
        if self.attempt > int(policy.get("MaximumRetryAttempts", 185)):
            return "MaximumRetryAttempts"
        age = timedelta(seconds=int(policy.get("MaximumEventAgeInSeconds", 86_400)))
        return "MaximumEventAgeInSeconds" if next_attempt > self.due + age else None


class Invocations:
    """The calls of schedules, and those that are to be made again."""

    def __init__(self, clock: ScheduleClock) -> None:
        self._clock = clock
        self._couriers = ThreadPoolExecutor(4, thread_name_prefix="scheduler")
        self._lock = threading.Lock()
        self._outstanding: set[Future[None]] = set()
        self._again: dict[str, tuple[datetime, Invocation]] = {}

    def fire(self, schedule: str, target: Mapping[str, Any], due: datetime) -> None:
        """Call a target, in its own time."""
        self._submit(Invocation(schedule, target, due, uuid.uuid4().hex[:16]))

    def due_again(self) -> Iterator[Timed]:
        """The calls that failed, as what is to be done at a time."""
        with self._lock:
            waiting = list(self._again.items())
        for key, (moment, invocation) in waiting:
            expression = f"at({moment:%Y-%m-%dT%H:%M:%S})"
            since = moment - timedelta(seconds=1)
            yield Timed(f"{invocation.schedule}#{key}", expression, partial(self._repeat, key), since=since)

    def settle(self) -> None:
        """Wait until no call is under way."""
        while True:
            with self._lock:
                outstanding = set(self._outstanding)
            if not outstanding:
                return
            wait(outstanding, SETTLED_SECONDS)

    def _repeat(self, key: str, _: datetime) -> None:
        with self._lock:
            _, invocation = self._again.pop(key)
        self._submit(replace(invocation, attempt=invocation.attempt + 1))

    def _submit(self, invocation: Invocation) -> None:
        with self._lock:
            future = self._couriers.submit(self._make, invocation)
            self._outstanding.add(future)
        future.add_done_callback(self._done)

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._outstanding.discard(future)

    def _make(self, invocation: Invocation) -> None:
        try:
            invocation.call()
        except Exception as error:
            log.warning("the schedule %s could not call %s: %s", invocation.schedule, invocation.target["Arn"], error)
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (invocation.attempt - 1))
            moment = self._clock() + timedelta(seconds=pause)
            if exhausted := invocation.exhausted(moment):
                _leave(invocation, error, exhausted)
            else:
                with self._lock:
                    self._again[f"{invocation.execution}-{invocation.attempt}"] = moment, invocation


def _call_any(service: str, action: str, text: str) -> None:
    """Call an action of a service with a request that has the members' names in AWS's spelling or boto3's."""
    made = client(SERVICES.get(service, service))
    operation = f"{action[0].upper()}{action[1:]}"
    shape = made.meta.service_model.operation_model(operation).input_shape
    names = {name.lower(): name for name in shape.members}
    request = {names.get(name.lower(), name): value for name, value in json.loads(text).items()}
    method = next(name for name, called in made.meta.method_to_api_mapping.items() if called == operation)
    getattr(made, method)(**request)


def _leave(invocation: Invocation, error: Exception, exhausted: str) -> None:
    """Leave what could not be delivered in the dead-letter queue, if there is one."""
    arn = invocation.target.get("DeadLetterConfig", {}).get("Arn")
    if not arn:
        log.error("the schedule %s has dropped a call of %s", invocation.schedule, invocation.target["Arn"])
        return
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    attributes = {
        "ERROR_CODE": code,
        "ERROR_MESSAGE": str(error),
        "EXECUTION_ID": invocation.execution,
        "EXHAUSTED_RETRY_CONDITION": exhausted,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": str(invocation.attempt - 1),
        "SCHEDULED_TIME": iso(invocation.due),
        "SCHEDULE_ARN": invocation.schedule,
        "TARGET_ARN": str(invocation.target["Arn"]),
    }
    told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    if role := invocation.target.get("RoleArn"):
        request = {"QueueUrl": arn.rpartition(":")[2]}
        RECORD.note(role, PRINCIPAL, invocation.group, ("sqs", "SendMessage"), request)
    try:
        send_to_queue(arn, invocation.input, MessageAttributes=told)
    except Exception:
        log.exception("the schedule %s could not leave a call in %s", invocation.schedule, arn)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
