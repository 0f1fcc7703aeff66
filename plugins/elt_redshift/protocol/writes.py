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


# A dataclass takes a millisecond to be made, and every command makes these; so those that hold the same share one. What
# they compare equal to is of their own class all the same.


@dataclass(frozen=True)
class _OfAttribute:
    attribute: str


class Absent(_OfAttribute):
    """The item has no such attribute, or there is no item."""


class Present(_OfAttribute):
    pass


@dataclass(frozen=True)
class _OfValue:
    attribute: str
    value: Given


class Is(_OfValue):
    """The attribute is there and has this value."""


class IsNot(_OfValue):
    """The attribute is not there, or has another value."""


class AtMost(_OfValue):
    """The attribute, a number, is there and is not greater than this."""


class Below(_OfValue):
    """The attribute, a number, is there and is less than this."""


class Typed(_OfValue):
    """The attribute is there and is of this type: a value that is DynamoDB's letter for it."""


class Has(_OfValue):
    """The attribute, a set of texts, is there and has this member."""


@dataclass(frozen=True)
class Size:
    """The attribute, a set, is there and has so many members, or fewer."""

    attribute: str
    how: Literal["=", "<"]
    value: Given


@dataclass(frozen=True)
class _OfDemands:
    demands: tuple[Demand, ...]


class Every(_OfDemands):
    """All of these hold."""


class Some(_OfDemands):
    """One of these holds at least."""


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
        case _OfValue(_, value) | Size(_, _, value):
            yield value
        case _OfDemands(demands):
            for one in demands:
                yield from _values(one)
