"""The embedded AWS starts once, stops without a trace, and leaves none when it or its parent is killed."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from elt_redshift.local import door, process, server, state, watchdog
from elt_redshift.local.errors import LocalAwsError, NotRunningError
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.cases import exhaustive
from tests.local.server.processes import alive, descendants, folders_with, naming
from tests.local.waiting import wait_for

PARENT = f"""
import sys
from elt_redshift.local import process
with process.running(timeout={bounds.START}) as aws:
    print(aws.to_json().replace("\\n", " "), flush=True)
    sys.stdin.read()
"""

#: Stands for a server that never gets ready.
HANGING = """#!/bin/sh
trap '' TERM
echo 'waiting for Godot' >{log}
echo '{{"log": "{log}"}}'
echo $$ >{pid}
while true; do echo .; sleep 0.1; done
"""
STARTERS = {
    "up": "process.up(sys.argv[1], 0, timeout={bound})",
    "running": "process.running(sys.argv[1], timeout={bound}).__enter__()",
}


def up(folder: Path, port: int = 0) -> LocalAws:
    return process.up(folder, port, timeout=bounds.START)


def belongings(aws: LocalAws) -> tuple[set[int], set[Path]]:
    """All processes and temporary folders of a running embedded AWS."""
    pids = descendants(aws.pid) | {aws.pid}
    folders = folders_with(pids) | {Path(aws.data)}
    assert len(pids) >= 4, "the server, its watchdog, PostgreSQL and its helpers"
    assert len(folders) >= 2, "the server's data and PostgreSQL's sockets"
    return pids, folders


def assert_gone(pids: set[int], folders: set[Path]) -> None:
    """Wait until nothing is left of an embedded AWS."""
    wait_for(lambda: not alive(pids), f"processes {pids} end")
    wait_for(lambda: not any(folder.exists() for folder in folders), f"folders {folders} are removed")


def test_two_ups_and_two_downs(tmp_path: Path) -> None:
    """Two ups at the same moment start one server, a third finds it; down leaves only log and locks, twice is fine."""
    script = (
        "import sys; from elt_redshift.local import process; print(process.up(sys.argv[1], 0, float(sys.argv[2])).pid)"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(bounds.START)]
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=True), range(2))
        pids = {int(answer.stdout) for answer in answers}
    aws = up(tmp_path)
    assert pids == {aws.pid}
    assert process.status(tmp_path) == aws
    assert json.loads((tmp_path / "local.json").read_text())["endpoint"] == aws.endpoint
    processes, folders = belongings(aws)
    assert process.down(tmp_path) is True
    assert not any(folder.exists() for folder in folders)
    assert_gone(processes, folders)  # the server has let its lock go, and may need a moment to give its memory back
    assert process.status(tmp_path) is None
    assert {file.name for file in tmp_path.iterdir()} == {"server.log", "server.lock", "control.lock"}
    assert process.down(tmp_path) is False


def test_killed_server_leaves_nothing(tmp_path: Path) -> None:
    """After kill -9 of the server no process and no temporary folder is left, and up starts a new one."""
    aws = up(tmp_path)
    pids, folders = belongings(aws)
    os.kill(aws.pid, signal.SIGKILL)
    assert_gone(pids, folders)
    wait_for(lambda: not (tmp_path / "local.json").exists(), "local.json is removed")
    assert process.status(tmp_path) is None
    with pytest.raises(NotRunningError):
        process.find(tmp_path)
    state.write(tmp_path, aws)
    assert process.status(tmp_path) is None, "local.json of a dead server, after the machine lost power, say"
    assert process.down(tmp_path) is False
    state.write(tmp_path, aws)
    assert up(tmp_path).pid != aws.pid
    process.down(tmp_path)


def test_killed_watchdog_leaves_nothing(tmp_path: Path) -> None:
    """After kill -9 of its watchdog, PostgreSQL and the server end, and all is cleaned up; the log says why."""
    aws = up(tmp_path)
    pids, folders = belongings(aws)
    (killed,) = naming(Path(watchdog.__file__)) & pids
    os.kill(killed, signal.SIGKILL)
    assert_gone(pids, folders)
    assert process.status(tmp_path) is None
    assert "PostgreSQL or its watchdog has ended" in (tmp_path / "server.log").read_text()


def test_killed_parent_leaves_nothing() -> None:
    """After kill -9 of the process that opened it, an ephemeral embedded AWS goes too, without a trace."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdin is not None
    with parent.stdin, parent.stdout:
        aws = LocalAws.from_json(parent.stdout.readline().decode())
        pids, folders = belongings(aws)
        parent.kill()
        parent.wait()
        assert_gone(pids, folders)


