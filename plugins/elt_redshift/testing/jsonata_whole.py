"""The rest of JSONata: by the package itself, whose functions of time and chance are those of the simulation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from elt_redshift.testing.functions import iso
from elt_redshift.testing.values import NOTHING, Environment, QueryError


def evaluator(code: str) -> Callable[[Any, Environment], Any]:
    """The function that evaluates ``code``."""
    from jsonata import Jsonata
    from jsonata.jexception import JException

    whole = Jsonata(code)
    whole.set_output_convert_nulls(False)

    def evaluate(item: Any, scope: Environment) -> Any:
        Jsonata.CURRENT.jsonata = whole
        functions = {name: Jsonata.JLambda(function) for name, function in _functions(scope).items()}
        given = {name: _given(value) for name, value in scope.variables.items() if value is not NOTHING}
        try:
            return _taken(whole.evaluate(None, {**functions, **given}))
        except JException as error:
            raise QueryError(str(error)) from error
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise QueryError(repr(error)) from error

    return evaluate


def _functions(scope: Environment) -> dict[str, Callable[..., Any]]:
    return {
        "millis": lambda: scope.now,
        "now": lambda: iso(scope.now),
        "random": scope.random.random,
        "hash": lambda value, how="SHA-256": hashlib.new(how.replace("-", "").lower(), value.encode()).hexdigest(),
    }


def _given(value: Any) -> Any:
    from jsonata.utils import Utils

    if isinstance(value, dict):
        return {key: _given(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_given(one) for one in value]
    return Utils.NULL_VALUE if value is None else value


def _taken(value: Any, inside: bool = False) -> Any:
    from jsonata.utils import Utils

    if isinstance(value, dict):
        return {key: _taken(one, True) for key, one in value.items()}
    if isinstance(value, list):
        return [_taken(one, True) for one in value]
    if value is None and not inside:
        return NOTHING
    if value is Utils.NULL_VALUE:
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value
