"""What `plan` tells about a job."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.asl import bounds
from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob, SqlTask
from elt_redshift.planning.critical_path import longest_path
from elt_redshift.planning.estimates import Limit, simulate
from elt_redshift.planning.plan import plan_job
from elt_redshift.planning.scenario import Scenario
from tests.unit.asl.jobs import JOBS, job, task


def expecting(**seconds: int) -> EltJob:
    """a and b, then c behind both, with these expected durations."""
    ups = {"a": (), "b": (), "c": ("a", "b")}
    made = EltJob(job_id="1", name="one")
    for name, upstream in ups.items():
        made.task(name, statement="select 1", upstream=upstream, expected=timedelta(seconds=seconds.get(name, 60)))
    return made


def test_the_critical_path_is_the_longest_way_by_expected_durations() -> None:
    """The slower of two upstreams, and what stands behind it."""
    found = plan_job(compile_job(expecting(a=90, b=30, c=10)))
    assert found.critical_path == ("a", "c")
    assert (found.critical_seconds, found.makespan, found.ratio) == (100, 100, 1.0)


def test_recorded_durations_win_over_expected_ones() -> None:
    """A task that was not recorded keeps what is expected of it."""
    found = plan_job(compile_job(expecting(a=90, b=30, c=10)), {"b": 200.0})
    assert found.critical_path == ("b", "c")
    assert found.makespan == 210


def test_the_arrangement_is_that_of_the_compiled_machine() -> None:
    """What is drawn is what was compiled, arranged once."""
    machine = compile_job(JOBS["models"])
    assert plan_job(machine).arrangement is machine.arrangement


def test_a_guess_is_not_longer_than_the_timeout() -> None:
    """A task of at most ten seconds is not guessed to take a minute."""
    assert plan_job(compile_job(job(task("a", timeout=timedelta(seconds=10))))).makespan == 10


def test_further_limits_stand_behind_the_others() -> None:
    """Those of what is made of the definition, such as the template."""
    found = plan_job(compile_job(JOBS["chain"]), more=[Limit("template", 1, 2, "bytes")]).to_dict()
    assert found["limits"][-1] == {"name": "template", "used": 1, "allowed": 2, "unit": "bytes", "where": "", "left": 1}


@pytest.mark.parametrize("name", JOBS)
def test_no_layout_waits_longer_than_the_critical_path(name: str) -> None:
    """Only a cap on statements, and polling, make a job slower than its longest way."""
    made = JOBS[name]
    found = plan_job(compile_job(made))
    assert found.ratio >= 1
    if made.max_active_statements is None and not any(one.wait == "poll" for one in made.tasks):
        assert found.ratio == pytest.approx(1.0)
    assert found.joins >= found.least_joins or found.layout == "map"


def test_a_cap_costs_what_the_lanes_cost() -> None:
    """Four equal tasks on two lanes take twice as long."""
    capped = EltJob(job_id="1", name="one", max_active_statements=2)
    for name in "abcd":
        capped.task(name, statement="select 1")
    assert plan_job(compile_job(capped)).ratio == 2


@pytest.mark.parametrize(
    ("layout", "tasks", "hours", "chosen", "why"),
    [
        ("auto", 2, None, "unrolled", "it fits"),
        ("auto", 140, None, "unrolled", "one history, since statements of more than a minute have executions of their"),
        ("auto", 20, 12, "unrolled", "since statements of more than a minute have executions of their own"),
        (
            "auto",
            300,
            None,
            "parts",
            "than one definition or history takes, and not more than 30 such; 2 parts of up to 150",
        ),
        ("auto", 200, 24, "parts", "than one definition or history takes, and not more than 30 such; 2 parts of up to"),
        ("map", 2, None, "map", "the job says so"),
    ],
)
def test_the_layout_is_told_with_its_reason(layout: str, tasks: int, hours: int | None, chosen: str, why: str) -> None:
    """Chosen by the limit that it would exceed, or because the job says so."""
    made = EltJob(job_id="1", name="one", layout=layout)  # type: ignore[arg-type]
    for number in range(tasks):
        made.task(f"t{number}", statement="select 1", timeout=timedelta(hours=hours) if hours else None)
    found = plan_job(compile_job(made))
    assert found.layout == chosen
    assert why in found.reason


@pytest.mark.parametrize(
    ("tasks", "hours", "more", "why"),
    [
        (300, 0.2, {"runtime": "lambda"}, "there are fewer; and parts have no `runtime: lambda`"),
        (200, 24, {}, "there are fewer; and in parts there would be more than 1, or one would be too large"),
        (501, None, {}, "bytes; and more than 500 of its tasks could begin at once, which have turns in this layout"),
        (300, None, {}, "943,718 bytes; and in parts there would be more than 1, or one would be too large"),
    ],
)
def test_the_map_layout_is_told_with_what_speaks_against_parts(
    tasks: int, hours: float | None, more: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they do not do, or their number; beside what does not fit one definition or history."""
    monkeypatch.setattr(bounds, "MAX_PARTS", 1)
    made = EltJob(job_id="1", name="one", **more)
    for number in range(tasks):
        made.task(f"t{number}", statement="select 1", timeout=timedelta(hours=hours) if hours else None)
    found = plan_job(compile_job(made))
    assert found.layout == "map"
    assert why in found.reason


