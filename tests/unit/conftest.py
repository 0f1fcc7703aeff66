"""Airflow reads its configuration when it is first imported: before that, it is given a home of this process's own."""

from __future__ import annotations

import os
import tempfile

import pytest

_home = tempfile.TemporaryDirectory(prefix="elt-redshift-airflow-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _home.cleanup()
