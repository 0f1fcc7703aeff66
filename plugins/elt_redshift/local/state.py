"""The state folder of an embedded AWS: what runs, where, and whether it still does.

``local.json`` says where the server is, and holds the token of its management calls, so only its owner may read it.
That the server runs is never guessed from a process id (which another program may have got since): a running server
holds a lock on ``server.lock``, which the kernel releases whatever ends the server.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from elt_redshift.local.errors import LocalAwsError

STATE_FILE = "local.json"
LOG_FILE = "server.log"
SERVER_LOCK = "server.lock"
CONTROL_LOCK = "control.lock"
LOCK_POLL_SECONDS = 0.05

Clock = Callable[[], float]
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class LocalAws:
    """A running embedded AWS.

    :param endpoint: URL of every AWS service, such as ``http://127.0.0.1:4599``.
    :param pid: process id of the server.
    :param port: TCP port on 127.0.0.1.
    :param postgres_uri: libpq URI of the PostgreSQL behind the Data API; the kernel vouches for who connects, so it
        holds no password.
    :param directory: the state folder, with the log file ``server.log``.
    :param data: the throwaway folder that holds PostgreSQL's files; it disappears with the server.
    :param token: management calls must carry it (:func:`elt_redshift.local.door.authorization`); never shown.
    """

    endpoint: str
    pid: int
    port: int
    postgres_uri: str
    directory: str
    data: str
    token: str = field(repr=False)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LocalAws:
        return cls(**json.loads(text))


def write(directory: Path, aws: LocalAws) -> None:
    """Write ``local.json`` in one step, so that a reader sees all of it or nothing; nobody but its owner reads it."""
    draft = directory / f"{STATE_FILE}.{os.getpid()}"
    draft.unlink(missing_ok=True)  # of a process that had this id and was killed here
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(aws.to_json())
    draft.replace(directory / STATE_FILE)


def read(directory: Path) -> LocalAws | None:
    """What ``local.json`` says, or None when there is none or it is not ours to understand (an older layout)."""
    try:
        return LocalAws.from_json((directory / STATE_FILE).read_text())
    except (FileNotFoundError, NotADirectoryError, TypeError, ValueError):
        return None


def forget(directory: Path) -> None:
    """Remove ``local.json``; fine when it is gone already."""
    with suppress(FileNotFoundError, NotADirectoryError):
        (directory / STATE_FILE).unlink()


def hold_server_lock(directory: Path) -> None:
    """Take the lock that says "a server runs here". Only the end of the process releases it, so it tells no lies.

    :raises LocalAwsError: another server holds it.
    """
    file = os.open(directory / SERVER_LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise LocalAwsError(
            f"an embedded AWS already runs for {directory}: stop it with `elt-redshift local down`, "
            "or choose another state folder with --dir"
        ) from error


def is_running(directory: Path) -> bool:
    """Whether a server holds the lock of this folder."""
    try:
        file = (directory / SERVER_LOCK).open("r")
    except (FileNotFoundError, NotADirectoryError):
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@contextmanager
def control(directory: Path, timeout: float, clock: Clock, sleep: Sleep) -> Iterator[None]:
    """Let one ``up`` or ``down`` at a time work on a folder.

    :raises LocalAwsError: another one held the lock for longer than ``timeout`` seconds.
    """
    deadline = clock() + timeout
    with (directory / CONTROL_LOCK).open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if clock() >= deadline:
                    raise LocalAwsError(
                        f"another `elt-redshift local` has been busy with {directory} for {timeout:g} s"
                    ) from error
                sleep(LOCK_POLL_SECONDS)
        yield
