"""`elt-redshift redrive --assume`: what somebody says of tasks whose outcome is unknowable."""

from __future__ import annotations

import pytest

from elt_redshift.cli.runs import _assumed
from elt_redshift.exceptions import EltError


def test_each_task_is_taken_for_what_was_said() -> None:
    """The option may stand several times."""
    assert _assumed([["done", "a"], ["not-done", "b"], ["done", "a"]]) == {"a": "done", "b": "not-done"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([["finished", "a"]], "'finished' is neither done nor not-done"),
        ([["done", "a"], ["not-done", "a"]], "cannot be both"),
    ],
)
def test_what_means_nothing_is_refused(given: list[list[str]], message: str) -> None:
    """In one line."""
    with pytest.raises(EltError, match=message):
        _assumed(given)
