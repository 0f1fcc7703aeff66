"""A real Airflow: scheduler, triggerer, DAG processor and API server, each a process of its own, on PostgreSQL.

Tests drive it through its REST API, as its users and their scripts do.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import psycopg

from elt_redshift.demo import airflow_home, airflow_server
from elt_redshift.demo.airflow_server import COMPONENTS, USER
from elt_redshift.local.leash import Leash
from elt_redshift.local.redshift.postgres import Postgres
from tests import bounds, logs
from tests.local import waiting

Found = TypeVar("Found")

#: An answer costs Airflow's API server more than a process costs that waits.
POLL_SECONDS = 0.6

PASSWORD = "secret"

#: Where airflow_local_settings.py is, which is for the scheduler.
SETTINGS = str(Path(__file__).parent)


def wait_for(look: Callable[[], Found], what: str) -> Found:
    """The first true value that ``look`` gives, whomever it asks; Airflow's processes are looked at each time.

    :raises AssertionError: there was none within the time, or one of Airflow's processes has ended.
    """

    def look_while_all_run() -> Found:
        for component in _watched:
            component.check()
        return look()

    return waiting.wait_for(look_while_all_run, what, bounds.AIRFLOW, POLL_SECONDS)


#: What ``wait_for`` looks at.
_watched: list[Component] = []


@contextmanager
def watched(components: Iterable[Component]) -> Iterator[None]:
    """For the length of the block, nobody waits on when one of the processes has ended."""
    added = list(components)
    _watched.extend(added)
    try:
        yield
    finally:
        for component in added:
            _watched.remove(component)


class Database:
    """Airflow's, in a PostgreSQL of its own: SQLite lets one process write at a time, and keeps the others waiting."""

    def __init__(self, postgres: Postgres) -> None:
        self.uri = postgres.uri()

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement in a transaction of its own; gives its rows."""
        with psycopg.connect(self.uri) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


class Component:
    """One of Airflow's processes, on a leash with all that descends from it."""

    def __init__(
        self, name: str, environment: Mapping[str, str], folder: Path, leash: Leash, database: Database
    ) -> None:
        self.name, self.log, self._leash, self._database = name, folder / f"{name}.log", leash, database
        # PostgreSQL shows that name beside each connection.
        self._environment = {**environment, "PGAPPNAME": name}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = self._leash.start(
                [sys.executable, "-m", "airflow", *COMPONENTS[self.name]],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The process itself stands still for the length of the block, while its children go on."""
        assert self.process is not None
        wait_for(self._stop_outside_a_transaction, f"{self.name} stands still")
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _stop_outside_a_transaction(self) -> bool:
        """Within one, it would keep rows locked that others want to write."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED, "it stands still")
        busy = "select 1 from pg_stat_activity where application_name = %s and state <> 'idle'"
        if not self._database.execute(busy, self.name):
            return True
        self.process.send_signal(signal.SIGCONT)
        return False

    def kill(self) -> None:
        """Kill it and all that it started, also what was left behind by a killed worker."""
        if self.process is not None:
            self._leash.end(self.process)
            self.process = None

    def check(self) -> None:
        """Whoever waits for what Airflow does would wait in vain for a process that has ended.

        :raises AssertionError: it has ended, and nobody killed it; its last words are told.
        """
        if self.process is not None and (code := self.process.poll()) is not None:
            raise AssertionError(f"Airflow's {self.name} has ended with {code}: {self.log.read_text()[-3000:]}")


class Airflow:
    """The four processes and a client of their REST API."""

    def __init__(self, folder: Path, dags: Path, aws: Mapping[str, str], leash: Leash, postgres: Postgres) -> None:
        port = airflow_server.free_port(0)
        self.database, self.dags = Database(postgres), dags
        settings = {**aws, **_settings(folder, port), **airflow_server.on_postgresql(self.database.uri)}
        environment = airflow_home.variables(folder.resolve(), dags, settings)
        airflow_home.migrate(environment)
        own = {"scheduler": {"PYTHONPATH": os.pathsep.join((SETTINGS, environment["PYTHONPATH"]))}}
        self.components = {
            name: Component(name, environment | own.get(name, {}), folder, leash, self.database) for name in COMPONENTS
        }
        self.client = httpx.Client(base_url=f"http://{airflow_server.HOST}:{port}", timeout=bounds.ANSWER)
        self._token: str | None = None

    @property
    def scheduler(self) -> Component:
        return self.components["scheduler"]

    @property
    def triggerer(self) -> Component:
        return self.components["triggerer"]

    def start(self) -> None:
        """Start everything; the caller waits for what it needs."""
        for component in self.components.values():
            component.start()

    @property
    def logs(self) -> dict[str, Path]:
        return {component.name: component.log for component in self.components.values()}

    def wait_until_healthy(self) -> None:
        """Wait until all four report that they run.

        :raises AssertionError: one of them has ended, or time is up; its last words are told.
        """

        def healthy() -> bool:
            with suppress(httpx.TransportError):
                answer = self.client.get("/api/v2/monitor/health")
                return answer.is_success and all(part["status"] == "healthy" for part in answer.json().values())
            return False

        wait_for(healthy, "all of Airflow is healthy")

    def _check(self) -> None:
        for component in self.components.values():
            component.check()

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Call the REST API, ``path`` below ``/api/v2``; gives what it answers.

        :raises AssertionError: it refuses, or one of the four processes has ended.
        """
        self._check()
        if self._token is None:
            login = self.client.post("/auth/token", json={"username": USER, "password": PASSWORD})
            self._token = login.raise_for_status().json()["access_token"]
        authorization = {"Authorization": f"Bearer {self._token}"}
        answer = self.client.request(method, f"/api/v2{path}", json=body, params=query, headers=authorization)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def wait_for_dags(self, *dag_ids: str) -> None:
        """Wait until the DAG processor has read the DAGs.

        :raises AssertionError: a DAG file is broken, or time is up.
        """

        def known() -> bool:
            errors = self.call("GET", "/importErrors")["import_errors"]
            assert not errors, errors
            return {dag["dag_id"] for dag in self.call("GET", "/dags", limit=100)["dags"]} >= set(dag_ids)

        wait_for(known, f"DAGs {dag_ids}")

    def add(self, file: str, text: str, *dag_ids: str) -> None:
        """Put a DAG file into Airflow's folder, whole or not at all, and wait until its DAGs are known."""
        draft = self.dags / f"{file}.draft"
        draft.write_text(text)
        draft.rename(self.dags / file)
        self.wait_for_dags(*dag_ids)

    def trigger(self, dag_id: str, logical_date: str | None = None, **conf: str) -> Run:
        answer = self.call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": logical_date, "conf": conf})
        return Run(self, dag_id, answer["dag_run_id"])

    def runs(self, dag_id: str) -> list[Run]:
        """All runs of a DAG, the oldest first."""
        answer = self.call("GET", f"/dags/{dag_id}/dagRuns", order_by="run_after")
        return [Run(self, dag_id, run["dag_run_id"]) for run in answer["dag_runs"]]

    def backfill(self, dag_id: str, first: str, last: str, max_active_runs: int) -> None:
        """Create a backfill."""
        body = {"dag_id": dag_id, "from_date": first, "to_date": last, "max_active_runs": max_active_runs}
        self.call("POST", "/backfills", body)

    def slots_in_use(self) -> int:
        """How many tasks hold a worker's slot, or wait for one, in all of Airflow."""
        [pool] = self.call("GET", "/pools")["pools"]
        return int(pool["occupied_slots"])


class Run:
    """A DAG run."""

    def __init__(self, airflow: Airflow, dag_id: str, run_id: str) -> None:
        self.airflow, self.dag_id, self.run_id = airflow, dag_id, run_id
        self.path = f"/dags/{dag_id}/dagRuns/{httpx.URL(path=run_id).raw_path.decode()}"

    @property
    def state(self) -> str:
        return str(self.airflow.call("GET", self.path)["state"])

    def task(self, task_id: str) -> dict[str, Any]:
        """A task instance as the API shows it."""
        return dict(self.airflow.call("GET", f"{self.path}/taskInstances/{task_id}"))

    def instances(self) -> dict[tuple[str, int], str]:
        """The states of all task instances, by task and map index, -1 where it is not mapped."""
        found = self.airflow.call("GET", f"{self.path}/taskInstances")["task_instances"]
        return {(one["task_id"], one["map_index"]): one["state"] for one in found}

    def states(self) -> dict[str, str]:
        answer = self.airflow.call("GET", f"{self.path}/taskInstances")
        return {task["task_id"]: task["state"] for task in answer["task_instances"]}

    def wait(self, *states: str) -> str:
        """Wait until the run has one of the states: by default, until it has ended."""
        wanted = states or ("success", "failed")

        def reached() -> str | None:
            return state if (state := self.state) in wanted else None

        try:
            return str(wait_for(reached, f"run {self.run_id} of {self.dag_id} is {wanted}"))
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.states()}") from None

    def wait_for_task(self, task_id: str, *states: str) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            return found if (found := self.task(task_id))["state"] in states else None

        try:
            return wait_for(reached, f"task {task_id} of run {self.run_id} of {self.dag_id} is {states}") or {}
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.states()}") from None

    def log(self, task_id: str) -> str:
        """What the log of the task's latest try says, as the UI shows it."""
        number = self.task(task_id)["try_number"]
        answer = self.airflow.call("GET", f"{self.path}/taskInstances/{task_id}/logs/{number}", full_content=True)
        return json.dumps(answer["content"], ensure_ascii=False)

    def xcom(self, task_id: str, key: str) -> Any:
        """An XCom; None when there is none."""
        path = f"{self.path}/taskInstances/{task_id}/xcomEntries"
        entries = self.airflow.call("GET", path)["xcom_entries"]
        if key not in {entry["key"] for entry in entries}:
            return None
        return self.airflow.call("GET", f"{path}/{key}", deserialize=True)["value"]

    def clear_failed(self) -> None:
        """Clear, failed tasks only."""
        self._clear(only_failed=True)

    def clear(self, task_id: str, downstream: bool = True) -> None:
        """Clear a task and, with ``downstream``, what is behind it."""
        self._clear(only_failed=False, task_ids=[task_id], include_downstream=downstream)

    def _clear(self, **what: Any) -> None:
        body = {"dry_run": False, "reset_dag_runs": True, "dag_run_id": self.run_id, **what}
        self.airflow.call("POST", f"/dags/{self.dag_id}/clearTaskInstances", body)

    def fail(self) -> None:
        """Mark the run as failed."""
        self.airflow.call("PATCH", self.path, {"state": "failed"})

    def succeed(self) -> None:
        """Mark the run as a success."""
        self.airflow.call("PATCH", self.path, {"state": "success"})

    def succeed_task(self, task_id: str) -> None:
        """Mark a task as a success."""
        self.airflow.call("PATCH", f"{self.path}/taskInstances/{task_id}", {"new_state": "success"})

    def fail_task(self, task_id: str) -> None:
        """Mark a task as failed."""
        self.airflow.call("PATCH", f"{self.path}/taskInstances/{task_id}", {"new_state": "failed"})


@contextmanager
def running(folder: Path, dags: Path, aws: Mapping[str, str]) -> Iterator[Airflow]:
    """An Airflow for the length of a ``with`` block, whatever ends that."""
    with _postgres(folder / "postgres") as postgres, Leash() as leash:
        airflow = Airflow(folder, dags, aws, leash, postgres)
        with logs.shown(**airflow.logs), watched(airflow.components.values()), airflow.client:
            airflow.start()
            airflow.wait_until_healthy()
            yield airflow


@contextmanager
def _postgres(folder: Path) -> Iterator[Postgres]:
    postgres = Postgres(folder)
    postgres.start()
    try:
        yield postgres
    finally:
        postgres.stop()


def _settings(home: Path, port: int) -> dict[str, str]:
    """Those of `elt-redshift airflow`, and what keeps tests from waiting."""
    return {
        **airflow_server.settings(home, port, PASSWORD),
        # Of a task whose question the API server answers late, because the machine is busy, Airflow makes a failed one.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        # Files are read once, and new ones are found soon.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        # A killed worker is missed, and a killed triggerer replaced, sooner than after minutes.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
    }
