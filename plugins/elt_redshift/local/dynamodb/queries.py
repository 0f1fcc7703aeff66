"""Queries find items by their keys, and read no others.

Moto looks at all items of the table for each query: with 50,000 of them it takes a second or more. And it differs: it
gives no key to go on behind when ``Limit`` items are read and none is left, where DynamoDB may; it begins anywhere when
a start key is none; it takes conditions that no key can meet.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from elt_redshift.local.dynamodb.ordering import Between, Key, Ordering, Schema, value

Named = tuple[Any, Any]
"""An item's hash key and range key, in moto's values."""

_Condition = tuple[str, str, Sequence[Any]]

_NOT_CONSISTENT = "Consistent reads are not supported on global secondary indexes"
_WRONG_TYPE = "One or more parameter values were invalid: Condition parameter type does not match schema type"
_REVERSED = (
    "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower "
    "bound; lower bound operand: AttributeValue: {{{}}}, upper bound operand: AttributeValue: {{{}}}"
)
_NO_START = "The provided starting key is invalid"
_START_ELSEWHERE = "The provided starting key is outside query boundaries based on provided conditions"
_START_EXCLUDED = "The provided starting key does not match the range key predicate"


def find_by_key() -> None:
    """Change moto. Once per process."""
    from moto.dynamodb.models.table import Table

    kept: WeakKeyDictionary[Any, _Orderings] = WeakKeyDictionary()
    get_item, put_item, delete_item = Table.get_item, Table.put_item, Table.delete_item

    def touch(table: Any, hash_key: Any, range_key: Any) -> None:
        if orderings := kept.get(table):
            orderings.touched.add((hash_key, range_key))

    def get(table: Any, hash_key: Any, range_key: Any = None, *given: Any, **more: Any) -> Any:
        item = get_item(table, hash_key, range_key, *given, **more)
        touch(table, hash_key, range_key)  # an update changes what it has got
        return item

    def put(table: Any, *given: Any, **more: Any) -> Any:
        item = put_item(table, *given, **more)
        touch(table, item.hash_key, item.range_key)
        return item

    def delete(table: Any, hash_key: Any, range_key: Any) -> Any:
        touch(table, hash_key, range_key)
        return delete_item(table, hash_key, range_key)

    def query(table: Any, *given: Any, **more: Any) -> Any:
        orderings = kept.setdefault(table, _Orderings())
        orderings.follow(lambda name: get_item(table, *name))
        return _query(orderings, table, *given, **more)

    for method, changed in {"get_item": get, "put_item": put, "delete_item": delete, "query": query}.items():
        setattr(Table, method, changed)


class _Orderings:
    """Those of a table that were needed, of it and its indexes.

    ``touched`` are items that may have changed since the last query.
    """

    def __init__(self) -> None:
        self._orderings: dict[Schema, Ordering] = {}
        self.touched: set[Named] = set()

    def follow(self, now: Callable[[Named], Any]) -> None:
        for name in self.touched if self._orderings else ():
            item = now(name)
            for ordering in self._orderings.values():
                ordering.put(name, item)
        self.touched.clear()

    def of(self, schema: Schema, items: Iterable[Any]) -> Ordering:
        """:param items: all of the table, from which it is made the first time."""
        if schema not in self._orderings:
            made = self._orderings[schema] = Ordering(schema)
            for item in items:
                made.put((item.hash_key, item.range_key), item)
        return self._orderings[schema]


def _query(
    orderings: _Orderings,
    table: Any,
    _hash_key: Any,
    _comparison: Any,
    _values: Any,
    limit: int | None,
    start: Mapping[str, Any] | None,
    forward: bool,
    projection: Any,
    index_name: str | None = None,
    consistent: bool = False,
    filter_expression: Any = None,
    *,
    hash_key_conditions: Sequence[tuple[str, Any]],
    range_key_conditions: Sequence[_Condition],
    **filters: Any,
) -> tuple[list[Any], int, Any]:
    """What moto's own gives: the items, how many were read, and the key to go on behind."""
    index = table.get_index(index_name, error_if_not=True) if index_name else None
    _refuse(consistent and index in table.global_indexes, _NOT_CONSISTENT)
    schema = _schema(table, index)
    ordering = orderings.of(schema, _items(table))
    partition, which = _asked(schema, dict(hash_key_conditions), range_key_conditions)
    behind = None if start is None else _behind(ordering, schema, start, partition, which)
    read, whole = _page(ordering.find(partition, which, behind, forward), limit)

    items = copy.deepcopy(read)
    items = [index.project(item) for item in items] if index else items
    items = [item for item in items if filter_expression is None or filter_expression.expr(item)]
    items = [item for item in items if all(_meets(item, name, given) for name, given in filters.items())]
    items = [item.project(projection) for item in items] if projection else items
    return items, len(read), None if whole else table._get_last_evaluated_key(read[-1], index_name)


