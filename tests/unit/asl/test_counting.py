"""Runs that have done their work are counted, where an alarm asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.parts import Notify, Schedule
from elt_redshift.local.stepfunctions.jsonata import evaluate
from tests.unit.asl.jobs import job, task


def _states(notify: Notify) -> Any:
    return compile_job(job(task("a"), schedule=Schedule(rate="1 hour"), notify=notify)).ending()["States"]


@pytest.mark.parametrize(("outcome", "value"), [("succeeded", 1), ("skipped", 0), ("failed", 0), ("stopped", 0)])
def test_each_end_counts_as_a_success_or_not(outcome: str, value: int) -> None:
    """By the state machine that the execution is of, and for the time at which it ended."""
    (counted,) = _states(Notify(not_succeeded_for=2))["count success"]["Arguments"]["MetricData"]
    execution = "arn:aws-cn:states:cn-north-1:123456789012:execution:sales:nightly:7"
    given = {"executionArn": execution, "outcome": outcome, "stopDate": 1_767_225_642_500}

    def value_of(code: str) -> Any:
        return evaluate(code[2:-2].strip(), {"states": {"input": given}})

    assert value_of(counted["Value"]) == value
    assert value_of(counted["Timestamp"]) == "2026-01-01T00:00:42.500Z"
    machine = value_of(counted["Dimensions"][0]["Value"])
    assert machine == "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:sales"


def test_what_is_not_counted_is_recorded_all_the_same() -> None:
    """Whatever CloudWatch refuses; and where no alarm asks, nothing is counted."""
    states = _states(Notify(not_succeeded_for=2))
    count = states["count success"]
    assert (states["read item"]["Next"], count["Next"]) == ("count success", "record run")
    assert [(one["ErrorEquals"], one["Next"]) for one in count["Catch"]] == [(["States.ALL"], "record run")]
    assert "count success" not in _states(Notify())
