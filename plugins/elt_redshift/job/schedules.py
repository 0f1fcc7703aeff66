"""A job's schedule: reading it, what is wrong with it, how often it starts the job, and with which values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import available_timezones

from elt_redshift.job import keys, mapped, parameters
from elt_redshift.job import schedule_expressions as expressions
from elt_redshift.job.findings import Findings
from elt_redshift.job.parts import SCHEDULED_FORMS, JobSpec, Parameter, ParameterType, Schedule, ScheduledForm
from elt_redshift.job.schedule_expressions import Cron, Rate, ScheduleExpressionError
from elt_redshift.job.written import bare, is_text, shown

#: The key of a value that stands for the scheduled time.
SCHEDULED = "scheduled"

#: Parameters of which types may have it, by its form.
_FITTING: Mapping[ScheduledForm, tuple[ParameterType, ...]] = {
    "timestamp": ("timestamp", "text"),
    "date": ("date", "text"),
    "year": ("integer", "number", "text"),
}

_SHORT = re.compile(r"\s*(rate|cron)\s*\((.*)\)\s*")
_EXAMPLE = "{rate: 5 minutes}"

#: The gaps between so many starts are looked at, from a day on that says nothing about today.
_STARTS, _FROM = 500, datetime(2024, 1, 1, tzinfo=UTC)


def read(value: object, findings: Findings) -> Schedule | None:
    """The schedule that a job says, short or in full."""
    if value is None or isinstance(value, Schedule):
        return value
    if is_text(value) and (short := _SHORT.fullmatch(value)):
        text = short[2].strip()
        return Schedule(rate=text) if short[1] == "rate" else Schedule(cron=text)
    if not isinstance(value, Mapping):
        remedy = f"Write rate(5 minutes), cron(30 5 * * ? *), or keys, such as {_EXAMPLE}."
        findings.add(("schedule",), f"The schedule is {shown(value)}.", remedy)
        return None
    mapped.check_keys(("schedule",), value, keys.SCHEDULE, findings)
    given = mapped.given(value, keys.SCHEDULE)
    if given.get("parameters", {}) is None:
        del given["parameters"]
    return Schedule(**given)


def normal(schedule: Schedule | None, declared: Sequence[Parameter]) -> Schedule | None:
    """The schedule with its values as text; what does not fit is left for :func:`check` to tell."""
    if schedule is None or not isinstance(schedule.parameters, Mapping):
        return schedule
    types = {parameter.name: parameter.type for parameter in declared}
    texts = {
        name: value if (text := parameters.as_text(types.get(name, "text"), value)) is None else text
        for name, value in schedule.parameters.items()
    }
    return replace(schedule, parameters=texts)


def check(job: JobSpec, findings: Findings) -> None:
    """Note every mistake in the schedule of ``job``."""
    schedule = job.schedule
    if schedule is None:
        return
    zone = _check_timezone(schedule, findings)
    expression = _check_expression(schedule, zone or "UTC", findings)
    if not isinstance(schedule.enabled, bool):
        problem = f"The schedule's 'enabled' is {shown(schedule.enabled)}, not true or false."
        findings.add(("schedule", "enabled"), problem, "Write true or false, without quotes.")
    _check_parameters(job, schedule, findings)
    if zone and isinstance(expression, Cron):
        _check_dates(schedule, expression, findings)


def _check_timezone(schedule: Schedule, findings: Findings) -> str | None:
    """The time zone, if it is one."""
    zone, place = schedule.timezone, ("schedule", "timezone")
    if zone is None:
        return None
    known = available_timezones()  # reads the whole database
    if not is_text(zone) or zone not in known:
        remedy = findings.did_you_mean(bare(zone), known) if is_text(zone) else "Name one, such as Europe/Berlin."
        findings.add(
            place, f"The schedule's time zone is {shown(zone)}, which the IANA database does not know.", remedy
        )
        return None
    if schedule.cron is None:
        findings.add(place, "A rate knows no time zone.", "Leave it out, or give a cron instead of the rate.")
    return zone


def _check_expression(schedule: Schedule, zone: str, findings: Findings) -> Rate | Cron | None:
    given = [name for name in ("rate", "cron") if getattr(schedule, name) is not None]
    if len(given) != 1:
        problem = f"The schedule has {' and '.join(given) or 'neither rate nor cron'}."
        findings.add(("schedule",), problem, f"Give it one of the two, such as {_EXAMPLE}.")
        return None
    (name,) = given
    text, place = getattr(schedule, name), ("schedule", name)
    try:
        if not is_text(text):
            remedy = 'Write it as text, such as "5 minutes".' if name == "rate" else 'Quote it: "30 5 * * ? *".'
            raise ScheduleExpressionError(f"it is {shown(text)}", remedy)
        return expressions.rate(text) if name == "rate" else expressions.cron(text, zone)
    except ScheduleExpressionError as error:
        said = f"EventBridge Scheduler does not take the {name} {shown(text)}: {error.problem}."
        findings.add(place, said, error.remedy)
    return None


def _check_parameters(job: JobSpec, schedule: Schedule, findings: Findings) -> None:
    place = ("schedule", "parameters")
    given = schedule.parameters
    if not isinstance(given, Mapping):
        findings.add(place, f"The schedule's parameters are {shown(given)}.", "Give names and values.")
        return
    declared = {parameter.name: parameter for parameter in job.parameters}
    plain = {name: value for name, value in given.items() if not isinstance(value, Mapping)}
    parameters.check_values(job.parameters, plain, findings, place)
    for name in [name for name in given if name not in plain]:
        if name not in declared:
            said = f"The job has no parameter '{bare(name)}'."
            findings.add((*place, bare(name)), said, findings.did_you_mean(bare(name), declared))
        else:
            _check_scheduled((*place, name), given[name], declared[name], findings)
    for name, parameter in declared.items():
        if parameter.default is None and name not in given:
            said = f"The parameter '{name}' has no default, and the schedule gives it no value."
            findings.add(place, said, "Give one here or there.")


def _check_scheduled(
    place: tuple[str, ...], value: Mapping[Any, Any], parameter: Parameter, findings: Findings
) -> None:
    form = value.get(SCHEDULED)
    if set(value) != {SCHEDULED} or form not in SCHEDULED_FORMS:
        remedy = f"Write a value, or {{{SCHEDULED}: {' | '.join(SCHEDULED_FORMS)}}}."
        findings.add(place, f"The value of '{parameter.name}' is {shown(dict(value))}.", remedy)
    elif parameter.type not in _FITTING[form]:
        said = f"The {form} of the scheduled time is no value of '{parameter.name}', whose type is {parameter.type}."
        findings.add(place, said, f"Its type may be {' or '.join(_FITTING[form])}.")
    elif parameter.choices is not None:
        said = f"The {form} of the scheduled time will be none of the choices of '{parameter.name}' some day."
        findings.add(place, said, "Take the choices away, or give one of them.")


def _check_dates(schedule: Schedule, expression: Cron, findings: Findings) -> None:
    """The scheduled time is told in UTC: its date must be that of the clock that the schedule goes by."""
    time = _on_another_day(expression)
    if time is None or not isinstance(schedule.parameters, Mapping):
        return
    for name, value in schedule.parameters.items():
        place = ("schedule", "parameters", name)
        if not findings.at(*place) and value in ({SCHEDULED: "date"}, {SCHEDULED: "year"}):
            said = f"At {time} in {schedule.timezone} it is another day in UTC, whose date the scheduled time has."
            remedy = (
                f"Give a timestamp, {{{SCHEDULED}: timestamp}}, and let SQL convert it: "
                f"convert_timezone('{schedule.timezone}', :{name}::timestamp)::date."
            )
            findings.add(place, said, remedy)


def _on_another_day(expression: Cron) -> str | None:
    """A time of the schedule at which the date is another one in UTC."""
    noons = [datetime(_FROM.year, month, 15, 12, tzinfo=expression.zone) for month in sorted(expression.months)]
    for offset in {noon.utcoffset() or timedelta() for noon in noons}:
        for hour in expression.hours:
            for minute in expression.minutes:
                if not timedelta() <= timedelta(hours=hour, minutes=minute) - offset < timedelta(days=1):
                    return f"{hour:02}:{minute:02}"
    return None


def scheduled_twice(name: str, schedule: Schedule) -> str:
    """What is to be said where Airflow has a schedule of the job too."""
    return (
        f"This DAG starts job {name} by a schedule, and so does EventBridge Scheduler: {expression_of(schedule)}. "
        "Keep one of the two: take the schedule out of the DAG or out of the job, or write `enabled: false` there."
    )


def expression_of(schedule: Schedule) -> Rate | Cron:
    """When a schedule without mistakes starts its job."""
    if schedule.rate is not None:
        return expressions.rate(schedule.rate)
    return expressions.cron(str(schedule.cron), schedule.timezone or "UTC")


def starts_in(schedule: Schedule, days: int) -> float:
    """How often a schedule starts its job in so many days, on average; a cron, in the first whole year that it has."""
    expression = expression_of(schedule)
    if isinstance(expression, Rate):
        return timedelta(days=days) / expression.every
    year = min((one for one in expression.years if one >= _FROM.year), default=max(expression.years))
    first = date(year, 1, 1)
    of_year = [first + timedelta(days=number) for number in range((date(year + 1, 1, 1) - first).days)]
    a_day = len(expression.hours) * len(expression.minutes)
    return a_day * sum(map(expression.falls_on, of_year)) * days / len(of_year)


def longest_span(schedule: Schedule, starts: int) -> timedelta:
    """The longest time that it takes from a start until so many more have come."""
    expression = expression_of(schedule)
    if isinstance(expression, Rate):
        return starts * expression.every
    moments = list(islice(expression.moments(_FROM), _STARTS + starts))
    spans = (later - earlier for earlier, later in zip(moments, moments[starts:], strict=False))
    return max(spans, default=timedelta(days=366))


def shortest_gap(schedule: Schedule) -> timedelta:
    """The shortest time between two starts."""
    expression = expression_of(schedule)
    if isinstance(expression, Rate):
        return expression.every
    starts = islice(expression.moments(_FROM), _STARTS)
    return min((later - earlier for earlier, later in pairwise(starts)), default=timedelta(days=366))
