"""The fence under schedules in which calls arrive half an hour late, long after every time of grace."""

from __future__ import annotations

import copy

import pytest

from elt_redshift.testing import Chances, Faults, run, samples
from elt_redshift.testing.subject import Mutation, Subject

from .broken import both, each, replaced

#: Stops and take-overs, with calls that are up to a quarter of an hour under way, twice.
LATE = Chances(
    kinds=("start", "stop", "crash", "redrive", "unlock", "stop by airflow", "resume"),
    pauses=(5.0, 30.0, 120.0),
    faults=Faults(delayed=0.1, slow=0.15, late=900),
    ends=False,
    lost_events=0.0,
    memories=(24 * 3600.0,),
    aims=False,
    edits=False,
    in_step=False,
)
NO_GRACE = replaced("judge .*", r"\+ 120000", "+ 0")
RULES = ("double owner", "twice", "lost", "stuck")


def _subject(name: str, fence: bool = True, mutate: Mutation | None = None) -> Subject:
    job = copy.copy(next(one for one in samples.jobs() if one.name == name))
    job.fence = fence
    return Subject.of(job, mutate=mutate)


def _broken(subject: Subject, seeds: range, chances: Chances | None = None) -> list[tuple[int, str]]:
    found = ((seed, one) for seed in seeds for one in run(subject, seed, chances).findings)
    return [(seed, str(one)) for seed, one in found if one.rule in RULES]


@pytest.mark.parametrize("job", ["one_task", "joined", "events"])
def test_late_calls_do_no_harm_behind_a_fence(job: str) -> None:
    """Not even where no time of grace is given; without a fence they run beside the next run, with the grace too."""
    assert _broken(_subject(job, mutate=NO_GRACE), range(100), LATE) == []


def test_without_a_fence_late_calls_do_harm() -> None:
    """So these schedules have what they should."""
    assert _broken(_subject("one_task", fence=False), range(60, 100), LATE)


@pytest.mark.parametrize("job", ["diamond", "polling"])
def test_chaos_breaks_no_rule_of_a_job_with_a_fence(job: str) -> None:
    """Starts that compete for the first write, redrives while somebody takes over, unlocks."""
    assert _broken(_subject(job), range(100)) == []


BROKEN = {
    "nobody checks": replaced("[a-e]", r"\{% \$fence & ", "{% '9' & $fence & "),
    "a claim of its own is written": replaced("set fence", r"\$states.input.era & ' ' & \$states.input.last", "'9'"),
    "nobody lists behind the write": each("(set|look at) fence", lambda state: state.update(Next="judge fence")),
}
QUICK = ("nobody checks", "a claim of its own is written")
#: The schedules that were the first to show it, where that takes long to find.
FIRST = {"nobody checks": 248, "nobody lists behind the write": 1253}


def _caught(name: str, most: int) -> bool:
    """Whether a schedule breaks a rule. The one that once was the first to do so is tried first."""
    subject = _subject("diamond", mutate=both(NO_GRACE, BROKEN[name]))
    seeds = (FIRST.get(name, 0), *range(most))
    return any(_broken(subject, range(seed, seed + 1), LATE) for seed in seeds)


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_fence_is_caught(name: str) -> None:
    """At once: who would show no claim, or write what keeps the next run out too, is found."""
    assert _caught(name, 400)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", set(BROKEN) - set(QUICK))
def test_a_nearly_right_fence_is_caught(name: str) -> None:
    """What begins while the write waits may see the fence as it was."""
    assert _caught(name, 2000)
