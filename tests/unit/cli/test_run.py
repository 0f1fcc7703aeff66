"""What `run` takes."""

from __future__ import annotations

import pytest

from elt_redshift.cli.runs import _once_each
from elt_redshift.exceptions import JobError


def test_a_parameter_is_given_once() -> None:
    """Of two values for one name neither is dropped in silence."""
    assert _once_each([("a", "1"), ("b", "=")]) == {"a": "1", "b": "="}
    with pytest.raises(JobError, match="a is given more than once"):
        _once_each([("a", "1"), ("a", "2")])
