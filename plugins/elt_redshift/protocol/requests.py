"""A request to DynamoDB's ``UpdateItem`` as the write that it makes: what :mod:`.dynamodb` renders, read again.

A state machine that has been started keeps its definition, and with it its requests as they were rendered then. Whoever
makes their writes in another store goes by what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.protocol import dynamodb
from elt_redshift.protocol.writes import (
    Absent,
    AtMost,
    Below,
    Demand,
    Every,
    Given,
    Is,
    IsNot,
    Kind,
    Some,
    Write,
)

_TOKEN = re.compile(r"[#:]?\w+|<>|<=|[(),<=]")
_CLAUSES = ("ADD", "DELETE", "SET", "REMOVE")
#: Stands for the clause of what is set where it is not there.
_ONCE = "SET ONCE"
_KINDS: Mapping[str, Kind] = {"S": "text", "N": "number", "SS": "texts", "M": "object"}
_COMPARING: Mapping[str, Any] = {"=": Is, "<>": IsNot, "<=": AtMost, "<": Below}


@dataclass(frozen=True)
class Written:
    """What a request writes: ``values`` are the write's, by their names."""

    write: Write
    values: Mapping[str, Any]


def read(request: Mapping[str, Any]) -> Written:
    """
    :raises ValueError: it holds what no write of the protocol says.
    """
    typed = {name[1:]: value for name, value in request.get("ExpressionAttributeValues", {}).items()}
    kinds = {name: _KINDS.get(next(iter(value)), "read") for name, value in typed.items()}
    names = request.get("ExpressionAttributeNames", {})
    update, condition = dynamodb.expressions(request)
    changes: dict[str, dict[str, Any]] = {clause: {} for clause in (*_CLAUSES, _ONCE)}
    for clause, attribute, value in _Reading(update, names, kinds).changes():
        changes[clause][attribute] = value
    write = Write(
        None if condition is None else _Reading(condition, names, kinds).demand(),
        sets=changes["SET"],
        once=changes[_ONCE],
        adds=changes["ADD"],
        deletes=changes["DELETE"],
        removes=tuple(changes["REMOVE"]),
    )
    return Written(write, {name: _plain(kinds[name], value) for name, value in typed.items()})


def _plain(kind: Kind, value: Mapping[str, Any]) -> Any:
    """A value as a write is given it."""
    (inner,) = value.values()
    match kind:
        case "read":
            return value
        case "object":
            return {name: one["S"] for name, one in inner.items()}
    return inner


class _Reading:
    """Goes through an expression, token by token."""

    def __init__(self, text: str, names: Mapping[str, str], kinds: Mapping[str, Kind]) -> None:
        if _TOKEN.sub("", text).strip():
            raise ValueError(f"no write says so: {text}")
        self._text, self._names, self._kinds = text, names, kinds
        self._left = _TOKEN.findall(text)[::-1]

    def changes(self) -> Iterator[tuple[str, str, Any]]:
        """Each change of an update expression: its clause, attribute and value; nothing for what is removed."""
        while self._left:
            clause = self._one_of(*_CLAUSES)
            yield self._change(clause)
            while self._met(","):
                yield self._change(clause)

    def _change(self, clause: str) -> tuple[str, str, Any]:
        attribute = self._attribute()
        if clause == "REMOVE":
            return clause, attribute, None
        if clause == "SET":
            self._one_of("=")
            if self._met("if_not_exists"):
                self._one_of("(")
                self._attribute()
                self._one_of(",")
                value = self._value()
                self._one_of(")")
                return _ONCE, attribute, value
        return clause, attribute, self._value()

    def demand(self) -> Demand:
        """The whole condition expression."""
        found = self._demands()
        if self._left:
            raise self._unknown()
        return found

    def _demands(self) -> Demand:
        """Demands with one word between them: others are put in parentheses."""
        found = [self._single()]
        word = next((one for one in ("AND", "OR") if self._met(one)), None)
        if word is None:
            return found[0]
        found.append(self._single())
        while self._met(word):
            found.append(self._single())
        absent_or_other = word == "OR" and len(found) == 2 and isinstance(found[1], IsNot)
        if absent_or_other and found[0] == Absent(found[1].attribute):  # type: ignore[union-attr]
            return found[1]
        return Every(tuple(found)) if word == "AND" else Some(tuple(found))

    def _single(self) -> Demand:
        if self._met("("):
            found = self._demands()
            self._one_of(")")
            return found
        for word, kind in dynamodb.ASKING.items():
            if self._met(word):
                self._one_of("(")
                asked = kind(self._attribute())
                self._one_of(")")
                return asked  # type: ignore[no-any-return]
        for word, kind in dynamodb.ASKING_OF.items():
            if self._met(word):
                self._one_of("(")
                attribute = self._attribute()
                self._one_of(",")
                asked = kind(attribute, self._value())
                self._one_of(")")
                return asked  # type: ignore[no-any-return]
        attribute = self._attribute()
        return _COMPARING[self._one_of(*_COMPARING)](attribute, self._value())  # type: ignore[no-any-return]

    def _attribute(self) -> str:
        name = self._next()
        return self._names[name] if name.startswith("#") else name

    def _value(self) -> Given:
        name = self._next().removeprefix(":")
        if name not in self._kinds:
            raise self._unknown()
        return Given(name, self._kinds[name])

    def _met(self, word: str) -> bool:
        """Whether the next token is that one, which is gone past then."""
        if self._left and self._left[-1] == word:
            self._left.pop()
            return True
        return False

    def _one_of(self, *words: str) -> str:
        if (found := self._next()) not in words:
            raise self._unknown()
        return found

    def _next(self) -> str:
        if not self._left:
            raise self._unknown()
        return str(self._left.pop())

    def _unknown(self) -> ValueError:
        return ValueError(f"no write says so: {self._text}")
