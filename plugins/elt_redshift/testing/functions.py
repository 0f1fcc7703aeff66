"""The functions of JSONata that definitions use, by their names.

https://docs.jsonata.org/overview and, for those that Step Functions adds,
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from elt_redshift.testing.values import NOTHING, Environment, QueryError, as_list, text, truth, unwrapped


@lru_cache(maxsize=4096)
def iso(milliseconds: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text_only(function: Callable[..., Any]) -> Callable[..., Any]:
    """Its first argument must be a text; nothing gives nothing."""

    def checked(scope: Environment, value: Any = NOTHING, *more: Any) -> Any:
        if value is NOTHING:
            return NOTHING
        if not isinstance(value, str):
            raise QueryError(f"T0410: {value!r} is no text")
        return function(value, *more)

    return checked


def _number_only(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def checked(scope: Environment, value: Any = NOTHING) -> Any:
        if value is NOTHING:
            return NOTHING
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise QueryError(f"T0410: {value!r} is no number")
        return function(value)

    return checked


def _of_numbers(function: Callable[[list[Any]], Any], of_none: Any = NOTHING) -> Callable[..., Any]:
    """:param of_none: what it gives of an empty array."""

    def checked(scope: Environment, value: Any = NOTHING) -> Any:
        items = [] if value is NOTHING else as_list(value)
        if any(isinstance(one, bool) or not isinstance(one, int | float) for one in items):
            raise QueryError(f"T0412: {value!r} holds more than numbers")
        return function(items) if items else NOTHING if value is NOTHING else of_none

    return checked


def _contains(value: str, what: Any) -> bool:
    return bool(what.search(value)) if isinstance(what, re.Pattern) else what in value


def _substring(value: str, start: int, length: Any = NOTHING) -> str:
    start = max(len(value) + start, 0) if start < 0 else start
    return value[start:] if length is NOTHING else value[start : max(start + length, start)]


def _split(value: str, separator: Any) -> list[str]:
    return separator.split(value) if isinstance(separator, re.Pattern) else value.split(separator)


def _replace(value: str, what: Any, by: str) -> str:
    return what.sub(lambda _: by, value) if isinstance(what, re.Pattern) else value.replace(what, by)


def _hashed(scope: Environment, value: Any = NOTHING, algorithm: str = "SHA-256") -> str:
    if not isinstance(value, str):
        raise QueryError(f"T0410: {value!r} is no text")
    return _hash(value, algorithm)


@cache
def _hash(value: str, algorithm: str) -> str:
    return hashlib.new(algorithm.replace("-", "").lower(), value.encode()).hexdigest()


def _to_millis(value: str) -> int:
    return round(datetime.fromisoformat(value).timestamp() * 1000)


def _parse(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise QueryError(f"D3120: {value!r} is no JSON") from error


def _string(scope: Environment, value: Any = NOTHING) -> Any:
    return NOTHING if value is NOTHING else text(value)


def _number(scope: Environment, value: Any = NOTHING) -> Any:
    if value is NOTHING:
        return NOTHING
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise QueryError(f"D3030: {value!r} is no number") from error
    return int(number) if number.is_integer() else number


def _error(scope: Environment, message: Any = "") -> Any:
    raise QueryError(message)


def _exists(scope: Environment, value: Any) -> bool:
    return value is not NOTHING


def _not(scope: Environment, value: Any) -> Any:
    return NOTHING if value is NOTHING else not truth(value)


def _type(scope: Environment, value: Any = NOTHING) -> Any:
    if value is NOTHING:
        return NOTHING
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return "null" if value is None else kinds.get(type(value), "function")


def _count(scope: Environment, value: Any = NOTHING) -> int:
    return 0 if value is NOTHING else len(as_list(value))


def _append(scope: Environment, one: Any, other: Any) -> Any:
    if one is NOTHING or other is NOTHING:
        return other if one is NOTHING else one
    return as_list(one) + as_list(other)


def _join(scope: Environment, items: Any, separator: str = "") -> Any:
    return NOTHING if items is NOTHING else separator.join(as_list(items))


def _merge(scope: Environment, objects: Any) -> Any:
    if objects is NOTHING:
        return NOTHING
    merged: dict[str, Any] = {}
    for one in as_list(objects):
        if type(one) is not dict:
            raise QueryError(f"T0412: {one!r} is no object")
        merged.update(one)
    return merged


def _keys(scope: Environment, value: Any = NOTHING) -> Any:
    objects = [one for one in as_list(value) if type(one) is dict]
    return unwrapped(list(dict.fromkeys(name for one in objects for name in one)))


def _lookup(scope: Environment, value: Any, name: str) -> Any:
    if type(value) is list:
        found = [one for each in value if (one := _lookup(scope, each, name)) is not NOTHING]
        return found if len(found) > 1 else found[0] if found else NOTHING
    return value.get(name, NOTHING) if type(value) is dict else NOTHING


def _sequence(values: list[Any]) -> Any:
    kept = [value for value in values if value is not NOTHING]
    return kept if len(kept) > 1 else kept[0] if kept else NOTHING


def _map(scope: Environment, items: Any, function: Any) -> Any:
    if items is NOTHING:
        return NOTHING
    every = as_list(items)
    return _sequence([function(one, place, every) for place, one in enumerate(every)])


def _filter(scope: Environment, items: Any, function: Any) -> Any:
    if items is NOTHING:
        return NOTHING
    every = as_list(items)
    return _sequence([one for place, one in enumerate(every) if truth(function(one, place, every))])


def _reduce(scope: Environment, items: Any, function: Any, begin: Any = NOTHING) -> Any:
    rest = [] if items is NOTHING else list(as_list(items))
    value = rest.pop(0) if begin is NOTHING and rest else begin
    for one in rest:
        value = function(value, one)
    return value


def _sift(scope: Environment, value: Any, function: Any) -> Any:
    if value is NOTHING:
        return NOTHING
    kept = {name: one for name, one in value.items() if truth(function(one, name, value))}
    return kept or NOTHING


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "append": _append,
    "boolean": lambda scope, value: NOTHING if value is NOTHING else truth(value),
    "ceil": _number_only(math.ceil),
    "contains": _text_only(_contains),
    "count": _count,
    "error": _error,
    "exists": _exists,
    "filter": _filter,
    "floor": _number_only(math.floor),
    "fromMillis": _number_only(iso),
    "hash": _hashed,
    "join": _join,
    "keys": _keys,
    "length": _text_only(len),
    "lowercase": _text_only(str.lower),
    "lookup": _lookup,
    "map": _map,
    "max": _of_numbers(max),
    "merge": _merge,
    "millis": lambda scope: scope.now,
    "min": _of_numbers(min),
    "not": _not,
    "now": lambda scope: iso(scope.now),
    "number": _number,
    "parse": _text_only(_parse),
    "power": lambda scope, base, exponent: NOTHING if base is NOTHING else base**exponent,
    "random": lambda scope: scope.random.random(),
    "reduce": _reduce,
    "replace": _text_only(_replace),
    "sift": _sift,
    "sort": lambda scope, items: NOTHING if items is NOTHING else sorted(as_list(items)),
    "split": _text_only(_split),
    "string": _string,
    "sum": _of_numbers(sum, of_none=0),
    "substring": _text_only(_substring),
    "substringAfter": _text_only(lambda value, what: value.partition(what)[2] if what in value else value),
    "substringBefore": _text_only(lambda value, what: value.partition(what)[0]),
    "toMillis": _text_only(_to_millis),
    "trim": _text_only(lambda value: " ".join(value.split())),
    "type": _type,
    "uppercase": _text_only(str.upper),
}
