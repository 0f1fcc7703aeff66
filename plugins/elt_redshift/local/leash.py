"""Processes that never outlive the one that started them, nor do their own children.

A :class:`Leash` starts each command in a session of its own. Beside it runs a keeper, a tiny process that is told
every session and reads from a pipe whose other end only the owner holds: end of file means that the owner is gone,
killed with SIGKILL perhaps, and the keeper then kills all that is left of the sessions. A command is not begun before
the keeper has been told of it, so no moment is left open::

    owner    pipe ──────────────── start ───────────────── killed
    runner              write pid ─▸ exec command ────────────────▸ killed by the keeper
    keeper   reads the pipe ── pid ─────────────────────── end of file ▸ kill every process of these sessions

This file is also what runs as keeper and runner, by the standard library alone, so that they start in milliseconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

POLL_SECONDS = 0.05

_PYTHON = (sys.executable, "-I", "-S", __file__)


class Leash:
    """A context manager; at its end, and at the end of this process, all that was started has ended."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[Any]] = []

    def __enter__(self) -> Leash:
        reading, self._pipe = os.pipe()
        try:
            self._keeper = subprocess.Popen(  # noqa: S603 - this file
                [*_PYTHON, "keep"], stdin=reading, stdout=subprocess.DEVNULL, start_new_session=True, cwd="/"
            )
        finally:
            os.close(reading)
        return self

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a command in a session of its own.

        :param options: as :class:`subprocess.Popen` takes them.
        """
        runner = [*_PYTHON, "run", str(self._pipe), *command]
        process = subprocess.Popen(runner, pass_fds=[self._pipe], start_new_session=True, **options)  # noqa: S603
        self._processes.append(process)
        return process

    def end(self, process: subprocess.Popen[Any]) -> None:
        """Kill a process and all that it started, also what was left behind by a killed child; a second time does no
        harm."""
        if process not in self._processes:
            return
        while found := _members([process.pid]):
            _kill(found)
            process.wait()
            time.sleep(POLL_SECONDS)
        process.wait()
        self._processes.remove(process)
        os.write(self._pipe, b"-%d\n" % process.pid)  # which another program may get now

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._pipe)  # the keeper does the work, and ends
        for process in [*self._processes, self._keeper]:
            process.wait()


def _members(sessions: Iterable[int]) -> list[int]:
    """The processes of these sessions that still run."""
    wanted = set(sessions)
    return [pid for pid, session, state in _table() if session in wanted and state[:1] not in ("Z", "X")]


def _table() -> list[tuple[int, int, str]]:
    """All processes: id, session, state."""
    if Path("/proc/self/stat").exists():
        return [found for pid in os.listdir("/proc") if pid.isdigit() and (found := _stat(int(pid)))]
    shown = subprocess.run(["ps", "-A", "-o", "pid=,state="], capture_output=True, text=True, check=True)  # noqa: S607
    rows = [line.split() for line in shown.stdout.splitlines()]
    return [(int(pid), _session(int(pid)), state) for pid, state in rows]


def _stat(pid: int) -> tuple[int, int, str] | None:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return pid, int(fields[3]), fields[0]
    return None


def _session(pid: int) -> int:
    with suppress(OSError):
        return os.getsid(pid)
    return 0


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _keep() -> None:
    """Note the sessions until the owner is gone, then leave nothing of them."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    sessions: set[int] = set()
    with os.fdopen(0, "rb") as told:
        for number in map(int, told):
            (sessions.add if number > 0 else sessions.discard)(abs(number))
    while found := _members(sessions):
        _kill(found)
        time.sleep(POLL_SECONDS)


def _run(pipe: int, command: Sequence[str]) -> None:
    """Tell the keeper, then become the command."""
    os.write(pipe, b"%d\n" % os.getpid())
    os.set_inheritable(pipe, False)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # which Python has set to be ignored, and programs do not expect
    os.execvp(command[0], list(command))  # noqa: S606


if __name__ == "__main__":
    if sys.argv[1] == "keep":
        _keep()
    else:
        _run(int(sys.argv[2]), sys.argv[3:])
