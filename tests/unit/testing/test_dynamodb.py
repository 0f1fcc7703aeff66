"""The model of DynamoDB does what the protocol's writes ask of it."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.protocol import audit, dynamodb, joins
from elt_redshift.protocol.writes import Write
from elt_redshift.testing.dynamodb import DynamoDb
from elt_redshift.testing.errors import ServiceError

FREE = {"owner": "one", "start": "now", "redrives": "0"}


def write(table: DynamoDb, what: Write, **values: Any) -> bool:
    """Whether the write's condition held."""
    try:
        table.update_item(dynamodb.update("audit", audit.key("101"), what, values))
    except ServiceError as error:
        if error.name != "ConditionalCheckFailedException":
            raise
        return False
    return True


def item(table: DynamoDb) -> dict[str, Any]:
    return dict(table.get_item(dynamodb.get("audit", audit.key("101"))).get("Item", {}))


def test_a_lock_is_taken_once_and_released_by_its_owner() -> None:
    """Conditions on attributes that are absent, equal or another's decide."""
    table = DynamoDb()
    assert item(table) == {}
    assert write(table, audit.ACQUIRE, **FREE)
    assert not write(table, audit.ACQUIRE, **{**FREE, "owner": "two"})
    assert not write(table, audit.RELEASE, owner="two", end="then")
    assert write(table, audit.RELEASE, owner="one", end="then")
    assert write(table, audit.RELEASE, owner="one", end="again")
    assert item(table)["JobState"] == {"S": "Ready"}
    assert "Owner" not in item(table)


def test_a_take_over_holds_the_item_against_what_was_seen() -> None:
    """A condition in parentheses, of AND and OR, and a number that is compared."""
    table = DynamoDb()
    write(table, audit.ACQUIRE, **FREE)
    seen = {"dead": "one", "seen": "Running", "claim": "0", "until": "none"}
    assert not write(table, audit.TAKE_OVER, **{**FREE, "owner": "two", **seen, "claim": "1"})
    assert write(table, audit.TAKE_OVER, **{**FREE, "owner": "two", **seen})
    assert item(table)["TakenOverFrom"] == {"S": "one"}


def test_sets_grow_by_their_new_members_and_their_sizes_decide() -> None:
    """ADD, size() and ALL_NEW, as joins use them."""
    table, key = DynamoDb(), joins.key("run", "task")

    def announce(task: str) -> dict[str, Any]:
        values = {"task": [task], "expiry": "1"}
        return table.update_item(dynamodb.update("joins", key, joins.ANNOUNCE_LAST, values, answered=True))

    announce("a")
    assert announce("a")["Attributes"]["Done"] == {"SS": ["a"]}
    table.update_item(dynamodb.update("joins", key, joins.STORE, {"token": "t", "awaited": "2", "expiry": "1"}))
    announce("b")
    with pytest.raises(ServiceError, match="Conditional"):
        table.update_item(dynamodb.update("joins", key, joins.STORE, {"token": "t", "awaited": "2", "expiry": "1"}))


def test_expressions_that_dynamodb_would_refuse_are_refused() -> None:
    """A mistake in an expression is a ValidationException, not a condition that fails."""
    request = {
        "TableName": "t",
        "Key": {},
        "UpdateExpression": "SET a = :a",
        "ExpressionAttributeValues": {":a": {"S": 1}},
    }
    with pytest.raises(ServiceError, match="wrong type"):
        DynamoDb().update_item(request)
    good = {**request, "ExpressionAttributeValues": {":a": {"S": "1"}}}
    with pytest.raises(ServiceError, match="unexpected"):
        DynamoDb().update_item({**good, "ConditionExpression": "a = :a OR"})
