"""DynamoDB whose conditional writes and counters are atomic, as DynamoDB's are, whose tables can be given another
encryption, which reads expressions in a fraction of moto's time, and which finds items by their keys.

Moto checks a condition and writes in two steps. With a thread per request two writers pass the same check: a lock would
have two owners, and of two ``ADD`` one would be lost.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
"""

from __future__ import annotations

import threading
from typing import Any


def apply_all() -> None:
    """Change moto's DynamoDB. Once per process."""
    from elt_redshift.local.dynamodb import expressions, queries, transactions

    _one_at_a_time()
    _change_encryption()
    expressions.read_fast()
    queries.find_by_key()
    transactions.apply_all()


def _change_encryption() -> None:
    """UpdateTable heeds ``SSESpecification``, which moto reads when a table is made only."""
    from moto.dynamodb.responses import DynamoHandler

    unchanged = DynamoHandler.update_table

    def update_table(self: DynamoHandler) -> Any:
        if given := self.body.get("SSESpecification"):
            table = self.dynamodb_backend.get_table(self.body["TableName"])
            default = table._get_default_encryption_key(self.current_account, self.region)
            table.sse_specification = {"KMSMasterKeyId": default, **given}
        return unchanged(self)

    DynamoHandler.update_table = update_table  # type: ignore[method-assign]


def _one_at_a_time() -> None:
    """Let one request at a time in: they are short, and none of them waits."""
    from moto.dynamodb.responses import DynamoHandler

    unlocked = DynamoHandler.call_action
    lock = threading.RLock()

    def call_action(self: DynamoHandler) -> Any:
        with lock:
            return unlocked(self)

    DynamoHandler.call_action = call_action  # type: ignore[method-assign]
