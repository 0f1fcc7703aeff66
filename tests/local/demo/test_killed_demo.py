"""The demo leaves nothing behind, whatever ends it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from tests import bounds
from tests.local.server.processes import alive, descendants
from tests.local.waiting import wait_for


def airflow_runs(demo: int) -> bool:
    return any("airflow" in _command_line(pid) for pid in descendants(demo))


def _command_line(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return ""


@pytest.mark.exhaustive  # what the demo starts is tested so in tests/local/server/test_lifecycle.py
def test_a_killed_demo_leaves_nothing() -> None:
    """After kill -9 while Airflow starts, neither Airflow nor the embedded AWS nor a folder is left."""
    temporary = Path(tempfile.mkdtemp(prefix="elt-", dir="/tmp"))  # short, for PostgreSQL's socket
    command = [sys.executable, "-m", "elt_redshift", "demo", "--scale-factor", "0.001"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as demo:
        wait_for(lambda: airflow_runs(demo.pid) or demo.poll() is not None, "Airflow is started", bounds.EXECUTION)
        assert demo.poll() is None, demo.communicate()[0]
        pids = descendants(demo.pid)
        demo.kill()
        wait_for(lambda: not alive(pids), "all of it ends", bounds.START)
    wait_for(lambda: not list(temporary.iterdir()), f"{temporary} is emptied", bounds.START)
    temporary.rmdir()
