"""For all tests: an Airflow home of this process's own, who runs them beside each other, and a failure shows what the
servers beside the test logged."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import logs

# Thousands of tests and modules stay to the end. By Python's own thresholds they are looked through again and again,
# which takes a fifth of the time in which tests are collected.
gc.set_threshold(100_000, 50, 50)

# Airflow reads its configuration when it is first imported.
_home = tempfile.TemporaryDirectory(prefix="elt-redshift-airflow-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# Airflow 2 rebuilds the links of a serialized operator only if a plugin names them.
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(Path(__file__).resolve().parents[1] / "plugins")

# No example is judged by the clock: Hypothesis's 200 ms are few on a loaded machine.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")


#: The files whose tests drive one and the same Airflow, see tests/e2e/conftest.py.
ON_PROCESSES = ("test_airflow_processes.py", "test_every_end.py", "e2e/test_parts.py")

#: It has an Airflow of its own, for many minutes.
LONG_ON_PROCESSES = "test_shapes.py"

#: Files of long tests that share nothing: whichever process is free takes the next one.
APART = (
    "test_random_resuming.py",
    "aws/test_linted.py",
    "testing/test_broken.py",
    "testing/test_every_state.py",
    "testing/test_failures_that_meet.py",
    "testing/test_fence.py",
    "testing/test_schedules.py",
)

#: A folder of such files; some take minutes. Their tests share the embedded AWS only, of which each process has one.
APART_FOLDER = "tests/local/runs/"

#: Files whose exhaustive tests take longest, and show by more cases, or a real Airflow, what quick ones show.
NIGHTLY = (
    "e2e/test_airflow_command.py",
    "e2e/test_airflow_processes.py",
    "e2e/test_amazon_snippets.py",
    "e2e/test_dags_test.py",
    "e2e/test_every_end.py",
    "e2e/test_lineage.py",
    "e2e/test_native_engine.py",
    "local/runs/test_every_state.py",
    "local/runs/test_finish_independent.py",
    "local/runs/test_kinds.py",
    "local/runs/test_layouts.py",
    "local/runs/test_layouts_read.py",
    "local/runs/test_random_graphs.py",
    "local/runs/test_random_resuming.py",
    "local/runs/test_resuming.py",
    "local/runs/test_scripts.py",
    "local/runs/test_stopped_redrive.py",
    "local/runs/test_stops.py",
    "local/runs/test_words.py",
    "unit/testing/test_crowds.py",
    "unit/testing/test_every_state.py",
    "unit/testing/test_parts.py",
    "unit/testing/test_schedules.py",
    "unit/testing/test_telling_across_parts.py",
)


@pytest.hookimpl(optionalhook=True)  # the environments of other Airflows have no xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, unless they share nothing, and so do those of the files that share an Airflow."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            if file.endswith(ON_PROCESSES):
                return "on processes"
            return nodeid if file.endswith(APART) or file.startswith(APART_FOLDER) else file

    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


def _turn(item: pytest.Item) -> int:
    """When a test's turn is: the long ones begin first, so that the processes end together. Tests on a real Airflow
    mostly wait, and leave the processors to the others beside them; but few Airflows start at a time."""
    file = item.path.as_posix()
    firsts = (ON_PROCESSES, LONG_ON_PROCESSES, APART)
    folders = ("/tests/e2e/", f"/{APART_FOLDER}", "/tests/local/")
    known = [file.endswith(files) for files in firsts] + [folder in file for folder in folders]
    return known.index(True) if True in known else len(known)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    for item in items:
        if item.path.as_posix().endswith(NIGHTLY) and item.get_closest_marker("exhaustive"):
            item.add_marker("nightly")
    yield
    items.sort(key=_turn)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        report.sections += logs.ends()
    return report


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _home.cleanup()
