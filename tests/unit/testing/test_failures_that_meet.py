"""Two tasks fail at once, and the first failure ends the run while the other one is still being dealt with: a redrive
finds the second task in the midst of that, and goes on with both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pytest

from elt_redshift.asl.language.names import Step
from elt_redshift.graph.order import Order
from elt_redshift.protocol import executions
from elt_redshift.testing import Subject, samples
from elt_redshift.testing.histories import findings

from .plays import QUICKLY, Play, states_of
from .routes import FAILURE, HOUR, state_of

SUBJECTS = {subject.name: subject for group in samples.subjects() for subject in group}

#: The calls between a statement's end and the run's, and behind its redrive, each of which may be the late one.
STEPS: tuple[Step, ...] = ("describe", "block", "record", "report failure", "reclaim", "claim", "find")

#: So often the call is refused: it arrives some seconds after the others.
LATE = 3


def pairs(subject: Subject) -> Iterator[tuple[str, str]]:
    """The tasks that may run side by side."""
    order = Order({name: task.upstream for name, task in subject.versions[0].tasks.items()})
    for one, other in permutations(range(len(order.tasks)), 2):
        if not order.related(one) >> other & 1:
            yield order.tasks[one], order.tasks[other]


def met(subject: Subject, one: str, other: str, step: Step) -> list[str]:
    """What is wrong after the two have failed, the call of a step of ``other`` being late, and after a redrive in which
    it is late again."""
    play, late = Play(subject), state_of(subject, other, step)
    play.behaves = lambda task, before: FAILURE if task in (one, other) else QUICKLY
    for _ in range(2):
        play.fares(late, *["throttled"] * LATE)
        play.start(HOUR) if not play.entered else play.redrive(HOUR)
        play.go_on_for(60)
        play.behaves = lambda task, before: QUICKLY
    (run,) = play.world.step_functions.executions.values()
    where = f"{one} and {other} fail, {late} is late: "
    failed = [] if run.status == executions.SUCCEEDED else [f"{where}{run.status} {run.error}, {play.world.item()}"]
    return [*failed, *(f"{where}{one}" for one in findings(play.world))]


def broken(name: str, steps: tuple[Step, ...]) -> list[str]:
    subject = SUBJECTS[name]
    there = {state.name for state in states_of(subject.versions[0].program)}
    ways = [(*pair, step) for step in steps for pair in pairs(subject) if state_of(subject, pair[1], step) in there]
    return [found for way in ways for found in met(subject, *way)]


SIDE_BY_SIDE = [name for name, subject in SUBJECTS.items() if [*pairs(subject)]]


@pytest.mark.parametrize("job", ["joined", "settling", "events", "map_woven", "map_settling"])
def test_a_redrive_goes_on_with_both(job: str) -> None:
    """Where the record of the second failure is late."""
    assert broken(job, ("record",)) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("job", SIDE_BY_SIDE)
def test_a_redrive_goes_on_with_both_whatever_is_late(job: str) -> None:
    """Each call, in each job that has tasks side by side."""
    assert broken(job, STEPS) == []
