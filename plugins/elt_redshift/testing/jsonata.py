"""JSONata, compiled: each distinct expression becomes one Python function, once.

The grammar is that of ``jsonata-python``, which the embedded AWS evaluates with as well; its evaluator, though, would
take most of the time of a simulated run. So what definitions are made of is compiled here, and an expression that holds
anything else is left to the package (:mod:`.jsonata_whole`). A test holds both equal.

Values are JSON's; :data:`NOTHING` is JSONata's undefined.
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from elt_redshift.testing.values import NOTHING, Environment, QueryError, as_list, equal, text, truth, unwrapped

Evaluate = Callable[[Any, Environment], Any]
"""Of the context item and the variables in scope."""


class UnsupportedError(Exception):
    """The expression has something in it that is not compiled here."""


@cache
def compiled(code: str) -> Evaluate:
    """The function that evaluates ``code``. Giving nothing, or anything but JSON, is for its caller to judge.

    :raises QueryError: (the function) an error was raised by the expression, or evaluating it is one.
    """
    from jsonata import Jsonata  # here, so that importing us asks for no extra

    try:
        return _refusing(_compile(Jsonata(code).ast))
    except UnsupportedError:
        from elt_redshift.testing import jsonata_whole

        return jsonata_whole.evaluator(code)


def _refusing(evaluate: Evaluate) -> Evaluate:
    """What a function does not take is an error of the expression."""

    def refusing(item: Any, scope: Environment) -> Any:
        try:
            return evaluate(item, scope)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise QueryError(repr(error)) from error

    return refusing


def supported(code: str) -> bool:
    """Whether all of ``code`` is compiled here."""
    from jsonata import Jsonata

    try:
        _compile(Jsonata(code).ast)
    except UnsupportedError:
        return False
    return True


def _compile(node: Any) -> Evaluate:
    maker = _MAKERS.get((node.type, node.value)) or _MAKERS.get(node.type)
    if maker is None or node.group or node.keep_array:
        raise UnsupportedError(f"{node.type} {node.value}")
    evaluate: Evaluate = maker(node)
    return _filtered(evaluate, node.predicate or ())


def _literal(node: Any) -> Evaluate:
    value = node.value
    return lambda item, scope: value


def _value(node: Any) -> Evaluate:
    value = node.value if isinstance(node.value, bool) else None
    return lambda item, scope: value


def _variable(node: Any) -> Evaluate:
    name = node.value
    if not name:
        return lambda item, scope: item
    return lambda item, scope: scope.variables.get(name, NOTHING)


def _path(node: Any) -> Evaluate:
    if node.keep_singleton_array:
        raise UnsupportedError("[]")
    first, *rest = node.steps
    start = _step_at_start(first)
    steps = [_step(step) for step in rest]
    if all(step.type == "name" and not step.stages for step in rest):
        return _plain_path(start, [step.value for step in rest])
    last = len(steps) - 1

    def evaluate(item: Any, scope: Environment) -> Any:
        value = start(item, scope)
        for place, step in enumerate(steps):
            if value is NOTHING:
                return NOTHING
            value = _mapped(step, as_list(value), scope, place == last)
        return value

    return evaluate


def _plain_path(start: Evaluate, names: Sequence[str]) -> Evaluate:
    """Names alone, which mostly lead through objects."""

    def evaluate(item: Any, scope: Environment) -> Any:
        value = start(item, scope)
        for name in names:
            if type(value) is dict:
                value = value.get(name, NOTHING)
            elif type(value) is list:
                found = [one[name] for one in value if type(one) is dict and name in one]
                value = unwrapped(found[0] if len(found) == 1 and type(found[0]) is list else _flat(found))
            else:
                return NOTHING
        return value

    return evaluate


def _mapped(step: Evaluate, items: Sequence[Any], scope: Environment, last: bool) -> Any:
    found = [value for one in items if (value := step(one, scope)) is not NOTHING]
    if last and len(found) == 1 and type(found[0]) is list:
        return found[0]
    return unwrapped(_flat(found))


def _flat(values: Sequence[Any]) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        flat.extend(value) if type(value) is list else flat.append(value)
    return flat


def _step_at_start(node: Any) -> Evaluate:
    return _step(node) if node.type == "name" else _staged(node, _compile(node))


def _step(node: Any) -> Evaluate:
    if node.type == "name":
        name = node.value
        return _staged(node, lambda item, scope: _member(item, name))
    return _staged(node, _compile(node))


def _staged(node: Any, evaluate: Evaluate) -> Evaluate:
    return _filtered(evaluate, node.stages or ())


def _member(item: Any, name: str) -> Any:
    if type(item) is dict:
        return item.get(name, NOTHING)
    if type(item) is list:
        return unwrapped(_flat([found for one in item if (found := _member(one, name)) is not NOTHING]))
    return NOTHING


def _filtered(evaluate: Evaluate, filters: Sequence[Any]) -> Evaluate:
    for stage in filters:
        if stage.type != "filter":
            raise UnsupportedError(stage.type)
        evaluate = _filter(evaluate, stage.expr)
    return evaluate


def _filter(evaluate: Evaluate, node: Any) -> Evaluate:
    chosen = _compile(node)
    always = node.value if node.type == "number" else None

    def filtered(item: Any, scope: Environment) -> Any:
        value = evaluate(item, scope)
        if value is NOTHING:
            return NOTHING
        items = as_list(value)
        if always is not None:
            return items[always] if -len(items) <= always < len(items) else NOTHING
        return unwrapped([one for place, one in enumerate(items) if _chosen(chosen(one, scope), place, len(items))])

    return filtered


def _chosen(verdict: Any, place: int, count: int) -> bool:
    if isinstance(verdict, int | float) and not isinstance(verdict, bool):
        at = int(verdict // 1)
        return place == (at + count if at < 0 else at)
    return truth(verdict)


def _wildcard(node: Any) -> Evaluate:
    def evaluate(item: Any, scope: Environment) -> Any:
        if type(item) is not dict:
            return NOTHING
        return unwrapped(_flat(list(item.values())))

    return evaluate


def _array(node: Any) -> Evaluate:
    parts = [(_compile(one), one.type == "unary" and one.value == "[") for one in node.expressions]

    def evaluate(item: Any, scope: Environment) -> Any:
        made: list[Any] = []
        for part, nested in parts:
            value = part(item, scope)
            if value is NOTHING:
                continue
            if type(value) is list and not nested:
                made.extend(value)
            else:
                made.append(value)
        return made

    return evaluate


def _object(node: Any) -> Evaluate:
    pairs = [(_compile(key), _compile(value)) for key, value in _pairs(node.lhs_object)]

    def evaluate(item: Any, scope: Environment) -> Any:
        return {key(item, scope): value for key, make in pairs if (value := make(item, scope)) is not NOTHING}

    return evaluate


def _pairs(given: Any) -> list[tuple[Any, Any]]:
    return [(pair[0], pair[1]) for pair in given]


def _of_values(how: Callable[[Any, Any], Any]) -> Callable[[Any], Evaluate]:
    """An operator of two values; where either is nothing, so is what comes of them."""
    return _two(lambda one, other: NOTHING if one is NOTHING or other is NOTHING else how(one, other))


def _compared(how: Callable[[Any, Any], bool]) -> Callable[[Any], Evaluate]:
    def compare(one: Any, other: Any) -> bool:
        if isinstance(one, str) != isinstance(other, str) or isinstance(one, bool | list | dict | None):
            raise QueryError(f"T2010: {one!r} and {other!r} cannot be compared")
        return how(one, other)

    return _of_values(compare)


def _calculated(how: Callable[[Any, Any], Any]) -> Callable[[Any], Evaluate]:
    def calculate(one: Any, other: Any) -> Any:
        if not isinstance(one, int | float) or not isinstance(other, int | float):
            raise QueryError(f"T2001: {one!r} and {other!r} are not both numbers")
        value = how(one, other)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return _of_values(calculate)


def _two(how: Callable[[Any, Any], Any]) -> Callable[[Any], Evaluate]:
    def maker(node: Any) -> Evaluate:
        left, right = _compile(node.lhs), _compile(node.rhs)
        return lambda item, scope: how(left(item, scope), right(item, scope))

    return maker


def _same(one: Any, other: Any) -> bool:
    return one is not NOTHING and other is not NOTHING and equal(one, other)


def _differs(one: Any, other: Any) -> bool:
    return one is not NOTHING and other is not NOTHING and not equal(one, other)


def _within(one: Any, other: Any) -> bool:
    return one is not NOTHING and other is not NOTHING and any(equal(one, each) for each in as_list(other))


def _joined(one: Any, other: Any) -> str:
    return ("" if one is NOTHING else text(one)) + ("" if other is NOTHING else text(other))


def _ranged(first: Any, last: Any) -> Any:
    if first is NOTHING or last is NOTHING:
        return NOTHING
    return list(range(first, last + 1))


def _and(node: Any) -> Evaluate:
    left, right = _compile(node.lhs), _compile(node.rhs)
    return lambda item, scope: truth(left(item, scope)) and truth(right(item, scope))


def _or(node: Any) -> Evaluate:
    left, right = _compile(node.lhs), _compile(node.rhs)
    return lambda item, scope: truth(left(item, scope)) or truth(right(item, scope))


def _condition(node: Any) -> Evaluate:
    condition, then = _compile(node.condition), _compile(node.then)
    otherwise = _compile(node._else) if node._else is not None else lambda item, scope: NOTHING
    return lambda item, scope: (then if truth(condition(item, scope)) else otherwise)(item, scope)


def _block(node: Any) -> Evaluate:
    parts = [_compile(one) for one in node.expressions]
    if len(parts) == 1:
        return parts[0]

    def evaluate(item: Any, scope: Environment) -> Any:
        inner, value = scope.inner({}), NOTHING
        for part in parts:
            value = part(item, inner)
        return value

    return evaluate


def _bind(node: Any) -> Evaluate:
    name, make = node.lhs.value, _compile(node.rhs)

    def evaluate(item: Any, scope: Environment) -> Any:
        value = scope.variables[name] = make(item, scope)
        return value

    return evaluate


def _lambda(node: Any) -> Evaluate:
    names, body = [one.value for one in node.arguments], _compile(node.body)
    if node.thunk:  # a call at the end of a function, put into one of its own so that the package need not nest it
        return body

    def evaluate(item: Any, scope: Environment) -> Any:
        def function(*given: Any) -> Any:
            return body(item, scope.inner(dict(zip(names, given, strict=False))))

        return Lambda(function, len(names))

    return evaluate


class Lambda:
    """A function that an expression has made."""

    __slots__ = ("arity", "function")

    def __init__(self, function: Callable[..., Any], arity: int) -> None:
        self.function, self.arity = function, arity

    def __call__(self, *given: Any) -> Any:
        return self.function(*given[: self.arity])


def _call(node: Any) -> Evaluate:
    from elt_redshift.testing.functions import FUNCTIONS

    name = node.procedure.value
    function = FUNCTIONS.get(name) if node.procedure.type == "variable" else None
    if function is None:
        raise UnsupportedError(f"${name}()")
    parts = [_compile(one) for one in node.arguments or ()]
    if not parts:
        return lambda item, scope: function(scope)
    if len(parts) == 1:
        (only,) = parts
        return lambda item, scope: function(scope, only(item, scope))
    return lambda item, scope: function(scope, *[part(item, scope) for part in parts])


def _regex(node: Any) -> Evaluate:
    pattern = node.value
    if not isinstance(pattern, re.Pattern):
        raise UnsupportedError("regex")
    return lambda item, scope: pattern


_MAKERS: Mapping[Any, Callable[[Any], Evaluate]] = {
    "string": _literal,
    "number": _literal,
    "value": _value,
    "variable": _variable,
    "regex": _regex,
    "path": _path,
    "wildcard": _wildcard,
    "condition": _condition,
    "block": _block,
    "bind": _bind,
    "lambda": _lambda,
    "function": _call,
    ("unary", "["): _array,
    ("unary", "{"): _object,
    ("binary", "="): _two(_same),
    ("binary", "!="): _two(_differs),
    ("binary", "in"): _two(_within),
    ("binary", "&"): _two(_joined),
    ("binary", ".."): _two(_ranged),
    ("binary", "and"): _and,
    ("binary", "or"): _or,
    ("binary", "<"): _compared(operator.lt),
    ("binary", "<="): _compared(operator.le),
    ("binary", ">"): _compared(operator.gt),
    ("binary", ">="): _compared(operator.ge),
    ("binary", "+"): _calculated(operator.add),
    ("binary", "-"): _calculated(operator.sub),
    ("binary", "*"): _calculated(operator.mul),
    ("binary", "/"): _calculated(operator.truediv),
}
