"""What tests of the server's DynamoDB share."""

from __future__ import annotations

import pytest

from tests.local.conftest import ClientFactory


@pytest.fixture
def table(client: ClientFactory, unique: str) -> str:
    """The name of a new table with the key ``id``."""
    client("dynamodb").create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return unique
