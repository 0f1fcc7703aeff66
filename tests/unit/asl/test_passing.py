"""What a task that has ended well passes on is what readers of a history take for its end."""

from __future__ import annotations

import pytest

from elt_redshift.asl.language.names import StateName, Step
from elt_redshift.asl.patterns.passing import NO_ROWS, End, end_of, finish, keep, rows
from elt_redshift.local.stepfunctions.jsonata import evaluate


@pytest.mark.parametrize("step", ["", "finish", "status", "kept"])
def test_an_end_is_read_where_it_was_written(step: Step) -> None:
    """Of the task whose state is left, and of no other: what it was given tells of the task before it."""
    passed = {**finish("a", "", ""), "statement": "s1", "rows": 7}
    assert end_of(StateName("a", step), passed) == End("s1", kept=False, rows=7)
    assert end_of(StateName("a", step), {**passed, "rows": NO_ROWS}) == End("s1", kept=False)
    assert end_of(StateName("b", step), passed) is None
    assert end_of(StateName("a", step), keep("a")) == End("none", kept=True)
    assert end_of(StateName("a", step), {"Id": "s1"}) is None


def test_what_follows_an_end_ends_nothing() -> None:
    """An announcement passes on what it was given."""
    assert end_of(StateName("a", "announce"), {"finished": "a", "statement": "s1"}) is None


def test_rows_are_those_of_the_job_s_statements() -> None:
    """Of a batch their sum, of which the row of a fence's check is none; unknown where nothing is told."""
    batch = {"SubStatements": [{"ResultRows": 1}, {"ResultRows": -1}, {"ResultRows": 7}], "ResultRows": -1}
    for answer, batches, fenced, found in (
        (batch, True, True, 7),
        (batch, None, False, 8),
        ({"ResultRows": 5}, False, False, 5),
        ({"ResultRows": 5}, None, False, 5),
        ({}, False, False, -1),
        ({"SubStatements": [{"ResultRows": -1}]}, True, False, 0),
    ):
        assert evaluate(rows("$states.result", batches, fenced), {"states": {"result": answer}}) == found
