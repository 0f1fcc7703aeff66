"""A task's state that describes its statement is entered again as long as that runs, and only then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.local.stepfunctions.jsonata import QueryError, evaluate

from .jobs import JOBS, job, task

_GIVEN = {"Id": "s", "attempt": 1, "failures": 0, "redrives": 1, "since": 0, "deadline": 9_000_000_000_000}
_TIMED = job(task("a", timeout=timedelta(minutes=5)))


def _goes_on(of: Any, answer: dict[str, Any], redrives: int = 1, **given: Any) -> bool:
    """Whether the state's output refuses the answer, which its first catcher then leads back from."""
    execution = {"RedriveCount": redrives, **({"RedriveTime": "2026-01-01T00:00:00.000Z"} if redrives else {})}
    states = {"input": {**_GIVEN, **given}, "result": answer, "context": {"Execution": execution}}
    found = compile_job(of).definition()["States"]["a: describe"]
    try:
        told = evaluate(found["Output"][2:-2], {"states": states})
    except QueryError as error:
        return "Not finished." in str(error) or pytest.fail(f"it raised {error}")
    return not isinstance(told, dict)


@pytest.mark.parametrize("status", ["SUBMITTED", "PICKED", "STARTED"])
def test_a_statement_that_runs_is_looked_at_again(status: str) -> None:
    """Not once its task is late, nor after a redrive, which takes the lock first; one that is being cancelled is."""
    assert _goes_on(_TIMED, {"Status": status})
    assert not _goes_on(_TIMED, {"Status": status}, deadline=1)
    assert not _goes_on(_TIMED, {"Status": status}, redrives=2)
    assert _goes_on(_TIMED, {"Status": status}, deadline=1, error="It was cancelled.")


@pytest.mark.parametrize("redrives", [0, 1, 2])
@pytest.mark.parametrize("name", ["one_task", "fence"])
@pytest.mark.parametrize(
    "answer",
    [
        {"Status": "FAILED", "UpdatedAt": "yesterday", "CreatedAt": ""},
        {"Status": "FAILED", "UpdatedAt": 1_700_000_000, "Error": "no", "SubStatements": []},
        {"Status": "ABORTED", "CreatedAt": "2026-01-01 00:00", "SubStatements": [{"Status": "FAILED", "Id": "s:1"}]},
        {"Status": "FAILED", "SubStatements": [{"Status": "FAILED", "Id": "s:1"}], "Error": "Divide by zero"},
        {"Status": "FINISHED"},
        {"Status": "NEVER_HEARD_OF", "ResultRows": 1},
        {},
    ],
)
def test_no_other_answer_is_taken_for_one_of_a_statement_that_runs(
    answer: dict[str, Any], name: str, redrives: int
) -> None:
    """However strange it is: the state would be entered for ever, and nobody told."""
    assert not _goes_on(JOBS[name], answer, redrives)
