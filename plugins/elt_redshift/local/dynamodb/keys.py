"""Keys that are none of their table are refused, whatever is asked of them.

Moto takes some of them for keys of items that are not there, and breaks down at others. DynamoDB refuses an empty text
before anything else; a key of another name, number or type in the request's own error, but in a transaction in the
reasons for which that is cancelled.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Key = Mapping[str, Mapping[str, Any]]

_NO_START = "The provided starting key is invalid: The provided key element does not match the schema"
_MISSING = "One or more parameter values were invalid: Missing the key {} in the item"


def check_keys() -> None:
    """Change moto. Once per process."""
    from moto.dynamodb.responses import DynamoHandler

    for operation, check in _CHECKS.items():
        setattr(DynamoHandler, operation, _checked(getattr(DynamoHandler, operation), check))


def _checked(unchecked: Callable[[Any], Any], check: Callable[[Any, Mapping[str, Any]], None]) -> Callable[[Any], Any]:
    def operation(self: Any) -> Any:
        check(self.dynamodb_backend.get_table, self.body)
        return unchecked(self)

    return operation


def _one(table_of: Any, body: Mapping[str, Any]) -> None:
    _look_up(table_of(body["TableName"]), body["Key"])


def _some_read(table_of: Any, body: Mapping[str, Any]) -> None:
    for name, asked in body["RequestItems"].items():
        for key in asked["Keys"]:
            _look_up(table_of(name), key)


def _some_written(table_of: Any, body: Mapping[str, Any]) -> None:
    for name, asked in body["RequestItems"].items():
        table = table_of(name)
        for one in asked:
            if "DeleteRequest" in one:
                _look_up(table, one["DeleteRequest"]["Key"])
            elif "PutRequest" in one:
                item = one["PutRequest"]["Item"]
                _look_up(table, {attribute: item[attribute] for attribute in _types(table) if attribute in item})


def _started(table_of: Any, body: Mapping[str, Any]) -> None:
    from moto.dynamodb.exceptions import MockValidationException

    if (key := body.get("ExclusiveStartKey")) is None or "IndexName" in body:
        return
    if not _fits(table_of(body["TableName"]), key):
        raise MockValidationException(_NO_START)


def _transaction(table_of: Any, body: Mapping[str, Any]) -> None:
    from moto.dynamodb.exceptions import TransactionCanceledException

    reasons = [_reason(table_of, of) for one in body["TransactItems"] for of in [*one.values()][:1]]
    if any(reasons):
        raise TransactionCanceledException([("ValidationError" if why else None, why, None) for why in reasons])


def _reason(table_of: Any, of: Mapping[str, Any]) -> str | None:
    """Why an action of a transaction is not to be.

    :raises KeyIsEmptyStringException: that is refused before.
    """
    from moto.dynamodb.exceptions import InvalidAttributeTypeError, ProvidedKeyDoesNotExist

    table = table_of(of["TableName"])
    key = of["Item"] if "Item" in of else of["Key"]
    _refuse_empty(table, key)
    if "Key" in of:
        return None if _fits(table, key) else str(ProvidedKeyDoesNotExist.provided_key_does_not_exist_msg)
    for name, kind in _types(table).items():
        if name not in key:
            return _MISSING.format(name)
        if kind not in key[name]:
            return str(InvalidAttributeTypeError.msg.format(name, kind, *key[name]))
    return None


def _look_up(table: Any, key: Key) -> None:
    """:raises MockValidationException: it is no key of the table."""
    from moto.dynamodb.exceptions import ProvidedKeyDoesNotExist

    _refuse_empty(table, key)
    if not _fits(table, key):
        raise ProvidedKeyDoesNotExist


def _refuse_empty(table: Any, key: Key) -> None:
    from moto.dynamodb.exceptions import KeyIsEmptyStringException

    for name, kind in _types(table).items():
        if kind in ("S", "B") and key.get(name, {}).get(kind) == "":
            raise KeyIsEmptyStringException(name)


def _fits(table: Any, key: Key) -> bool:
    types = _types(table)
    return key.keys() == types.keys() and all(kind in key[name] for name, kind in types.items())


def _types(table: Any) -> dict[str, str]:
    """The attributes of the table's key, and of which types they are."""

    def pairs() -> Iterator[tuple[str, str]]:
        yield table.hash_key_attr, table.hash_key_type
        if table.range_key_attr is not None:
            yield table.range_key_attr, table.range_key_type

    return dict(pairs())


_CHECKS: dict[str, Callable[[Any, Mapping[str, Any]], None]] = {
    "get_item": _one,
    "update_item": _one,
    "delete_item": _one,
    "batch_get_item": _some_read,
    "batch_write_item": _some_written,
    "transact_get_items": _transaction,
    "transact_write_items": _transaction,
    "scan": _started,
}
