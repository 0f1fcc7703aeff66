"""Writes that are under way, and the other calls of the same items that they cancel: on demand, since otherwise one
call is served after the other, and no transaction ever meets another.

::

    while one is under way of    is refused a call of
    TransactWriteItems           PutItem, UpdateItem, DeleteItem: TransactionConflictException
    any of these                 TransactWriteItems, TransactGetItems: TransactionCanceledException, TransactionConflict

What is under way takes effect at its end. Other calls read what was there before.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

Item = tuple[Any, ...]
"""Account, region and table of an item, and its key."""

WRITES = ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem")
_TRANSACTIONS = ("TransactWriteItems", "TransactGetItems")

_ONGOING = "Transaction is ongoing for the item"


class Hold(NamedTuple):
    """How long a write is under way.

    :param conflicts: until it has met so many other calls, which are refused.
    :param seconds: … but no longer.
    """

    conflicts: int
    seconds: float


class _Write:
    """One that is under way."""

    def __init__(self, transaction: bool, items: Iterable[Item], hold: Hold) -> None:
        self.transaction, self.items, self._hold = transaction, frozenset(items), hold
        self._lock = threading.Condition()
        self._met = 0

    def meet(self) -> None:
        with self._lock:
            self._met += 1
            self._lock.notify_all()

    def last(self) -> None:
        """Wait for its end."""
        with self._lock:
            self._lock.wait_for(lambda: self._met >= self._hold.conflicts, self._hold.seconds)


class Conflicts:
    """The writes that are under way.

    :ivar hold: how long the write that a request asks for is to be under way, given the operation and the request;
        None: it happens at once.
    """

    def __init__(self) -> None:
        self.hold: Callable[[str, Mapping[str, Any]], Hold | None] = lambda _operation, _request: None
        self._lock = threading.Lock()
        self._ongoing: list[_Write] = []

    @contextmanager
    def around(self, handler: Any, operation: str) -> Iterator[Exception | None]:
        """Of a call: why it is refused; None: it happens at the end of the time that it takes, and then the block."""
        if operation not in (*WRITES, *_TRANSACTIONS):
            yield None
            return
        with self._lock:
            error = self._refusal(handler, operation) if self._ongoing else None
            held = self._begin(handler, operation) if error is None else None
        if held is None:
            yield error
            return
        try:
            held.last()
            yield None
        finally:
            with self._lock:
                self._ongoing.remove(held)

    def _begin(self, handler: Any, operation: str) -> _Write | None:
        hold = self.hold(operation, handler.body) if operation in WRITES else None
        if hold is None:
            return None
        held = _Write(operation == "TransactWriteItems", _items(handler, operation), hold)
        self._ongoing.append(held)
        return held

    def _refusal(self, handler: Any, operation: str) -> Exception | None:
        from moto.dynamodb.exceptions import DynamodbException, TransactionCanceledException

        canceled, items = operation in _TRANSACTIONS, _items(handler, operation)
        met = [write for write in self._ongoing if write.items & {*items} and (canceled or write.transaction)]
        for write in met:
            write.meet()
        if not met:
            return None
        if not canceled:
            return DynamodbException("com.amazonaws.dynamodb.v20120810#TransactionConflictException", _ONGOING)
        taken = frozenset[Item]().union(*(write.items for write in met))
        reasons = [("TransactionConflict", _ONGOING, None) if item in taken else (None, None, None) for item in items]
        return TransactionCanceledException(reasons)


def _items(handler: Any, operation: str) -> Sequence[Item]:
    """What a call is of, in its order; nothing where a table is missing, which the call itself will be refused for."""
    from moto.dynamodb.exceptions import ResourceNotFoundException

    body = handler.body
    ones = [one for action in body["TransactItems"] for one in action.values()] if "TransactItems" in body else [body]
    try:
        return [_item(handler, one) for one in ones]
    except ResourceNotFoundException:
        return []


def _item(handler: Any, of: Mapping[str, Any]) -> Item:
    table = handler.dynamodb_backend.get_table(of["TableName"])
    names = (table.hash_key_attr, table.range_key_attr)
    given = of.get("Key") or of.get("Item") or {}
    key = json.dumps([given.get(name) for name in names], sort_keys=True)
    return handler.current_account, handler.region, table.name, key
