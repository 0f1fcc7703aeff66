"""Estimates of a compiled job: what it costs and how far it is from each limit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from elt_redshift.asl.bounds import size
from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob, LockPolicy
from elt_redshift.planning.estimates import Estimates, estimate, simulate
from elt_redshift.planning.scenario import Scenario
from elt_redshift.protocol.limits import MAX_EVENTS
from tests.unit.asl.jobs import JOBS, job, task


def estimated(made: EltJob, seconds: float = 60.0) -> Estimates:
    machine = compile_job(made)
    return estimate(machine, simulate(machine, Scenario(dict.fromkeys(made.task_names, seconds))))


@pytest.mark.parametrize("name", JOBS)
def test_best_typical_and_worst_are_in_this_order(name: str) -> None:
    """A typical run is never cheaper than the best, nor dearer than the worst."""
    found = estimated(JOBS[name])
    assert found.best.transitions <= found.typical.transitions <= found.worst.transitions
    assert found.best.events <= found.typical.events <= found.worst.events


def test_the_cost_is_that_of_the_transitions() -> None:
    """$0.025 for a thousand."""
    assert estimated(JOBS["chain"], 1.0).typical.cost == pytest.approx(8 * 0.000025)


def test_the_worst_run_uses_every_retry_until_its_timeout() -> None:
    """Three attempts of two minutes, in long polls of half a minute; all but the last are cancelled, with a pause."""
    made = job(task("a", retries=2, timeout=timedelta(minutes=2)))
    found = estimated(made)
    attempt = 2 + 2 + 1  # submit, finish; two more long polls; status
    overdue = 3 + 2  # cancel, describe, status; retry, status
    assert found.worst.transitions == 2 + 3 * attempt + 2 * overdue


def test_waiting_for_the_lock_is_part_of_the_worst() -> None:
    """720 looks of six states and 21 events."""
    queued, skipped = (
        estimated(job(task("a"), lock=LockPolicy(when_locked=policy)))  # type: ignore[arg-type]
        for policy in ("wait", "skip")
    )
    assert queued.worst.transitions - skipped.worst.transitions == 720 * 6
    assert queued.worst.events - skipped.worst.events == 720 * 21


def test_in_the_map_layout_the_execution_itself_waits_for_the_lock() -> None:
    """The children's histories are not longer by that."""
    waits = job(task("a"), layout="map", lock=LockPolicy(when_locked="wait"))
    skips = job(task("a"), layout="map")
    assert estimated(waits).worst.events - estimated(skips).worst.events < 720 * 21


def test_the_safe_run_time_is_the_longest_that_fits() -> None:
    """With every statement that long the history fits; with half a minute more it does not."""
    made = job(*(task(f"t{number}") for number in range(20)))
    safe = estimated(made).safe_seconds
    histories = [estimated(made, seconds).typical.events for seconds in (safe, safe + 30)]
    assert histories[0] <= MAX_EVENTS < histories[1]


def test_a_single_task_may_run_as_long_as_redshift_lets_it() -> None:
    """24 hours of long polls fit into one history."""
    assert estimated(JOBS["one_task"]).safe_seconds == 86_400


def test_limits_are_measured_on_the_definition() -> None:
    """Bytes as they are deployed, the deepest Parallel, the longest name, the largest payload."""
    made = job(task("a", sql=("select " + "1" * 50_000,)), task("b", "a"), task("c", "a"))
    limits = {limit.name: limit for limit in estimated(made).limits}
    assert limits["definition"].used == size(compile_job(made).definition())
    assert limits["Parallel states nested"].used == 1
    assert limits["state name"].where == "judge finished statements"
    assert limits["payload of a state"].where == "a"
    assert limits["payload of a state"].used > 50_000
    assert limits["statements at one time"].used == 2
    assert limits["submissions in a second"].used == 2
    assert all(limit.left == limit.allowed - limit.used > 0 for limit in limits.values())
