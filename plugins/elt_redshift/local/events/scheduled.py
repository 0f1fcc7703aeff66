"""What is scheduled in moto: rules with a schedule expression, and schedules of EventBridge Scheduler.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from elt_redshift.local.events.delivery import deliver_to, send
from elt_redshift.local.events.ticker import Timed

if TYPE_CHECKING:
    from moto.events.models import Rule
    from moto.scheduler.models import Schedule, ScheduleGroup

START_EXECUTION = "arn:aws:scheduler:::aws-sdk:sfn:startExecution"

log = logging.getLogger("elt_redshift.local.events")


def scheduled() -> Iterator[Timed]:
    """Everything that is enabled and has a schedule, in all accounts and regions."""
    from moto.events.models import events_backends
    from moto.scheduler.models import scheduler_backends

    for regions in list(events_backends.values()):
        for events in list(regions.values()):
            for bus in list(events.event_buses.values()):
                yield from map(_timed_rule, filter(_is_on, list(bus.rules.values())))
    for schedulers in list(scheduler_backends.values()):
        for scheduler in list(schedulers.values()):
            for group in list(scheduler.schedule_groups.values()):
                enabled = [item for item in list(group.schedules.values()) if item.state == "ENABLED"]
                yield from (_timed_schedule(group, item) for item in enabled)


def _is_on(rule: Rule) -> bool:
    return bool(rule.scheduled_expression) and rule.state == "ENABLED"


def _timed_rule(rule: Rule) -> Timed:
    return Timed(rule.arn, str(rule.scheduled_expression), lambda due: _fire_rule(rule, due))


def _fire_rule(rule: Rule, due: datetime) -> None:
    """Send the event of a scheduled rule to its targets."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account_id,
        "time": _iso(due),
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
    }
    deliver_to(rule, list(rule.targets), event)


def _timed_schedule(group: ScheduleGroup, schedule: Schedule) -> Timed:
    return Timed(
        schedule.arn,
        schedule.schedule_expression,
        lambda due: _fire_schedule(group, schedule, due),
        schedule.schedule_expression_timezone,
        _moment(schedule.last_modified_date),
        _moment(schedule.start_date),
        _moment(schedule.end_date),
    )


def _fire_schedule(group: ScheduleGroup, schedule: Schedule, due: datetime) -> None:
    """Send the input of a schedule to its target; the flexible time window is not used."""
    execution = str(uuid.uuid4())
    text = _input(schedule, due, execution)
    if schedule.target["Arn"] == START_EXECUTION:
        request = json.loads(text)
        send(request["StateMachineArn"], request.get("Input", "{}"), request.get("Name", execution), {})
    else:
        send(schedule.target["Arn"], text, execution, schedule.target)
    if schedule.action_after_completion == "DELETE" and schedule.schedule_expression.startswith("at"):
        group.schedules.pop(schedule.name, None)


def _input(schedule: Schedule, due: datetime, execution: str) -> str:
    """The target's input with Scheduler's context attributes filled in."""
    text = str(schedule.target.get("Input") or "{}")
    attributes = {
        "schedule-arn": schedule.arn,
        "scheduled-time": _iso(due),
        "execution-id": execution,
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(value: Any) -> datetime | None:
    """Moto keeps dates as they came over the wire: seconds since 1970."""
    return datetime.fromtimestamp(float(value), UTC) if value else None
