"""Fixtures for tests on the embedded AWS: one server for the whole session, real boto3 over real HTTP."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from elt_redshift.local.process import LocalAws
from elt_redshift.local.server import SWITCH_INTERVAL
from elt_redshift.local.stepfunctions.attempts import RETRY_PACE
from tests import bounds
from tests.local import must_fail
from tests.servers import embedded_aws


class ClientFactory:
    """Gives clients of a server, one for each service.

    :param patience: how long, in seconds, to wait for what the server does by itself.
    """

    def __init__(self, make: Callable[[str], Any], patience: float) -> None:
        self._make, self.patience = make, patience

    def __call__(self, service: str) -> Any:
        return self._make(service)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    must_fail.servers(metafunc)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if must_fail.proves(item)]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    return (yield from must_fail.expect(pyfuncitem))


def client_factory(endpoint: str, patience: float = bounds.ANSWER) -> ClientFactory:
    """Clients without retries, so that a test sees the first answer."""
    session: Any = boto3.session.Session("local", "local", region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=100, read_timeout=bounds.ANSWER)
    return ClientFactory(cache(lambda service: session.client(service, endpoint_url=endpoint, config=config)), patience)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """The embedded AWS of this test session, on a free port; it ends with the session, whatever ends that.

    Its threads take turns five times as often as usual, so that races show (the tests of atomic writes fail without the
    locks), and retries come soon.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH_INTERVAL, "1e-3")
        patch.setenv(RETRY_PACE, "0.1")
        running = embedded_aws()
        aws = running.__enter__()
    try:
        yield aws
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def stock_endpoint() -> Iterator[str]:
    """Moto's server without our patches."""
    script = Path(__file__).with_name("stock_server.py")
    with subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


@pytest.fixture(scope="session")
def factories(request: pytest.FixtureRequest) -> Callable[[str], ClientFactory]:
    """Client factories by kind of server, each server started when first asked for."""
    made = {
        "embedded": lambda: client_factory(request.getfixturevalue("local_aws").endpoint),
        "stock": lambda: client_factory(request.getfixturevalue("stock_endpoint"), bounds.STOCK),
    }
    return cache(lambda kind: made[kind]())


@pytest.fixture
def client(request: pytest.FixtureRequest, factories: Callable[[str], ClientFactory]) -> ClientFactory:
    """``client("dynamodb")`` and so on, of the embedded AWS unless the test is ``beyond_stock``."""
    return factories(getattr(request, "param", "embedded"))


@pytest.fixture
def unique() -> str:
    """A name that no other test uses: tests share the server."""
    return f"t{uuid.uuid4().hex[:12]}"
