"""The calls that programs make of AWS, held against a policy: what it would refuse, and what of it nothing uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from elt_redshift.local.iam.asked import asked_by
from elt_redshift.local.iam.policies import Asked, Grant, allowing, grants

#: Whoever has credentials may ask whose they are.
ANYBODY = "sts:GetCallerIdentity"


class Calls:
    """What was called, and so what the caller must be allowed."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    def note(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        new = (one for one in asked_by(service, operation, request) if one not in self.asked)
        self.asked += [one for one in new if one.action != ANYBODY]

    def denied(self, policy: Mapping[str, Any]) -> list[Asked]:
        return [one for one in self.asked if not allowing({"": policy}, one)]

    def unused(self, policy: Mapping[str, Any]) -> set[Grant]:
        used = {grant for one in self.asked for grant in allowing({"": policy}, one)}
        return grants({"": policy}) - used


@contextmanager
def recorded(calls: Calls) -> Iterator[None]:
    """All clients of this process note what they call."""
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def noted(client: Any, operation: str, request: Mapping[str, Any]) -> Any:
        calls.note(client.meta.service_model.service_name, operation, request)
        return call(client, operation, request)

    with patch.object(BaseClient, "_make_api_call", noted):
        yield
