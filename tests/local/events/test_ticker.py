"""The ticker fires what is due, once, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from elt_redshift.local.events.clock import ScheduleClock
from elt_redshift.local.events.ticker import Ticker, Timed

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class World(ScheduleClock):
    """A clock that is turned by hand, and what is scheduled in it."""

    def __init__(self) -> None:
        self.now = START
        self.timed: dict[str, Timed] = {}
        self.fired: list[tuple[str, str]] = []
        self.ticker = Ticker(lambda: list(self.timed.values()), self)

    def __call__(self) -> datetime:
        return self.now

    def set(self, moment: datetime) -> None:
        self.now = moment

    def schedule(self, name: str, expression: str, **more: Any) -> None:
        def fire(due: datetime) -> None:
            self.fired.append((name, f"{due:%H:%M:%S}"))

        self.timed[name] = Timed(name, expression, fire, **more)

    def pass_time(self, seconds: int, step: int = 1) -> None:
        for _ in range(0, seconds, step):
            self.now += timedelta(seconds=step)
            self.ticker.tick()


def test_rates_and_crons_fire_when_due() -> None:
    """A rate counts from when it was first seen, a cron follows the clock."""
    world = World()
    world.schedule("rate", "rate(1 minute)")
    world.schedule("cron", "cron(0/2 * * * ? *)")
    world.pass_time(185)
    assert world.fired == [
        ("rate", "03:01:01"),
        ("cron", "03:02:00"),
        ("rate", "03:02:01"),
        ("rate", "03:03:01"),
    ]


def test_changing_or_enabling_starts_anew() -> None:
    """A schedule that was away, because it was disabled or got another expression, counts from its return."""
    world = World()
    world.schedule("a", "rate(1 minute)")
    world.pass_time(50)
    away = world.timed.pop("a")
    world.pass_time(60)
    world.timed["a"] = away
    world.pass_time(59)
    assert world.fired == []
    world.pass_time(2)
    assert len(world.fired) == 1


def test_a_machine_that_slept_fires_once() -> None:
    """Moments that passed while nothing ran are made up for by a single firing."""
    world = World()
    world.schedule("a", "rate(1 minute)")
    world.pass_time(1)
    world.pass_time(3600, step=3600)
    assert len(world.fired) == 1


def test_start_and_end_are_limits() -> None:
    """Nothing fires before the start or after the end of a schedule, and at() fires once."""
    world = World()
    world.schedule("limited", "cron(* * * * ? *)", start=START + timedelta(minutes=2), end=START + timedelta(minutes=4))
    world.schedule("once", "at(2026-11-24T03:01:00)")
    world.pass_time(600)
    assert world.fired == [("once", "03:01:00"), ("limited", "03:03:00"), ("limited", "03:04:00")]


def test_what_falls_due_before_the_first_look_is_not_missed() -> None:
    """A schedule that was made half a second ago, for a moment before the ticker's next look, fires."""
    world = World()
    world.schedule("a", "at(2026-11-24T03:00:01)", since=START)
    world.pass_time(2, step=2)
    assert world.fired == [("a", "03:00:01")]


def test_a_bad_schedule_does_not_stop_the_others() -> None:
    """An expression that is not valid, or a target that raises, leaves the rest alone."""
    world = World()
    world.schedule("bad", "every now and then")

    def explode(due: datetime) -> None:
        raise RuntimeError(due)

    world.timed["explosive"] = Timed("explosive", "rate(1 minute)", explode)
    world.schedule("good", "rate(1 minute)")
    world.pass_time(61)
    assert [name for name, _ in world.fired] == ["good"]


def test_time_that_passes_at_once_leaves_nothing_out() -> None:
    """Ten minutes in one step fire what ten minutes fire, in the same order, each at its time."""
    world = World()
    world.schedule("rate", "rate(2 minutes)")
    world.schedule("cron", "cron(0/5 * * * ? *)")
    assert world.ticker.pass_time(timedelta(minutes=10)) == START + timedelta(minutes=10)
    assert [time for name, time in world.fired if name == "rate"] == [
        f"03:{minute:02}:00" for minute in (2, 4, 6, 8, 10)
    ]
    assert [time for name, time in world.fired if name == "cron"] == ["03:05:00", "03:10:00"]
    assert world.fired == sorted(world.fired, key=lambda fired: fired[1])


def test_a_rate_of_the_scheduler_fires_at_once_and_keeps_its_step() -> None:
    """It fires when it was made, or at its start, and then at multiples of its time from there."""
    world = World()
    world.schedule("made", "rate(1 minute)", at_once=True, since=START)
    world.schedule("later", "rate(1 minute)", at_once=True, since=START, start=START + timedelta(seconds=90))
    world.pass_time(153, step=3)
    assert world.fired == [
        ("made", "03:00:00"),
        ("made", "03:01:00"),
        ("later", "03:01:30"),
        ("made", "03:02:00"),
        ("later", "03:02:30"),
    ]
