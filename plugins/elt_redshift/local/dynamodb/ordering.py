"""Items by partition and in the order of their sort keys, as DynamoDB keeps those of a table or an index."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Hashable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

#: Values of key attributes, which Python orders as DynamoDB does: texts by their code points, which is the order of
#: their UTF-8 bytes, numbers by what they are worth, and bytes as unsigned ones.
Key = tuple[Any, ...]


class Schema(NamedTuple):
    """By which attributes items are found.

    :param partition: all of them are given in each query.
    :param sort: of these some, from the first on.
    :param unique: more of them, behind which no two items stand in the same place.
    :param types: of all of them, ``S``, ``N`` or ``B``.
    """

    partition: tuple[str, ...]
    sort: tuple[str, ...]
    unique: tuple[str, ...]
    types: tuple[tuple[str, str], ...]


class Between(NamedTuple):
    """Some of a partition's items, which stand beside each other.

    :param equal: what their first sort keys are.
    :param comparison: of the next sort key with ``values``, in DynamoDB's spelling; None: any.
    """

    equal: Key = ()
    comparison: str | None = None
    values: Key = ()

    def holds(self, key: Key) -> bool:
        """Whether an item of these sort keys is among them."""
        return _bounds([key], self) == (0, 1)


def value(typed: Any) -> Any:
    """Of moto's value of a key attribute."""
    if typed.type == "N":
        return Decimal(typed.value)
    if typed.type == "B" and isinstance(typed.value, str):
        return base64.b64decode(typed.value)
    return typed.value


class _Partition:
    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.items: dict[Key, Any] = {}


class Ordering:
    """Of items that have all key attributes, of the right types; an index lacks others."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._partitions: dict[Key, _Partition] = {}
        self._places: dict[Hashable, tuple[Key, Key]] = {}

    def put(self, name: Hashable, item: Any | None) -> None:
        """An item is so now.

        :param name: which one it is.
        :param item: None: it is no more.
        """
        before, now = self._places.pop(name, None), self.place(item.attrs) if item else None
        if before and before != now:
            partition, key = before
            kept = self._partitions[partition]
            del kept.items[key], kept.keys[bisect_left(kept.keys, key)]
        if now:
            self._places[name], (partition, key) = now, now
            kept = self._partitions.setdefault(partition, _Partition())
            if key not in kept.items:
                insort(kept.keys, key)
            kept.items[key] = item

    def place(self, attributes: Mapping[str, Any]) -> tuple[Key, Key] | None:
        """Partition and sort keys of an item with such attributes; None: one is missing, or of another type."""
        if any(name not in attributes or attributes[name].type != kind for name, kind in self._schema.types):
            return None
        partition, sort, unique, _ = self._schema
        return tuple(value(attributes[name]) for name in partition), tuple(
            value(attributes[name]) for name in (*sort, *unique)
        )

    def find(self, partition: Key, which: Between, behind: Key | None, forward: bool) -> Iterator[Any]:
        """Items in order.

        :param behind: where to begin, whether or not an item stands there: all its sort keys, unique ones too.
        :param forward: False: in reverse.
        """
        kept = self._partitions.get(partition)
        if kept is None:
            return
        first, end = _bounds(kept.keys, which)
        if behind is not None and forward:
            first = max(first, bisect_right(kept.keys, behind))
        elif behind is not None:
            end = min(end, bisect_left(kept.keys, behind))
        for place in range(first, end) if forward else range(end - 1, first - 1, -1):
            yield kept.items[kept.keys[place]]


def _bounds(keys: list[Key], which: Between) -> tuple[int, int]:
    """The place of the first, and that behind the last."""
    equal, comparison, values = which
    count = len(equal)

    def short(key: Key) -> Key:
        return key[: count + 1]

    def beginning(key: Key) -> Key:
        return (*key[:count], key[count][: len(values[0])])

    def from_(given: Any, cut: Callable[[Key], Key] = short) -> int:
        return bisect_left(keys, (*equal, given), key=cut)

    def to(given: Any, cut: Callable[[Key], Key] = short) -> int:
        return bisect_right(keys, (*equal, given), key=cut)

    first = bisect_left(keys, equal, key=lambda key: key[:count])
    end = bisect_right(keys, equal, key=lambda key: key[:count])
    match comparison:
        case None:
            return first, end
        case "=":
            return from_(values[0]), to(values[0])
        case "<":
            return first, from_(values[0])
        case "<=":
            return first, to(values[0])
        case ">":
            return to(values[0]), end
        case ">=":
            return from_(values[0]), end
        case "BETWEEN":
            return from_(values[0]), to(values[1])
        case "BEGINS_WITH":
            return from_(values[0], beginning), to(values[0], beginning)
    raise ValueError(f"{comparison} compares no keys")
