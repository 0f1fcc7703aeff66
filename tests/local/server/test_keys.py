"""DynamoDB refuses keys that are none of their table, in every operation alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import ClientFactory

Key = dict[str, dict[str, str]]

MISMATCH = "The provided key element does not match the schema"
EMPTY = (
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string "
    "value. Key: id"
)
WRONG: dict[str, Key] = {
    "another name": {"name": {"S": "x"}},
    "another type": {"id": {"N": "1"}},
    "more than the key": {"id": {"S": "x"}, "more": {"S": "y"}},
    "nothing": {},
}
SET_MARK = {"UpdateExpression": "SET mark = :mark", "ExpressionAttributeValues": {":mark": {"S": "set"}}}

#: By name, what is asked of a key: of a client and the name of a table.
LOOKUPS: dict[str, Callable[[Any, str, Key], Any]] = {
    "GetItem": lambda client, table, key: client.get_item(TableName=table, Key=key),
    "UpdateItem": lambda client, table, key: client.update_item(TableName=table, Key=key, **SET_MARK),
    "DeleteItem": lambda client, table, key: client.delete_item(TableName=table, Key=key),
    "BatchGetItem": lambda client, table, key: client.batch_get_item(RequestItems={table: {"Keys": [key]}}),
    "BatchWriteItem": lambda client, table, key: client.batch_write_item(
        RequestItems={table: [{"DeleteRequest": {"Key": key}}]}
    ),
}
ACTIONS: dict[str, dict[str, Any]] = {
    "Update": SET_MARK,
    "Delete": {},
    "ConditionCheck": {"ConditionExpression": "attribute_not_exists(mark)"},
}


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    """The error that a call is answered with, which the caller has made."""
    with pytest.raises(ClientError) as caught:
        call()
    response: dict[str, Any] = dict(caught.value.response)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return response


def told(response: dict[str, Any]) -> tuple[str, str]:
    return response["Error"]["Code"], response["Error"]["Message"]


@pytest.mark.parametrize("key", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("operation", LOOKUPS)
def test_a_key_of_another_form_is_refused(client: ClientFactory, table: str, operation: str, key: Key) -> None:
    """Nobody takes it for that of an item which is not there."""
    response = refused(lambda: LOOKUPS[operation](client("dynamodb"), table, key))
    assert told(response) == ("ValidationException", MISMATCH)


@pytest.mark.parametrize("operation", LOOKUPS)
def test_an_empty_key_is_refused(client: ClientFactory, table: str, operation: str) -> None:
    """A text that is a key has a character at least."""
    response = refused(lambda: LOOKUPS[operation](client("dynamodb"), table, {"id": {"S": ""}}))
    assert told(response) == ("ValidationException", EMPTY)


@pytest.mark.parametrize("key", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_key_of_another_form_cancels_a_transaction(client: ClientFactory, table: str, action: str, key: Key) -> None:
    """The reason stands in the place of its action, and nothing is written."""
    dynamodb = client("dynamodb")
    good = {"Put": {"TableName": table, "Item": {"id": {"S": "a"}}}}
    bad = {action: {"TableName": table, "Key": key, **ACTIONS[action]}}
    response = refused(lambda: dynamodb.transact_write_items(TransactItems=[good, bad]))
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert response["CancellationReasons"] == [{"Code": "None"}, {"Code": "ValidationError", "Message": MISMATCH}]
    assert dynamodb.scan(TableName=table)["Items"] == []


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({"name": {"S": "x"}}, "Missing the key id in the item"),
        ({"id": {"N": "1"}}, "Type mismatch for key id expected: S actual: N"),
    ],
)
def test_an_item_without_its_key_cancels_a_transaction(client: ClientFactory, table: str, item: Key, why: str) -> None:
    """What is put is told by what is wrong with it."""
    put = {"Put": {"TableName": table, "Item": item}}
    response = refused(lambda: client("dynamodb").transact_write_items(TransactItems=[put]))
    reason = {"Code": "ValidationError", "Message": f"One or more parameter values were invalid: {why}"}
    assert response["CancellationReasons"] == [reason]


def test_an_empty_key_cancels_no_transaction(client: ClientFactory, table: str) -> None:
    """It is refused before that begins; of reading ones the same holds."""
    dynamodb, key = client("dynamodb"), {"id": {"S": ""}}
    for action, given in {**ACTIONS, "Put": {"Item": key}}.items():
        one = {action: {"TableName": table, **({} if action == "Put" else {"Key": key}), **given}}
        response = refused(lambda one=one: dynamodb.transact_write_items(TransactItems=[one]))  # type: ignore[misc]
        assert told(response) == ("ValidationException", EMPTY)
    get = {"Get": {"TableName": table, "Key": key}}
    assert told(refused(lambda: dynamodb.transact_get_items(TransactItems=[get]))) == ("ValidationException", EMPTY)


@pytest.mark.parametrize("key", WRONG.values(), ids=WRONG)
def test_reads_of_transactions_and_scans_refuse_it(client: ClientFactory, table: str, key: Key) -> None:
    """As what they look up, and as what they go on behind."""
    dynamodb = client("dynamodb")
    get = {"Get": {"TableName": table, "Key": key}}
    response = refused(lambda: dynamodb.transact_get_items(TransactItems=[get]))
    assert response["CancellationReasons"] == [{"Code": "ValidationError", "Message": MISMATCH}]
    response = refused(lambda: dynamodb.scan(TableName=table, ExclusiveStartKey=key))
    assert told(response) == ("ValidationException", f"The provided starting key is invalid: {MISMATCH}")


@pytest.mark.parametrize("item", [{"name": {"S": "x"}}, {"id": {"N": "1"}}])
def test_a_batch_puts_no_item_without_its_key(client: ClientFactory, table: str, item: Key) -> None:
    """A batch tells less of it than a put."""
    put = {table: [{"PutRequest": {"Item": item}}]}
    response = refused(lambda: client("dynamodb").batch_write_item(RequestItems=put))
    assert told(response) == ("ValidationException", MISMATCH)
