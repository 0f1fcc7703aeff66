"""DynamoDB's transactions: all conditions hold and all is written, or nothing is.

Moto copies every table that a transaction touches, whole and twice, to have it back where a condition fails: with a few
thousand items that takes longer than all else that a state does. Here conditions are asked first, and only the items
that are written are copied. One request is served at a time, so no transaction meets another unless that is
asked for (:mod:`.conflicts`).
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elt_redshift.local.copies import deep_copy

#: The most that the items of a transaction may have together, in bytes.
_LARGEST = 4 * 1024 * 1024


def apply_all() -> None:
    """Change moto's transactions. Once per process."""
    from moto.dynamodb.models import DynamoDBBackend

    DynamoDBBackend.transact_write_items = _transact_write_items  # type: ignore[method-assign]


def _transact_write_items(self: Any, transact_items: Sequence[Mapping[str, Any]]) -> None:
    from moto.dynamodb.exceptions import TooManyTransactionsException, TransactionCanceledException

    if len(transact_items) > 100:
        raise TooManyTransactionsException
    actions = [_Action.read(self, one) for one in transact_items]
    _check_items(actions)
    reasons = [action.reason() for action in actions]
    if not any(code for code, _, _ in reasons):
        reasons = _write(actions)
    if any(code for code, _, _ in reasons):
        raise TransactionCanceledException(reasons)


Reason = tuple[str | None, str | None, dict[str, Any] | None]
_NONE: Reason = (None, None, None)


class _Action:
    """What a transaction does to one item.

    :ivar before: the item, if there is one.
    """

    def __init__(self, backend: Any, kind: str, of: Mapping[str, Any]) -> None:
        self.backend, self.kind, self.of = backend, kind, of
        self.table = backend.get_table(of["TableName"])
        names = (self.table.hash_key_attr, self.table.range_key_attr)
        key = of["Item"] if kind == "Put" else of["Key"]
        self.key = {name: key[name] for name in names if name is not None}
        self.before = backend.get_item(of["TableName"], self.key)
        self._names = of.get("ExpressionAttributeNames")
        self._values = of.get("ExpressionAttributeValues")

    @classmethod
    def read(cls, backend: Any, given: Mapping[str, Any]) -> _Action:
        from moto.dynamodb.exceptions import TransactWriteSingleOpException

        if len(given) != 1:
            raise TransactWriteSingleOpException
        ((kind, of),) = given.items()
        return cls(backend, kind, of)

    def reason(self) -> Reason:
        """Why it is not to be."""
        from moto.dynamodb.comparisons import get_filter_expression

        condition = self.of.get("ConditionExpression")
        if condition is None or get_filter_expression(condition, self._names, self._values).expr(self.before):
            return _NONE
        told = self.of.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and self.before is not None
        item = self.before.to_json()["Attributes"] if told else None
        return "ConditionalCheckFailed", "The conditional request failed", item

    def write(self) -> None:
        name = self.of["TableName"]
        how = {
            "expression_attribute_names": self._names or {},
            "expression_attribute_values": self._values or {},
        }
        if self.kind == "Put":
            self.backend.put_item(name, self.of["Item"])
        elif self.kind == "Delete":
            self.backend.delete_item(name, self.key, **how)
        elif self.kind == "Update":
            self.backend.update_item(name, self.key, self.of["UpdateExpression"], **how)

    def undo(self, before: Any) -> None:
        """Have the item as it was."""
        if before is None:
            self.backend.delete_item(self.of["TableName"], self.key)
        else:
            self.table.put_item(before.to_json()["Attributes"])

    def size(self) -> int:
        """Of the item, in bytes."""
        item = self.backend.get_item(self.of["TableName"], self.key)
        return item.size() if item is not None else 0


def _check_items(actions: Sequence[_Action]) -> None:
    """Each item is written once."""
    from moto.dynamodb.exceptions import MultipleTransactionsException

    if len({(action.of["TableName"], str(action.key)) for action in actions}) < len(actions):
        raise MultipleTransactionsException


def _write(actions: Sequence[_Action]) -> list[Reason]:
    """Do everything; where that fails, nothing is left of it."""
    from moto.dynamodb.exceptions import MockValidationException

    before = [deep_copy(action.before) for action in actions]
    begun: list[_Action] = []
    try:
        for action in actions:
            begun.append(action)
            action.write()
        if sum(action.size() for action in actions) > _LARGEST:
            raise MockValidationException("Transaction request cannot include items of more than 4 MB together")
    except Exception as error:
        for action, item in zip(begun, before, strict=False):
            action.undo(item)
        if isinstance(error, MockValidationException):
            raise
        failed: Reason = (type(error).__name__, str(error), None)
        return [failed if action is begun[-1] else _NONE for action in actions]
    return [_NONE] * len(actions)
