"""Tasks in several parts tell several waiting tasks at once, and whoever tells or waits is stopped on the way."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from elt_redshift.job.model import EltJob, SqlStatement, SqlTask
from elt_redshift.testing.moves import Kind, Move, draw
from elt_redshift.testing.schedules import Chances, Schedule
from elt_redshift.testing.subject import Subject

#: The steps between a task's end and the beginning of those that wait for it.
TELLING = ("announce", "announce last", "find waiting", "wake all", "told", "join", "wake")
KINDS: tuple[Kind, ...] = ("stop", "stop", "crash", "redrive", "stop by airflow", "resume")

#: Of a schedule's seed, the hundreds in which statements end at the same moments.
IN_STEP = (300, 800)


@cache
def _crowd(seed: int) -> Subject:
    """Tasks each of which is awaited by two or three others, which stand in other parts."""
    random = Random(f"{seed} crowd")
    above, below = random.randint(2, 4), random.randint(2, 4)
    first = [f"a{number}" for number in range(above)]
    ups = [sorted(random.sample(first, random.randint(2, above))) for _ in range(below)]
    tasks = [_task(name) for name in first] + [_task(f"b{number}", *each) for number, each in enumerate(ups)]
    job = EltJob(job_id="101", name=f"crowd{seed}", tasks=tasks)
    return Subject.of(job, cut_at=random.randint(1, (above + below) // 2))


def _task(name: str, *upstream: str) -> SqlTask:
    return SqlTask(name=name, statements=(SqlStatement(text="insert into t select 1"),), upstream=upstream)


def _aimed(seed: int) -> tuple[Move, ...]:
    """Something ends while tasks tell each other, and goes on, more than once."""
    random = Random(f"{seed} telling")
    moves: list[Move] = []
    for _ in range(random.randint(1, 3)):
        moves.append(Move(random.choice(KINDS), 1, 1200.0, 0.3 * random.random() ** 2, random.choice(TELLING)))
        moves.append(Move("redrive", 10_000, random.choice((0.5, 5.0, 60.0, 900.0)), 0.0))
    return (*moves, *draw(random, most=1))


def _findings(seeds: range) -> list[str]:
    found = []
    for seed in seeds:
        schedule = Schedule(_crowd(seed), seed, Chances())
        schedule.moves = _aimed(seed)
        found += [f"{seed}: {finding}" for finding in schedule.outcome().findings]
    return found


def test_nobody_is_forgotten_or_told_early() -> None:
    """Whatever ends while they tell each other, and goes on."""
    assert _findings(range(300, 320)) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", IN_STEP)
def test_nobody_is_forgotten_or_told_early_in_many_schedules(first: int) -> None:
    """The same, more often."""
    assert _findings(range(first, first + 100)) == []
