"""Parameters as Airflow's trigger form asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.forms import param
from elt_redshift.job.parts import Parameter


@pytest.mark.parametrize(
    ("kind", "default", "value", "type_"),
    [
        ("integer", "1998", 1998, "integer"),
        ("number", "1.5", 1.5, "number"),
        ("integer", "007", "007", "string"),
        ("integer", "20240131235959123", "20240131235959123", "string"),
        ("number", "1.50", "1.50", "string"),
        ("number", "0.1234567890123456789", "0.1234567890123456789", "string"),
    ],
)
def test_a_browser_gets_numbers_that_it_gives_back(kind: Any, default: str, value: object, type_: str) -> None:
    """A number whose digits a browser would change is asked for as a text."""
    made = param(Parameter(name="p", type=kind, default=default))
    assert (made.value, made.schema["type"]) == (value, type_)
