"""Definitions run in the simulation as Step Functions would run them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.language.states import DistributedMap, Flow, Map, Parallel, Succeed, Wait
from elt_redshift.graph.layout import arrange
from elt_redshift.job.model import EltJob
from elt_redshift.planning.scenario import Scenario
from elt_redshift.planning.simulation import Simulation
from tests.unit.asl.jobs import JOBS, job, task
from tests.unit.graph.test_layout import Run


def simulate(made: EltJob, seconds: float = 1.0, **more: object) -> Simulation:
    """All statements take as long."""
    scenario = Scenario(dict.fromkeys(made.task_names, seconds), **more)  # type: ignore[arg-type]
    return Simulation(compile_job(made).flow, scenario)


@pytest.mark.parametrize(
    ("name", "transitions"),
    [("one_task", 4), ("chain", 8), ("side_by_side", 7), ("two_then_one", 9), ("diamond", 11), ("parameters", 4)],
)
def test_a_short_task_costs_two_transitions(name: str, transitions: int) -> None:
    """Two for each task and two for the lock; one for each Parallel; one for looking at required parameters."""
    assert simulate(JOBS[name]).transitions == transitions


@pytest.mark.parametrize(("seconds", "polls"), [(30, 0), (60, 0), (61, 1), (90, 1), (91, 2), (3600, 118)])
def test_a_long_statement_costs_a_transition_for_each_half_minute(seconds: float, polls: int) -> None:
    """One describe, after the first minute, and at last one look at its answer. All answers but the last are caught."""
    short, long = simulate(JOBS["one_task"]), simulate(JOBS["one_task"], seconds)
    assert long.transitions == short.transitions + polls + (polls > 0)
    assert long.events == short.events + 6 * polls + 2 * (polls > 0)
    assert long.makespan == seconds


def test_a_polling_task_pauses_longer_and_longer() -> None:
    """1, 2, 3, 4 and 6 seconds until a statement of 15 seconds has ended, in two states each, and a look at the end."""
    long = simulate(JOBS["polling"], 15)
    assert (long.makespan, long.transitions) == (16, 4 + 2 * 5)


@pytest.mark.parametrize("seconds", [100, 1000, 86_400])
def test_pauses_are_at_most_a_minute(seconds: float) -> None:
    """A polling task finds the end of its statement within a minute."""
    assert seconds <= simulate(JOBS["polling"], seconds).makespan < seconds + 60


@pytest.mark.parametrize(
    ("seconds", "more"),
    # find, status, await, describe, status; then await, describe, status each time
    [(1, 0), (300, 0), (301, 5), (900, 5), (931, 8), (86_400, 2 + 3 * 26)],
)
def test_a_task_that_waits_for_an_event_costs_one_transition_and_some_for_each_net(seconds: float, more: int) -> None:
    """The nets are 5, 10, 20, 40 and 60 minutes wide, with a look of half a minute behind each but the first."""
    run = simulate(JOBS["event"], seconds)
    assert (run.transitions, run.makespan) == (3 + more, seconds)


def test_a_failure_told_by_an_event_is_walked() -> None:
    """One that fails is described, and submitted again; one past its timeout is found, cancelled, described."""
    failing = job(task("a", retries=1, wait="event"))
    assert simulate(failing, 10, failures={"a": 1}).transitions == simulate(failing, 10).transitions + 5
    late = job(task("a", retries=1, wait="event", timeout=timedelta(seconds=10)))
    assert simulate(late, 10, failures={"a": 1}).transitions == simulate(late, 10).transitions + 8


def test_retries_and_timeouts_are_walked() -> None:
    """A task that runs into its timeout is cancelled, described, and submitted again after a pause."""
    made = job(task("a", retries=1, timeout=timedelta(seconds=10)))
    # submit, finish, describe, status, cancel, describe, status, retry, status
    assert simulate(made, 10, failures={"a": 1}).transitions == simulate(made, 10).transitions + 9


def test_a_join_costs_what_the_documentation_says() -> None:
    """One for announcing and one for waiting; two more for waking a task that really waits."""
    bare, never, always = (simulate(one, joins=how) for one, how in _joined())
    assert never.transitions == bare.transitions + 2
    assert always.transitions == never.transitions + 2


def _joined() -> list[tuple[EltJob, str]]:
    """The N, and the same without its join: a and b, each with one task behind it."""
    return [(JOBS["two_chains"], "never"), (JOBS["n"], "never"), (JOBS["n"], "always")]


def test_whether_a_join_waits_follows_from_the_durations() -> None:
    """c stands behind a and awaits b."""
    flow = compile_job(JOBS["n"]).flow
    for b, more in ((1.0, 0), (9.0, 2)):
        run = Simulation(flow, Scenario({"a": 5.0, "b": b, "c": 1.0, "d": 1.0}))
        assert run.transitions == simulate(JOBS["n"], joins="never").transitions + more
        assert run.starts["c"] == max(5.0, b)
        assert run.starts["d"] == b


def test_child_executions_have_histories_of_their_own() -> None:
    """A Map that starts child executions pays one transition for each, and the longest history counts."""
    flow = Flow((Wait("x", 0, "y"), Succeed("y")))
    children = DistributedMap("each", "b", "k", {}, flow, "end", None, "tasks", 3)
    inline = Map("each", [1, 2, 3], flow, "end")
    for each, transitions, events in ((children, 1 + 3 + 6 + 1, 10), (inline, 1 + 6 + 1, 26)):
        run = Simulation(Flow((each, Succeed("end"))), Scenario({}), [{}, {}, {}])
        assert (run.transitions, run.events) == (transitions, events)


def test_branches_that_wait_for_each_other_are_told() -> None:
    """A definition that no run can end is an error, not an endless loop."""
    states = compile_job(JOBS["n"]).flow.states
    less = [replace(one, branches=one.branches[:-1]) if isinstance(one, Parallel) else one for one in states]
    with pytest.raises(ValueError, match="wait for each other"):
        Simulation(Flow(tuple(less)), Scenario(dict.fromkeys("abcd", 1.0)))


def test_turns_are_waited_for() -> None:
    """A task begins no sooner than its turn comes, and pays one transition for the wait if there is one."""
    narrow, wide = (
        compile_job(job(*(task(f"t{number}") for number in range(count)), layout="map")) for count in (20, 60)
    )
    free, paced = (
        Simulation(one.flow, Scenario(dict.fromkeys(one.job.task_names, 1.0)), one.job_file or ())
        for one in (narrow, wide)
    )
    assert set(free.starts.values()) == {0.0}
    turns = [0.0 if number < 29 else number / 28.5 for number in range(60)]
    assert sorted(paced.starts.values()) == pytest.approx(turns, abs=0.01)
    each = (free.transitions - 3) / 20
    assert paced.transitions == 3 + 60 * each + 31


@pytest.mark.parametrize("made", [JOBS["map"], job(task("c", retries=2, wait="poll"), layout="map")])
def test_retries_in_the_map_layout_are_walked(made: EltJob) -> None:
    """A statement that fails is submitted anew by the same states, whether it polls or not."""
    machine = compile_job(made)
    scenario = Scenario(dict.fromkeys(made.task_names, 1.0), {"c": 2})
    run = Simulation(machine.flow, scenario, machine.job_file or ())
    assert run.ends["c"] - run.starts["c"] >= 3


@st.composite
def _graphs(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, int]]:
    names = [f"t{number}" for number in range(draw(st.integers(1, 14)))]
    graph = {
        name: sorted(draw(st.sets(st.sampled_from(names[:index]), max_size=3))) if index else []
        for index, name in enumerate(names)
    }
    return graph, {name: draw(st.integers(1, 200)) for name in names}


@given(_graphs())
def test_every_task_starts_when_its_upstreams_end(given: tuple[dict[str, list[str]], dict[str, int]]) -> None:
    """The definition of any graph has the times of its arrangement: every task starts with its last upstream's end."""
    graph, seconds = given
    made = job(*(task(name, *ups) for name, ups in graph.items()))
    run = Simulation(compile_job(made).flow, Scenario(seconds))
    assert run.starts == Run(arrange(graph), seconds).starts
    mapped = compile_job(job(*made.tasks, layout="map"))
    assert Simulation(mapped.flow, Scenario(seconds), mapped.job_file or ()).starts == run.starts
    assert run.starts == {name: max((run.ends[up] for up in ups), default=0) for name, ups in graph.items()}
    assert run.makespan == max(run.ends.values())
