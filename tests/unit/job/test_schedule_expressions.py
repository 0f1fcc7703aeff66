"""Schedule expressions name the moments that EventBridge's documentation says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from elt_redshift.job.schedule_expressions import ScheduleExpressionError, parse

NOW = datetime(2026, 11, 24, 3, 20, 30, tzinfo=UTC)  # a Tuesday


def _next(text: str, zone: str, after: datetime = NOW, number: int = 1) -> list[str]:
    return [f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in islice(parse(text, zone).moments(after), number)]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("rate(1 minute)", "UTC", "2026-11-24T03:21:30"),
        ("rate(1 minutes)", "UTC", "2026-11-24T03:21:30"),
        ("rate(12 hours)", "UTC", "2026-11-24T15:20:30"),
        ("rate(2 days)", "UTC", "2026-11-26T03:20:30"),
        ("cron(* * * * ? *)", "UTC", "2026-11-24T03:21:00"),
        ("cron(20 3 * * ? *)", "UTC", "2026-11-25T03:20:00"),
        ("cron(0/15 * ? * MON-FRI *)", "UTC", "2026-11-24T03:30:00"),
        ("cron(*/15 * ? * mon-fri *)", "UTC", "2026-11-24T03:30:00"),
        ("cron(0 8 1,15 * ? *)", "UTC", "2026-12-01T08:00:00"),
        ("cron(0 18 ? * SAT,SUN *)", "UTC", "2026-11-28T18:00:00"),
        ("cron(0 9 ? * 1 *)", "UTC", "2026-11-29T09:00:00"),
        ("cron(0 9 L * ? *)", "UTC", "2026-11-30T09:00:00"),
        ("cron(0 9 ? * 6#2 *)", "UTC", "2026-12-11T09:00:00"),
        ("cron(0 9 ? * FRI#2 *)", "UTC", "2026-12-11T09:00:00"),
        ("cron(0 9 ? * 6L *)", "UTC", "2026-11-27T09:00:00"),
        ("cron(0 9 ? * FRIL *)", "UTC", "2026-11-27T09:00:00"),
        ("cron(0 9 ? * L *)", "UTC", "2026-11-28T09:00:00"),
        ("cron(0 9 28W * ? *)", "UTC", "2026-11-27T09:00:00"),
        ("cron(0 9 29W * ? *)", "UTC", "2026-11-30T09:00:00"),
        ("cron(0 9 1W AUG ? 2026-2027)", "UTC", "2027-08-02T09:00:00"),
        ("cron(0 9 1W 5 ? 2027)", "UTC", "2027-05-03T09:00:00"),
        ("cron(0 9 31W 1 ? 2027)", "UTC", "2027-01-29T09:00:00"),
        ("cron(0 0 29 2 ? *)", "UTC", "2028-02-29T00:00:00"),
        ("cron(0 10 * JAN-MAR ? 2127)", "UTC", "2127-01-01T10:00:00"),
        ("cron(0 2 * * ? *)", "Europe/Berlin", "2026-11-25T01:00:00"),
        ("cron(0 2 1 7 ? *)", "Europe/Berlin", "2027-07-01T00:00:00"),
        ("at(2026-11-24T04:00:00)", "UTC", "2026-11-24T04:00:00"),
        ("at(2026-11-24T05:00:00)", "Europe/Berlin", "2026-11-24T04:00:00"),
    ],
)
def test_next_moment(text: str, zone: str, expected: str) -> None:
    """The next moment after a Tuesday night in November."""
    assert _next(text, zone) == [expected]


@pytest.mark.parametrize("text", ["at(2026-11-24T03:00:00)", "cron(0 0 1 1 ? 2020)"])
def test_never_again(text: str) -> None:
    """What lies in the past does not come."""
    assert _next(text, "UTC") == []


def test_a_time_that_a_change_of_the_clock_leaves_out_does_not_come() -> None:
    """On 28 March 2027 Berlin's clocks go from 2:00 to 3:00, and on that day 2:30 is skipped."""
    before = datetime(2027, 3, 26, 12, tzinfo=UTC)
    assert _next("cron(30 2 * * ? *)", "Europe/Berlin", before, 2) == ["2027-03-27T01:30:00", "2027-03-29T00:30:00"]
    assert _next("cron(15 2 * 10 ? *)", "Australia/Lord_Howe", datetime(2026, 10, 3, 12, tzinfo=UTC)) == [
        "2026-10-04T15:15:00"
    ]


