"""The guard of an embedded AWS: a tiny process that removes the server's data after it, whatever ended it.

It reads its standard input, whose other end only the server holds: end of file means the server is gone, killed with
SIGKILL perhaps. Then it removes the throwaway folders and ``local.json``. (PostgreSQL has a watchdog of its own, see
``redshift/supervise.py``.) It is run as a script, by the standard library alone, so that it starts in milliseconds.

Usage: ``python guard.py SERVER_PID THROWAWAY_FOLDER STATE_FILE``
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

REMOVE_SECONDS = 60.0
"""PostgreSQL may still be writing below the folder, for as long as its watchdog gives it to quit."""
POLL_SECONDS = 0.05


def sockets(folder: Path) -> Path:
    """The folder beside the throwaway one where PostgreSQL is, whose user may not look into that."""
    return folder.with_name(f"{folder.name}-pg")


def remove(
    folder: Path,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Remove a folder in which a dying process may still write. Doing it twice, or from two processes, does no harm."""
    deadline = clock() + REMOVE_SECONDS
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and clock() < deadline:
        sleep(POLL_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def forget(state_file: Path, server_pid: int) -> None:
    """Remove ``local.json`` if it still speaks of the server that is gone, not of its successor."""
    with suppress(OSError, ValueError):
        if json.loads(state_file.read_text()).get("pid") == server_pid:
            state_file.unlink()


def main(arguments: list[str]) -> None:
    """Wait for the server to end, then clean up."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    server_pid, folder, state_file = int(arguments[0]), Path(arguments[1]), Path(arguments[2])
    while os.read(0, 4096):
        continue
    remove(folder)
    remove(sockets(folder))
    forget(state_file, server_pid)


if __name__ == "__main__":
    main(sys.argv[1:])
