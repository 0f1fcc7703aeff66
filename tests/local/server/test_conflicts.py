"""Writes of the embedded AWS's DynamoDB that are under way, and what AWS refuses meanwhile of the same items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from elt_redshift.local.errors import LocalAwsError
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.waiting import wait_for


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    with Faults(local_aws) as faults:
        yield faults


class Items:
    """Items of a table, each by its key ``id``."""

    def __init__(self, endpoint: str, table: str) -> None:
        self._table = table
        self._client = boto3.client(
            "dynamodb",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def _of(self, key: str) -> dict[str, Any]:
        return {"TableName": self._table, "Key": {"id": {"S": key}}}

    def put(self, key: str) -> Any:
        return self._client.put_item(TableName=self._table, Item={"id": {"S": key}, "by": {"S": "put"}})

    def update(self, key: str) -> Any:
        said = {":by": {"S": "update"}}
        return self._client.update_item(
            **self._of(key), UpdateExpression="SET #by = :by", **_BY, ExpressionAttributeValues=said
        )

    def delete(self, key: str) -> Any:
        return self._client.delete_item(**self._of(key))

    def transact(self, *keys: str) -> Any:
        said = {":by": {"S": "transaction"}}
        updates = [
            {**self._of(key), "UpdateExpression": "SET #by = :by", **_BY, "ExpressionAttributeValues": said}
            for key in keys
        ]
        return self._client.transact_write_items(TransactItems=[{"Update": update} for update in updates])

    def read_all(self, *keys: str) -> Any:
        return self._client.transact_get_items(TransactItems=[{"Get": self._of(key)} for key in keys])

    def written_by(self, key: str) -> str | None:
        item = self._client.get_item(**self._of(key), ConsistentRead=True).get("Item", {})
        return item["by"]["S"] if "by" in item else None


_BY = {"ExpressionAttributeNames": {"#by": "by"}}


@pytest.fixture
def items(local_aws: LocalAws, table: str) -> Items:
    return Items(local_aws.endpoint, table)


@pytest.fixture
def begin(faults: Faults) -> Iterator[Callable[..., Future[Any]]]:
    """Begins a write that goes on until so many others have met it, and gives it once it is under way."""
    with ThreadPoolExecutor(1) as pool:

        def begin(operation: str, write: Callable[..., Any], *keys: str, conflicts: int = 1) -> Future[Any]:
            faults.let_conflict(operation, conflicts, bounds.ANSWER)
            writing = pool.submit(write, *keys)
            wait_for(lambda: faults.met() == [1], "it is under way")
            return writing

        yield begin


def refused(call: Callable[..., Any], *keys: str) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(*keys)
    return dict(error.value.response)


CONFLICT = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}


@pytest.mark.parametrize("write", ["put", "update", "delete"])
def test_a_write_conflicts_with_a_transaction(items: Items, begin: Callable[..., Future[Any]], write: str) -> None:
    """It is refused and changes nothing; other items are free, and so is this one behind the transaction."""
    writing = begin("TransactWriteItems", items.transact, "x", "y")
    getattr(items, write)("z")
    answer = refused(getattr(items, write), "x")
    assert answer["Error"] == {"Code": "TransactionConflictException", "Message": CONFLICT["Message"]}
    writing.result()
    assert (items.written_by("x"), items.written_by("y")) == ("transaction", "transaction")
    getattr(items, write)("x")
    assert items.written_by("x") == (None if write == "delete" else write)


@pytest.mark.parametrize("operation", ["TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"])
def test_a_transaction_is_canceled_by_what_is_under_way(
    items: Items, begin: Callable[..., Future[Any]], operation: str
) -> None:
    """One that writes, and one that reads, are told which of their items it is; who just reads sees what was before."""
    write = {"TransactWriteItems": items.transact, "PutItem": items.put, "UpdateItem": items.update}
    writing = begin(operation, write.get(operation, items.delete), "x", conflicts=2)
    assert items.written_by("x") is None
    for call in (items.transact, items.read_all):
        answer = refused(call, "w", "x")
        assert answer["Error"]["Code"] == "TransactionCanceledException"
        assert answer["Error"]["Message"].endswith("[None, TransactionConflict]")
        assert answer["CancellationReasons"] == [{"Code": "None"}, CONFLICT]
    writing.result()
    assert items.written_by("w") is None
    items.transact("w", "x")
    assert items.written_by("w") == "transaction"


def test_writes_that_are_no_transactions_wait_for_each_other(items: Items, begin: Callable[..., Future[Any]]) -> None:
    """They do not conflict."""
    writing = begin("PutItem", items.put, "x")
    items.update("x")
    refused(items.transact, "x")
    writing.result()
    assert items.written_by("x") == "put"


def test_what_nothing_conflicts_with_is_refused(faults: Faults) -> None:
    """Faults name the operations that may be under way."""
    with pytest.raises(LocalAwsError, match=r"GetItem\. Give one of TransactWriteItems, PutItem, UpdateItem, "):
        faults.let_conflict("GetItem")
