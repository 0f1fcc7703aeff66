"""What Step Functions tells of an execution may be some seconds old, or a mixture of old and new: whoever rests on it
leaves a living owner its lock."""

from __future__ import annotations

from functools import partial

import pytest

from elt_redshift.protocol import executions
from elt_redshift.protocol.owners import GRACE
from elt_redshift.testing import Subject, samples
from elt_redshift.testing.histories import findings
from elt_redshift.testing.redshift_data import Behaviour

from .broken import replaced
from .plays import Play

JOBS = {
    job.name: Subject.of(job) for job in (*samples.jobs(), *samples.mapped()) if job.name in ("joined", "map_woven")
}

#: The statements outlive everything here, and an answer is at most so many seconds old.
SLOW, LAG = Behaviour(1200), 5.0


def stopped(job: str, mixed: bool) -> Play:
    """The first run of a job was stopped at work, and nobody was told."""
    play = Play(JOBS[job])
    play.behaves, play.world.lost_events = lambda task, before: SLOW, 1.0
    play.world.step_functions.lag, play.world.step_functions.mixed = lambda: LAG, lambda: mixed
    play.start(20)
    play.halt()
    play.go_on_for(2 * LAG)
    return play


def ended(play: Play) -> list[str]:
    """What is wrong after the first run has been redriven; and it must have done its work."""
    first, other = play.world.step_functions.executions.values()
    play.go_on_for(7200)
    lost = [] if first.status == executions.SUCCEEDED else [f"{first.status} {first.error}, other: {other.status}"]
    return [*lost, *map(str, findings(play.world))]


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("mixed", [False, True])
def test_an_owner_that_goes_on_while_its_late_calls_are_waited_for_keeps_its_lock(job: str, mixed: bool) -> None:
    """Whoever waits looks again within the seconds in which the redrive is not known everywhere."""
    for early in range(1, 12):
        play = stopped(job, mixed)
        play.start(60)
        play.go_on_for(GRACE - 60 - 2 * LAG - early / 2)
        play.world.step_functions.redrive(next(iter(play.world.step_functions.executions)))
        assert ended(play) == [], f"redriven {early / 2} s before the look"


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("mixed", [False, True])
def test_an_owner_that_went_on_a_moment_ago_keeps_its_lock(job: str, mixed: bool) -> None:
    """Its end, as it is told, was long before; and the count of its redrives may be told with it."""
    play = stopped(job, mixed)
    play.go_on_for(900)
    play.world.step_functions.redrive(next(iter(play.world.step_functions.executions)))
    play.go_on_for(1)
    play.start(0)
    assert ended(play) == []


#: The machine behind the end takes any end for that of the redrive which is counted with it.
TRUSTING = replaced("judge end", r" : [^:]* >= 0 and [^:]*\) and", " : false) and")


def redriven_at_once(subject: Subject) -> list[str]:
    """What is wrong after a run was stopped, and redriven while its end is still being followed up."""
    wrong = []
    for later in range(2, 50, 3):
        play = Play(subject)
        play.behaves = lambda task, before: SLOW
        play.world.step_functions.lag = partial(float, later / 40)
        play.world.step_functions.mixed = lambda: True
        play.start(20)
        play.halt()
        play.go_on_for(later / 40)
        play.redrive()
        (run,) = play.world.step_functions.executions.values()
        failed = [] if run.status == executions.SUCCEEDED else [f"{run.status} {run.error}"]
        wrong += [f"{later / 40} s: {one}" for one in (*failed, *findings(play.world))]
    return wrong


def test_an_end_is_not_taken_for_that_of_the_redrive() -> None:
    """Whenever the redrive comes, the run goes on, and a machine that trusts such an answer is caught."""
    job = JOBS["joined"].versions[0].job
    assert redriven_at_once(Subject.of(job)) == []
    assert "The conditional request failed" in str(redriven_at_once(Subject.of(job, mutate_ending=TRUSTING)))
