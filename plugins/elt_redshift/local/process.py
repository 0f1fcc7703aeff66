"""Start, find and stop an embedded AWS from Python. The command line and the tests use nothing else.

``up`` and ``down`` manage one that outlives the shell, for a state folder; ``running`` opens one that ends with the
process that opened it. Either way its data are in memory and in a throwaway folder: they are gone when it stops.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from elt_redshift.local import state
from elt_redshift.local.errors import LocalAwsError, NotRunningError
from elt_redshift.local.state import Clock, LocalAws, Sleep

DEFAULT_PORT = 4599
DEFAULT_DIRECTORY = Path(".elt-redshift")
#: Bounds for hangs: ten times and more what an idle machine needs, also with nothing in its disk's cache.
START_SECONDS = 240.0
STOP_SECONDS = 120.0
POLL_SECONDS = 0.05
TAIL_LINES = 15
_REPORTS = (b'{"log"', b'{"ready"', b'{"error"')

__all__ = ["DEFAULT_DIRECTORY", "DEFAULT_PORT", "LocalAws", "down", "environment", "find", "running", "status", "up"]


def up(
    directory: str | Path = DEFAULT_DIRECTORY,
    port: int = DEFAULT_PORT,
    timeout: float = START_SECONDS,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
) -> LocalAws:
    """Start the embedded AWS of a folder and wait until it answers; when it runs already, return it as it is.

    :param directory: state folder; created if need be.
    :param port: TCP port on 127.0.0.1; 0: any free one. Ignored when the folder's server runs already.
    :param timeout: seconds to wait, for another ``up`` on the same folder and for the server.
    :raises LocalAwsError: the port is taken, the server failed (its last words are in the message), or time is up.
    """
    folder = _folder(directory)
    folder.mkdir(parents=True, exist_ok=True)
    with state.control(folder, timeout, clock, sleep):
        aws = status(folder)
        return aws or _start(folder, port, timeout, clock, parent=None)[1]


def down(
    directory: str | Path = DEFAULT_DIRECTORY,
    timeout: float = STOP_SECONDS,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
) -> bool:
    """Stop the embedded AWS of a folder, its PostgreSQL included, and remove its data.

    :returns: False when none was running.
    :raises LocalAwsError: something still runs after ``timeout`` seconds.
    """
    folder = _folder(directory)
    if not folder.is_dir():
        return False
    with state.control(folder, timeout, clock, sleep):
        aws = state.read(folder)
        was_running = state.is_running(folder)
        if was_running and aws:
            _stop(aws, timeout, clock, sleep)
        state.forget(folder)
        return was_running


def status(directory: str | Path = DEFAULT_DIRECTORY) -> LocalAws | None:
    """The running embedded AWS of a folder, or None. A ``local.json`` left by a dead server counts as none."""
    folder = _folder(directory)
    return state.read(folder) if state.is_running(folder) else None


def find(directory: str | Path = DEFAULT_DIRECTORY) -> LocalAws:
    """Like :func:`status`, for callers that need one.

    :raises NotRunningError: there is none.
    """
    aws = status(directory)
    if aws is None:
        raise NotRunningError(str(directory))
    return aws


def environment(aws: LocalAws) -> dict[str, str]:
    """Environment variables that lead boto3, the AWS CLI and everything built on them to the embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@contextmanager
def running(
    directory: str | Path | None = None,
    port: int = 0,
    timeout: float = START_SECONDS,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
) -> Iterator[LocalAws]:
    """An embedded AWS for the length of a ``with`` block: for tests and demos.

    It ends with the block and with the process that opened it, whatever ends that one, and leaves nothing behind
    (except, when ``directory`` is given, that folder with the log in it).

    :raises LocalAwsError: as :func:`up`; also when ``directory`` has a running server already.
    """
    folder = None if directory is None else _folder(directory)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    server, aws = _start(folder, port, timeout, clock, parent=os.getpid())
    try:
        yield aws
    finally:
        _stop(aws, STOP_SECONDS, clock, sleep, server)


