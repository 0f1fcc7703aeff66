"""`runtime: lambda` puts functions between the states and the services, and changes nothing else of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.functions import request_of
from elt_redshift.job.model import EltJob
from elt_redshift.testing.program import template
from elt_redshift.testing.values import Environment

from .jobs import JOBS

#: With timeouts, without waits of their own.
NAMES = ("one_task", "n", "fence", "finish_independent", "wait_for_the_lock", "map", "batch_auto_commit")


def _with_functions(job: EltJob, runtime: str = "lambda") -> EltJob:
    spec = job.spec
    tasks = tuple(replace(task, timeout=timedelta(minutes=10)) for task in spec.tasks)
    return EltJob._of(replace(spec, tasks=tasks, runtime=runtime))  # type: ignore[arg-type]


def _states(flow: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in flow["States"].items():
        yield name, state
        for branch in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from _states(branch)


@pytest.mark.parametrize("name", NAMES)
def test_the_states_are_the_same(name: str) -> None:
    """The same states in the same order, with the same retries and ways to go; none calls the Data API itself, and the
    function is given the very request."""
    pair = (compile_job(_with_functions(JOBS[name], runtime)) for runtime in ("data_api", "lambda"))
    direct, invoking = (dict(_states(machine.definition())) for machine in pair)
    assert [*direct] == [*invoking]
    for state, other in zip(direct.values(), invoking.values(), strict=True):
        assert [state.get(member) for member in ("Type", "Retry", "Next", "End", "Comment")] == [
            other.get(member) for member in ("Type", "Retry", "Next", "End", "Comment")
        ]
        assert request_of(other) == request_of(state)
        assert [one["Next"] for one in state.get("Catch", ())] == [one["Next"] for one in other.get("Catch", ())]
        assert "redshiftdata" not in other.get("Resource", "")
        if other.get("Resource", "").endswith("lambda:invoke"):
            assert "$states.result." not in json.dumps(other).replace("$states.result.Payload", "")


def _why(error: str, cause: str) -> str:
    """What the state that submits tells of an error that it caught."""
    definition = compile_job(JOBS["functions"]).definition()
    (catcher,) = definition["States"]["a"]["Catch"]
    states = {
        "input": {"attempt": 1, "redrives": 0},
        "context": {"Execution": {"RedriveCount": 0}},
        "errorOutput": {"Error": error, "Cause": cause},
    }
    return str(template(catcher["Output"])(Environment({"states": states, "kept": ""}, 0, Random(1)))["refused"])


def test_an_error_tells_the_service_s_words() -> None:
    """Not the JSON in which Lambda wraps them; where that is cut off, or there is none, what there is."""
    said = json.dumps({"errorMessage": 'No "such"\ntable.', "errorType": "X", "stackTrace": ["Unavailable"]})
    assert _why("RedshiftData.ValidationException", said) == 'RedshiftData.ValidationException No "such"\ntable.'
    assert _why("X", said[:-1]) == f"X {said[:-1]}"
    assert _why("Lambda.TooManyRequestsException", "Rate Exceeded.") == "Lambda.TooManyRequestsException Rate Exceeded."


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        ("Lambda.ServiceException", True),
        ("Lambda.AWSLambdaException", True),
        ("Lambda.Unknown", True),
        ("Sandbox.Timedout", True),
        ("Runtime.ExitError", True),
        ("Runtime.ImportModuleError", False),
        ("Lambda.ResourceNotFoundException", False),
    ],
)
def test_errors_of_lambda_s_own_pass_or_last(error: str, passes: bool) -> None:
    """What Lambda itself failed in is asked again; what a function cannot do is told."""
    assert ("Unavailable" in _why(error, "")) == passes
