"""Transactions of DynamoDB write all of their items or none, and say of each why not."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ClientFactory


def marking(table: str, key: str, **more: Any) -> dict[str, Any]:
    """An update that sets ``mark``."""
    values = {":mark": {"S": "set"}}
    update = {"TableName": table, "Key": {"id": {"S": key}}, "UpdateExpression": "SET mark = :mark"}
    return {"Update": {**update, "ExpressionAttributeValues": values, **more}}


def items(dynamodb: Any, table: str) -> dict[str, Any]:
    found = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    return {item["id"]["S"]: item for item in found}


def refused(dynamodb: Any, *actions: dict[str, Any]) -> Any:
    """The error that a transaction is answered with."""
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=list(actions))
    return caught.value.response


def test_all_is_written_where_all_conditions_hold(client: ClientFactory, table: str) -> None:
    """Items that were there and new ones; a put, an update, a deletion and a check."""
    dynamodb = client("dynamodb")
    for key in ("old", "gone", "there"):
        dynamodb.put_item(TableName=table, Item={"id": {"S": key}})
    there = {"TableName": table, "Key": {"id": {"S": "there"}}, "ConditionExpression": "attribute_exists(id)"}
    dynamodb.transact_write_items(
        TransactItems=[
            marking(table, "old", ConditionExpression="attribute_not_exists(mark)"),
            marking(table, "new"),
            {"Put": {"TableName": table, "Item": {"id": {"S": "put"}, "n": {"N": "1"}}}},
            {"Delete": {"TableName": table, "Key": {"id": {"S": "gone"}}}},
            {"ConditionCheck": there},
        ]
    )
    found = items(dynamodb, table)
    assert found.keys() == {"old", "new", "put", "there"}
    assert found["old"]["mark"] == found["new"]["mark"] == {"S": "set"}


def test_nothing_is_written_where_one_condition_fails(client: ClientFactory, table: str) -> None:
    """The error names a reason for each item, in their order; the item itself where that was asked for."""
    dynamodb = client("dynamodb")
    dynamodb.put_item(TableName=table, Item={"id": {"S": "b"}, "mark": {"S": "old"}})
    demand = "attribute_not_exists(mark)"
    asked = marking(table, "b", ConditionExpression=demand, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    response = refused(dynamodb, marking(table, "a"), asked, marking(table, "c"))
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert "[None, ConditionalCheckFailed, None]" in response["Error"]["Message"]
    codes = [one["Code"] for one in response["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed", "None"]
    assert response["CancellationReasons"][1]["Item"]["mark"] == {"S": "old"}
    assert items(dynamodb, table) == {"b": {"id": {"S": "b"}, "mark": {"S": "old"}}}


def test_nothing_is_left_where_an_update_cannot_be_made(client: ClientFactory, table: str) -> None:
    """What the items before it were is what they are."""
    dynamodb = client("dynamodb")
    dynamodb.put_item(TableName=table, Item={"id": {"S": "text"}, "n": {"S": "one"}})
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "mark": {"S": "old"}})
    before = items(dynamodb, table)
    adding = marking(table, "text", UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}})
    refused(dynamodb, marking(table, "a"), marking(table, "new"), adding)
    assert items(dynamodb, table) == before


@pytest.mark.parametrize(
    ("keys", "because"),
    [
        (["a", "b", "a"], "multiple operations on one item"),
        ([str(number) for number in range(101)], "less than or equal to 100"),
    ],
)
def test_what_is_no_transaction_is_refused(client: ClientFactory, table: str, keys: list[str], because: str) -> None:
    """Each item once, and a hundred at most."""
    dynamodb = client("dynamodb")
    response = refused(dynamodb, *(marking(table, key) for key in keys))
    assert response["Error"]["Code"] == "ValidationException"
    assert because in response["Error"]["Message"]
    assert not items(dynamodb, table)


def test_large_items_are_refused_together(client: ClientFactory, table: str) -> None:
    """More than 4 MB."""
    dynamodb = client("dynamodb")
    puts = [
        {"Put": {"TableName": table, "Item": {"id": {"S": str(number)}, "text": {"S": "x" * 390_000}}}}
        for number in range(11)
    ]
    assert refused(dynamodb, *puts)["Error"]["Code"] == "ValidationException"
    assert not items(dynamodb, table)
    dynamodb.transact_write_items(TransactItems=puts[:10])
    assert len(items(dynamodb, table)) > 0


def test_items_are_read_together(client: ClientFactory, table: str) -> None:
    """In the order of the request; nothing stands for one that is not there."""
    dynamodb = client("dynamodb")
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}})
    wanted = [{"Get": {"TableName": table, "Key": {"id": {"S": key}}}} for key in ("none", "a")]
    answers = dynamodb.transact_get_items(TransactItems=wanted)["Responses"]
    assert answers == [{}, {"Item": {"id": {"S": "a"}}}]
