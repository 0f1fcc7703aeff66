"""Schedule expressions of EventBridge: ``rate(…)``, ``cron(…)``, ``at(…)``; what they say, and when that is.

What AWS does not document is refused, also where a cron of Unix knows it. By the clock of a time zone, a time that a
change of the clock leaves out does not come, and one that it repeats comes once.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}

#: Long enough to meet the next 29 February, whatever the century.
HORIZON_DAYS = 8 * 366

_CALL = re.compile(r"\s*(rate|cron|at)\s*\(\s*(.*?)\s*\)\s*")
_RATE = re.compile(r"([1-9][0-9]{0,5})\s+(minute|hour|day)s?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_WEEKDAY_NEAREST = re.compile(r"([1-9]|[12][0-9]|3[01])W")
_LAST_OF_WEEKDAY = re.compile(r"([0-9A-Z]+)L")
_NTH_WEEKDAY = re.compile(r"([0-9A-Z]+)#([1-5])")


def _numbers_of(*names: str) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(names, 1)}


class ScheduleExpressionError(ValueError):
    """A text that is no schedule expression.

    :ivar problem: what is wrong with it, such as "its hours are '25'".
    :ivar remedy: what to write instead.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}. {remedy}")


@dataclass(frozen=True)
class Field:
    """A field of a cron expression: its name, its numbers, and names for them."""

    name: str
    low: int
    high: int
    wildcards: str
    names: Mapping[str, int] = field(default_factory=dict)

    def numbers(self, text: str) -> frozenset[int]:
        """The numbers that ``*``, ``1,5``, ``1-5``, ``0/10``, or their names stand for.

        :raises ScheduleExpressionError: it stands for none.
        """
        found: set[int] = set()
        for part in text.split(","):
            span, slash, step = part.partition("/")
            first, dash, last = span.partition("-")
            start = self.low if span == "*" else self._number(first, text)
            end = self._number(last, text) if dash else self.high if slash or span == "*" else start
            every = int(step) if step.isascii() and step.isdigit() else 0
            if start > end or (slash and ("/" not in self.wildcards or not every)):
                raise self.refused(text)
            found.update(range(start, end + 1, every or 1))
        return frozenset(found)

    def _number(self, text: str, whole: str) -> int:
        number = self.names.get(text) or (int(text) if text.isascii() and text.isdigit() else -1)
        if not self.low <= number <= self.high or len(text) > 4:
            raise self.refused(whole)
        return number

    def refused(self, text: str) -> ScheduleExpressionError:
        named = f" or {next(iter(self.names))}-{[*self.names][-1]}" if self.names else ""
        remedy = f"Give {self.low}-{self.high}{named}, with {' '.join(self.wildcards)} where they are needed."
        return ScheduleExpressionError(f"its {self.name} is '{text}'", remedy)


