"""DynamoDB's expressions, as a model of it evaluates them: conditions and updates.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from elt_redshift.testing.errors import ServiceError

Item = dict[str, Any]
Demand = Callable[[Item, Mapping[str, str], Mapping[str, Any]], bool]
Update = Callable[[Item, Mapping[str, str], Mapping[str, Any]], None]

_TOKENS = re.compile(r"\s*(<>|<=|>=|[=<>(),+]|-(?!\w)|[#:]?[A-Za-z_][\w.-]*)")


class _Reader:
    """Reads an expression token by token."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at = text, list(_tokens(text)), 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.next
        if not token or (expected and token.upper() not in expected):
            raise ServiceError("ValidationException", f"{token!r} is unexpected in {self.text!r}")
        self.at += 1
        return token

    def takes(self, token: str) -> bool:
        """Whether this comes next; then it is taken."""
        found = self.next.upper() == token
        self.at += found
        return found


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        match = _TOKENS.match(text, at)
        if not match:
            raise ServiceError("ValidationException", f"{text[at:]!r} is unexpected in {text!r}")
        yield match[1]
        at = match.end()


def _named(token: str, names: Mapping[str, str]) -> str:
    return names[token] if token.startswith("#") else token


@cache
def demanded(text: str) -> Demand:
    """What a condition demands of an item."""
    reader = _Reader(text)
    demand = _any(reader)
    if reader.next:
        reader.take("END")
    return demand


def _any(reader: _Reader) -> Demand:
    parts = [_every(reader)]
    while reader.takes("OR"):
        parts.append(_every(reader))
    return parts[0] if len(parts) == 1 else lambda *given: any(part(*given) for part in parts)


def _every(reader: _Reader) -> Demand:
    parts = [_one(reader)]
    while reader.takes("AND"):
        parts.append(_one(reader))
    return parts[0] if len(parts) == 1 else lambda *given: all(part(*given) for part in parts)


def _one(reader: _Reader) -> Demand:
    if reader.takes("NOT"):
        inner = _one(reader)
        return lambda *given: not inner(*given)
    if reader.takes("("):
        inner = _any(reader)
        reader.take(")")
        return inner
    if reader.next in ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"):
        return _function(reader)
    return _comparison(reader)


def _function(reader: _Reader) -> Demand:
    function = reader.take()
    reader.take("(")
    name = reader.take()
    value = reader.take() if reader.takes(",") else ""
    reader.take(")")
    if function == "attribute_type":
        return lambda item, names, values: values[value]["S"] in item.get(_named(name, names), {})
    if function == "begins_with":
        return lambda item, names, values: (
            item.get(_named(name, names), {}).get("S", "\0").startswith(values[value]["S"])
        )
    if function == "contains":
        return lambda item, names, values: (
            values[value]["S"] in next(iter(item.get(_named(name, names), {"S": ""}).values()))
        )
    exists = function == "attribute_exists"
    return lambda item, names, values: (_named(name, names) in item) == exists


Operand = Callable[[Item, Mapping[str, str], Mapping[str, Any]], Any]


def _comparison(reader: _Reader) -> Demand:
    left = _operand(reader)
    how = reader.take("=", "<>", "<", "<=", ">", ">=", "IN", "BETWEEN").upper()
    if how == "IN":
        reader.take("(")
        among = [_operand(reader)]
        while reader.takes(","):
            among.append(_operand(reader))
        reader.take(")")
        return lambda *given: any(_holds("=", left(*given), one(*given)) for one in among)
    right = _operand(reader)
    if how == "BETWEEN":
        reader.take("AND")
        last = _operand(reader)
        return lambda *given: _holds(">=", left(*given), right(*given)) and _holds("<=", left(*given), last(*given))
    return lambda *given: _holds(how, left(*given), right(*given))


def _operand(reader: _Reader) -> Operand:
    token = reader.take()
    if token == "size":  # noqa: S105 - a word of the language
        reader.take("(")
        name = reader.take()
        reader.take(")")
        return lambda item, names, values: _size(item.get(_named(name, names)))
    if token.startswith(":"):
        return lambda item, names, values: values[token]
    return lambda item, names, values: item.get(_named(token, names))


def _size(value: Any) -> Any:
    if value is None:
        return None
    ((kind, inner),) = value.items()
    if kind == "N":
        raise ServiceError("ValidationException", "size() of a number")
    return {"N": str(len(inner))}


def _holds(how: str, one: Any, other: Any) -> bool:
    if how == "<>":
        return bool(one != other)
    if one is None or other is None:
        return False
    (kind, left), (other_kind, right) = next(iter(one.items())), next(iter(other.items()))
    if kind != other_kind:
        return False
    if kind == "N":
        left, right = float(left), float(right)
    elif kind in ("SS", "NS"):
        left, right = sorted(left), sorted(right)
    compared = (
        {"=": left == right}
        if how == "="
        else {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    )
    return bool(compared[how])


@cache
def updating(text: str) -> Update:
    """What an update does to an item."""
    reader, changes = _Reader(text), []
    while reader.next:
        clause = _CLAUSES[reader.take(*_CLAUSES).upper()]
        changes.append(clause(reader))
        while reader.takes(","):
            changes.append(clause(reader))

    def update(item: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        before = dict(item)
        for change in changes:
            change(item, before, names, values)

    return update


Change = Callable[[Item, Item, Mapping[str, str], Mapping[str, Any]], None]


def _set(reader: _Reader) -> Change:
    name = reader.take()
    reader.take("=")
    value = _sum(reader)

    def change(item: Item, before: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        item[_named(name, names)] = value(before, names, values)

    return change


def _sum(reader: _Reader) -> Operand:
    left = _term(reader)
    if reader.next not in ("+", "-"):
        return left
    sign = 1 if reader.take() == "+" else -1
    right = _term(reader)
    return lambda *given: {"N": _digits(float(left(*given)["N"]) + sign * float(right(*given)["N"]))}


def _term(reader: _Reader) -> Operand:
    if not reader.takes("IF_NOT_EXISTS"):
        return _operand(reader)
    reader.take("(")
    name = reader.take()
    reader.take(",")
    otherwise = _operand(reader)
    reader.take(")")
    return lambda item, names, values: item.get(_named(name, names)) or otherwise(item, names, values)


def _add(reader: _Reader) -> Change:
    name, given = reader.take(), reader.take()

    def change(item: Item, before: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        attribute = _named(name, names)
        ((kind, more),) = values[given].items()
        if kind == "N":
            item[attribute] = {"N": _digits(float(before.get(attribute, {"N": "0"})["N"]) + float(more))}
        else:
            item[attribute] = {kind: sorted({*before.get(attribute, {kind: []})[kind], *more})}

    return change


def _remove(reader: _Reader) -> Change:
    name = reader.take()

    def change(item: Item, before: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        item.pop(_named(name, names), None)

    return change


def _delete(reader: _Reader) -> Change:
    name, given = reader.take(), reader.take()

    def change(item: Item, before: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        attribute = _named(name, names)
        if attribute in item:
            ((kind, less),) = values[given].items()
            left = sorted({*before[attribute][kind]} - {*less})
            item.pop(attribute)
            item.update({attribute: {kind: left}} if left else {})  # there are no empty sets

    return change


_CLAUSES: Mapping[str, Callable[[_Reader], Change]] = {
    "SET": _set,
    "ADD": _add,
    "DELETE": _delete,
    "REMOVE": _remove,
}


def _digits(number: float) -> str:
    return str(int(number)) if number.is_integer() else str(number)
