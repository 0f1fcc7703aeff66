"""A stop in any state leaves a job that the next run starts by itself, or that is held with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import cycle

import pytest

from elt_redshift.asl.patterns import judging
from elt_redshift.testing import samples
from elt_redshift.testing.program import State
from elt_redshift.testing.subject import Subject

from .broken import BROKEN
from .plays import Phase, Play, Stop, states_of
from .routes import Route, routes

#: Compiled when a test comes to them, since those who wait give up soon here.
PROTOCOLS, COMBINED, MAPPED, INVOKING, CAPPED = (
    {job.name: Subject.of(job) for job in group}
    for group in (samples.jobs(), samples.combinations(), samples.mapped(), samples.with_functions(), samples.capped())
)
UNROLLED = {**PROTOCOLS, "fenced": COMBINED["fenced"], "capped": CAPPED["capped"]}
SUBJECTS = {**UNROLLED, **MAPPED, **INVOKING, **CAPPED}

#: The states that no route comes to, and why none can.
UNREACHABLE = {
    ("settling", "b: unpark"): "d stands behind b alone: when b ends, d has not settled, so nobody is to be woken",
    **{
        (name, "task: cancel"): "no task of the job has a timeout, and the longest of all is the Data API's"
        for name, subject in {**MAPPED, "map_capped": CAPPED["map_capped"]}.items()
        if subject.patience == float("inf")
    },
}

#: In the map layout states serve all tasks, so that two jobs have most of what there is; CI stops in the others.
SAMPLED = [*UNROLLED, "map_settling", "map_batches", "functions"]
#: Those whose stops are tried at any moment.
TRIED = [*UNROLLED, "map_settling", "map_polling", "map_batches", "map_released", "map_fenced"]
TRIED += ["functions", "map_functions", "map_capped"]


@pytest.fixture(autouse=True, scope="module")
def _who_waits_gives_up_soon() -> Iterator[None]:
    """A run that meets a failure waits a day for somebody to mend it, which is as good as an hour here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "MAX_LOOKS", 30)
        yield


@cache
def reached(job: str) -> dict[str, Route]:
    """Each state of a job that a route comes to, with the first route that does."""
    found: dict[str, Route] = {}
    subject, missing = SUBJECTS[job], {*states(job)}
    unreachable = {state for name, state in UNREACHABLE if name == job}
    for route in routes([*subject.versions[0].tasks], len(subject.versions)):
        if missing <= unreachable:
            break
        play = Play(subject)
        route(play)
        found |= dict.fromkeys(missing & play.passed, route)
        missing -= play.passed
    return found


def states(job: str) -> dict[str, State]:
    return {state.name: state for state in states_of(SUBJECTS[job].versions[0].program)}


def phases(state: State) -> tuple[Phase, ...]:
    """When it can be stopped in."""
    if state.type == "Task":
        return ("entered", "under way", "arrived")
    return ("entered", "later") if state.type == "Wait" else ("entered",)


def stops(job: str) -> Iterator[Stop]:
    """Each state in each phase. A start is next, and EventBridge does not tell of the end; and in turns it does, or a
    redrive is next."""
    others = cycle((Stop("", told=True), Stop("", told=False, then="redrive")))
    for state in states(job).values():
        for phase in phases(state):
            yield Stop(state.name, phase, told=False)
            yield replace(next(others), state=state.name, phase=phase)


def broken(job: str, stop: Stop) -> list[str]:
    """What is wrong after a stop."""
    play = Play(SUBJECTS[job], stop)
    reached(job)[stop.state](play)
    if play.stopped is None:
        return [f"{stop}: it was not in the state"]
    return [f"{stop}: {finding}" for finding in play.come_to_an_end()]


@pytest.mark.parametrize("job", SAMPLED)
def test_every_state_is_reached(job: str) -> None:
    """By some route, but for those of which is said why none can."""
    missing = {(job, state) for state in states(job).keys() - reached(job)}
    assert missing == {one for one in UNREACHABLE if one[0] == job}


@pytest.mark.parametrize("job", SAMPLED)
def test_a_stop_in_any_state_leaves_a_job_that_goes_on(job: str) -> None:
    """The next run does its work by itself, or is refused by an item that names task and reason; nothing runs twice,
    beside an owner, or too early. Here each state is stopped in once, in one way or another."""
    ways = ([stop for stop in stops(job) if stop.state == state] for state in reached(job))
    chosen = [of[turn % len(of)] for turn, of in enumerate(ways)]
    assert [one for stop in chosen for one in broken(job, stop)] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("job", TRIED)
def test_a_stop_at_any_moment_of_any_state_leaves_a_job_that_goes_on(job: str) -> None:
    """Before its call, with its call under way, and when that has taken effect; with and without the event of the end;
    followed by a start or by a redrive, which does its work."""
    test_every_state_is_reached(job)
    assert [one for stop in stops(job) if stop.state in reached(job) for one in broken(job, stop)] == []


def test_a_protocol_without_its_look_for_statements_is_caught() -> None:
    """So that a stop without a finding means something."""
    broken_job = next(one for one in BROKEN if one.name == "nobody looks for left statements")
    job = next(one for one in samples.jobs() if one.name == "one_task")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SUBJECTS, "broken", Subject.of(job, mutate=broken_job.mutate))
        assert any("double owner" in found for stop in stops("broken") for found in broken("broken", stop))
