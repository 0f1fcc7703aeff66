"""The watchdog of an embedded AWS, or of a PostgreSQL alone: a tiny process that leaves nothing of it behind.

It owns PostgreSQL, and reads from a pipe whose other end only its owner holds: end of file means that the owner has
closed it, or is gone, killed with SIGKILL perhaps. Then it ends PostgreSQL (its data is throwaway) and removes the
folders. It is there before any of them is, so no moment is left open::

    owner     start ── settings ──────────── killed
    watchdog  ───────▸ initdb, postgres ─ ready ─ end of file ▸ end PostgreSQL ▸ remove folders, local.json
    watchdog killed:   the kernel ends PostgreSQL, and the owner, who sees it, removes the rest

This file is also what runs as the watchdog, by the standard library alone, so that it starts in milliseconds:
``python watchdog.py OWNER_PID STATE_FILE FOLDER...``.
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
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

#: PostgreSQL gets this long to become ready, and to quit before it is killed; then something may still write below a
#: folder for so long.
START_SECONDS = 120.0
QUIT_SECONDS = 10.0
REMOVE_SECONDS = 60.0
#: Longer than what the watchdog waits for PostgreSQL, so that it tells why.
ANSWER_SECONDS = 180.0
CLOSE_SECONDS = 60.0
POLL_SECONDS = 0.05
OWNER_POLL_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1


class Watchdog:
    """The owner's hold on its watchdog.

    :param folders: what is removed in the end; none of them needs to be there yet.
    :param state_file: a JSON file that is removed too if its ``pid`` is that of this process.
    """

    def __init__(self, folders: Iterable[Path], state_file: Path | None = None) -> None:
        self._folders = [folder.absolute() for folder in folders]
        watched = [str(os.getpid()), str(state_file.absolute() if state_file else ""), *map(str, self._folders)]
        self._process = subprocess.Popen(  # noqa: S603 - this file
            [sys.executable, "-I", "-S", __file__, *watched],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # a Ctrl-C at the terminal must not stop it before its owner
        )

    def start_postgres(self, settings: dict[str, Any]) -> None:
        """Start PostgreSQL, once; it ends with the watchdog, and the watchdog with it.

        :param settings: ``bin``, ``data``, ``home`` (where the socket is), ``log`` (paths), ``user`` (name or
            ``None``), ``roles`` (those that the owner may connect as), ``options``.
        :raises RuntimeError: it does not start; the end of its log is told.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        readable, _, _ = select.select([self._process.stdout], [], [], ANSWER_SECONDS)
        answer = self._process.stdout.readline() if readable else b""
        error = json.loads(answer)["error"] if answer else "its watchdog is gone or does not answer"
        if error:
            raise RuntimeError(error)

    def is_alive(self) -> bool:
        """Whether it still watches. It is killed, or PostgreSQL has ended, when it does not."""
        return self._process.poll() is None

    def close(self) -> None:
        """End PostgreSQL and remove the folders. A second time does no harm."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the kernel ends PostgreSQL with it
            self._process.wait()
        self._process.stdout.close()
        for folder in self._folders:
            remove(folder)  # what a watchdog that was killed could not


def remove(
    folder: Path,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Remove a folder, or a link to one, in which somebody may still write. Doing it twice, or from two processes, does
    no harm."""
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
    deadline = clock() + REMOVE_SECONDS
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and clock() < deadline:
        sleep(POLL_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def forget(state_file: Path, owner: int) -> None:
    """Remove ``local.json`` if it still speaks of the owner that is gone, not of its successor."""
    with suppress(OSError, ValueError):
        if json.loads(state_file.read_text()).get("pid") == owner:
            state_file.unlink()


class _UnwantedError(Exception):
    """The owner is gone, or wants nothing any more."""


_WATCHDOG = os.getpid()


def _read(owner: int, seconds: float) -> bytes:
    """What the owner says within so many seconds.

    :raises _UnwantedError: nothing, ever again. (Its parent's id changes as soon as the owner is gone, even if a child
        of the owner's has inherited the pipe.)
    """
    readable, _, _ = select.select([0], [], [], seconds)
    said = os.read(0, 65536) if readable else b""
    if os.getppid() != owner or (readable and not said):
        raise _UnwantedError
    return said


def _settings(owner: int) -> dict[str, Any]:
    """How to run PostgreSQL: one line of JSON."""
    said = b""
    while not said.endswith(b"\n"):
        said += _read(owner, OWNER_POLL_SECONDS)
    settings: dict[str, Any] = json.loads(said)
    return settings


def _answer(error: str | None) -> None:
    os.write(1, json.dumps({"error": error}).encode() + b"\n")


def _quit_with_parent() -> None:
    """Let the kernel stop this child (PostgreSQL) when its parent, the watchdog, dies, or has died just before."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
    if os.getppid() != _WATCHDOG:
        os._exit(1)


def _spawn(settings: dict[str, Any], command: list[str]) -> subprocess.Popen[bytes]:
    with Path(settings["log"]).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - PostgreSQL's own binary
            command,
            user=settings["user"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            preexec_fn=_quit_with_parent,  # noqa: PLW1509 - this process has one thread
        )


def _initialise(settings: dict[str, Any], owner: int) -> None:
    command = [f"{settings['bin']}/initdb", "-D", settings["data"], "-U", "postgres", "--auth=reject", "--no-sync"]
    # Redshift sorts by the bytes of UTF-8, and knows upper and lower case of all letters.
    command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    making = _spawn(settings, command)
    try:
        _await(lambda: making.poll() is not None, making, settings, owner)
    finally:
        making.kill()
    if making.wait():
        raise RuntimeError(_log(settings))
    _admit_owner(settings)


def _admit_owner(settings: dict[str, Any]) -> None:
    """Let in whom the kernel knows to be the owner's user, under the given roles; nobody else, whatever they know.

    https://www.postgresql.org/docs/18/auth-peer.html
    """
    user = pwd.getpwuid(os.geteuid()).pw_name
    data = Path(settings["data"])
    data.joinpath("pg_hba.conf").write_text("local all all peer map=owner\n")
    data.joinpath("pg_ident.conf").write_text("".join(f'owner "{user}" {role}\n' for role in settings["roles"]))


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


def _log(settings: dict[str, Any]) -> str:
    return Path(settings["log"]).read_text(errors="replace")[-2000:].strip()


def _await(reached: Callable[[], bool], process: subprocess.Popen[bytes], settings: dict[str, Any], owner: int) -> None:
    """Return when it is so.

    :raises RuntimeError: the process has ended before, or time is up; the end of the log is told.
    :raises _UnwantedError: the owner is gone or does not want PostgreSQL any more.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        ended = process.poll() is not None
        if reached():
            return
        if ended or time.monotonic() > deadline:
            raise RuntimeError(_log(settings))
        _read(owner, POLL_SECONDS / 5)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGQUIT)  # "immediate": no checkpoint, the data is not wanted any more
    try:
        server.wait(QUIT_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _run_postgres(settings: dict[str, Any], owner: int) -> None:
    """Run PostgreSQL until the owner is gone, or it ends by itself.

    :raises _UnwantedError: the owner is gone or does not want PostgreSQL any more.
    """
    server: subprocess.Popen[bytes] | None = None
    try:
        _initialise(settings, owner)
        server = _launch(settings)
        _await(lambda: _is_ready(settings["data"]), server, settings, owner)
        _answer(None)
        while server.poll() is None:
            _read(owner, OWNER_POLL_SECONDS)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        _answer(str(error))
    finally:
        if server is not None:
            _end(server)


def main(arguments: list[str]) -> None:
    """Watch, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # ignored, but not by PostgreSQL, which would inherit that
    owner, state_file, folders = int(arguments[0]), arguments[1], [Path(folder) for folder in arguments[2:]]
    try:
        with suppress(_UnwantedError, BrokenPipeError):
            _run_postgres(_settings(owner), owner)
    finally:
        for folder in folders:
            remove(folder)
        if state_file:
            forget(Path(state_file), owner)


if __name__ == "__main__":
    main(sys.argv[1:])
