"""Schedule expressions name the moments that EventBridge's documentation says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from elt_redshift.local.events.expression import parse

NOW = datetime(2026, 11, 24, 3, 20, 30, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("rate(1 minute)", "UTC", "2026-11-24T03:21:30"),
        ("rate(12 hours)", "UTC", "2026-11-24T15:20:30"),
        ("rate(2 days)", "UTC", "2026-11-26T03:20:30"),
        ("cron(* * * * ? *)", "UTC", "2026-11-24T03:21:00"),
        ("cron(20 3 * * ? *)", "UTC", "2026-11-25T03:20:00"),
        ("cron(0/15 * ? * MON-FRI *)", "UTC", "2026-11-24T03:30:00"),
        ("cron(0 8 1,15 * ? *)", "UTC", "2026-12-01T08:00:00"),
        ("cron(0 18 ? * SAT,SUN *)", "UTC", "2026-11-28T18:00:00"),
        ("cron(0 9 ? * 1 *)", "UTC", "2026-11-29T09:00:00"),
        ("cron(0 9 L * ? *)", "UTC", "2026-11-30T09:00:00"),
        ("cron(0 9 ? * 6#2 *)", "UTC", "2026-12-11T09:00:00"),
        ("cron(0 9 ? * 6L *)", "UTC", "2026-11-27T09:00:00"),
        ("cron(0 9 ? * L *)", "UTC", "2026-11-28T09:00:00"),
        ("cron(0 0 29 2 ? *)", "UTC", "2028-02-29T00:00:00"),
        ("cron(0 10 * JAN-MAR ? 2027)", "UTC", "2027-01-01T10:00:00"),
        ("cron(0 2 * * ? *)", "Europe/Berlin", "2026-11-25T01:00:00"),
        ("cron(0 2 1 7 ? *)", "Europe/Berlin", "2027-07-01T00:00:00"),
        ("at(2026-11-24T04:00:00)", "UTC", "2026-11-24T04:00:00"),
        ("at(2026-11-24T05:00:00)", "Europe/Berlin", "2026-11-24T04:00:00"),
    ],
)
def test_next_moment(text: str, zone: str, expected: str) -> None:
    """The next moment after a Tuesday night in November."""
    found = parse(text, zone).next_after(NOW)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["at(2026-11-24T03:00:00)", "cron(0 0 30 2 ? *)", "cron(0 0 1 1 ? 2020)"])
def test_never_again(text: str) -> None:
    """What lies in the past, or on a day that no month has, does not come."""
    assert parse(text).next_after(NOW) is None


@pytest.mark.parametrize(
    "text", ["every day", "rate(5 lightyears)", "cron(0 0 * * ?)", "cron(60 0 * * ? *)", "cron(0 0 15W * ? *)"]
)
def test_not_an_expression(text: str) -> None:
    """What is no expression, or one that is not supported, is refused."""
    with pytest.raises((ValueError, KeyError)):
        parse(text)
