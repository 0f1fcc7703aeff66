"""What is scheduled in moto: rules with a schedule expression, and schedules of EventBridge Scheduler.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from elt_redshift.local.events.delivery import deliver_to
from elt_redshift.local.events.invocations import Invocations, iso
from elt_redshift.local.events.ticker import Timed

if TYPE_CHECKING:
    from moto.events.models import Rule
    from moto.scheduler.models import Schedule, ScheduleGroup


def scheduled(invocations: Invocations) -> Iterator[Timed]:
    """Everything that is enabled and has a schedule, in all accounts and regions.

    :param invocations: makes the calls of schedules, and those that are due again.
    """
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
                yield from (_timed_schedule(group, item, invocations) for item in enabled)
    yield from invocations.due_again()


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
        "time": iso(due),
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
    }
    deliver_to(rule, list(rule.targets), event)


def _timed_schedule(group: ScheduleGroup, schedule: Schedule, invocations: Invocations) -> Timed:
    return Timed(
        schedule.arn,
        schedule.schedule_expression,
        lambda due: _fire_schedule(group, schedule, due, invocations),
        schedule.schedule_expression_timezone,
        _moment(schedule.last_modified_date),
        _moment(schedule.start_date),
        _moment(schedule.end_date),
        at_once=True,
    )


def _fire_schedule(group: ScheduleGroup, schedule: Schedule, due: datetime, invocations: Invocations) -> None:
    """Call the target of a schedule; the flexible time window is not used."""
    invocations.fire(schedule.arn, dict(schedule.target), due)
    if schedule.action_after_completion == "DELETE" and schedule.schedule_expression.startswith("at"):
        group.schedules.pop(schedule.name, None)


def _moment(value: Any) -> datetime | None:
    """Moto keeps dates as they came over the wire: seconds since 1970."""
    return datetime.fromtimestamp(float(value), UTC) if value else None
