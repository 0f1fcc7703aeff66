"""Parameters of tests that try many cases: `make test` runs some of them, `make check` all."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import pytest


def exhaustive(cases: Iterable[Any], quick: Container[Any] = ()) -> list[Any]:
    """All cases, of which `make test` runs only the quick ones."""
    return [case if case in quick else _marked(case) for case in cases]


def _marked(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.exhaustive)
