"""A model of DynamoDB: single items, each write whole or not at all, strongly consistent.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from elt_redshift.testing.errors import ServiceError
from elt_redshift.testing.expressions import Item, demanded, updating

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
        place, names = _place(request), request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        _check(values)
        before = self.items.get(place, {})
        condition = request.get("ConditionExpression")
        if condition and not demanded(condition)(before, names, values):
            raise ServiceError("ConditionalCheckFailedException", "The conditional request failed")
        item = {**request["Key"], **before}
        updating(request["UpdateExpression"])(item, names, values)
        self.items[place] = item
        return {"Attributes": dict(item)} if request.get("ReturnValues") == "ALL_NEW" else {}

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


def _place(request: Mapping[str, Any]) -> tuple[str, str]:
    return request["TableName"], json.dumps(request["Key"], sort_keys=True)


def _check(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        ((kind, inner),) = value.items()
        none = kind in ("SS", "NS") and not inner
        if kind not in _TYPES or (kind in ("S", "N") and not isinstance(inner, str)) or none:
            raise ServiceError("ValidationException", f"{name} has a value of a wrong type: {value}")
