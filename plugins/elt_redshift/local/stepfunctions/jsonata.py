"""JSONata: moto has the grammar for it but no evaluator.

jsonata-python evaluates here, and plain paths are looked up without it (see ``references``). Values are bound, not
pasted into the expression as moto does, so that quotes and large payloads are safe. Evaluation is under one lock: the
library keeps state in the expression and per thread, and Python threads would not evaluate in parallel anyway.
(https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html)
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import re
import threading
import uuid
from collections.abc import Callable
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

from elt_redshift.local.stepfunctions.references import Parts, References, references

_NULL = Utils.NULL_VALUE
_HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512")
_MAX_RANGE = 1000  # elements; AWS's limit of $range and of $partition's chunks
_ELSE = object()
_lock = threading.RLock()


class QueryError(Exception):
    """An expression failed: its message begins with JSONata's error code, if it has one."""


class UndefinedResultError(QueryError):
    """An expression gave nothing (undefined), which no field accepts."""


def evaluate(expression: str, bindings: dict[str, Any]) -> Any:
    """The JSON value of ``expression``; ``bindings`` are its variables, without the ``$``.

    :raises UndefinedResultError: it gave nothing.
    :raises QueryError: it failed, or gave a function.
    """
    used = references(expression)
    if used.path and (found := _at(used.path, bindings)) is not _ELSE:
        return _to_json(found)
    with _lock:
        try:
            raw = _run(expression, used, bindings)
        except JException as error:
            raise QueryError(f"{error.error}: {error}") from error
        except ArithmeticError as error:
            raise QueryError(f"D1001: Number out of range: {error}") from error
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            # The library fails in Python's ways where a function is given what it does not take.
            raise QueryError(f"T0410: {error}") from error
    if raw is None:
        raise UndefinedResultError("returned nothing (undefined)")
    return _to_json(raw)


def check(expression: str) -> str | None:
    """What is wrong with an expression before it runs; None if nothing is."""
    try:
        with _lock:
            _compiled(expression)
    except (JException, AttributeError, LookupError, TypeError, ValueError) as error:
        return str(error)
    return "The function $eval is not supported." if re.search(r"\$eval\s*\(", _without_strings(expression)) else None


def _without_strings(expression: str) -> str:
    return re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", '""', expression)


@functools.lru_cache(maxsize=4096)
def _compiled(expression: str) -> Jsonata:
    compiled = Jsonata(expression)
    compiled.set_output_convert_nulls(False)
    return compiled


def _run(expression: str, used: References, bindings: dict[str, Any]) -> Any:
    compiled = _compiled(expression)
    Jsonata.CURRENT.jsonata = compiled  # higher-order functions look for it here
    frame: dict[str, Any] = {name: Jsonata.JLambda(_FUNCTIONS[name]) for name in used.names if name in _FUNCTIONS}
    frame |= {name: _named(bindings[name], parts) for name, parts in used.names.items() if name in bindings}
    return compiled.evaluate(None, frame)


def _at(path: tuple[str, ...], bindings: dict[str, Any]) -> Any:
    """What is at a path of objects. :data:`_ELSE`: nothing, or JSONata's rules for arrays are asked for."""
    value: Any = bindings
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return _ELSE
        value = value[name]
    return value


def _named(value: Any, parts: Parts | None) -> Any:
    """``value`` for JSONata, without those members that the expression does not name."""
    if parts is None or not isinstance(value, dict):
        return _from_json(value)
    return {name: _named(value[name], inner) for name, inner in parts.items() if name in value}


def _from_json(value: Any) -> Any:
    """JSON's null as JSONata's null: None would mean undefined to the library."""
    if isinstance(value, dict):
        return {key: _from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    return _NULL if value is None else value


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_to_json(item) for item in value]
    if value is None or value is _NULL:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | int | float | str):
        return value
    raise QueryError("returned an unsupported result type")


def _error(code: str, message: str) -> JException:
    error = JException("D3137", -1, message)
    error.error = code
    return error


def _partition(items: list[Any], size: float) -> list[list[Any]]:
    if size < 1:
        raise _error("D3137", "The second argument of $partition must be a positive integer")
    step = int(size)
    return [list(items[start : start + step]) for start in range(0, len(items), step)]


def _range(first: float, last: float, step: float) -> list[float]:
    if step == 0:
        raise _error("D3137", "The step of $range must not be zero")
    count = int((last - first) // step) + 1
    if count > _MAX_RANGE:
        raise _error("D3137", f"$range gives at most {_MAX_RANGE} elements")
    return [first + index * step for index in range(max(count, 0))]


def _hash(value: str, algorithm: str = "SHA-256") -> str:
    if algorithm not in _HASHES:
        raise _error("D3137", f"$hash does not know '{algorithm}'; it knows {', '.join(_HASHES)}")
    return hashlib.new(algorithm.replace("-", "").lower(), value.encode()).hexdigest()


def _random(seed: float | None = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()  # noqa: S311 - not for secrets


def _parse(text: str) -> Any:
    try:
        return _from_json(json.loads(text))
    except ValueError as error:
        raise _error("D3137", f"$parse got no valid JSON: {error}") from error


def _no_eval(*_: Any) -> Any:
    raise _error("T1006", "Attempted to invoke a non-function: $eval is not supported by Step Functions")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": lambda: str(uuid.uuid4()),
    "parse": _parse,
    "eval": _no_eval,
}
