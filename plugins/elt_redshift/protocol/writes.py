"""Writes to an item as data: what each sets, adds, removes, and demands of the item as it is.

A write names attributes and values and knows no database. :mod:`elt_redshift.protocol.dynamodb` renders it, for state
machines and for Python alike; another store can render the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["text", "number", "texts", "object", "read"]


@dataclass(frozen=True)
class Given:
    """A value, by its name.

    :param kind: ``texts`` is a set of them, ``object`` an object of texts by their names; ``read`` is an attribute as
        it was read, of whatever type, as the database has it.
    :param always: the value that it has in every write; None: it is given when the write is made.
    """

    name: str
    kind: Kind = "text"
    always: Any = None


@dataclass(frozen=True)
class Absent:
    """The item has no such attribute, or there is no item."""

    attribute: str


@dataclass(frozen=True)
class Present:
    attribute: str


@dataclass(frozen=True)
class Is:
    """The attribute is there and has this value."""

    attribute: str
    value: Given


@dataclass(frozen=True)
class IsNot:
    """The attribute is not there, or has another value."""

    attribute: str
    value: Given


@dataclass(frozen=True)
class AtMost:
    """The attribute, a number, is there and is not greater than this."""

    attribute: str
    value: Given


@dataclass(frozen=True)
class Below:
    """The attribute, a number, is there and is less than this."""

    attribute: str
    value: Given


@dataclass(frozen=True)
class Typed:
    """The attribute is there and is of this type: a value that is DynamoDB's letter for it."""

    attribute: str
    value: Given


@dataclass(frozen=True)
class Has:
    """The attribute, a set of texts, is there and has this member."""

    attribute: str
    value: Given


@dataclass(frozen=True)
class Size:
    """The attribute, a set, is there and has so many members, or fewer."""

    attribute: str
    how: Literal["=", "<"]
    value: Given


@dataclass(frozen=True)
class Every:
    """All of these hold."""

    demands: tuple[Demand, ...]


@dataclass(frozen=True)
class Some:
    """One of these holds at least."""

    demands: tuple[Demand, ...]


Demand = Absent | Present | Is | IsNot | AtMost | Below | Typed | Has | Size | Every | Some


def every(*demands: Demand) -> Every:
    return Every(demands)


def some(*demands: Demand) -> Some:
    return Some(demands)


@dataclass(frozen=True, eq=False)  # there are a few, and each is rendered thousands of times
class Write:
    """One write of one item, which happens wholly or not at all; it makes the item where there is none.

    :param demands: what must hold of the item, or nothing is written; None: nothing need hold.
    :param adds: members that sets get, or what numbers grow by.
    :param deletes: members that sets lose, if they have them.
    :param sets: attributes and their new values.
    :param once: the same, of attributes that the item does not have yet.
    :param removes: attributes that go.
    """

    demands: Demand | None = None
    sets: Mapping[str, Given] = field(default_factory=dict)
    once: Mapping[str, Given] = field(default_factory=dict)
    adds: Mapping[str, Given] = field(default_factory=dict)
    deletes: Mapping[str, Given] = field(default_factory=dict)
    removes: tuple[str, ...] = ()

    def values(self) -> dict[str, Given]:
        """All values by their names, in the order of their first use."""
        written = (*self.adds.values(), *self.deletes.values(), *self.sets.values(), *self.once.values())
        return {value.name: value for value in (*written, *_values(self.demands))}

    def constants(self) -> dict[str, Any]:
        """The values that are the same in every write, by their names."""
        return {name: value.always for name, value in self.values().items() if value.always is not None}


def _values(demand: Demand | None) -> Iterator[Given]:
    match demand:
        case Is(_, value) | IsNot(_, value) | AtMost(_, value) | Below(_, value) | Typed(_, value):
            yield value
        case Has(_, value) | Size(_, _, value):
            yield value
        case Every(demands) | Some(demands):
            for one in demands:
                yield from _values(one)
