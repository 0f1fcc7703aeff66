"""Several waiting tasks are told by one transaction: nobody is forgotten, whoever comes first."""

from __future__ import annotations

from random import Random

import pytest

from elt_redshift.asl.patterns.joins import LONGEST_WAIT
from elt_redshift.testing import Faults, samples
from elt_redshift.testing.redshift_data import Behaviour
from elt_redshift.testing.subject import Mutation, Subject
from elt_redshift.testing.world import World

from .broken import replaced

CROSSED = {job.name: job for job in samples.jobs()}["crossed"]

#: Throttled calls, and transactions that meet each other.
FAULTS = Faults(throttled=0.05)


def makespan(seed: int, mutate: Mutation | None = None) -> float:
    """Seconds of a run in which announcements, and waits for them, come within a few milliseconds of each other."""
    random = Random(seed)

    def behave(_: str, __: int) -> Behaviour:
        return Behaviour(random.choice((5.0, 10.0)) + random.choice((0.0, 0.0, 0.02, 0.05)))

    world = World(Subject.of(CROSSED, mutate=mutate), seed, behave, FAULTS, 86_400.0)
    ran = world.step_functions.start("run", {})
    world.clock.run_while(lambda: ran.running, ran.started + 86_400)
    assert ran.status == "SUCCEEDED"
    assert ran.ended
    return ran.ended - ran.started


def test_who_waits_is_woken() -> None:
    """No wait is over because nobody has ended it for an hour."""
    assert max(makespan(seed) for seed in range(300)) < LONGEST_WAIT


@pytest.mark.parametrize(
    ("states", "old", "new"),
    [
        ("[ab]: announce", r"'ConditionExpression': \$w.unless, ", ""),
        ("[ab]: find waiting", r"\) >= \$n", ") > $n"),
    ],
)
def test_the_test_has_eyes(states: str, old: str, new: str) -> None:
    """Where a transaction has no conditions, or its reader sees nobody who waits, somebody waits for an hour."""
    spans = (makespan(seed, replaced(states, old, new)) for seed in range(300))
    assert any(span >= LONGEST_WAIT for span in spans)
