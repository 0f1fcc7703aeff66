"""Whom a job tells of its runs, and of which: reading it, and what is wrong with it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

from elt_redshift.job import keys, mapped
from elt_redshift.job.findings import Findings
from elt_redshift.job.parts import NEW_TOPIC, JobSpec, Notify, Schedule
from elt_redshift.job.schedules import longest_span
from elt_redshift.job.written import is_text, shown
from elt_redshift.protocol.policies import KINDS

_TOPIC = re.compile(keys.TOPIC)

#: As long as an alarm can look back, and as many minutes as that is.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
LONGEST_ALARM = timedelta(days=7)
MOST_PERIODS = 7 * 24 * 60


def read(value: object, findings: Findings) -> Notify | None:
    """What a job says under ``notify``."""
    if value is None or isinstance(value, Notify):
        return value
    given = mapped.mapping(("notify",), value, "{on: [failure, recovered]}", findings)
    mapped.check_keys(("notify",), given, keys.NOTIFY, findings)
    made = mapped.given(given, keys.NOTIFY)
    if isinstance(on := made.get("on"), list):
        made["on"] = tuple(on)
    return Notify(**made)


def check(job: JobSpec, findings: Findings) -> None:
    """Note every mistake in it."""
    notify = job.notify
    if notify is None:
        return
    choices = f"Write a list of some of {', '.join(KINDS)}."
    if not isinstance(notify.on, tuple) or not notify.on:
        findings.add(("notify", "on"), f"'notify.on' is {shown(notify.on)}.", choices)
    else:
        for kind, count in Counter(map(shown, notify.on)).items():
            if count > 1:
                findings.add(("notify", "on"), f"'notify.on' names {kind} {count} times.", "Name it once.")
        for kind in notify.on:
            if kind not in KINDS:
                findings.add(("notify", "on"), f"'notify.on' names {shown(kind)}.", choices)
    _check_topic(notify.sns, findings)
    if not isinstance(notify.alarms, bool):
        problem = f"'notify.alarms' is {shown(notify.alarms)}, not true or false."
        findings.add(("notify", "alarms"), problem, "Write true or false, without quotes.")
    if notify.not_succeeded_for is not None and not findings.at("schedule"):
        _check_periods(notify.not_succeeded_for, job.schedule, notify.alarms, findings)


def _check_periods(periods: object, schedule: Schedule | None, alarms: bool, findings: Findings) -> None:
    place, said = ("notify", "not_succeeded_for"), f"'notify.not_succeeded_for' is {shown(periods)}"
    if isinstance(periods, bool) or not isinstance(periods, int) or periods < 1:
        findings.add(place, f"{said}, not a number of periods.", "Write a whole number from 1.")
    elif schedule is None:
        findings.add(place, f"{said}, and the job has no schedule.", "Give it one, or take this out.")
    elif not alarms:
        findings.add(place, f"{said}, and 'notify.alarms' is false.", "Write alarms: true, or take this out.")
    elif periods > MOST_PERIODS or longest_span(schedule, periods) > LONGEST_ALARM:
        problem = f"{said} periods of the schedule, more than the {LONGEST_ALARM.days} days that CloudWatch looks back."
        most = _most(schedule)
        findings.add(place, problem, f"Write at most {most}." if most else "Take it out.")


def _most(schedule: Schedule) -> int:
    """The most periods that an alarm can look back."""
    least, most = 0, MOST_PERIODS
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if longest_span(schedule, middle) <= LONGEST_ALARM else (least, middle - 1)
    return least


def _check_topic(topic: object, findings: Findings) -> None:
    if topic == NEW_TOPIC or (is_text(topic) and _TOPIC.fullmatch(topic)):
        return
    fifo = is_text(topic) and topic.endswith(".fifo")
    what = f"is {shown(topic)}, {'a FIFO topic' if fifo else 'no ARN of a topic'}"
    remedy = (
        "Write new, for a topic in the job's stack, or the ARN of a standard topic: arn:aws:sns:REGION:ACCOUNT:NAME."
    )
    findings.add(("notify", "sns"), f"'notify.sns' {what}.", remedy)
