"""Which execution a DAG run's start task stands for."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.aws.attempts import latest_attempt, run_execution_name
from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.executions import Executions
from elt_redshift.operators.redriving import Redriver
from elt_redshift.protocol.executions import execution_arn
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions

NAME = partial(run_execution_name, "sales", "manual__2026-01-01T00:00:00+00:00", "start_execution")
YEAR = {"year": "1998"}


def _start(client: FakeStepFunctions, repeated: bool = False, cleared: bool = False) -> str:
    definitions = Definitions(client, lambda: None)
    redriver = Redriver(Executions(client, MACHINE), NAME, YEAR, lambda: None, "7", "token", definitions)
    return redriver.start(repeated, cleared).arn.rpartition(":")[2]


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.integers(1, 1000))
def test_names_are_what_step_functions_takes(dag_id: str, run_id: str, task_id: str, attempt: int) -> None:
    """Whatever the ids are, a name has at most 80 of the allowed characters, and is the same every time."""
    name = run_execution_name(dag_id, run_id, task_id, attempt)
    assert re.fullmatch("[A-Za-z0-9_.-]{1,80}", name)
    assert name == run_execution_name(dag_id, run_id, task_id, attempt)


def test_names_differ_where_ids_differ() -> None:
    """Ids that look alike once they are cut and cleaned still have different names."""
    long = "x" * 100
    ids = [("a", "b:c"), ("a", "b+c"), ("a-b", "c"), ("a", "b-c"), (long, "1"), (long, "2"), (long + "y", "1")]
    starts = [(task, attempt) for task in ("start", "other.start") for attempt in (1, 2)]
    names = {run_execution_name(*pair, *start) for pair in ids for start in starts}
    assert len(names) == len(starts) * len(ids)


def test_the_name_is_readable() -> None:
    """A name begins with the DAG's and the run's ids and ends with the attempt."""
    assert re.fullmatch(r"sales-manual__2026-01-01T00_00_00_00_00-[0-9a-f]{10}-3", NAME(3))


def test_the_first_try_starts_the_first_attempt() -> None:
    """Without an execution of the DAG run, one is started with the parameters."""
    client = FakeStepFunctions()
    assert _start(client) == NAME(1)
    assert client.executions[execution_arn(MACHINE, NAME(1))].given == '{"parameters": {"year": "1998"}}'


@pytest.mark.parametrize("repeated", [False, True])
def test_a_running_execution_is_attached_to(repeated: bool) -> None:
    """Whatever led to another try, no second execution is started while the DAG run's own still runs."""
    client = FakeStepFunctions(FakeExecution(NAME(1)))
    assert _start(client, repeated) == NAME(1)
    assert client.calls["StartExecution"] == 0


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"])
def test_a_repeated_try_takes_what_the_interrupted_one_started(status: str) -> None:
    """An execution that ended while the worker was lost is the DAG run's: it is not run again."""
    client = FakeStepFunctions(FakeExecution(NAME(1)).end(status))
    assert _start(client, repeated=True) == NAME(1)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"])
def test_a_run_that_was_made_anew_starts_anew(status: str) -> None:
    """A DAG run that was deleted and made again leaves executions of the old one alone."""
    client = FakeStepFunctions(FakeExecution(NAME(1)).end(status), FakeExecution(NAME(2)).end("FAILED"))
    assert _start(client) == NAME(3)


def test_a_cleared_start_of_a_succeeded_run_starts_anew() -> None:
    """Whoever clears a whole run that succeeded wants it to run again."""
    client = FakeStepFunctions(FakeExecution(NAME(1)).end("SUCCEEDED"))
    assert _start(client, cleared=True) == NAME(2)


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_a_cleared_start_of_a_failed_run_redrives(status: str) -> None:
    """Whoever clears a whole run that failed wants it to go on: the latest attempt is redriven, nothing is started."""
    client = FakeStepFunctions(FakeExecution(NAME(1)).end("FAILED"), FakeExecution(NAME(2)).end(status))
    assert _start(client, cleared=True) == NAME(2)
    assert (client.calls["RedriveExecution"], client.calls["StartExecution"]) == (1, 0)


def test_a_repeated_try_before_any_start_starts() -> None:
    """When the interrupted try had not come as far as starting, the repeated one does."""
    assert _start(FakeStepFunctions(), repeated=True) == NAME(1)


def test_other_errors_are_not_taken_for_a_missing_execution() -> None:
    """A throttled look is an error, not a reason to start."""
    client = FakeStepFunctions()
    client.errors = ["ThrottlingException"]
    with pytest.raises(AwsError, match="ThrottlingException"):
        _start(client)
    assert client.calls["StartExecution"] == 0


def test_an_attempt_that_does_not_show_yet_is_not_taken_for_the_one_before() -> None:
    """Where the start task has told of attempt 2, attempt 1 is not the newest, although AWS shows no other yet."""
    executions = Executions(FakeStepFunctions(FakeExecution(NAME(1)).end("FAILED")), MACHINE)
    with pytest.raises(AwsError, match="does not show yet"):
        latest_attempt(executions, NAME, execution_arn(MACHINE, NAME(2)))
    assert latest_attempt(executions, NAME, execution_arn(MACHINE, NAME(1)))[0] == 1


def test_executions_that_are_gone_are_none() -> None:
    """After 90 days AWS has forgotten the first attempt, too: there is nothing to wait for."""
    executions = Executions(FakeStepFunctions(), MACHINE)
    assert latest_attempt(executions, NAME, execution_arn(MACHINE, NAME(1))) == (0, None)


@pytest.mark.parametrize("qualifier", ["", ":live", ":7"])
def test_executions_are_named_after_the_machine_alone(qualifier: str) -> None:
    """A version or alias in the machine's ARN is no part of an execution's."""
    arn = execution_arn(MACHINE + qualifier, "run")
    assert arn == "arn:aws:states:us-east-1:123456789012:execution:sales:run"
