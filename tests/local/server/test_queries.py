"""Queries of DynamoDB: what they find, in which order, in which pages, and what they refuse.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ClientFactory
from tests.local.must_fail import beyond_stock

INDEX = "ByOutcome"


class Runs:
    """A table of runs by job and start, with an index by outcome and start that tells keys only.

    :ivar calls: a boto3 DynamoDB client.
    """

    def __init__(self, calls: Any, table: str) -> None:
        self.calls, self.table = calls, table
        kinds = {"job": "S", "started": "N", "outcome": "S"}
        self.calls.create_table(
            TableName=table,
            KeySchema=_keys("job", "started"),
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": INDEX,
                    "KeySchema": _keys("outcome", "started"),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def put(self, *starts: int, outcome: str | None = None, job: str = "a", **more: Any) -> None:
        """Keep runs with these starts."""
        ended = {"outcome": {"S": outcome}} if outcome else {}
        for start in starts:
            self.calls.put_item(TableName=self.table, Item={**key(start, job), **ended, **more})

    def of(self, job: str, sort: str = "", *, more: Any = None, **given: Any) -> Any:
        """Ask for a job's runs; ``sort`` is a condition on their starts, and ``more`` its values."""
        condition = f"job = :job AND {sort}" if sort else "job = :job"
        values = {":job": {"S": job}, **{name: {"N": str(number)} for name, number in (more or {}).items()}}
        return self._query(condition, values, given)

    def ended(self, outcome: str, **given: Any) -> Any:
        """Ask the index."""
        return self._query("outcome = :outcome", {":outcome": {"S": outcome}}, {"IndexName": INDEX, **given})

    def _query(self, condition: str, values: Any, given: Any) -> Any:
        return self.calls.query(
            TableName=self.table, KeyConditionExpression=condition, ExpressionAttributeValues=values, **given
        )


def _keys(partition: str, sort: str) -> Any:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def key(start: int, job: str = "a") -> Any:
    """Of a run."""
    return {"job": {"S": job}, "started": {"N": str(start)}}


def starts(answer: Any) -> list[int]:
    """Of the runs found."""
    return [int(item["started"]["N"]) for item in answer["Items"]]


@pytest.fixture
def runs(client: ClientFactory, unique: str) -> Runs:
    """An empty table."""
    return Runs(client("dynamodb"), unique)


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("", [-1, 9, 20, 100]),
        ("started = :a", [9]),
        ("started < :a", [-1]),
        ("started <= :a", [-1, 9]),
        ("started > :a", [20, 100]),
        ("started >= :a", [9, 20, 100]),
        ("started BETWEEN :a AND :b", [9, 20]),
    ],
)
def test_items_are_found_by_their_keys_in_order(runs: Runs, sort: str, found: list[int]) -> None:
    """A query finds the items of its partition that meet the condition on the sort key, numbers by what they are worth,
    forward or in reverse."""
    runs.put(100, 9, -1, 20)
    runs.put(10, job="b")
    more = {name: number for name, number in {":a": 9, ":b": 99}.items() if name in sort}
    assert starts(runs.of("a", sort, more=more)) == found
    assert starts(runs.of("a", sort, more=more, ScanIndexForward=False)) == found[::-1]
    assert starts(runs.of("c", sort, more=more)) == []


def test_an_index_follows_what_is_written(runs: Runs) -> None:
    """An item is in the index under what its attributes are now, and not while it lacks one; a table too, once asked,
    finds what is put and deleted afterwards."""
    runs.put(1, 2, 3, outcome="failed")
    runs.put(4)
    assert (starts(runs.ended("failed")), starts(runs.of("a"))) == ([1, 2, 3], [1, 2, 3, 4])

    settle = {"ExpressionAttributeValues": {":now": {"S": "done"}}, "UpdateExpression": "SET outcome = :now"}
    runs.calls.update_item(TableName=runs.table, Key=key(2), **settle)
    runs.calls.update_item(TableName=runs.table, Key=key(5), **settle)
    runs.calls.update_item(TableName=runs.table, Key=key(3), UpdateExpression="REMOVE outcome")
    runs.put(1, outcome="done")
    runs.calls.delete_item(TableName=runs.table, Key=key(4))
    transaction = [{"Put": {"TableName": runs.table, "Item": {**key(6), "outcome": {"S": "done"}}}}]
    runs.calls.transact_write_items(TransactItems=transaction)
    assert (starts(runs.ended("failed")), starts(runs.ended("done"))) == ([], [1, 2, 5, 6])
    assert starts(runs.of("a")) == [1, 2, 3, 5, 6]


