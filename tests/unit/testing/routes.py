"""The routes that lead through every state of a job, together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from elt_redshift.asl.language.names import ANY_TASK, StateName, Step
from elt_redshift.protocol import audit
from elt_redshift.testing import Subject
from elt_redshift.testing.errors import StateError
from elt_redshift.testing.redshift_data import Behaviour

from .plays import Play

Route = Callable[[Play], None]


def state_of(subject: Subject, task: str, step: Step) -> str:
    """The state of a task's step: in the map layout all tasks share it."""
    return str(StateName(ANY_TASK if subject.versions[0].machine.job_file else task, step))


HOUR = 3600.0
_QUICKLY, _SLOWLY, _HANGING = Behaviour(0.2), Behaviour(400), Behaviour(30 * HOUR)
_CONFLICT, FAILURE = Behaviour(0.2, "conflicts"), Behaviour(0.2, "fails")
_INVALID = StateError("RedshiftData.ValidationException", "No (Service: RedshiftData, Status Code: 400)")


def without_events(play: Play) -> None:
    """No event of a statement's end is delivered, and every statement outlives the first waits."""
    play.world.lost_events = 1.0
    play.behaves = lambda task, before: _SLOWLY
    play.start()


def conflicts(play: Play) -> None:
    """Every task's first try meets a conflict."""
    play.behaves = lambda task, before: _QUICKLY if before else _CONFLICT
    play.start()


def fails(play: Play, task: str, pace: float) -> None:
    """A task's tries fail, while the others go on; then the run is redriven, and goes well."""
    play.behaves = lambda one, before: FAILURE if one == task else Behaviour(pace)
    play.start()
    play.behaves = lambda one, before: _QUICKLY
    play.redrive()


def overdue(play: Play, task: str) -> None:
    """A task outlives its timeout, if it has one."""
    play.behaves = lambda one, before: _HANGING if one == task else _QUICKLY
    play.start()


def throttled(play: Play, task: str) -> None:
    """A task's submission is refused more often than it is repeated at once."""
    for step in ("", "submit", "submit batch"):
        play.fares(state_of(play.subject, task, step), *["throttled"] * 13)
    play.start()


def wakes_twice(play: Play, task: str) -> None:
    """A task ends last, and the answer to whom it wakes is lost."""
    play.fares(state_of(play.subject, task, "wake"), "unanswered")
    play.behaves = lambda one, before: Behaviour(5) if one == task else _QUICKLY
    play.start()


def settles_late(play: Play, task: str) -> None:
    """A task fails, and the others end before it waits for them."""
    play.fares(state_of(play.subject, task, "park"), "slow")
    fails(play, task, pace=5)


def competes(play: Play) -> None:
    """A second run meets the first one at work."""
    play.behaves = lambda one, before: _SLOWLY
    play.start(20)
    play.start()


def waits_in_vain(play: Play) -> None:
    """A second run waits for the first one until it gives up."""
    play.behaves = lambda one, before: Behaviour(2 * HOUR)
    play.start(20)
    play.start()


def waits_in_turn(play: Play) -> None:
    """Two more wait for it, the second one for the first, which is stopped; and somebody spoils the tickets."""
    play.behaves = lambda one, before: _SLOWLY
    for _ in range(3):
        play.start(20)
    play.edit(audit.WAITING, {"S": "nobody"})
    play.go_on_for(120)
    play.start(20)
    play.halt_newest()
    play.start(20)
    play.go_on_for(HOUR)


def fences_slowly(play: Play) -> None:
    """The fence is held up by somebody's transaction."""
    play.fences = _SLOWLY
    play.start()


def meets_a_failure(play: Play) -> None:
    """The next run meets one that has failed."""
    play.behaves = lambda one, before: FAILURE
    play.start()
    play.start()


def takes_over(play: Play) -> None:
    """The next run meets one that was stopped, whose end nobody has recorded, and clears away what it has left; one
    statement ends by itself before it is cancelled."""
    play.world.lost_events = 1.0
    play.behaves = lambda one, before: _HANGING
    play.start(20)
    play.halt()
    play.fares("cancel left statement", "well", _INVALID)
    play.behaves = lambda one, before: _QUICKLY
    play.start()


def takes_over_late(play: Play) -> None:
    """… and no cancellation is taken."""
    play.fares("cancel left statement", _INVALID, _INVALID)
    takes_over(play)


def resumes(play: Play, task: str, version: int) -> None:
    """A run fails in a task, and another one of a mended definition goes on with its work."""
    play.behaves = lambda one, before: FAILURE if one == task else _QUICKLY
    play.start()
    play.behaves = lambda one, before: _QUICKLY
    play.resume(version)


def resumes_unknown(play: Play, version: int) -> None:
    """A run is stopped at work, and the one that goes on with its work finds out what is done."""
    play.behaves = lambda one, before: _SLOWLY
    play.start(20)
    play.halt()
    play.resume(version)


def resumes_untold(play: Play) -> None:
    """… and is not told at first."""
    play.fares("find finished statement", *[_INVALID] * 2)
    resumes_unknown(play, version=0)
    play.redrive()


def release_goes_unanswered(play: Play) -> None:
    """The answer to the release is lost, and another run has taken the lock when it is asked again."""
    play.fares("release lock", "unanswered")
    play.start(0)
    play.until("release lock", 0.2)
    play.behaves = lambda one, before: _SLOWLY
    play.start()


def acquisition_goes_unanswered(play: Play) -> None:
    """The answer to the acquisition is lost: behind the first look, where the job has a fence."""
    play.fares("acquire lock", "well", "unanswered")
    play.start()
    play.start()


def routes(tasks: list[str], versions: int) -> Iterator[Route]:
    """All of them; those that come to many states first."""
    yield from (partial(fails, task=task, pace=0.2) for task in tasks)
    yield from (without_events, conflicts, takes_over, takes_over_late, competes, meets_a_failure)
    yield from (waits_in_turn, fences_slowly)
    yield from (acquisition_goes_unanswered, release_goes_unanswered)
    yield from (partial(resumes_unknown, version=0), resumes_untold)
    yield from (partial(resumes, task=task, version=version) for version in range(versions) for task in tasks)
    yield from (
        partial(route, task=task) for route in (settles_late, wakes_twice, throttled, overdue) for task in tasks
    )
    yield from (partial(fails, task=task, pace=60) for task in tasks)
    yield waits_in_vain
