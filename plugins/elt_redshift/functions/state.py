"""The function that reads and sets the audit state: it carries out the conditional writes of its state machine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from elt_redshift.functions.calling import Answer, call

#: What it does, and nothing else.
OPERATIONS = ("GetItem", "UpdateItem")
PREFIX = "DynamoDB"


def handler(event: Mapping[str, Any], context: Any) -> Answer:
    """What Lambda calls.

    :param event: ``operation``, and the ``request`` as DynamoDB takes it.
    :raises Exception: DynamoDB's error, by the name that a state machine knows.
    """
    assert event["operation"] in OPERATIONS
    return call(_client(), PREFIX, event["operation"], event["request"])


@cache
def _client() -> Any:
    import boto3
    from botocore.config import Config

    # A write that was sent is not sent again behind the state machine's back: that retries itself, as long as it runs.
    config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
    return boto3.client("dynamodb", config=config)
