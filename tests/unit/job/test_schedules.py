"""A job's schedule: how it may be written, what it gives to runs, and how often it starts them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from elt_redshift import EltJob, JobError, Parameter, Schedule
from elt_redshift.job import schedules

_PARAMETERS = [Parameter(name="day", type="date"), Parameter(name="year", type="integer", default="1998")]


def _job(schedule: Any) -> EltJob:
    job = EltJob(job_id="101", name="sales", parameters=_PARAMETERS, schedule=schedule)
    job.task("load", statement="select :day, :year")
    return job


@pytest.mark.parametrize(
    "written",
    [
        {"cron": "30 5 * * ? *", "parameters": {"day": {"scheduled": "date"}, "year": 1997}},
        Schedule(cron="30 5 * * ? *", parameters={"day": {"scheduled": "date"}, "year": "1997"}),
    ],
)
def test_a_schedule_is_written_as_keys_or_as_an_object(written: Any) -> None:
    """Native values are text where they fit, and packages carry all of it."""
    job = _job(written).validate()
    assert job.schedule == Schedule(
        cron="30 5 * * ? *", parameters={"day": {"scheduled": "date"}, "year": "1997"}, enabled=True
    )
    assert EltJob.from_dict(job.to_dict()) == job


def test_dates_of_python_are_text() -> None:
    """A date of Python is the text that SQL gets."""
    schedule = _job({"rate": "1 day", "parameters": {"day": date(1998, 12, 31)}}).validate().schedule
    assert schedule is not None
    assert schedule.parameters == {"day": "1998-12-31"}


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("rate(5 minutes)", Schedule(rate="5 minutes")),
        (" cron( 0 12 * * ? * ) ", Schedule(cron="0 12 * * ? *")),
        (None, None),
    ],
)
def test_an_expression_alone_is_a_schedule(short: str | None, full: Schedule | None) -> None:
    """What AWS's pages show may be written as it stands there."""
    assert EltJob(job_id="1", name="j", schedule=short).schedule == full


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        (Schedule(rate="90 minutes"), timedelta(minutes=90)),
        (Schedule(cron="0/15 9-17 ? * MON-FRI *"), timedelta(minutes=15)),
        (Schedule(cron="30 5 * * ? *"), timedelta(days=1)),
        (Schedule(cron="30 5 * * ? *", timezone="Europe/Berlin"), timedelta(hours=23)),
        (Schedule(cron="0 0 1,31 * ? *"), timedelta(days=1)),
        (Schedule(cron="0 0 1 1 ? 2030"), timedelta(days=366)),
    ],
)
def test_the_shortest_time_between_two_starts(schedule: Schedule, gap: timedelta) -> None:
    """It is that of any two, on the shortest day of the year too."""
    assert schedules.shortest_gap(schedule) == gap


@pytest.mark.parametrize(
    ("schedule", "starts", "span"),
    [
        (Schedule(rate="5 minutes"), 3, timedelta(minutes=15)),
        (Schedule(cron="30 5 * * ? *"), 2, timedelta(days=2)),
        (Schedule(cron="30 5 ? * MON-FRI *"), 1, timedelta(days=3)),
        (Schedule(cron="30 5 ? * MON-FRI *"), 2, timedelta(days=4)),
        (Schedule(cron="0/5 * * * ? *"), 600, timedelta(minutes=3000)),
        (Schedule(cron="0 0 1 1 ? 2024"), 1, timedelta(days=366)),
    ],
)
def test_the_longest_time_that_so_many_starts_take(schedule: Schedule, starts: int, span: timedelta) -> None:
    """Over weekends and holes in the schedule; of one that starts no more, a year."""
    assert schedules.longest_span(schedule, starts) == span


@pytest.mark.parametrize(
    ("schedule", "starts"),
    [
        (Schedule(rate="5 minutes"), 8640),
        (Schedule(rate="45 days"), 2 / 3),
        (Schedule(cron="0 5 * * ? *"), 30),
        (Schedule(cron="0/15 9-17 * * ? *"), 30 * 9 * 4),
        (Schedule(cron="0 5 1 * ? 2025"), 12 * 30 / 365),
        (Schedule(cron="0 5 1 1 ? 1999"), 30 / 365),
    ],
)
def test_how_often_a_schedule_starts_its_job(schedule: Schedule, starts: float) -> None:
    """In 30 days, on the average of a year."""
    assert schedules.starts_in(schedule, 30) == pytest.approx(starts)


@pytest.mark.parametrize(
    ("timezone", "hour", "differs"),
    [
        ("Europe/Berlin", 1, True),
        ("Europe/Berlin", 2, False),
        ("America/New_York", 19, True),
        ("America/New_York", 18, False),
        ("UTC", 0, False),
    ],
)
def test_a_date_is_given_only_where_it_is_that_of_the_schedules_clock(timezone: str, hour: int, differs: bool) -> None:
    """The scheduled time is told in UTC; where its date is another one in any season, the schedule is refused."""
    job = _job({"cron": f"30 {hour} * * ? *", "timezone": timezone, "parameters": {"day": {"scheduled": "date"}}})
    if not differs:
        job.validate()
        return
    with pytest.raises(JobError, match=f"At {hour:02}:30 in {timezone} it is another day in UTC"):
        job.validate()
