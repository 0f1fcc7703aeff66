"""JSON values as JSONata sees them, and what an expression is evaluated with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any


class QueryError(Exception):
    """An expression has raised an error, or could not be evaluated: ``States.QueryEvaluationError``."""


class _Nothing:
    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False


#: JSONata's undefined; JSON's null is None.
NOTHING = _Nothing()


class Environment:
    """What an expression can see.

    :param variables: by their names, without the ``$``.
    :param now: milliseconds since the epoch.
    :param random: where ``$random`` comes from.
    """

    __slots__ = ("now", "random", "variables")

    def __init__(self, variables: dict[str, Any], now: int, random: Random) -> None:
        self.variables, self.now, self.random = variables, now, random

    def inner(self, more: Mapping[str, Any]) -> Environment:
        """The same with more variables."""
        return Environment({**self.variables, **more}, self.now, self.random)


def as_list(value: Any) -> list[Any]:
    return value if type(value) is list else [value]


def unwrapped(values: list[Any]) -> Any:
    """A sequence as an expression gives it: none is nothing, and one is no list."""
    return values if len(values) > 1 else values[0] if values else NOTHING


def truth(value: Any) -> bool:
    """JSONata's $boolean: a list is true if one of its members is."""
    if type(value) is list:
        return any(truth(one) for one in value)
    return bool(value)


def equal(one: Any, other: Any) -> bool:
    """JSON's equality: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def text(value: Any) -> str:
    """JSONata's $string."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
