"""The function that reads and sets the audit state: it carries out the conditional writes of its state machine, in
DynamoDB or in Redshift."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from elt_redshift.functions.calling import Answer, call
from elt_redshift.functions.rows import Rows
from elt_redshift.functions.sql import of_warehouse
from elt_redshift.protocol.places import Place

#: What it does, and nothing else.
OPERATIONS = ("GetItem", "UpdateItem")
PREFIX = "DynamoDB"


def handler(event: Mapping[str, Any], context: Any) -> Answer:
    """What Lambda calls.

    :param event: ``operation``, and the ``request`` as DynamoDB takes it; its table may be one in Redshift, by its
        address.
    :raises Exception: DynamoDB's error, by the name that a state machine knows.
    """
    operation, request = event["operation"], event["request"]
    assert operation in OPERATIONS
    if Place.named(request["TableName"]):
        rows = Rows(Place.parse(request["TableName"]), of_warehouse())
        return rows.answer(operation, request, context.get_remaining_time_in_millis() / 1000)
    return call(_client(), PREFIX, operation, request)


@cache
def _client() -> Any:
    import boto3
    from botocore.config import Config

    # A write that was sent is not sent again behind the state machine's back: that retries itself, as long as it runs.
    config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
    return boto3.client("dynamodb", config=config)