@pytest.mark.parametrize(
    ("starter", "children"),
    exhaustive([(starter, children) for starter in STARTERS for children in (1, 4)], [("up", 4), ("running", 1)]),
)
def test_killed_starter_leaves_nothing(tmp_path: Path, starter: str, children: int) -> None:
    """After kill -9 of whoever starts an embedded AWS, with so many of its processes there, all of it goes."""
    temporary = Path(tempfile.mkdtemp(prefix="elt-", dir="/tmp"))  # short, for PostgreSQL's socket
    start = STARTERS[starter].format(bound=bounds.START)
    command = [sys.executable, "-c", f"import sys; from elt_redshift.local import process; {start}", str(tmp_path)]
    parent = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(temporary)})
    wait_for(lambda: len(descendants(parent.pid)) >= children, "the server is being started")
    parent.kill()
    parent.wait()
    wait_for(lambda: not alive(naming(tmp_path, temporary)), "all of it ends", bounds.START)
    wait_for(lambda: not list(temporary.iterdir()), f"{temporary} is emptied", bounds.START)
    assert process.status(tmp_path) is None
    temporary.rmdir()


def test_a_server_that_hangs_is_ended_and_its_log_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When time is up, the end of the log is in the message, and the server is gone though it did not listen."""
    hanging, log, pid = (tmp_path / name for name in ("python", "log", "pid"))
    hanging.write_text(HANGING.format(log=log, pid=pid))
    hanging.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(hanging))
    monkeypatch.setattr(process, "STOP_SECONDS", 0.2)

    looks = itertools.count()

    def clock() -> float:
        """Half of the time goes by between two looks, as soon as the server hangs."""
        return next(looks) * bounds.START / 2 if pid.exists() else 0.0

    with pytest.raises(LocalAwsError, match=r"not ready after 240 s: (.*\n)*waiting for Godot"):
        process.up(tmp_path / "state", 0, bounds.START, clock)
    assert not alive({int(pid.read_text())})


def test_running_ends_with_its_block() -> None:
    """An ephemeral embedded AWS answers within its block and is gone, to the last folder, after it."""
    with process.running(timeout=bounds.START) as aws:
        pids, folders = belongings(aws)
        request = urllib.request.Request(f"{aws.endpoint}{door.STATUS_PATH}", headers=door.authorization(aws.token))
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["pid"] == aws.pid
    assert not alive(pids)
    assert not any(folder.exists() for folder in folders)


def test_taken_port_is_named(tmp_path: Path) -> None:
    """When another program has the port, the error says so and what to do, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalAwsError, match=f"port {port} of 127.0.0.1 cannot be used .*--port"):
            up(tmp_path, port)
    assert process.status(tmp_path) is None


def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation ends up in the error message, not in a time-out."""
    monkeypatch.setenv(server.SWITCH_INTERVAL, "not a number")
    with pytest.raises(LocalAwsError, match="could not convert string to float"):
        up(tmp_path)
    assert process.status(tmp_path) is None


def test_user_settings_do_not_lead_astray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile, another endpoint or a proxy in the user's environment does not reach the server's own clients."""
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    environment = dict(os.environ)
    server.configure_environment(environment, "http://127.0.0.1:4599")
    assert "AWS_PROFILE" not in environment
    assert "AWS_ENDPOINT_URL_S3" not in environment
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4599"
    assert "127.0.0.1" in environment["NO_PROXY"]
