"""Delivery of matching events to targets, beside moto's own targets (log groups, archives, other buses).

Like on AWS, PutEvents answers at once; delivery follows, and a target that fails does not fail the caller.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from elt_redshift.local.events.transform import target_input
from elt_redshift.local.iam.record import RECORD
from elt_redshift.local.regions import ACCOUNT, REGION

if TYPE_CHECKING:
    from moto.events.models import Rule

EXECUTION_NAME_LENGTH = 80
STATEMENT_SOURCE = "aws.redshift-data"
STATEMENT_EVENT = "Redshift Data Statement Status Change"
EXECUTION_SOURCE = "aws.states"
EXECUTION_EVENT = "Step Functions Execution Status Change"
MOTO_TARGETS = frozenset({"logs", "events"})

log = logging.getLogger("elt_redshift.local.events")
_couriers = ThreadPoolExecutor(4, thread_name_prefix="events")


def apply_all() -> None:
    """Patch moto's rules: deliver to more targets, skip disabled rules and rules that have only a schedule."""
    from moto.events.models import Rule

    undelivered = Rule.send_to_targets

    def send_to_targets(self: Rule, original_event: Any, transform_input: bool = True) -> None:
        if self.state != "ENABLED" or not (pattern := self.event_pattern.get_pattern()):
            return
        if not may_match(pattern, original_event) or not self.event_pattern.matches_event(original_event):
            return
        targets = list(self.targets)
        deliver_to(self, [target for target in targets if _service(target) not in MOTO_TARGETS], _shown(original_event))
        if theirs := [target for target in targets if _service(target) in MOTO_TARGETS]:
            undelivered(_only(self, theirs), original_event, transform_input)

    Rule.send_to_targets = send_to_targets  # type: ignore[method-assign]


def emit_statement_event(detail: dict[str, Any]) -> None:
    """Put the Data API's event about a finished statement on the default bus.

    https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-monitoring-events.html

    :param detail: the event's detail, such as ``statementId`` and ``state``.
    """
    _put(STATEMENT_SOURCE, STATEMENT_EVENT, json.dumps(detail), [])


def emit_execution_event(detail: dict[str, Any]) -> None:
    """Put Step Functions' event about a change of an execution's status on the default bus, in its own time.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html

    :param detail: the event's detail; ``executionArn`` is in it.
    """
    _couriers.submit(_put, EXECUTION_SOURCE, EXECUTION_EVENT, json.dumps(detail), [detail["executionArn"]])


def _put(source: str, detail_type: str, detail: str, resources: list[str]) -> None:
    """Show an event to each rule of the default bus. A rule that fails does not keep it from the others."""
    from moto.events.models import events_backends

    now = datetime.now(UTC).timestamp()
    event: Any = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": now,
        "region": REGION,
        "resources": resources,
        "detail": json.loads(detail),
        "ingestion-time": now,
    }
    bus = events_backends[ACCOUNT][REGION].describe_event_bus("default")
    for rule in list(bus.rules.values()):
        try:
            rule.send_to_targets(event.copy())
        except Exception:
            log.exception("the event %s could not be put to the rule %s", detail_type, rule.name)


def may_match(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """False if an event has another text where a pattern names texts; all else is moto's to judge, which writes and
    reads the event for that: each event meets each rule, and most rules are another job's."""
    for key, wanted in pattern.items():
        found = event.get(key)
        if isinstance(wanted, Mapping):
            if isinstance(found, Mapping) and not may_match(wanted, found):
                return False
        elif isinstance(found, str) and found not in wanted and all(isinstance(one, str) for one in wanted):
            return False
    return True


def deliver_to(rule: Rule, targets: list[dict[str, Any]], event: dict[str, Any]) -> None:
    """Hand an event to each target of a rule, each in its own time."""
    for target in targets:
        text = target_input(target, event, {"name": rule.name, "arn": rule.arn})
        note(target, "events.amazonaws.com", rule.arn)
        send(target["Arn"], text, f"{event['id']}_{uuid.uuid4()}", target)


def note(target: Mapping[str, Any], service: str, source: str) -> None:
    """Keep for :mod:`elt_redshift.local.iam.record` that a state machine is started as a target's role.

    :param service: the principal that does it.
    :param source: the ARN of what it acts for.
    """
    if "RoleArn" in target and _service(target) == "states":
        request = {"stateMachineArn": target["Arn"]}
        RECORD.note(target["RoleArn"], service, source, ("stepfunctions", "StartExecution"), request)


def send(arn: str, text: str, name: str, target: Mapping[str, Any]) -> None:
    """Start a state machine, publish to a topic or fill a queue, in the background; a failure goes to the log.

    :param arn: of the target.
    :param text: what it receives.
    :param name: of the execution, when the target is a state machine.
    :param target: its further settings, such as ``SqsParameters``.
    """
    _couriers.submit(_send, arn, text, name[:EXECUTION_NAME_LENGTH], target)


def _send(arn: str, text: str, name: str, target: Mapping[str, Any]) -> None:
    try:
        deliver(arn, text, name, target)
    except Exception:
        log.exception("an event could not be delivered to %s", arn)


def deliver(arn: str, text: str, name: str, target: Mapping[str, Any]) -> None:
    """What :func:`send` does, at once.

    :raises Exception: it could not be done.
    """
    _, _, service, region, *_ = arn.split(":", 5)
    if service == "states":
        client("stepfunctions", region).start_execution(stateMachineArn=arn, name=name, input=text)
    elif service == "sns":
        client("sns", region).publish(TopicArn=arn, Message=text)
    elif service == "sqs":
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        send_to_queue(arn, text, **({"MessageGroupId": group} if group else {}))
    else:
        raise NotImplementedError(f"the embedded AWS does not deliver to {service}")


def send_to_queue(arn: str, text: str, **more: Any) -> None:
    """Put a message into the queue with that ARN; ``more`` is as SQS takes it."""
    _, _, _, region, _, name = arn.split(":")
    queues = client("sqs", region)
    queues.send_message(QueueUrl=queues.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=text, **more)


@lru_cache
def client(service: str, region: str = REGION) -> Any:
    """A client of the embedded AWS itself."""
    import boto3

    session: Any = boto3.session.Session(region_name=region)
    return session.client(service)


def _service(target: Mapping[str, Any]) -> str:
    return str(target["Arn"]).split(":")[2]


def _only(rule: Rule, targets: list[dict[str, Any]]) -> Rule:
    """The rule with some of its targets, for moto to deliver to."""
    from copy import copy

    part = copy(rule)
    part.targets = targets
    return part


def _shown(event: Mapping[str, Any]) -> dict[str, Any]:
    """Moto's event as EventBridge shows it: ISO time, nothing internal."""
    time = event.get("time") or datetime.now(UTC).timestamp()
    if isinstance(time, int | float):
        time = datetime.fromtimestamp(time, UTC)
    if isinstance(time, datetime):
        time = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {key: value for key, value in event.items() if key != "ingestion-time"} | {"time": time}
