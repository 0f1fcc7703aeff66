"""States know what they are."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from elt_redshift.asl import fingerprints
from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.language.names import StateName, Step, in_states, is_shortened, together
from elt_redshift.asl.language.states import DistributedMap, Flow, Map, Parallel, State

from .jobs import JOBS, job, task


@pytest.mark.parametrize("step", get_args(Step))
def test_a_name_is_read_back(step: Step) -> None:
    """What a history calls a state tells its task and what it does there; the first state bears the task's name."""
    name = StateName("load_fact", step)
    read = StateName.read(str(name))
    assert read is not None
    assert (read, read.task, read.step) == (name, "load_fact", step)
    assert (name == "load_fact") is not bool(step)
    copy = pickle.loads(pickle.dumps(name))
    assert (copy, copy.task, copy.step) == (name, "load_fact", step)


@pytest.mark.parametrize("text", ["acquire lock", "skip run", together(["a", "b"], 1), "load_fact: of another version"])
def test_other_states_belong_to_no_task(text: str) -> None:
    """The lock's states and Parallel states have blanks in their names; a step that is not ours is nobody's."""
    assert StateName.read(text) is None


def _states(flow: Flow) -> Iterator[State]:
    for state in flow.states:
        yield state
        inner = state.branches if isinstance(state, Parallel) else ()
        inner = (state.processor,) if isinstance(state, Map | DistributedMap) else inner
        for one in inner:
            yield from _states(one)


@pytest.mark.parametrize("job", JOBS)
def test_every_state_of_a_task_knows_so(job: str) -> None:
    """A compiled job's states and what is read from their names agree, so that a history shows what was compiled."""
    for state in _states(compile_job(JOBS[job]).flow):
        known = state.name if isinstance(state.name, StateName) else None
        read = StateName.read(state.name)
        assert (known and (known.task, known.step)) == (read and (read.task, read.step))


LONG = "int_finance__customer_lifetime_value_by_acquisition_channel_and_month_with_refunds_unioned_across_all_regions_v"


@pytest.mark.parametrize("step", get_args(Step))
def test_states_of_a_long_name_are_short_and_know_it_whole(step: Step) -> None:
    """A state's name has at most 80 characters, and the state that bears it knows its task."""
    name = StateName(LONG, step)
    assert (len(name) <= 80, name.task, name.step) == (True, LONG, step)
    copy = pickle.loads(pickle.dumps(name))
    assert (copy, copy.task, copy.step) == (name, LONG, step)
    read = StateName.read(str(name))
    assert read is not None
    assert (read, read.task, read.step) == (name, in_states(LONG), step)


def test_names_that_begin_alike_stay_apart() -> None:
    """Neither each other's nor a real task's: a hyphen is in no task's name."""
    names = [LONG[:100] + str(number) for number in range(1000)]
    assert len({in_states(name) for name in names}) == 1000
    assert all(is_shortened(in_states(name)) and len(in_states(name)) == 60 for name in names)
    assert in_states(LONG[:60]) == LONG[:60]
    assert not is_shortened(LONG[:60])


@pytest.mark.parametrize("layout", ["unrolled", "map"])
@pytest.mark.parametrize("failure", ["stop", "finish_independent"])
def test_a_job_of_the_longest_names_is_compiled(layout: Any, failure: Any) -> None:
    """Names of 128 characters, in joins as well, with every state's name unique and short enough."""
    names = [LONG[:100] + "x" * 26 + f"{number:02}" for number in range(12)]
    edges = {1: [0], 2: [0], 3: [1], 4: [1, 2], 5: [2], 6: [3, 5], 7: [4], 8: [6, 7], 9: [0, 8], 10: [], 11: [10, 4]}
    tasks = [task(name, *(names[up] for up in edges.get(number, ()))) for number, name in enumerate(names)]
    machine = compile_job(job(*tasks, layout=layout, on_task_failure=failure).validate())
    found = [state.name for state in _states(machine.flow)]
    assert len(found) == len(set(found))
    assert max(map(len, found)) <= 80
    if layout == "unrolled":
        assert {name.task for name in found if isinstance(name, StateName)} == set(names)
        prints = fingerprints.of_definition(machine.definition())
        assert prints is not None
        assert set(prints) == set(names)
