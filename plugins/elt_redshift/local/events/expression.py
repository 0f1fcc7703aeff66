"""Schedule expressions of EventBridge: ``rate(...)``, ``cron(...)``, ``at(...)``. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = {name: number for number, name in enumerate(_MONTHS, 1)}
DAYS = {name: number for number, name in enumerate(_DAYS, 1)}
HORIZON_DAYS = 8 * 366
"""Long enough to meet the next 29 February, whatever the century."""

_CALL = re.compile(r"\s*(rate|cron|at)\s*\(\s*(.*?)\s*\)\s*")


@dataclass(frozen=True)
class Rate:
    """Every so many seconds, counted from when the schedule was first seen."""

    seconds: int

    def next_after(self, moment: datetime) -> datetime | None:
        return moment + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class At:
    """Once."""

    moment: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        return self.moment if self.moment > moment else None


@dataclass(frozen=True)
class Cron:
    """At certain minutes of certain days, by the clock of a time zone."""

    minutes: frozenset[int]
    hours: frozenset[int]
    month_days: str
    months: frozenset[int]
    week_days: str
    years: frozenset[int]
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
        """The first matching minute later than ``moment``, in UTC; None when there is none within eight years."""
        local = moment.astimezone(self.zone)
        for offset in range(HORIZON_DAYS):
            day = local.date() + timedelta(days=offset)
            if not self._on(day):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    found = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone).astimezone(UTC)
                    if found > moment:
                        return found
        return None

    def _on(self, day: date) -> bool:
        if day.month not in self.months or day.year not in self.years:
            return False
        return _is_month_day(day, self.month_days) and _is_week_day(day, self.week_days)


Expression = Rate | At | Cron


def parse(text: str, zone: str = "UTC") -> Expression:
    """Read an expression.

    :param zone: time zone of ``cron`` and ``at``.
    :raises ValueError: it is not one that EventBridge knows, or it uses ``W``, which is not supported here.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        raise ValueError(f"not a schedule expression: {text}")
    kind, argument = call.groups()
    if kind == "rate":
        amount, unit = argument.split()
        return Rate(int(amount) * UNITS[unit.removesuffix("s")])
    if kind == "at":
        return At(datetime.fromisoformat(argument).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
    fields = argument.upper().split()
    if len(fields) != 6:
        raise ValueError(f"cron needs six fields: {text}")
    minutes, hours, month_days, months, week_days, years = fields
    if "W" in month_days:
        raise ValueError(f"the embedded AWS does not know W in cron: {text}")
    return Cron(
        _numbers(minutes, 0, 59),
        _numbers(hours, 0, 23),
        month_days,
        _numbers(months, 1, 12, MONTHS),
        week_days,
        _numbers(years, 1970, 2199),
        ZoneInfo(zone),
    )


def _numbers(text: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """The numbers that a cron field stands for: ``*``, ``?``, ``1,5``, ``1-5``, ``*/15``, ``0/10``, names."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span in {"*", "?"}:
            start, end = low, high
        else:
            start = _number(first, names)
            end = _number(last, names) if dash else high if step else start
        if not low <= start <= end <= high:
            raise ValueError(f"{part} is not within {low}-{high}")
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    return names[text] if names and text in names else int(text)


def _is_month_day(day: date, field: str) -> bool:
    if field == "L":
        return day.day == calendar.monthrange(day.year, day.month)[1]
    return day.day in _numbers(field, 1, 31)


def _is_week_day(day: date, field: str) -> bool:
    """Days count from 1, Sunday. ``6#2`` is the second Friday of the month, ``6L`` the last."""
    today = day.isoweekday() % 7 + 1
    if "#" in field:
        wanted, number = field.split("#")
        return today == _number(wanted, DAYS) and (day.day - 1) // 7 + 1 == int(number)
    if field.endswith("L") and len(field) > 1:
        last_week = day.day + 7 > calendar.monthrange(day.year, day.month)[1]
        return last_week and today == _number(field[:-1], DAYS)
    return today in _numbers("7" if field == "L" else field, 1, 7, DAYS)
