"""One patched server for all tests of this folder; one unpatched, only for the test that wants it."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("sfn_support", Path(__file__).with_name("support.py"))
assert _spec is not None
assert _spec.loader is not None
support = importlib.util.module_from_spec(_spec)
sys.modules["sfn_support"] = support
_spec.loader.exec_module(support)


@pytest.fixture(scope="session")
def aws() -> Iterator[Any]:
    """The embedded Step Functions and DynamoDB."""
    with support.server() as running:
        yield running


@pytest.fixture(scope="session")
def stock() -> Iterator[Any]:
    """moto as it is."""
    with support.server("--stock") as running:
        yield running
