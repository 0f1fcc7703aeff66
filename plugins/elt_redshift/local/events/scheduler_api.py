"""EventBridge Scheduler refuses what it could not do, when a schedule is made or changed. Moto takes anything.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from elt_redshift.job.schedule_expressions import ScheduleExpressionError, parse
from elt_redshift.local.events.clock import CLOCK
from elt_redshift.local.events.delivery import client

if TYPE_CHECKING:
    from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule

PRINCIPAL = "scheduler.amazonaws.com"


def apply_all() -> None:
    """Patch moto's Scheduler: it checks schedules, and keeps the time that they go by."""
    from moto.scheduler import models

    backend = models.EventBridgeSchedulerBackend
    models.unix_time = lambda *_: CLOCK().timestamp()  # type: ignore[attr-defined]
    backend.create_schedule = _checked(backend.create_schedule)  # type: ignore[method-assign]
    backend.update_schedule = _checked(backend.update_schedule)  # type: ignore[method-assign]


def _checked(made: Callable[..., Schedule]) -> Callable[..., Schedule]:
    def checked(self: EventBridgeSchedulerBackend, **given: Any) -> Schedule:
        _check(self, given)
        return made(self, **given)

    return checked


def _check(backend: EventBridgeSchedulerBackend, given: Mapping[str, Any]) -> None:
    from moto.scheduler.exceptions import ValidationException

    group = backend.get_schedule_group(given["group_name"])
    zone = given["schedule_expression_timezone"] or "UTC"
    if zone not in available_timezones():
        raise ValidationException(f"Provided ScheduleExpressionTimezone {zone} is invalid.")
    try:
        parse(given["schedule_expression"], zone)
    except ScheduleExpressionError:
        raise ValidationException(f"Invalid Schedule Expression {given['schedule_expression']}.") from None
    if not _may_be_assumed(given["target"]["RoleArn"], group.arn, backend.account_id):
        raise ValidationException(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        )


def _may_be_assumed(role_arn: str, group_arn: str, account: str) -> bool:
    """Whether Scheduler may assume a role on behalf of the schedules of a group: its trust policy says so.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    iam = client("iam")
    try:
        document = iam.get_role(RoleName=role_arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return False
    context = {"aws:sourcearn": group_arn, "aws:sourceaccount": account}
    return any(
        statement["Effect"] == "Allow"
        and PRINCIPAL in _list(statement.get("Principal", {}).get("Service", ()))
        and "sts:AssumeRole" in _list(statement["Action"])
        and all(_holds(operator, wanted, context) for operator, wanted in statement.get("Condition", {}).items())
        for statement in document["Statement"]
    )


def _holds(operator: str, wanted: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    matches = fnmatchcase if operator in ("StringLike", "ArnLike", "ArnEquals") else str.__eq__
    return all(
        any(matches(context.get(key.lower(), ""), value) for value in _list(values)) for key, values in wanted.items()
    )


def _list(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
