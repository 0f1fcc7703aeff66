"""DynamoDB whose conditional writes and counters are atomic, as DynamoDB's are.

Moto checks a condition and writes in two steps. With a thread per request two writers pass the same check: a lock would
have two owners, and of two ``ADD`` one would be lost.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
"""

from __future__ import annotations

import threading
from typing import Any


def apply_all() -> None:
    """Let one request at a time into moto's DynamoDB: they are short, and none of them waits."""
    from moto.dynamodb.responses import DynamoHandler

    unlocked = DynamoHandler.call_action
    lock = threading.RLock()

    def call_action(self: DynamoHandler) -> Any:
        with lock:
            return unlocked(self)

    DynamoHandler.call_action = call_action  # type: ignore[method-assign]