def test_a_transaction_that_is_refused_is_not_found(runs: Runs) -> None:
    """What a transaction wrote before its refusal is neither in the table nor in the index."""
    runs.put(1, outcome="failed")
    starts(runs.ended("failed"))
    put = {"TableName": runs.table, "Item": {**key(2), "outcome": {"S": "failed"}}}
    never = {"TableName": runs.table, "Key": key(1), "ConditionExpression": "attribute_not_exists(job)"}
    with pytest.raises(runs.calls.exceptions.TransactionCanceledException):
        runs.calls.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": never}])
    assert (starts(runs.ended("failed")), starts(runs.of("a"))) == ([1], [1])


def test_an_index_tells_what_it_projects(runs: Runs) -> None:
    """Of an index that holds keys only these are told; other attributes, and items without the index's keys, are not
    there."""
    runs.put(1, outcome="failed", message={"S": "why"})
    runs.put(2)
    assert runs.ended("failed")["Items"] == [{**key(1), "outcome": {"S": "failed"}}]


@beyond_stock("KeyError: 'LastEvaluatedKey'")
def test_a_page_ends_after_as_many_items_as_are_read(runs: Runs) -> None:
    """``Limit`` counts what is read, before it is filtered; behind it stands the key to go on with, whether or not an
    item is left, and a page behind that begins there though the item is gone."""
    for start in range(1, 7):
        runs.put(start, even={"BOOL": start % 2 == 0})
    even = {
        "FilterExpression": "even = :yes",
        "ExpressionAttributeValues": {":job": {"S": "a"}, ":yes": {"BOOL": True}},
    }
    asked = {"TableName": runs.table, "KeyConditionExpression": "job = :job", "Limit": 3, **even}
    first = runs.calls.query(**asked)
    assert (starts(first), first["Count"], first["ScannedCount"]) == ([2], 1, 3)
    assert first["LastEvaluatedKey"] == key(3)
    runs.calls.delete_item(TableName=runs.table, Key=key(3))
    second = runs.calls.query(**asked, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert (starts(second), second["ScannedCount"], second["LastEvaluatedKey"]) == ([4, 6], 3, key(6))
    third = runs.calls.query(**asked, ExclusiveStartKey=second["LastEvaluatedKey"])
    assert (starts(third), third["ScannedCount"], third.get("LastEvaluatedKey")) == ([], 0, None)
    back = runs.of("a", ScanIndexForward=False, Limit=2, ExclusiveStartKey=key(4))
    assert (starts(back), back["LastEvaluatedKey"]) == ([2, 1], key(1))


def test_items_with_one_sort_key_are_told_once_each(runs: Runs) -> None:
    """In an index many items can have the same keys; its pages tell each of them once."""
    for job in "abcdefg":
        runs.put(1, job=job, outcome="failed")
    pages = runs.calls.get_paginator("query").paginate(
        TableName=runs.table,
        IndexName=INDEX,
        KeyConditionExpression="outcome = :outcome",
        ExpressionAttributeValues={":outcome": {"S": "failed"}},
        PaginationConfig={"PageSize": 2},
    )
    assert sorted(item["job"]["S"] for page in pages for item in page["Items"]) == [*"abcdefg"]


def test_a_page_ends_before_a_megabyte(runs: Runs) -> None:
    """A query reads no more than 1 MB of items, filtered out or not."""
    runs.put(1, 2, 3, 4, text={"S": "x" * 300_000})
    first = runs.of("a", FilterExpression="attribute_not_exists(job)")
    assert (starts(first), first["ScannedCount"], first["LastEvaluatedKey"]) == ([], 3, key(3))
    assert starts(runs.of("a", ExclusiveStartKey=first["LastEvaluatedKey"])) == [4]


_TEXT = "Condition parameter type does not match schema type"


@beyond_stock("DID NOT RAISE", "'500' == 'ValidationException'")
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"ExclusiveStartKey": {"job": {"S": "a"}}}, "The provided starting key is invalid"),
        ({"ExclusiveStartKey": key(1, "b")}, "outside query boundaries"),
        ({"sort": "started > :a", "more": {":a": 5}, "ExclusiveStartKey": key(1)}, "does not match the range key"),
        ({"sort": "started BETWEEN :a AND :b", "more": {":a": 5, ":b": 4}}, "BETWEEN operator requires upper bound"),
        ({"sort": "started = :job"}, _TEXT),
    ],
    ids=["no-key", "other-partition", "excluded", "reversed", "type"],
)
def test_what_no_key_can_be_is_refused(runs: Runs, given: Any, why: str) -> None:
    """A start key that is none, or that the conditions exclude, and conditions which nothing can meet are errors."""
    runs.put(1, 2)
    with pytest.raises(ClientError) as refused:
        runs.of("a", **given)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert why in refused.value.response["Error"]["Message"]
