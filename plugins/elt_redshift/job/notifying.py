"""Whom a job tells of its runs, and of which: reading it, and what is wrong with it."""

from __future__ import annotations

import re
from collections import Counter

from elt_redshift.job import keys, mapped
from elt_redshift.job.findings import Findings
from elt_redshift.job.parts import NEW_TOPIC, Notify
from elt_redshift.job.written import is_text, shown
from elt_redshift.protocol.notices import KINDS

_TOPIC = re.compile(keys.TOPIC)


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


def check(notify: Notify | None, findings: Findings) -> None:
    """Note every mistake in it."""
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


def _check_topic(topic: object, findings: Findings) -> None:
    if topic == NEW_TOPIC or (is_text(topic) and _TOPIC.fullmatch(topic)):
        return
    fifo = is_text(topic) and topic.endswith(".fifo")
    what = f"is {shown(topic)}, {'a FIFO topic' if fifo else 'no ARN of a topic'}"
    remedy = (
        "Write new, for a topic in the job's stack, or the ARN of a standard topic: arn:aws:sns:REGION:ACCOUNT:NAME."
    )
    findings.add(("notify", "sns"), f"'notify.sns' {what}.", remedy)
