"""Definitions are compared with the files under golden/ (ELT_REDSHIFT_WRITE_GOLDEN=1 writes them anew)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job

from . import goldens
from .jobs import JOBS

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", goldens.NAMES)
def test_definition_is_the_golden_one(name: str) -> None:
    """A job compiles to exactly the definition that was reviewed."""
    path, golden = GOLDEN / goldens.file_name(name), goldens.golden(name)
    if os.environ.get("ELT_REDSHIFT_WRITE_GOLDEN"):
        path.write_text(golden)
    assert golden == path.read_text()


def test_no_golden_file_is_left_over() -> None:
    """Every file under golden/ belongs to a definition."""
    assert {path.name for path in GOLDEN.iterdir()} == {goldens.file_name(name) for name in goldens.NAMES}


def _state_names(flow: dict[str, Any]) -> Iterator[str]:
    for name, state in flow["States"].items():
        yield name
        for branch in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from _state_names(branch)


@pytest.mark.parametrize("name", goldens.NAMES)
def test_state_names_are_unique_and_short(name: str) -> None:
    """Step Functions wants every name once in the whole definition, in at most 80 characters."""
    found = list(_state_names(goldens.definition_of(name)))
    assert len(found) == len(set(found))
    assert max(map(len, found)) <= 80


@pytest.mark.parametrize("name", JOBS)
def test_only_tasks_have_names_without_blanks(name: str) -> None:
    """A task may be called whatever it likes: no state of the lock can have its name."""
    machine = compile_job(JOBS[name])
    tasks = () if machine.job_file else JOBS[name].task_names
    assert {state for state in _state_names(machine.definition()) if " " not in state} == set(tasks)


@pytest.mark.parametrize("name", [name for name in goldens.NAMES if not name.endswith("_follower")])
def test_a_failed_task_can_be_redriven(name: str) -> None:
    """No Fail state, and no Catch around the Parallel states: a redrive would not get past them. Nobody redrives a
    follower."""
    definition = goldens.definition_of(name)
    assert '"Type": "Fail"' not in json.dumps(definition)
    assert "Catch" not in json.dumps(list(_parallels(definition)))


def _parallels(flow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for state in flow["States"].values():
        if state["Type"] == "Parallel":
            yield {key: value for key, value in state.items() if key != "Branches"}
            for branch in state["Branches"]:
                yield from _parallels(branch)


@pytest.mark.parametrize("name", JOBS)
def test_compiling_twice_gives_the_same(name: str) -> None:
    """Compilation is deterministic and changes nothing of the job."""
    first, second = (json.dumps(compile_job(JOBS[name]).definition()) for _ in range(2))
    assert first == second
