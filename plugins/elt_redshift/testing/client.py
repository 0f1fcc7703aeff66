"""The simulated DynamoDB as a boto3 client, for the package's own code that reads and writes audit items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from elt_redshift.testing.errors import ServiceError


class ClientError(Exception):
    """As botocore's: ``response`` holds the error's code."""

    def __init__(self, error: ServiceError) -> None:
        self.response = {"Error": {"Code": error.name, "Message": error.message}}
        super().__init__(error)


class DynamoDbClient:
    """:param get_item: answers such requests; ``update_item`` likewise."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(
        self, get_item: Callable[[Mapping[str, Any]], Any], update_item: Callable[[Mapping[str, Any]], Any]
    ) -> None:
        self._get_item, self._update_item = get_item, update_item

    def get_item(self, **request: Any) -> Any:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html"""
        return self._get_item(request)

    def update_item(self, **request: Any) -> Any:
        """:raises ClientError: the condition failed."""
        try:
            return self._update_item(request)
        except ServiceError as error:
            raise ClientError(error) from error
