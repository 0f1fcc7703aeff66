"""For all tests: a failure shows what the servers beside the test logged."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tests import logs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        report.sections += logs.ends()
    return report
