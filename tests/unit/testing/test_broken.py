"""Each protocol that is broken on purpose is caught, so that chaos without a finding means something."""

from __future__ import annotations

import pytest

from elt_redshift.testing import run, samples
from elt_redshift.testing.subject import Subject

from .broken import BROKEN, Broken

#: At most so many schedules until it must be caught.
MOST = 2000

#: These are caught at once.
QUICK = ("no condition on the lock", "a token of its own for each try", "failures are not recorded")

JOBS = {job.name: job for job in (*samples.jobs(), *samples.mapped())}


def caught(broken: Broken, most: int) -> bool:
    """Whether a schedule breaks one of the rules. The one that once was the first to do so is tried first."""
    subjects = [Subject.of(JOBS[name], mutate=broken.mutate) for name in broken.jobs]
    seeds = (broken.first, *range(most))
    outcomes = (run(subjects[seed % len(subjects)], seed, broken.chances) for seed in seeds)
    return any(finding.rule in broken.rules for outcome in outcomes for finding in outcome.findings)


@pytest.mark.parametrize("broken", [one for one in BROKEN if one.name in QUICK], ids=lambda one: one.name)
def test_the_checker_has_eyes(broken: Broken) -> None:
    """Some are caught at once."""
    assert caught(broken, 200)


@pytest.mark.exhaustive
@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
def test_a_broken_protocol_is_caught(broken: Broken) -> None:
    """Within two thousand schedules of the jobs that it concerns."""
    assert caught(broken, MOST)