def _folder(directory: str | Path) -> Path:
    return Path(directory).expanduser().resolve()


def _start(
    folder: Path | None, port: int, timeout: float, clock: Clock, parent: int | None
) -> tuple[subprocess.Popen[bytes], LocalAws]:
    """Start the server process and wait for its report."""
    reports, ready_fd = os.pipe()
    command = [sys.executable, "-m", "elt_redshift.local", "--port", str(port), "--ready-fd", str(ready_fd)]
    command += ["--directory", str(folder)] if folder else []
    command += ["--parent", str(parent)] if parent else []
    with os.fdopen(reports, "rb", buffering=0) as report:
        try:
            server = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=ready_fd,
                stderr=ready_fd,
                pass_fds=[ready_fd],
                start_new_session=True,
                env=_server_environment(),
            )
        finally:
            os.close(ready_fd)
        try:
            return server, _await_report(report.fileno(), timeout, clock)
        except BaseException:
            _end(server)
            raise


def _server_environment() -> dict[str, str]:
    """Ours, with the package importable by the server too, however it became importable here."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def _end(server: subprocess.Popen[bytes]) -> None:
    """Ask a server that did not get ready to stop, and insist after half of the time."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        server.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS / 2)
            return


def _await_report(report: int, timeout: float, clock: Clock) -> LocalAws:
    """Read what the server says until it is ready; whatever else it says is the reason why it is not.

    :raises LocalAwsError: the server failed, or time is up; its last words are told.
    """
    said, deadline = b"", clock() + timeout
    while (left := deadline - clock()) > 0:
        if not select.select([report], [], [], left)[0]:
            break
        chunk = os.read(report, 65536)
        said += chunk
        told = _told(said)
        if "ready" in told:
            return LocalAws(**told["ready"])
        if "error" in told:
            raise LocalAwsError(told["error"])
        if not chunk:
            raise LocalAwsError(f"the embedded AWS did not start: {_last_words(said)}")
    raise LocalAwsError(f"the embedded AWS was not ready after {timeout:g} s: {_last_words(said)}")


def _told(said: bytes) -> dict[str, Any]:
    """What the server has reported, among its output: ``log`` (a path), then ``ready`` or ``error``."""
    lines = [line for line in said.splitlines(keepends=True) if line.startswith(_REPORTS) and line.endswith(b"\n")]
    return {name: value for line in lines for name, value in json.loads(line).items()}


def _last_words(said: bytes) -> str:
    """The end of what a server printed, and of its log."""
    lines = [line for line in said.splitlines() if not line.startswith(_REPORTS)]
    text = b"\n".join(lines).decode(errors="replace")
    with suppress(OSError, KeyError):
        text += "\n" + Path(_told(said)["log"]).read_text(errors="replace")
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:]) or "it said nothing"


def _stop(
    aws: LocalAws, timeout: float, clock: Clock, sleep: Sleep, server: subprocess.Popen[bytes] | None = None
) -> None:
    """Ask the server to stop, insist after half of the time, and wait until nothing of it is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if _alive(aws, server):
            with suppress(ProcessLookupError):
                os.kill(aws.pid, number)
        elif number == signal.SIGKILL:  # somebody wrote into the folder while its watchdog emptied it
            shutil.rmtree(aws.data, ignore_errors=True)
        deadline = clock() + timeout / 2
        while not (gone := not _alive(aws, server) and not Path(aws.data).exists()) and clock() < deadline:
            sleep(POLL_SECONDS)
        if gone:
            return
    raise LocalAwsError(f"the embedded AWS {aws.pid} does not stop, or leaves {aws.data} behind")


def _alive(aws: LocalAws, server: subprocess.Popen[bytes] | None) -> bool:
    """Whether the process still runs: known from itself when it is our child, else from the lock that it holds."""
    return state.is_running(Path(aws.directory)) if server is None else server.poll() is None
