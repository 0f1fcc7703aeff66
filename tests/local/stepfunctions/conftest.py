"""One patched server for all tests of this folder; one unpatched, only for the test that wants it."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("sfn_support", Path(__file__).with_name("support.py"))
assert _spec is not None
assert _spec.loader is not None
support = importlib.util.module_from_spec(_spec)
sys.modules["sfn_support"] = support
_spec.loader.exec_module(support)


_servers: dict[str, Any] = {}


@pytest.fixture(scope="session")
def running() -> Iterator[Any]:
    """Starts each kind of server once, when the first test asks for it, and ends them all."""
    with ExitStack() as stack:

        def get(kind: str) -> Any:
            if kind not in _servers:
                _servers[kind] = stack.enter_context(support.server(*(["--stock"] if kind == "stock" else [])))
            return _servers[kind]

        yield get
        _servers.clear()


@pytest.fixture
def aws(request: pytest.FixtureRequest, running: Any) -> Iterator[Any]:
    """The embedded Step Functions and DynamoDB; moto as it is for the ``stock`` half of a ``beyond_stock`` test."""
    server = running(getattr(request, "param", "embedded"))
    yield server
    server.stop_all()
