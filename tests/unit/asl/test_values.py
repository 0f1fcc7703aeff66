"""What an execution is given, judged by the state machine."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.job.parts import PARAMETER_TYPES
from elt_redshift.local.stepfunctions.jsonata import QueryError, evaluate
from elt_redshift.runs.causes import in_plain_words

from .jobs import JOBS, job, task

ROOT = Path(__file__).parents[3]
VECTORS = json.loads((ROOT / "tests/unit/job/parameter_values.json").read_text())
#: The reference engine, where `make validate` has brought it along.
NODE = next(iter((ROOT / ".venv").glob("asl-validator*/node_modules/jsonata")), None)


def _job(*parameters: Parameter) -> EltJob:
    used = tuple(parameter.name for parameter in parameters)
    return job(
        task("a", sql=(f"select {', '.join(f':{name}' for name in used) or 1}",), parameters=used),
        parameters=parameters,
    )


def _codes(of: EltJob, state: str = "acquire lock") -> tuple[str, str | None]:
    """The expressions that judge and bind."""
    acquire = compile_job(of).definition()["States"][state]
    owner = acquire["Arguments"]["ExpressionAttributeValues"][":owner"]["S"]
    bound = acquire["Assign"].get("parameters")
    return owner[2:-2], bound and bound[2:-2]


def _states(given: Any) -> dict[str, Any]:
    return {"states": {"context": {"Execution": {"Id": "arn", "Input": given}}}}


def _start(of: EltJob, given: Any) -> dict[str, str] | str:
    """The values that are bound; or why the start is refused."""
    judge, bind = _codes(of)
    try:
        assert evaluate(judge, _states(given)) == "arn"
    except QueryError as error:
        return str(error)
    return evaluate(bind, _states(given)) if bind else {}


@pytest.mark.parametrize("kind", PARAMETER_TYPES)
def test_values_are_judged_by_the_vectors(kind: Any) -> None:
    """By the same rules as in Python: the same texts, the same refusals."""
    of = _job(Parameter(name="p", type=kind))
    for value, text in VECTORS[kind]["text"]:
        assert (value, _start(of, {"parameters": {"p": value}})) == (value, {"p": text})
    for value in VECTORS[kind]["refused"]:
        assert "Job sample cannot start. The value of 'p' " in str(_start(of, {"parameters": {"p": value}})), value


@pytest.mark.skipif(NODE is None, reason="`make validate` brings JSONata's own engine")
@pytest.mark.parametrize("kind", PARAMETER_TYPES)
def test_jsonatas_own_engine_judges_alike(kind: Any) -> None:
    """The expressions mean the same to the engine that JSONata's authors write."""
    judge, bind = _codes(_job(Parameter(name="p", type=kind)))
    values = [value for value, _ in VECTORS[kind]["text"]] + VECTORS[kind]["refused"]
    program = f"""
const jsonata = require({json.dumps(str(NODE))});
(async () => {{
  const found = [];
  for (const input of JSON.parse(process.argv[1])) {{
    const states = input.states;
    try {{ await jsonata(process.argv[2]).evaluate({{}}, {{states}});
           found.push((await jsonata(process.argv[3]).evaluate({{}}, {{states}})).p); }}
    catch (error) {{ found.push({{refused: error.message}}); }}
  }}
  console.log(JSON.stringify(found));
}})();"""
    inputs = json.dumps([_states({"parameters": {"p": value}}) for value in values])
    done = subprocess.run(["node", "-e", program, inputs, judge, str(bind)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    texts = [text for _, text in VECTORS[kind]["text"]]
    assert found[: len(texts)] == texts
    refused = found[len(texts) :]
    assert all("cannot start. The value of 'p' " in one["refused"] for one in refused), refused


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"parameters": {"region": None}}, "The value of 'region' is null, and NULL is no value of a job's parameter."),
        ({"parameters": {"region": "ASIEN"}}, "The value of 'region' is ASIEN, not one of its choices: ASIA, AFRICA."),
        ({"parameters": {"regoin": "ASIA"}}, "The job has no parameter 'regoin'. The job has year, region."),
        ({"parameters": {"x": 1, "y": 2}}, "no parameter 'x'. The job has year, region. The job has no parameter 'y'."),
        ({"parameters": ["1998"]}, "The parameters are no object: write"),
        ({"parameters": "year=1998"}, "The parameters are no object: write"),
        ({"parameters": None}, "The parameters are no object: write"),
        ([{"parameters": {"year": "1998"}}], "The input is no object."),
        ("year", "The input is no object."),
        ({}, "The parameter 'year' has no default and no value. Give it: year=value."),
        (
            {"parameters": {"year": 1e15}},
            "'year' is 1e+15, a number that JSON may have rounded. Give it as a string.",
        ),
    ],
)
def test_a_start_is_refused_in_words(given: Any, words: str) -> None:
    """Each refusal names the job, the parameter and what to do, as a person reads it."""
    of = _job(
        Parameter(name="year", type="integer"), Parameter(name="region", default="ASIA", choices=("ASIA", "AFRICA"))
    )
    said = _start(of, given)
    assert isinstance(said, str)
    assert words in said
    cause = (
        "An error occurred while executing the state 'acquire lock to resume' (entered at the event id #5). "
        f"The JSONata expression 'x' specified for the field 'Arguments/x' threw an error during evaluation. {said}"
    )
    assert in_plain_words("States.QueryEvaluationError", cause).startswith("Job sample cannot start. ")


@pytest.mark.parametrize(
    "given", [{}, {"parameters": {}}, {"detail-type": "an event"}, {"parameters": {"region": "AFRICA"}}]
)
def test_a_start_may_give_less_and_other_things(given: Any) -> None:
    """Defaults stand for what is not given, and whatever else an event holds is its own matter."""
    values = {"region": "ASIA", "odd": "😀 ${RedshiftIAMRoleARN}"} | given.get("parameters", {})
    of = _job(Parameter(name="region", default="ASIA"), Parameter(name="odd", default="😀 ${RedshiftIAMRoleARN}"))
    assert _start(of, given) == values


def test_a_job_without_parameters_takes_none() -> None:
    """Nothing that is given is ignored."""
    assert _start(_job(), {"parameters": {}}) == {}
    assert "The job has no parameter 'x'. The job has none." in _start(_job(), {"parameters": {"x": "1"}})


def test_who_takes_the_lock_to_resume_is_judged_as_well() -> None:
    """Both states that take the lock at the start look first."""
    assert "no default and no value" in _codes(_job(Parameter(name="p")), "acquire lock to resume")[0]


def _strings(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        return [found for one in node.values() for found in _strings(one)]
    if isinstance(node, list):
        return [found for one in node for found in _strings(one)]
    return [node] if isinstance(node, str) else []


@pytest.mark.parametrize("name", JOBS)
def test_deployment_finds_nothing_but_placeholders(name: str) -> None:
    """No expression of ours holds what CloudFormation would fill in."""
    for said in _strings(compile_job(JOBS[name]).definition()):
        assert not re.search(r"\$\{(?![A-Z]\w+\})|\{\{|(?<=.)\{%|%\}(?=.)", said), said