MINUTES = Field("field of minutes", 0, 59, ",-*/")
HOURS = Field("field of hours", 0, 23, ",-*/")
MONTH_DAYS = Field("day of the month", 1, 31, ",-*?/LW")
MONTHS = Field(
    "month",
    1,
    12,
    ",-*/",
    _numbers_of("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
WEEK_DAYS = Field("day of the week", 1, 7, ",-*?L#", _numbers_of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
YEARS = Field("year", 1970, 2199, ",-*/")
#: The fields of a cron expression, in their order.
FIELDS = (MINUTES, HOURS, MONTH_DAYS, MONTHS, WEEK_DAYS, YEARS)


@dataclass(frozen=True)
class Rate:
    """Every so often."""

    every: timedelta

    def moments(self, after: datetime) -> Iterator[datetime]:
        """The moments, counted from ``after``."""
        moment = after
        while True:
            moment += self.every
            yield moment

    def __str__(self) -> str:
        unit = next(name for name in ("day", "hour", "minute") if not self.every % UNITS[name])
        number = self.every // UNITS[unit]
        return f"rate({number} {unit}{'s' if number > 1 else ''})"


@dataclass(frozen=True)
class At:
    """Once."""

    moment: datetime

    def moments(self, after: datetime) -> Iterator[datetime]:
        """The moment, if it is later than ``after``."""
        if self.moment > after:
            yield self.moment


@dataclass(frozen=True)
class Cron:
    """At certain minutes of certain days, by the clock of a time zone.

    :param text: the six fields, of which the others are made.
    """

    text: str
    zone: ZoneInfo
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    month_days: str
    months: frozenset[int]
    week_days: str
    years: frozenset[int]

    def moments(self, after: datetime) -> Iterator[datetime]:
        """The matching minutes later than ``after``, in UTC, until eight years have none."""
        for day in self._days(after.astimezone(self.zone).date()):
            for hour in self.hours:
                for minute in self.minutes:
                    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                    moment = local.astimezone(UTC)
                    there = moment.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None)
                    if there and moment > after:
                        yield moment

    def _days(self, day: date) -> Iterator[date]:
        looked = 0
        while looked < HORIZON_DAYS:
            if day.year not in self.years:
                later = [year for year in self.years if year > day.year]
                if not later:
                    return
                day = date(min(later), 1, 1)
            looked += 1
            if self.falls_on(day):
                looked = 0
                yield day
            day += timedelta(days=1)

    def falls_on(self, day: date) -> bool:
        """Whether there are moments on that day."""
        if day.month not in self.months or day.year not in self.years:
            return False
        return _is_month_day(day, self.month_days) if self.week_days == "?" else _is_week_day(day, self.week_days)

    def __str__(self) -> str:
        return f"cron({self.text})"


Expression = Rate | At | Cron


def parse(text: str, zone: str = "UTC") -> Expression:
    """Read an expression.

    :param zone: time zone of ``cron`` and ``at``, as IANA names it.
    :raises ScheduleExpressionError: it is none that EventBridge's documentation knows.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        raise ScheduleExpressionError(f"'{text}' is none", "Write rate(5 minutes) or cron(0 12 * * ? *).")
    kind, argument = call.groups()
    if kind == "rate":
        return rate(argument)
    return cron(argument, zone) if kind == "cron" else at(argument, zone)


def rate(text: str) -> Rate:
    """Read what stands in ``rate(…)``, such as ``5 minutes``.

    :raises ScheduleExpressionError: it is no rate.
    """
    found = _RATE.fullmatch(text)
    if found is None:
        remedy = "Write a whole number and minutes, hours or days, such as 5 minutes."
        raise ScheduleExpressionError(f"the rate is '{text}'", remedy)
    return Rate(int(found[1]) * UNITS[found[2]])


def at(text: str, zone: str = "UTC") -> At:
    """Read what stands in ``at(…)``, such as ``2026-11-24T05:00:00``.

    :raises ScheduleExpressionError: it is no moment.
    """
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        return At(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
    except ValueError:
        remedy = "Write it as in at(2026-11-24T05:00:00)."
        raise ScheduleExpressionError(f"the moment is '{text}'", remedy) from None


def cron(text: str, zone: str = "UTC") -> Cron:
    """Read what stands in ``cron(…)``.

    :raises ScheduleExpressionError: it is no cron expression, or one that never comes.
    """
    fields = text.upper().split()
    if len(fields) != len(FIELDS):
        remedy = "Give minutes, hours, day of the month, month, day of the week and year, such as 30 5 * * ? *."
        raise ScheduleExpressionError(f"it has {len(fields)} of six fields", remedy)
    minutes, hours, month_days, months, week_days, years = fields
    if (month_days == "?") == (week_days == "?"):
        remedy = "Write ? for the day of the month or for the day of the week, and what is meant for the other."
        raise ScheduleExpressionError(f"its days are '{month_days}' and '{week_days}'", remedy)
    _check_month_day(month_days)
    _check_week_day(week_days)
    made = Cron(
        " ".join(fields),
        ZoneInfo(zone),
        tuple(sorted(MINUTES.numbers(minutes))),
        tuple(sorted(HOURS.numbers(hours))),
        month_days,
        MONTHS.numbers(months),
        week_days,
        YEARS.numbers(years),
    )
    if next(made.moments(datetime(YEARS.low, 1, 1, tzinfo=UTC)), None) is None:
        raise ScheduleExpressionError("it never comes", "Name a day that its months have.")
    return made


def _check_month_day(text: str) -> None:
    if text not in ("?", "L") and not _WEEKDAY_NEAREST.fullmatch(text):
        MONTH_DAYS.numbers(text)


def _check_week_day(text: str) -> None:
    if text in ("?", "L"):
        return
    special = _LAST_OF_WEEKDAY.fullmatch(text) or _NTH_WEEKDAY.fullmatch(text)
    WEEK_DAYS.numbers(special[1] if special else text)


def _is_month_day(day: date, text: str) -> bool:
    """``L`` is the last day of the month, ``15W`` the weekday of the month that is nearest to its 15th."""
    last = calendar.monthrange(day.year, day.month)[1]
    if text == "L":
        return day.day == last
    if nearest := _WEEKDAY_NEAREST.fullmatch(text):
        return int(nearest[1]) <= last and day.day == _nearest_weekday(day.replace(day=int(nearest[1])), last)
    return day.day in MONTH_DAYS.numbers(text)


def _nearest_weekday(day: date, last: int) -> int:
    """The day of the month that is the nearest weekday of the same month."""
    match day.isoweekday():
        case 6:
            return day.day - 1 if day.day > 1 else 3
        case 7:
            return day.day + 1 if day.day < last else last - 2
    return day.day


def _is_week_day(day: date, text: str) -> bool:
    """Days count from 1, Sunday. ``6#2`` is the second Friday of the month, ``6L`` the last, ``L`` Saturday."""
    today = day.isoweekday() % 7 + 1
    if numbered := _NTH_WEEKDAY.fullmatch(text):
        return today in WEEK_DAYS.numbers(numbered[1]) and (day.day - 1) // 7 + 1 == int(numbered[2])
    if text != "L" and (last := _LAST_OF_WEEKDAY.fullmatch(text)):
        return today in WEEK_DAYS.numbers(last[1]) and day.day + 7 > calendar.monthrange(day.year, day.month)[1]
    return today in WEEK_DAYS.numbers("7" if text == "L" else text)
