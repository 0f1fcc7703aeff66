"""States know what they are."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import get_args

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.language.names import StateName, Step, together
from elt_redshift.asl.language.states import DistributedMap, Flow, Map, Parallel, State

from .jobs import JOBS


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
