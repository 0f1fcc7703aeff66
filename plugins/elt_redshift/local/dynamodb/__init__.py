"""DynamoDB whose conditional writes and counters are atomic, as DynamoDB's are, whose tables can be given another
encryption, which reads expressions in a fraction of moto's time, which finds items by their keys and refuses keys that
are none, and where a write may be under way for a while.

Moto checks a condition and writes in two steps. With a thread per request two writers pass the same check: a lock would
have two owners, and of two ``ADD`` one would be lost.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
"""

from __future__ import annotations

import threading
from typing import Any

from elt_redshift.local.dynamodb.conflicts import Conflicts

#: Those of this process.
CONFLICTS = Conflicts()


def apply_all() -> None:
    """Change moto's DynamoDB. Once per process."""
    from elt_redshift.local.dynamodb import expressions, keys, queries, transactions

    _one_at_a_time()
    _change_encryption()
    expressions.read_fast()
    queries.find_by_key()
    transactions.apply_all()
    keys.check_keys()


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
    """Let one request at a time in: they are short, and what has to wait waits before."""
    from moto.dynamodb.responses import DynamoHandler

    unlocked = DynamoHandler.call_action
    lock = threading.RLock()

    def call_action(self: DynamoHandler) -> Any:
        self.body = getattr(self, "params", {})
        with CONFLICTS.around(self, self._get_action()) as refused:
            if refused is not None:
                return _refuse(self, refused)
            with lock:
                return unlocked(self)

    DynamoHandler.call_action = call_action  # type: ignore[method-assign]


def _refuse(handler: Any, error: Any) -> Any:
    """As moto answers when a call raises an error."""
    headers, body = handler._enrich_response({**dict(error.get_headers()), "status": error.code}, error.description)
    return error.code, headers, body