@pytest.mark.parametrize(("sql", "each"), [(("select 1",), 5), (("select 1", "select 2"), 6)])
def test_a_run_of_the_map_layout_counts_its_children(sql: tuple[str, ...], each: int) -> None:
    """Five transitions a task, or six in a job where some are batches and others are not; one an edge that no other
    implies, one for each child's start, three for the run; two for waking a task that waits."""
    found = plan_job(compile_job(job(task("a"), task("b", "a", sql=sql), layout="map")))
    assert found.estimates.best.transitions == 3 + 2 * each + 1 + 2
    assert found.estimates.typical.transitions == found.estimates.best.transitions + 2
    assert found.joins == 1


def test_the_plan_is_plain_json() -> None:
    """Every key has a value that JSON knows, and each limit its distance."""
    found = json.loads(json.dumps(plan_job(compile_job(job(task("a"), task("b", "a")))).to_dict()))
    assert found["runs"]["best"]["transitions"] == 2 + 2 * 2
    assert found["runs"]["best"]["cost_usd"] == pytest.approx(6 * 0.000025)
    assert found["critical_path"] == ["a", "b"]
    assert all(limit["left"] == limit["allowed"] - limit["used"] for limit in found["limits"])


def test_a_job_without_tasks_in_common_has_the_longest_task_as_its_path() -> None:
    """Of tasks side by side, the one that takes longest."""
    assert longest_path({"a": (), "b": ()}, {"a": 1.0, "b": 2.0}) == ("b",)


def test_more_than_the_data_api_takes_is_told() -> None:
    """Submissions within a second, and statements at a time; whoever keeps below, or has turns, is told nothing."""

    def told(*tasks: SqlTask, **more: Any) -> list[str]:
        return [str(risk.problem) for risk in plan_job(compile_job(job(*tasks, **{"layout": "map", **more}))).risks]

    wide = [task(f"t{number}") for number in range(31)]
    assert told(*wide[:30], layout="unrolled") == []
    (burst,) = told(*wide, layout="unrolled")
    assert burst.startswith("job sample: 31 statements are submitted within a second, of 30 that the Data API takes")
    assert told(*wide, layout="unrolled", max_active_statements=30) == []
    assert told(*wide) == []
    (burst,) = told(task("first"), *(task(one.name, "first") for one in wide))
    assert "31 statements are submitted within a second" in burst
    many = [task(f"r{number}") for number in range(501)]
    assert told(*many) == []
    (active,) = told(*many, fence=True)
    assert "501 statements are active at a time" in active
    assert told(*(task(one.name, expected=timedelta(minutes=2)) for one in many), fence=True) == []


def test_a_job_of_which_not_all_tasks_are_there_at_once_takes_as_long_as_that() -> None:
    """The 501st task begins when the first one has ended."""
    tasks = [task(f"t{number}", expected=timedelta(minutes=10)) for number in range(501)]
    machine = compile_job(job(*tasks, layout="map"))
    ran = simulate(machine, Scenario({one.name: 600.0 for one in tasks}))
    assert (ran.peak, ran.starts["t500"], ran.makespan) == (500, 600.0, 1200.0)
