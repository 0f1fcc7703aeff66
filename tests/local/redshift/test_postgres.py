"""The embedded PostgreSQL goes away with its owner, whatever happens to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from elt_redshift.local.redshift.postgres import Postgres, PostgresError
from tests import bounds
from tests.local.waiting import wait_for

OWNER = """
import sys
from pathlib import Path
from elt_redshift.local.redshift.postgres import Postgres
postgres = Postgres(Path(sys.argv[1]))
postgres.start()
print(postgres.uri().split("host=")[1], flush=True)
sys.stdin.read()
"""


def servers(folder: Path) -> list[psutil.Process]:
    """The processes that serve ``folder``, and their watchdog."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or []) and process.pid != os.getpid():
            found.append(process)
    return found


def await_gone(folder: Path, *others: Path, owner: int = 0) -> None:
    """Return when nothing is left of a server."""

    def gone() -> bool:
        left = [process for process in servers(folder) if process.pid != owner]
        return not left and not [path for path in (folder, *others) if path.exists() or path.is_symlink()]

    wait_for(gone, f"nothing is left of {folder}, {others}")


def test_stop_leaves_nothing(tmp_path: Path) -> None:
    """After stop there is no process and no folder, and a second stop does nothing; shared memory is in the folder."""
    postgres = Postgres(tmp_path / "data")
    postgres.start()
    with postgres.connect() as connection:
        assert connection.execute("select redshift.len('abc')").fetchone() == (3,)
        assert list((tmp_path / "data" / "pg_dynshmem").iterdir())
    postgres.stop()
    postgres.stop()
    await_gone(tmp_path / "data")


@pytest.mark.parametrize("victim", ["owner", "watchdog"])
def test_kill_leaves_nothing(tmp_path: Path, victim: str) -> None:
    """kill -9 of the owner ends PostgreSQL and removes its folders; of the watchdog, it ends PostgreSQL."""
    folder = tmp_path / "data"
    command = [sys.executable, "-c", OWNER, str(folder)]
    owner = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    sockets = tmp_path / "nowhere"
    try:
        printed = owner.stdout.readline().strip()
        assert printed, "PostgreSQL has started"
        sockets = Path(printed.replace("%2F", "/"))
        assert sockets.is_dir()
        (watchdog,) = [
            process for process in psutil.Process(owner.pid).children() if "watchdog" in " ".join(process.cmdline())
        ]
        if victim == "owner":
            os.kill(owner.pid, signal.SIGKILL)
            owner.wait(bounds.ANSWER)
            await_gone(folder, sockets)
        else:
            (postmaster,) = watchdog.children()
            watchdog.kill()
            psutil.wait_procs([postmaster], timeout=bounds.ANSWER)
            assert not postmaster.is_running()
    finally:
        owner.kill()
        owner.wait(bounds.ANSWER)
        owner.communicate()
        shutil.rmtree(sockets, ignore_errors=True)


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    """PostgreSQL is not started over somebody's files."""
    (tmp_path / "precious").write_text("x")
    with pytest.raises(PostgresError, match="is not empty"):
        Postgres(tmp_path).start()
    assert (tmp_path / "precious").read_text() == "x"


def test_what_a_crash_left_is_replaced(tmp_path: Path) -> None:
    """A folder that an earlier PostgreSQL left behind is started afresh."""
    (tmp_path / "PG_VERSION").write_text("18\n")
    postgres = Postgres(tmp_path)
    postgres.start()
    try:
        with postgres.connect() as connection:
            assert connection.execute("select current_database()").fetchone() == ("dev",)
    finally:
        postgres.stop()


def test_a_database_of_ones_own_has_the_functions(tmp_path: Path) -> None:
    """Redshift's functions are in every database that is created."""
    postgres = Postgres(tmp_path / "data")
    postgres.start()
    try:
        with postgres.connect() as connection:
            connection.execute("create database other")
        with postgres.connection("other") as connection:
            assert connection.execute("select len('four')").fetchone() == (4,)
    finally:
        postgres.stop()


def test_a_server_that_was_not_started_says_so(tmp_path: Path) -> None:
    """Asking for an address before start is an error that names the remedy."""
    with pytest.raises(PostgresError, match="call start"):
        Postgres(tmp_path / "data").uri()
