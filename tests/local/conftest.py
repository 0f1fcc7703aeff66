"""Fixtures for tests on the embedded AWS: one server for the whole session, real boto3 over real HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.config import Config

from elt_redshift.local import process
from elt_redshift.local.process import LocalAws

ClientFactory = Callable[[str], Any]


def client_factory(aws: LocalAws) -> ClientFactory:
    """Clients of an embedded AWS, one for each service; no retries, so that a test sees the first answer."""
    environment = process.environment(aws)
    session: Any = boto3.session.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=100)
    return cache(lambda service: session.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"], config=config))


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """The embedded AWS of this test session, on a free port; it ends with the session, whatever ends that."""
    with process.running(timeout=120) as aws:
        yield aws


@pytest.fixture(scope="session")
def client(local_aws: LocalAws) -> ClientFactory:
    """``client("dynamodb")`` and so on."""
    return client_factory(local_aws)


@pytest.fixture
def unique() -> str:
    """A name that no other test uses: tests share the server."""
    return f"t{uuid.uuid4().hex[:12]}"
