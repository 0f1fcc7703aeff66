"""Airflow's own pages on this machine: its four processes, which end with the process that started them.

Airflow itself is only ever run as a command; this module imports none of it. All that the processes write is in a
throwaway folder, so they are not asked to stop, which would take half a minute: they are on a leash, and killed.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from elt_redshift.demo import airflow_home
from elt_redshift.local.errors import LocalAwsError, port_taken
from elt_redshift.local.leash import Leash
from elt_redshift.local.redshift.postgres import Postgres, PostgresError
from elt_redshift.local.state import Clock, Sleep

HOST = "127.0.0.1"
USER = "admin"
POLL_SECONDS = 0.3
CALL_SECONDS = 120.0

#: One worker, and no servers of logs: everything is on one machine.
COMPONENTS = {
    "api-server": ("api-server", "--workers", "1"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
#: The first Airflow whose database may be the embedded PostgreSQL: older ones reach none by psycopg 3.
POSTGRESQL_FROM = (3, 3)
_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


def check_installed() -> None:
    """:raises LocalAwsError: there is no Airflow 3."""
    try:
        found = version("apache-airflow")
    except PackageNotFoundError:
        raise LocalAwsError("Airflow is not installed here: pip install 'apache-airflow>=3'") from None
    if int(found.split(".")[0]) < 3:
        raise LocalAwsError(f"this needs Airflow 3, and {found} is installed: pip install 'apache-airflow>=3'")


def free_port(port: int) -> int:
    """``port`` if it is free, any free one for 0.

    :raises LocalAwsError: another program has it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise port_taken(port, error) from error
        return int(probe.getsockname()[1])


def settings(home: Path, port: int, password: str) -> dict[str, str]:
    """The environment of an Airflow of four processes that serves its pages on a port of this machine only; where its
    database is comes on top.

    :param home: the passwords' file is put there.
    :param password: of the user :data:`USER`, who may do everything.
    """
    url = f"http://{HOST}:{port}"
    return {
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords(home, password)),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }


def on_postgresql(uri: str) -> dict[str, str]:
    """The environment of an Airflow whose database is in an embedded PostgreSQL, which reads backslashes in texts as
    Redshift does where it is not told otherwise.

    :param uri: as libpq takes it.
    """
    address = f"{uri.replace('postgresql:', 'postgresql+psycopg:')}&options=-cstandard_conforming_strings%3Don"
    return {f"AIRFLOW__DATABASE__{name}": address for name in ("SQL_ALCHEMY_CONN", "SQL_ALCHEMY_CONN_ASYNC")}


