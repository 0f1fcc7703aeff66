"""When a failed task is submitted again: retries wait for as long as a conflict, or a busy warehouse, may last."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from elt_redshift.job.model import Layout
from elt_redshift.job.parts import Retries
from elt_redshift.protocol import executions
from elt_redshift.testing import Subject
from elt_redshift.testing.redshift_data import Behaviour
from tests.unit.asl.jobs import job, task

from .plays import QUICKLY, Play
from .routes import FAILURE, state_of

#: A call, and what stands between a failure and the next submission besides the pause, takes so many seconds at most.
CALLS = 2.0

LAYOUTS: tuple[Layout, ...] = ("unrolled", "map")
CONFLICT = Behaviour(0.2, "conflicts")


def played(layout: Layout, retries: int | Retries) -> Play:
    """A run is prepared of one task."""
    return Play(Subject.of(job(task("a", retries=retries), layout=layout)))


def pauses(play: Play) -> list[float]:
    """Seconds between the end of each statement and the submission of the next one."""
    statements = sorted(play.world.data.statements.values(), key=lambda one: one.created)
    return [after.created - (before.ended or 0) for before, after in pairwise(statements)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("retries", "expected"),
    [
        (0, [30, 60, 120, 240, 480]),  # a conflict is repeated unasked
        (7, [30, 60, 120, 240, 480, 600, 600]),
        (Retries(times=3, delay=timedelta(seconds=10), backoff=1), [10, 10, 10, 10, 10]),
        (
            Retries(times=4, delay=timedelta(minutes=1), backoff=3, max_delay=timedelta(minutes=5)),
            [60, 180, 300, 300, 300],
        ),
    ],
)
def test_pauses_grow_and_chance_only_makes_them_longer(
    layout: Layout, retries: int | Retries, expected: list[float]
) -> None:
    """By the factor, up to the longest one, and up to a quarter more."""
    play = played(layout, retries)
    play.behaves = lambda task, before: CONFLICT
    play.start()
    found = pauses(play)
    for pause, least in zip(found, expected, strict=True):
        assert least <= pause <= 1.25 * least + CALLS


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_conflict_is_outlasted_unasked(layout: Layout) -> None:
    """One that lasts for ten minutes fails no run."""
    play = played(layout, 0)
    over = play.world.clock.now + 600
    play.behaves = lambda task, before: QUICKLY if play.world.clock.now > over else CONFLICT
    play.start()
    (run,) = play.world.step_functions.executions.values()
    assert run.status == executions.SUCCEEDED


@pytest.mark.parametrize("layout", LAYOUTS)
def test_throttled_calls_use_up_no_retries(layout: Layout) -> None:
    """However many are refused before and behind a failure, the retry that was asked for is left."""
    play = played(layout, 1)
    submitting = state_of(play.subject, "a", "submit" if layout == "map" else "")
    play.fares(submitting, *["throttled"] * 9, "well", *["throttled"] * 9)
    play.behaves = lambda task, before: QUICKLY if before else FAILURE
    play.start()
    (run,) = play.world.step_functions.executions.values()
    assert (run.status, len(play.world.data.statements)) == (executions.SUCCEEDED, 2)
