"""Jobs whose calls Lambda functions make meet the same faults, and break no rule."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from elt_redshift.functions import sql
from elt_redshift.testing import Chances, Faults, run, samples
from elt_redshift.testing.subject import Subject
from tests.cases import exhaustive

SUBJECTS = [Subject.of(job) for job in (*samples.with_functions(), *samples.with_audit_in_redshift())]
QUIET = Chances(kinds=("start",), faults=Faults(), ends=False, lost_events=0.0)
SEEDS = [range(50), range(50, 250)]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.name)
def test_a_healthy_run_breaks_no_rule(subject: Subject) -> None:
    """Nor do starts that compete."""
    assert [str(one) for seed in range(3) for one in run(subject, seed, QUIET).findings] == []


@pytest.mark.parametrize("seeds", exhaustive(SEEDS, quick=SEEDS[:1]), ids=["some", "more"])
def test_chaos_breaks_no_rule(seeds: Sequence[int]) -> None:
    """Invocations are lost, late, doubled and refused, and so are the calls that functions make."""
    found = [(seed, str(one)) for seed in seeds for one in run(SUBJECTS[seed % len(SUBJECTS)], seed).findings]
    assert found == []


def test_functions_make_the_calls() -> None:
    """A trace of a run shows what they ask the services for."""
    assert sql.LATE < 120
    trace = run(SUBJECTS[0], 1, QUIET, traced=True).trace
    assert any("redshiftdata:describeStatement" in line for line in trace)
