"""The server of a test: the embedded AWS, moto as it ships, or moto with all patches but one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests import bounds
from tests.local import must_fail
from tests.local.stepfunctions import support, without_each_patch
from tests.local.stepfunctions.support import Aws


@pytest.fixture(scope="session")
def patched() -> Iterator[support.Patched]:
    with support.patched() as running:
        yield running


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Callable[[str], Aws]:
    """Servers by kind, each started when first asked for."""

    def start(kind: str) -> Aws:
        if kind == must_fail.EMBEDDED and (patch := os.environ.get(without_each_patch.WITHOUT)):
            kind = f"{must_fail.WITHOUT}{patch}"
        if kind == must_fail.EMBEDDED:
            return Aws(request.getfixturevalue("local_aws").endpoint)
        if kind == must_fail.STOCK:
            return Aws(request.getfixturevalue("stock_endpoint"), bounds.STOCK)
        port = request.getfixturevalue("patched").without(kind.removeprefix(must_fail.WITHOUT))
        return Aws(f"http://127.0.0.1:{port}", bounds.PATCHED)

    return cache(start)


@pytest.fixture
def aws(request: pytest.FixtureRequest, servers: Callable[[str], Aws]) -> Iterator[Aws]:
    """Step Functions and DynamoDB, of the embedded AWS unless the test must fail elsewhere."""
    kind = getattr(request, "param", must_fail.EMBEDDED)
    server = servers(kind)
    yield server
    if not kind.startswith(must_fail.WITHOUT):  # those end soon, and may lack what it takes
        server.stop_all()
