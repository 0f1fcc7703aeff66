"""Airflow reads its configuration when it is first imported: before that, it is given a home of this process's own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

_home = tempfile.TemporaryDirectory(prefix="elt-redshift-airflow-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# Airflow 2 rebuilds the links of a serialized operator only if a plugin names them.
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(Path(__file__).resolve().parents[2] / "plugins")

# No example is judged by the clock: Hypothesis's 200 ms are few on a loaded machine.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _home.cleanup()
