"""One embedded Redshift for all tests here: moto's server with our Data API, on free ports."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from elt_redshift.local.redshift import EmbeddedRedshift, moto_adapter, start
from elt_redshift.local.redshift.loading.s3 import Bucket
from tests import bounds

CLUSTER = {"ClusterIdentifier": "warehouse", "Database": "dev", "DbUser": "awsuser"}


class Events:
    """The details of all events so far."""

    def __init__(self) -> None:
        self._details: list[dict[str, Any]] = []
        self._arrived = threading.Condition()

    def receive(self, detail: dict[str, Any]) -> None:
        with self._arrived:
            self._details.append(detail)
            self._arrived.notify_all()

    def of(self, statement_id: str) -> list[dict[str, Any]]:
        """The events of a statement so far."""
        return [detail for detail in self._details if detail["statementId"] == statement_id]

    def await_one(self, statement_id: str) -> dict[str, Any]:
        """The event of a statement, as soon as it is there."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self.of(statement_id), timeout=bounds.ANSWER)
            return self.of(statement_id)[0]


@pytest.fixture(scope="session")
def events() -> Events:
    return Events()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The URL of a moto server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def redshift(endpoint: str, events: Events, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedshift]:
    """The embedded Redshift, served by the moto server."""
    running = start(tmp_path_factory.mktemp("redshift") / "data", endpoint, events.receive)
    moto_adapter.install(running.data_api)
    yield running
    running.stop()


def make_client(service: str, endpoint: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 1}, max_pool_connections=100, read_timeout=bounds.ANSWER),
    )


@pytest.fixture(scope="session")
def client(redshift: EmbeddedRedshift, endpoint: str) -> Any:
    """A boto3 client of the Data API."""
    return make_client("redshift-data", endpoint)


@pytest.fixture(scope="session")
def s3(endpoint: str) -> Any:
    return make_client("s3", endpoint)


@pytest.fixture
def bucket(s3: Any) -> str:
    """The name of a new bucket."""
    name = f"bucket-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def schema(client: Any) -> Iterator[str]:
    """The name of a new schema, dropped afterwards."""
    name = f"s{uuid.uuid4().hex[:12]}"
    run(client, f"create schema {name}")
    yield name
    run(client, f"drop schema {name} cascade")


def finish(client: Any, statement_id: str) -> dict[str, Any]:
    """Describe a statement once it has ended."""
    description: dict[str, Any] = client.describe_statement(Id=statement_id, WaitTimeSeconds=30)
    assert description["Status"] in ("FINISHED", "FAILED", "ABORTED")
    return description


def run(client: Any, sql: str, **members: Any) -> dict[str, Any]:
    """Execute a statement and describe how it ended."""
    target = {} if "SessionId" in members else CLUSTER
    return finish(client, client.execute_statement(Sql=sql, **{**target, **members})["Id"])


def run_batch(client: Any, sqls: list[str], **members: Any) -> dict[str, Any]:
    """Execute a batch and describe how it ended."""
    return finish(client, client.batch_execute_statement(Sqls=sqls, **{**CLUSTER, **members})["Id"])


def values(client: Any, sql: str, **members: Any) -> list[tuple[Any, ...]]:
    """The rows of a query as Python values."""
    description = run(client, sql, **members)
    assert description["Status"] == "FINISHED", description
    return fetch(client, description["Id"])


def fetch(client: Any, statement_id: str) -> list[tuple[Any, ...]]:
    """The rows of a statement's result, all pages."""
    pages = client.get_paginator("get_statement_result").paginate(Id=statement_id)
    return [
        tuple(None if "isNull" in f else next(iter(f.values())) for f in row) for p in pages for row in p["Records"]
    ]


__all__ = ["CLUSTER", "Bucket", "fetch", "finish", "make_client", "run", "run_batch", "values"]
