"""More tasks are ready at once than the Data API's quotas let through: all succeed, none twice, and little is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from elt_redshift.asl import jobfile
from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import Layout
from elt_redshift.protocol.limits import DATA_API_RATES, MAX_ACTIVE_STATEMENTS, MAX_SUBMISSIONS
from elt_redshift.testing import Subject, crowds, run
from elt_redshift.testing.quotas import Quotas
from elt_redshift.testing.world import World

#: How much longer than the least time that the quotas leave, and how many billed transitions more for each task that
#: has to wait.
LONGEST, MOST = 1.1, 1.2


def job_of(tasks: int, seconds: float | None, layout: Layout = "map", fence: bool = False) -> EltJob:
    job = EltJob(job_id="1", name="crowd", layout=layout, fence=fence)
    for number in range(tasks):
        job.task(f"t{number}", statement="select 1", expected=timedelta(seconds=seconds) if seconds else None)
    return job


def free(world: World) -> Quotas:
    return Quotas(world.clock)


def usual(seconds: float, layout: Layout = "map") -> tuple[int, float]:
    """Transitions of ten tasks that need not wait, and of another one beside them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATA_API_RATES, "executeStatement", MAX_SUBMISSIONS)  # type: ignore[arg-type]
        ten, twenty = (crowds.run(job_of(n, seconds, layout), lambda _: seconds, free).transitions for n in (10, 20))
    return ten, (twenty - ten) / 10


def more(crowd: crowds.Crowd, tasks: int, known: tuple[int, float]) -> float:
    """Transitions more for each task that waited."""
    ten, each = known
    return (crowd.transitions - ten - (tasks - 10) * each) / crowd.waited


def fares_well(
    tasks: int, seconds: float, expected: float | None, active: int = MAX_ACTIVE_STATEMENTS, least: float = 0.0
) -> None:
    """:param least: transitions more for each task that waited, at least."""
    known = usual(seconds)
    quotas = lambda world: Quotas(world.clock, DATA_API_RATES, active)  # noqa: E731
    crowd = crowds.run(job_of(tasks, expected), lambda _: seconds, quotas)
    assert crowd.succeeded
    assert not crowd.twice
    rate = DATA_API_RATES["executeStatement"]
    assert crowd.makespan <= LONGEST * crowds.least([seconds] * tasks, rate, active)
    assert crowd.waited > tasks / 2
    assert least < more(crowd, tasks, known) <= MOST


def test_a_crowd_at_the_rate() -> None:
    """Short tasks, which come at the rate of submissions."""
    fares_well(450, 1, 1, least=0.9)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """A warehouse that is smaller than AWS's: how many statements may be active, which take about as long to submit."""
    monkeypatch.setattr(jobfile, "MAX_ACTIVE_STATEMENTS", 40)
    monkeypatch.setitem(DATA_API_RATES, "executeStatement", 40 / (MAX_ACTIVE_STATEMENTS / MAX_SUBMISSIONS))  # type: ignore[arg-type]
    return 40


@pytest.mark.parametrize("expected", [60, None, 30])
def test_a_crowd_of_active_statements(few: int, expected: float | None) -> None:
    """Long ones, of which so many are active: whether it is known how long they take, or not, or something else is
    said of it."""
    fares_well(160, 60, expected, few)


@pytest.mark.exhaustive
@pytest.mark.parametrize("expected", [True, False])
@pytest.mark.parametrize("seconds", [1, 60])
def test_three_thousand_tasks(seconds: float, expected: bool) -> None:
    """At AWS's own quotas."""
    fares_well(3000, seconds, seconds if expected else None)


def test_a_crowd_whose_ends_others_wait_for(few: int) -> None:
    """Those that wait are there from the start, and keep nobody from beginning, in whichever order Step Functions
    starts them."""
    job = job_of(60, None)
    for number in range(60):
        job.task(f"behind{number}", statement="select 1", upstream=[f"t{number}"])
    crowd = crowds.run(job, lambda _: 20.0, free)
    assert crowd.succeeded
    assert not crowd.twice
    assert compile_job(job).definition()["States"]["run tasks"]["MaxConcurrency"] == few + 60


def test_statements_that_take_longer_than_anybody_said(few: int) -> None:
    """Where the lock is to be taken anew by each task that begins late, all begin in their turns, and too many
    statements are refused, again and again: none fails."""
    quotas = lambda world: Quotas(world.clock, DATA_API_RATES, few)  # noqa: E731
    crowd = crowds.run(job_of(160, None, fence=True), lambda _: 60.0, quotas)
    assert crowd.succeeded
    assert not crowd.twice
    assert crowd.refused["active"] > 100


def test_a_wide_unrolled_job() -> None:
    """Its definition has no turns; what is throttled is spread over as long as it takes."""
    crowd = crowds.run(job_of(80, 1, "unrolled"), lambda _: 1.0)
    assert crowd.succeeded
    assert crowd.refused["executeStatement"] >= crowd.waited > 30
    assert 0.9 < more(crowd, 80, usual(1, "unrolled")) <= MOST
    assert crowd.makespan < 5


@pytest.mark.exhaustive
@pytest.mark.parametrize("active", [MAX_ACTIVE_STATEMENTS, 2])
def test_turns_bear_whatever_happens(monkeypatch: pytest.MonkeyPatch, active: int) -> None:
    """Stops, redrives, resumptions and faults of all kinds meet tasks that wait for their turns, and those that begin
    only when others have ended."""
    monkeypatch.setitem(DATA_API_RATES, "executeStatement", 0.5)  # type: ignore[arg-type]
    monkeypatch.setattr(jobfile, "MAX_ACTIVE_STATEMENTS", active)
    job = job_of(6, 5.0)
    job.task("last", statement="select 1", upstream=["t0", "t3"])
    subject = Subject.of(job)
    assert jobfile.paced(subject.versions[0].machine.job_file or [])
    found = [finding for seed in range(80) for finding in run(subject, seed).findings]
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
