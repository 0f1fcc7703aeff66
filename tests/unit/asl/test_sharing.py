"""What many tasks have in common stands once in a definition, and means the same there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.asl import sharing
from elt_redshift.asl.compiler import PASSES
from elt_redshift.asl.language.jsonata import as_it_is, code_of, expression
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.target import Target
from elt_redshift.aws.definitions import Definition
from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.local.stepfunctions.jsonata import evaluate
from elt_redshift.testing.subject import Subject

from .jobs import job, task

SQL = "insert into \"t\" select '${RedshiftIAMRoleARN}', ' {% a  =  b %} ', $states.input.x -- it's {{so}} \\ /\n"

#: Joins of one and of several upstreams, batches, parameters, and tasks that end with their submissions.
JOB = job(
    *(task(f"a{number}", sql=(f"{SQL}{number}",), expected=timedelta(seconds=number + 18)) for number in range(5)),
    *(task(f"b{number}", "a0", f"a{number + 1}", sql=("select :p", SQL), parameters=("p",)) for number in range(4)),
    *(task(f"c{number}", f"a{number}", f"b{(number + 1) % 4}", "a4") for number in range(4)),
    parameters=[Parameter(name="p", default="1")],
)

STATES = {
    "input": {
        "attempt": 2,
        "failures": 1,
        "redrives": 0,
        "since": 5,
        "Id": "i",
        "token": "t",
        "given": {"a": 1},
        "waiter": "w",
        "awaited": 2,
    },
    "result": {
        "Id": "id",
        "Status": "FINISHED",
        "ResultRows": 3,
        "Attributes": {"Done": {"SS": ["x", "y"]}, "TaskToken": {"S": "token"}},
    },
    "errorOutput": {"Error": "Again", "Cause": '{"a": 1}'},
    "context": {
        "Execution": {"Id": "arn", "Name": "name", "RedriveCount": 0, "StartTime": "2026-11-27T00:00:00Z", "Input": {}},
        "Task": {"Token": "mine"},
    },
}


def _machine(of: EltJob) -> StateMachine:
    return Subject.of(of, follows=True).versions[0].machine


def _states(definition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, state in definition["States"].items():
        yield name, state
        for inner in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from _states(inner)


def _evaluated(value: Any, variables: Mapping[str, Any]) -> Any:
    match value:
        case str() if value.startswith("{%"):
            return evaluate(value[2:-2], {"states": STATES, **variables})
        case dict():
            return {name: _evaluated(one, variables) for name, one in value.items()}
        case list():
            return [_evaluated(one, variables) for one in value]
    return value


def _meant(definition: Mapping[str, Any]) -> dict[str, Any]:
    """What each state of a task does where its input is :data:`STATES`'s; times are left out."""
    assigned = {**definition["States"]["acquire lock"]["Assign"], "parameters": {"p": "1"}}
    variables = _evaluated(assigned, {})
    meant = {}
    for name, state in _states(definition):
        if name.split(":")[0] in JOB.task_names:
            said = {key: state[key] for key in ("Arguments", "Output") if key in state}
            said["Choices"] = [{key: one[key] for key in one if key != "Next"} for one in state.get("Choices", ())]
            said["Catch"] = [one.get("Output") for one in state.get("Catch", ())]
            meant[name] = _timeless(_evaluated(said, variables))
    return meant


def _timeless(value: Any) -> Any:
    """With the same for whatever is a time of now."""
    match value:
        case dict():
            return {name: _timeless(one) for name, one in value.items()}
        case list():
            return [_timeless(one) for one in value]
        case str() | int() if str(value).isdigit() and int(value) > 10**9:
            return "now"
    return value


def test_every_state_means_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments, outputs and conditions of all states of tasks, evaluated as the embedded AWS does."""
    made = _machine(JOB).definition()
    monkeypatch.setattr(sharing, "shared", lambda states: (list(states), {}))
    plain = _machine(JOB).definition()
    assert len(json.dumps(made)) < len(json.dumps(plain)) - 5_000
    found, wanted = _meant(made), _meant(plain)
    assert found.keys() == wanted.keys()
    assert {name: said for name, said in found.items() if said != wanted[name]} == {}


def test_readers_find_the_sql() -> None:
    """As it was written, of single statements and of batches."""
    definition = Definition(json.dumps(_machine(JOB).definition()), None, {})
    assert definition.statements("a3") == (f"{SQL}3",)
    assert definition.statements("b1") == ("select :p", SQL)
    assert definition.statements("c1") == ("insert into c1 select 1",)


@given(st.text(st.sampled_from("ab '\"\\/{}%$=,:&\n"), max_size=20))
def test_texts_keep_their_blanks(text: str) -> None:
    """Whatever stands in them."""
    for said in (code_of(as_it_is(text)), code_of({"x": [as_it_is(text), 1]})):
        assert evaluate(sharing._said(expression(said))[2:-2], {}) == evaluate(said, {})


def test_few_states_say_all_themselves() -> None:
    """A variable would be longer than what it saves."""
    small = PASSES.assemble(PASSES.arrange(PASSES.read(job(task("a")))), Target())
    assert "executeStatement0" not in small.definition()["States"]["acquire lock"]["Assign"]
