"""The watchdog that owns PostgreSQL: run as a script in a process of its own, standard library only.

It starts PostgreSQL, prints ``ready`` and waits for its standard input to close. That happens when the owner calls
``stop`` and also when the owner dies, whatever killed it, because the kernel closes the pipe. Then PostgreSQL is
stopped at once (its data is throwaway) and its folders are deleted. If the watchdog itself is killed, the kernel sends
PostgreSQL the signal to quit.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

#: PostgreSQL gets this long to become ready, and to quit before it is killed.
START_SECONDS = 120.0
QUIT_SECONDS = 10.0
LOOK_SECONDS = 0.01
_PR_SET_PDEATHSIG = 1


class _TerminatedError(Exception):
    """The watchdog was asked to stop by a signal."""


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    raise _TerminatedError


_WATCHDOG = os.getpid()


def _quit_with_parent() -> None:
    """Let the kernel stop this child (PostgreSQL) when its parent, the watchdog, dies, or has died just before."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
    if os.getppid() != _WATCHDOG:
        os._exit(1)


def _spawn(settings: dict[str, Any], command: list[str]) -> subprocess.Popen[bytes]:
    with Path(settings["log"]).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own binary
            command,
            user=settings["user"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            preexec_fn=_quit_with_parent,  # noqa: PLW1509 - this process has one thread
        )


def _is_wanted(owner: int, seconds: float) -> bool:
    """Whether the owner is there and wants PostgreSQL; a look takes up to so many seconds."""
    readable, _, _ = select.select([0], [], [], seconds)
    return os.getppid() == owner and (not readable or bool(os.read(0, 1024)))


def _log(settings: dict[str, Any]) -> str:
    return Path(settings["log"]).read_text(errors="replace")[-2000:]


def _initialise(settings: dict[str, Any]) -> None:
    command = [f"{settings['bin']}/initdb", "-D", settings["data"], "-U", "postgres", "--auth=reject", "--no-sync"]
    # Redshift sorts by the bytes of UTF-8, and knows upper and lower case of all letters.
    command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    making = _spawn(settings, command)
    try:
        _await(lambda: making.poll() is not None, making, settings)
    finally:
        making.kill()
    if making.wait():
        raise RuntimeError(_log(settings))
    _admit_owner(settings)


def _admit_owner(settings: dict[str, Any]) -> None:
    """Let in whom the kernel knows to be the owner's user, under the given roles; nobody else, whatever they know.

    https://www.postgresql.org/docs/18/auth-peer.html
    """
    owner = pwd.getpwuid(os.geteuid()).pw_name
    data = Path(settings["data"])
    data.joinpath("pg_hba.conf").write_text("local all all peer map=owner\n")
    data.joinpath("pg_ident.conf").write_text("".join(f'owner "{owner}" {role}\n' for role in settings["roles"]))


def _launch(settings: dict[str, Any]) -> subprocess.Popen[bytes]:
    command = [f"{settings['bin']}/postgres", "-D", settings["data"], "-k", settings["home"], "-h", ""]
    for name, value in settings["options"].items():
        command += ["-c", f"{name}={value}"]
    return _spawn(settings, command)


def _is_ready(data: str) -> bool:
    """Whether the eighth line of PostgreSQL's pid file says so."""
    try:
        lines = Path(data, "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _await(reached: Callable[[], bool], process: subprocess.Popen[bytes], settings: dict[str, Any]) -> None:
    """Return when it is so.

    :raises RuntimeError: the process has ended before, or time is up; the end of the log is told.
    :raises _TerminatedError: the owner is gone or does not want PostgreSQL any more.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        ended = process.poll() is not None
        if reached():
            return
        if ended or time.monotonic() > deadline:
            raise RuntimeError(_log(settings))
        if not _is_wanted(settings["owner"], LOOK_SECONDS):
            raise _TerminatedError


def _await_end(server: subprocess.Popen[bytes], owner: int) -> None:
    """Return when standard input closes, the owner is gone or PostgreSQL has ended by itself."""
    while server.poll() is None and _is_wanted(owner, 1.0):
        continue


def _end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGQUIT)  # "immediate": no checkpoint, the data is not wanted any more
    try:
        server.wait(QUIT_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _remove(settings: dict[str, Any]) -> None:
    """Delete everything; ``folder`` may be a link to ``data``."""
    folder = Path(settings["folder"])
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
    for path in (settings["data"], settings["folder"], settings["home"]):
        shutil.rmtree(path, ignore_errors=True)


def main(settings: dict[str, Any]) -> int:
    """Run PostgreSQL until the owner is gone.

    :param settings: ``bin``, ``data``, ``folder``, ``home`` (where the socket is), ``log`` (paths), ``user`` (name or
        ``None``), ``roles`` (those that the owner may connect as), ``options``, ``owner`` (pid).
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _on_signal)
    server: subprocess.Popen[bytes] | None = None
    try:
        _initialise(settings)
        server = _launch(settings)
        _await(lambda: _is_ready(settings["data"]), server, settings)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        _await_end(server, settings["owner"])
    except _TerminatedError:
        pass  # asked to stop: what follows does
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        if server is not None:
            _end(server)
        _remove(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
