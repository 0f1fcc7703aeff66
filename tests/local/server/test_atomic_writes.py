"""Conditional writes and counters of DynamoDB are atomic, though the server has a thread for each connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.local.conftest import ClientFactory
from tests.local.must_fail import beyond_stock

WRITERS = 60
ROUNDS = 5
ADDS = 800


def wins(dynamodb: Any, table: str, key: str, writer: int) -> bool:
    """Whether a writer got the lock."""
    try:
        dynamodb.put_item(
            TableName=table,
            Item={"id": {"S": key}, "owner": {"N": str(writer)}},
            ConditionExpression="attribute_not_exists(id)",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def test_a_conditional_put_has_one_winner(client: ClientFactory, table: str) -> None:
    """Of 60 writers at once exactly one gets the item, and it is the one that the item names."""
    dynamodb = client("dynamodb")
    with ThreadPoolExecutor(WRITERS) as pool:
        for number in range(ROUNDS):
            key = f"lock-{number}"
            won = pool.map(lambda writer, key=key: wins(dynamodb, table, key, writer), range(WRITERS))
            winners = [writer for writer, success in enumerate(won) if success]
            owner = dynamodb.get_item(TableName=table, Key={"id": {"S": key}})["Item"]["owner"]["N"]
            assert winners == [int(owner)]


@beyond_stock("' == '800'")
def test_no_add_is_lost(client: ClientFactory, table: str) -> None:
    """800 ADDs of 1 from 40 threads make 800 (moto as it ships loses several of every 200)."""
    dynamodb = client("dynamodb")

    def add(_: int) -> None:
        dynamodb.update_item(
            TableName=table,
            Key={"id": {"S": "counter"}},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(add, range(ADDS)))
    item = dynamodb.get_item(TableName=table, Key={"id": {"S": "counter"}}, ConsistentRead=True)["Item"]
    assert item["n"]["N"] == str(ADDS)


def test_an_expression_that_is_used_again_is_read_as_before(client: ClientFactory, table: str) -> None:
    """What an expression of all clauses did to one item it does to the next, and again to the first."""
    dynamodb = client("dynamodb")

    def update(item: str, step: str) -> Any:
        return dynamodb.update_item(
            TableName=table,
            Key={"id": {"S": item}},
            UpdateExpression="SET l = list_append(if_not_exists(l, :none), :l), #t = if_not_exists(#t, :zero) + :n "
            "REMOVE gone ADD s :s, c :n",
            ConditionExpression="attribute_not_exists(stop)",
            ExpressionAttributeNames={"#t": "total"},
            ExpressionAttributeValues={
                ":none": {"L": []},
                ":l": {"L": [{"S": item}]},
                ":zero": {"N": "0"},
                ":n": {"N": step},
                ":s": {"SS": [item]},
            },
            ReturnValues="ALL_NEW",
        )["Attributes"]

    def held(item: str, times: int, total: str) -> Any:
        numbers = {"c": {"N": total}, "total": {"N": total}}
        return {"id": {"S": item}, "l": {"L": [{"S": item}] * times}, "s": {"SS": [item]}, **numbers}

    assert [update("a", "1"), update("b", "5"), update("a", "2")] == [
        held("a", 1, "1"),
        held("b", 1, "5"),
        held("a", 2, "3"),
    ]