@contextmanager
def _prepared(home: Path, dags: Path, own: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment in which to run Airflow, with a database that lasts as long as the ``with`` block.

    SQLite lets one process write at a time. Airflow's API server can stand still on it: who writes a request's entry in
    the log of events, in the event loop, waits for the request of a task that needs that loop to end. A minute later
    the database is said to be locked, and tasks have failed.

    :raises LocalAwsError: Airflow, or PostgreSQL, cannot make its database.
    """
    if tuple(map(int, version("apache-airflow").split(".")[:2])) < POSTGRESQL_FROM:
        database = f"sqlite:///{home.resolve() / 'airflow.db'}?timeout=60"
        yield airflow_home.prepare(home, dags, {**own, airflow_home.SQL_ALCHEMY_CONN: database})
        return
    postgres = Postgres(Path(tempfile.gettempdir()) / f"elt-redshift-pages-{secrets.token_hex(6)}")
    try:
        postgres.start()
    except PostgresError as error:
        raise LocalAwsError(str(error)) from error
    try:
        made = airflow_home.variables(home.resolve(), dags, {**own, **on_postgresql(postgres.uri())})
        airflow_home.migrate(made)
        yield made
    finally:
        postgres.stop()


def _passwords(home: Path, password: str) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    file = home / "passwords.json"
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as passwords:
        json.dump({USER: password}, passwords)
    return file


def _bundles(folders: Mapping[str, Path]) -> dict[str, str]:
    """Folders of DAG files by name; new files are seen within seconds."""
    listed = [
        {"name": name, "classpath": _BUNDLE, "kwargs": {"path": str(path.resolve()), "refresh_interval": 10}}
        for name, path in folders.items()
    ]
    return {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(listed)}


class Component:
    """One of Airflow's processes.

    :param log: file for what it prints; begun anew.
    """

    def __init__(self, name: str, environment: Mapping[str, str], log: Path, leash: Leash) -> None:
        self.name, self.log = name, log
        with log.open("wb") as output:
            self._process = leash.start(
                [sys.executable, "-m", "airflow", *COMPONENTS[name]],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def check(self) -> None:
        """:raises LocalAwsError: it has ended, which it should not by itself."""
        if self._process.poll() is not None:
            lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
            said = lines[-1].strip() if lines else "it said nothing"
            raise LocalAwsError(f"Airflow's {self.name} has ended: {said} (more in {self.log})")


@dataclass(frozen=True)
class Airflow:
    """A running Airflow.

    :param url: of its pages and its REST API.
    """

    url: str
    password: str
    components: tuple[Component, ...]

    def check(self) -> None:
        """:raises LocalAwsError: one of its processes has ended."""
        for component in self.components:
            component.check()

    def wait_until_healthy(self, timeout: float, clock: Clock = time.monotonic, sleep: Sleep = time.sleep) -> None:
        """Wait until all four report that they run.

        :raises LocalAwsError: one of them has ended, or time is up.
        """
        self._wait(self._is_healthy, "Airflow does not report to be healthy", timeout, clock, sleep)

    def trigger(
        self, dag_id: str, run_id: str, timeout: float, clock: Clock = time.monotonic, sleep: Sleep = time.sleep
    ) -> None:
        """Start a run of a DAG as soon as the DAG processor has read it.

        :raises LocalAwsError: it could not be started in time.
        """
        body = {"dag_run_id": run_id, "logical_date": None}

        def started() -> bool:
            login = self._call("POST", "/auth/token", {"username": USER, "password": self.password})
            authorization = {"Authorization": f"Bearer {login['access_token']}"}
            try:
                self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body, authorization)
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.CONFLICT:  # the answer to an earlier call was lost
                    raise
            return True

        self._wait(started, f"Airflow has not started the DAG {dag_id}", timeout, clock, sleep)

    def _is_healthy(self) -> bool:
        return all(part["status"] == "healthy" for part in self._call("GET", "/api/v2/monitor/health").values())

    def _wait(self, look: Callable[[], bool], complaint: str, timeout: float, clock: Clock, sleep: Sleep) -> None:
        deadline = clock() + timeout
        while clock() < deadline:
            with suppress(OSError):  # it does not listen yet, or is not ready
                if look():
                    return
            self.check()
            sleep(POLL_SECONDS)
        raise LocalAwsError(f"{complaint} after {timeout:g} s: look into {self.components[0].log.parent}/airflow-*.log")

    def _call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Call the REST API; the environment's proxies do not lead to this machine.

        :raises OSError: it does not answer, or refuses (``urllib.error.HTTPError``).
        """
        request = urllib.request.Request(  # noqa: S310 - our own URL
            f"{self.url}{path}",
            json.dumps(body).encode() if body is not None else None,
            {"Content-Type": "application/json", **(headers or {})},
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=CALL_SECONDS) as answer:
            return json.load(answer)


@contextmanager
def running(
    home: Path,
    dags: Mapping[str, Path],
    port: int,
    environment: Mapping[str, str],
    logs: Path,
) -> Iterator[Airflow]:
    """An Airflow for the length of a ``with`` block; the caller waits until it is healthy.

    :param home: a throwaway folder.
    :param dags: folders of DAG files, by the name that the pages show.
    :param port: TCP port on 127.0.0.1, see :func:`free_port`.
    :param environment: variables beside the caller's own, such as those that lead to an embedded AWS.
    :param logs: folder for what each process prints.
    :raises LocalAwsError: Airflow cannot make its database.
    """
    password = secrets.token_urlsafe(9)
    temporary = home / "tmp"
    temporary.mkdir(parents=True)
    own = {**environment, **settings(home, port, password), **_bundles(dags), "TMPDIR": str(temporary)}
    with _prepared(home, next(iter(dags.values())), own) as prepared, Leash() as leash:
        components = [Component(name, prepared, logs / f"airflow-{name}.log", leash) for name in COMPONENTS]
        yield Airflow(f"http://{HOST}:{port}", password, tuple(components))
