"""Schedules: the same each time, and without a finding as long as the protocols hold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from elt_redshift.testing import Chances, Faults, run, samples
from elt_redshift.testing.__main__ import main
from tests.cases import exhaustive

QUIET = Chances(kinds=("start",), faults=Faults(), ends=False, lost_events=0.0)

SUBJECTS = [subject for group in samples.subjects() for subject in group]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.name)
def test_a_healthy_run_breaks_no_rule(subject: samples.Subject) -> None:
    """Nor do starts that compete."""
    assert [str(one) for seed in range(5) for one in run(subject, seed, QUIET).findings] == []


#: A run resumes another that was to look for a third's statements, and writes that take the lock arrive late.
CHOSEN = (3007, 1065, 2182, 8770, 10455, 11157, 12590, 12613, 13208)
#: Tasks fail together.
TOGETHER = (871, 1357, 1399, 2304, 2830, 3853, 8318, 8389, 8899)
SEEDS = [(*CHOSEN, *TOGETHER), range(200), range(200, 800)]


@pytest.mark.parametrize("seeds", exhaustive(SEEDS, quick=SEEDS[:2]), ids=["chosen", "some", "more"])
def test_chaos_breaks_no_rule(seeds: Sequence[int]) -> None:
    """Eight hundred schedules with fixed seeds, and some that once found something."""
    found = [(seed, str(one)) for seed in seeds for one in run(samples.of_seed(seed), seed).findings]
    assert found == []


def test_a_late_write_that_takes_the_lock_breaks_no_rule() -> None:
    """A schedule that once found something, of the job that it was of."""
    late_events = next(one for one in SUBJECTS if one.name == "late_events")
    assert [str(one) for one in run(late_events, 16744).findings] == []


def test_a_seed_is_a_schedule() -> None:
    """Whoever simulates it again sees the same to the last line."""
    first, second = (run(SUBJECTS[4], 14, traced=True) for _ in range(2))
    assert first == second
    assert len(first.trace) > 50


def test_the_command_line_ends_with_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """And replays a seed with its trace."""
    assert main(["--schedules", "20"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "schedules 20, double owners 0, stuck 0, lost 0, twice 0, unrecorded 0, held as unknowable 0"
    assert main(["--seed", "3"]) == 0
    assert "e1: > acquire lock" in capsys.readouterr().out
    assert main(["--job", "nowhere"]) == 2
