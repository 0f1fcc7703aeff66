"""More tasks are ready at once than the Data API's quotas let through: all succeed, none twice, and little is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from elt_redshift.asl import jobfile
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import Layout
from elt_redshift.protocol.limits import DATA_API_RATES, MAX_ACTIVE_STATEMENTS, MAX_SUBMISSIONS
from elt_redshift.testing import Subject, crowds, run
from elt_redshift.testing.quotas import Quotas
from elt_redshift.testing.world import World

#: How much longer than the least time that the quotas leave, and how many billed transitions more for each task that
#: has to wait.
LONGEST, MOST = 1.1, 1.2


def job_of(tasks: int, seconds: float | None, layout: Layout = "map") -> EltJob:
    job = EltJob(job_id="1", name="crowd", layout=layout)
    for number in range(tasks):
        job.task(f"t{number}", statement="select 1", expected=timedelta(seconds=seconds) if seconds else None)
    return job


def free(world: World) -> Quotas:
    return Quotas(world.clock)


def more(crowd: crowds.Crowd, tasks: int, seconds: float, layout: Layout = "map") -> float:
    """Transitions more for each task that waited."""
    ten, twenty = (crowds.run(job_of(n, seconds, layout), lambda _: seconds, free).transitions for n in (10, 20))
    return (crowd.transitions - ten - (tasks - 10) * (twenty - ten) / 10) / crowd.waited


def fares_well(tasks: int, seconds: float, active: int = MAX_ACTIVE_STATEMENTS) -> None:
    crowd = crowds.run(
        job_of(tasks, seconds), lambda _: seconds, lambda world: Quotas(world.clock, DATA_API_RATES, active)
    )
    assert crowd.succeeded
    assert not crowd.twice
    assert crowd.makespan <= LONGEST * crowds.least([seconds] * tasks, MAX_SUBMISSIONS, active)
    assert crowd.waited > tasks / 2
    assert 0.9 < more(crowd, tasks, seconds) <= MOST


def test_a_crowd_at_the_rate() -> None:
    """Short tasks, which come at the rate of submissions."""
    fares_well(450, 1)


def test_a_crowd_of_active_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long ones, of which so many are active."""
    monkeypatch.setattr(jobfile, "MAX_ACTIVE_STATEMENTS", 40)
    fares_well(160, 60, active=40)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seconds", [1, 60])
def test_three_thousand_tasks(seconds: float) -> None:
    """At AWS's own quotas."""
    fares_well(3000, seconds)


def test_a_crowd_of_which_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements that take longer than anybody said are refused for being too many, again and again: none fails."""
    monkeypatch.setattr(jobfile, "MAX_ACTIVE_STATEMENTS", 40)
    crowd = crowds.run(job_of(160, None), lambda _: 60.0, lambda world: Quotas(world.clock, DATA_API_RATES, active=40))
    assert crowd.succeeded
    assert not crowd.twice
    assert crowd.refused["active"] > 100


def test_a_wide_unrolled_job() -> None:
    """Its definition has no turns; what is throttled is spread over as long as it takes."""
    crowd = crowds.run(job_of(80, 1, "unrolled"), lambda _: 1.0)
    assert crowd.succeeded
    assert crowd.refused["executeStatement"] >= crowd.waited > 30
    assert 0.9 < more(crowd, 80, 1, "unrolled") <= MOST
    assert crowd.makespan < 5


@pytest.mark.exhaustive
def test_turns_bear_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops, redrives, resumptions and faults of all kinds meet tasks that wait for their turns."""
    monkeypatch.setitem(DATA_API_RATES, "executeStatement", 0.5)  # type: ignore[arg-type]
    job = job_of(4, 5.0)
    job.task("last", statement="select 1", upstream=["t0", "t3"])
    subject = Subject.of(job)
    assert jobfile.paced(subject.versions[0].machine.job_file or [])
    found = [finding for seed in range(60) for finding in run(subject, seed).findings]
    assert not found


def test_a_crowd_behind_one_task() -> None:
    """All of them are ready when it ends, and nobody has a turn: second tries are spread over as long as they take."""
    job = job_of(1, 1)
    for number in range(300):
        job.task(f"behind{number}", statement="select 1", upstream=["t0"])
    crowd, usual = crowds.run(job, lambda _: 1.0), crowds.run(job, lambda _: 1.0, free)
    assert crowd.succeeded
    assert not crowd.twice
    assert crowd.waited > 200
    assert (crowd.transitions - usual.transitions) / crowd.waited <= MOST
    assert crowd.makespan - usual.makespan <= 1.5 * 300 / MAX_SUBMISSIONS


def test_the_least_time() -> None:
    """At a rate; and with so many at a time, however long each takes."""
    assert crowds.least([1.0] * 5, rate=2, active=100) == 3.0
    assert crowds.least([10.0, 20.0, 5.0], rate=1000, active=2) == pytest.approx(20, abs=0.01)