def _refuse(when: bool, message: str) -> None:
    from moto.dynamodb.exceptions import MockValidationException

    if when:
        raise MockValidationException(message)


def _items(table: Any) -> Iterator[Any]:
    for held in table.items.values():
        yield from held.values() if table.has_range_key else [held]


def _schema(table: Any, index: Any) -> Schema:
    kinds = {"HASH": list[str](), "RANGE": list[str]()}
    for key in (index or table).schema:
        kinds[key["KeyType"]].append(key["AttributeName"])
    found = (*kinds["HASH"], *kinds["RANGE"])
    unique = tuple(name for name in table.table_key_attrs if name not in found)
    types = {one["AttributeName"]: one["AttributeType"] for one in table.attr}
    return Schema(
        tuple(kinds["HASH"]), tuple(kinds["RANGE"]), unique, tuple((name, types[name]) for name in (*found, *unique))
    )


def _asked(schema: Schema, hashes: Mapping[str, Any], ranges: Sequence[_Condition]) -> tuple[Key, Between]:
    types = dict(schema.types)
    given = [*hashes.items(), *((name, one) for name, _, values in ranges for one in values)]
    _refuse(any(one.type != types[name] for name, one in given), _WRONG_TYPE)
    partition = tuple(value(hashes[name]) for name in schema.partition)
    if not ranges:
        return partition, Between()
    *equal, (_, comparison, values) = ranges
    which = Between(tuple(value(one) for _, _, (one,) in equal), comparison, tuple(map(value, values)))
    if comparison == "BETWEEN" and which.values[0] > which.values[1]:
        _refuse(True, _REVERSED.format(*(f"{one.type}:{one.value}" for one in values)))
    return partition, which


def _behind(ordering: Ordering, schema: Schema, start: Mapping[str, Any], partition: Key, which: Between) -> Key:
    from moto.dynamodb.models.dynamo_type import DynamoType

    attributes = {name: DynamoType(typed) for name, typed in start.items()}
    place = ordering.place(attributes)
    _refuse(place is None or {*attributes} != {*dict(schema.types)}, _NO_START)
    assert place is not None
    _refuse(place[0] != partition, _START_ELSEWHERE)
    _refuse(not which.holds(place[1]), _START_EXCLUDED)
    return place[1]


def _page(found: Iterator[Any], limit: int | None) -> tuple[list[Any], bool]:
    """What one query reads, filtered out or not; and whether that is all."""
    from moto.dynamodb.models.table import RESULT_SIZE_LIMIT

    read, size = list[Any](), 0
    for item in found:
        size += item.size()
        if read and size > RESULT_SIZE_LIMIT:
            return read, False
        read.append(item)
        if len(read) == limit:
            return read, False
    return read, True


def _meets(item: Any, name: str, given: Mapping[str, Any]) -> bool:
    """A condition of a ``QueryFilter``."""
    from moto.dynamodb.models.dynamo_type import DynamoType

    if name not in item.attrs:
        return bool(given["ComparisonOperator"] == "NULL")
    wanted = [DynamoType(one) for one in given.get("AttributeValueList", ())]
    return bool(item.attrs[name].compare(given["ComparisonOperator"], wanted))
