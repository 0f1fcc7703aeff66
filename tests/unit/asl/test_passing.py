"""What a task that has ended well passes on is what readers of a history take for its end."""

from __future__ import annotations

import pytest

from elt_redshift.asl.language.names import StateName, Step
from elt_redshift.asl.patterns.passing import NO_ROWS, End, end_of, finish, keep


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
