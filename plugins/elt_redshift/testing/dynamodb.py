"""A model of DynamoDB: single items, each write whole or not at all, strongly consistent.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from elt_redshift.protocol.joins import MAX_TRANSACTION
from elt_redshift.testing.errors import ServiceError
from elt_redshift.testing.expressions import Item, demanded, updating

#: Of so many transactions one meets another.
_CONFLICTS = 0.05

_TYPES = ("S", "N", "SS", "NS", "M", "BOOL", "NULL", "L")


class DynamoDb:
    """:ivar items: by their tables and keys; each value with its type, as in ``{"S": "text"}``."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}

    def get_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html"""
        item = self.items.get(_place(request))
        return {} if item is None else {"Item": dict(item)}

    def items_of(self, table: str, key: str, value: str) -> list[Item]:
        """The items whose first key, a text, has a value."""
        found = ((json.loads(place), item) for (where, place), item in self.items.items() if where == table)
        return [item for place, item in found if place[key] == {"S": value}]

    def update_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html"""
        item = self._updated(request)
        if item is None:
            raise ServiceError("ConditionalCheckFailedException", "The conditional request failed")
        self.items[_place(request)] = item
        return {"Attributes": dict(item)} if request.get("ReturnValues") == "ALL_NEW" else {}

    def _updated(self, request: Mapping[str, Any]) -> Item | None:
        """The item as the update makes it; None: its condition does not hold."""
        names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
        _check(values)
        before, condition = self.items.get(_place(request), {}), request.get("ConditionExpression")
        if condition and not demanded(condition)(before, names, values):
            return None
        item = {**request["Key"], **before}
        updating(request["UpdateExpression"])(item, names, values)
        return item

    def transact_write_items(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Updates, all of them or none.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
        """
        updates = _each(request, "Update")
        items = [self._updated(update) for update in updates]
        if None in items:
            raise canceled("ConditionalCheckFailed" if item is None else "None" for item in items)
        self.items.update((_place(update), item) for update, item in zip(updates, items, strict=True) if item)
        return {}

    def transact_get_items(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html"""
        return {"Responses": [self.get_item(get) for get in _each(request, "Get")]}

    def query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """All items of one first part of a key, in one page.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
        """
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        name, value = request["KeyConditionExpression"].split(" = ")
        return {"Items": self.items_of(request["TableName"], names[name], values[value]["S"])}

    def edit(self, table: str, key: Item, change: Callable[[Item], Item]) -> None:
        """Put an item in the place of another one, as consoles do."""
        place = _place({"TableName": table, "Key": key})
        self.items[place] = {**change(self.items.get(place, {})), **key}


def canceled(reasons: Iterable[str]) -> ServiceError:
    """The error of a transaction, which says of each item what was wrong."""
    said = "Transaction cancelled, please refer cancellation reasons for specific reasons"
    return ServiceError("TransactionCanceledException", f"{said} [{', '.join(reasons)}]")


def conflicting(
    transact: Callable[[Mapping[str, Any]], Any], chances: Random, faulty: Callable[[], bool]
) -> Callable[[Mapping[str, Any]], Any]:
    """The same call, which meets another request for one of its items now and then, while calls are ``faulty``."""

    def called(request: Mapping[str, Any]) -> Any:
        if faulty() and chances.random() < _CONFLICTS:
            raise canceled(["None", "TransactionConflict"])
        return transact(request)

    return called


def _each(request: Mapping[str, Any], action: str) -> list[Mapping[str, Any]]:
    """The actions of a transaction, on an item each."""
    actions = [one[action] for one in request["TransactItems"]]
    if not 0 < len(actions) <= MAX_TRANSACTION or len({_place(one) for one in actions}) < len(actions):
        raise ServiceError("ValidationException", f"a transaction has 1 to {MAX_TRANSACTION} items, each of them once")
    return actions


def _place(request: Mapping[str, Any]) -> tuple[str, str]:
    return request["TableName"], json.dumps(request["Key"], sort_keys=True)


def _check(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        ((kind, inner),) = value.items()
        none = kind in ("SS", "NS") and not inner
        if kind not in _TYPES or (kind in ("S", "N") and not isinstance(inner, str)) or none:
            raise ServiceError("ValidationException", f"{name} has a value of a wrong type: {value}")
