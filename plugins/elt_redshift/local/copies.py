"""Deep copies by pickle, several times as fast as ``copy.deepcopy``: of JSON, and of trees of plain objects."""

from __future__ import annotations

import pickle
from typing import TypeVar

_Value = TypeVar("_Value")


def frozen(value: object) -> bytes:
    """``value`` in a form that :func:`thawed` makes any number of copies from."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def thawed(form: bytes) -> object:
    """A copy of what :func:`frozen` was given."""
    return pickle.loads(form)  # noqa: S301 - this process has written it


def deep_copy(value: _Value) -> _Value:
    """A copy that has nothing in common with ``value``.

    >>> deep_copy({"a": [1, None]})
    {'a': [1, None]}
    """
    copied: _Value = thawed(frozen(value))  # type: ignore[assignment]
    return copied