def test_a_time_that_a_change_of_the_clock_repeats_comes_once() -> None:
    """On 31 October 2027 Berlin's clocks show 2:30 twice, and only the first one counts."""
    before = datetime(2027, 10, 31, 0, 0, tzinfo=UTC)
    assert _next("cron(30 2 * * ? *)", "Europe/Berlin", before, 2) == ["2027-10-31T00:30:00", "2027-11-01T01:30:00"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("every day", "'every day' is none"),
        ("rate(5 lightyears)", "the rate is '5 lightyears'"),
        ("rate(0 minutes)", "the rate is '0 minutes'"),
        ("rate(5minutes)", "the rate is '5minutes'"),
        ("at(2026-11-24)", "the moment is '2026-11-24'"),
        ("at(2026-13-24T00:00:00)", "the moment is '2026-13-24T00:00:00'"),
        ("cron(0 0 * * ?)", "it has 5 of six fields"),
        ("cron(60 0 * * ? *)", "its field of minutes is '60'"),
        ("cron(0 0-24 * * ? *)", "its field of hours is '0-24'"),
        ("cron(0 22-2 * * ? *)", "its field of hours is '22-2'"),
        ("cron(0/0 0 * * ? *)", "its field of minutes is '0/0'"),
        ("cron(? 0 * * ? *)", "its field of minutes is '?'"),
        ("cron(, 0 * * ? *)", "its field of minutes is ','"),
        ("cron(0 0 LW * ? *)", "its day of the month is 'LW'"),
        ("cron(0 0 32W * ? *)", "its day of the month is '32W'"),
        ("cron(0 0 0 * ? *)", "its day of the month is '0'"),
        ("cron(0 0 1 13 ? *)", "its month is '13'"),
        ("cron(0 0 ? * 0 *)", "its day of the week is '0'"),
        ("cron(0 0 ? * 8 *)", "its day of the week is '8'"),
        ("cron(0 0 ? * MON/2 *)", "its day of the week is 'MON/2'"),
        ("cron(0 0 ? * 3#1,6#3 *)", "its day of the week is '3#1,6#3'"),
        ("cron(0 0 ? * 3#6 *)", "its day of the week is '3#6'"),
        ("cron(0 0 * * ? 1969)", "its year is '1969'"),
        ("cron(0 0 * * * *)", "its days are '*' and '*'"),
        ("cron(0 0 ? * ? *)", "its days are '?' and '?'"),
        ("cron(0 0 30 2 ? *)", "it never comes"),
        ("cron(0 0 ? 2 SAT#5 2027)", "it never comes"),
    ],
)
def test_not_an_expression(text: str, problem: str) -> None:
    """What AWS does not document is refused, with what is wrong."""
    with pytest.raises(ScheduleExpressionError) as raised:
        parse(text)
    assert raised.value.problem == problem
    assert raised.value.remedy


@pytest.mark.parametrize("text", ["rate(1 minute)", "rate(90 minutes)", "rate(1 day)", "cron(0 5 ? * MON *)"])
def test_an_expression_is_written_as_aws_reads_it(text: str) -> None:
    """Numbers have the unit's singular and plural; names of days are in capitals."""
    assert str(parse(text.lower())) == text
    assert str(parse("rate(48  hours)")) == "rate(2 days)"


def test_the_first_of_many_moments_is_found_at_once() -> None:
    """A rare date decades ahead is found without looking at every minute on the way."""
    assert _next("cron(0 0 29 2 ? 2104)", "UTC") == ["2104-02-29T00:00:00"]
    assert next(parse("cron(* * * * ? *)").moments(NOW)) - NOW < timedelta(minutes=1)
