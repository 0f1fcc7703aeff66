"""``elt-redshift airflow``: Airflow's own pages over an embedded AWS, in one command that leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import psutil
import pytest

from elt_redshift.demo import airflow_home, airflow_server
from elt_redshift.local import process
from elt_redshift.local.errors import LocalAwsError
from elt_redshift.local.leash import Leash
from tests import bounds, logs
from tests.cases import exhaustive
from tests.local import waiting

#: Where ``python -m airflow`` finds Airflow, or what stands in for it.
AIRFLOW, STAND_IN = None, Path(__file__).with_name("stand_in")
#: For tests of how the processes end: Airflow's own take half a minute to start.
either = pytest.mark.parametrize(
    "start", exhaustive([STAND_IN, AIRFLOW], quick=[STAND_IN]), ids=["stand_in", "airflow"], indirect=True
)
MAIN = "import sys; from elt_redshift.cli.main import main; sys.exit(main())"

OWN_DAG = """
from airflow.sdk import DAG
import helper

with DAG("somebodys_own", schedule=None, tags=helper.TAGS):
    pass
"""


def wait_for(look: Callable[[], Any], what: str) -> Any:
    return waiting.wait_for(look, what, bounds.AIRFLOW, 0.3)


class Command:
    """A running ``elt-redshift airflow`` on a free port, and what it printed."""

    def __init__(self, folder: Path, leash: Leash, stand_in: Path | None, *options: str) -> None:
        self.state, self._output = folder / "state", folder / "output"
        command = [sys.executable, "-c", MAIN, "airflow", "--port", "0", "--dir", str(self.state), *options]
        command += ["--timeout", str(bounds.AIRFLOW), "--scale-factor", "0.001"]
        with self._output.open("w") as output:
            environment = os.environ | ({"PYTHONPATH": str(stand_in)} if stand_in else {})
            self.process = leash.start(command, env=environment, stdout=output, stderr=subprocess.STDOUT)

    @property
    def output(self) -> str:
        return self._output.read_text()

    def told(self, name: str) -> str:
        """What stands behind ``name:`` in the output, once all is up."""

        def ready() -> bool:
            assert self.process.poll() is None, self.output
            return "Ctrl-C stops everything." in self.output

        wait_for(ready, "everything is up")
        found = re.search(rf"^{name}: +(\S+)", self.output, re.MULTILINE)
        assert found, self.output
        return found[1].rstrip(",")

    def client(self, password: str) -> httpx.Client:
        """A client of the REST API, logged in."""
        url = self.told("Airflow")
        login = httpx.post(f"{url}/auth/token", json={"username": "admin", "password": password}, timeout=bounds.ANSWER)
        token = login.raise_for_status().json()["access_token"]
        return httpx.Client(
            base_url=f"{url}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=bounds.ANSWER
        )

    def belongings(self) -> tuple[list[psutil.Process], list[Path], list[int]]:
        """All its processes, throwaway folders and ports."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        aws = process.find(self.state)
        sockets = Path(re.search(r"host=(.*)", aws.postgres_uri)[1].replace("%2F", "/"))  # type: ignore[index]
        ports = [int(self.told(name).rpartition(":")[2]) for name in ("Airflow", "AWS")]
        [scheduler] = [one for one in found if one.cmdline()[2:4] == ["airflow", "scheduler"]]
        database = re.search(r"host=([^&]*)", scheduler.environ()[airflow_home.SQL_ALCHEMY_CONN])
        assert database, "Airflow's database is in a PostgreSQL of its own"
        return found, [Path(aws.data), sockets, Path(unquote(database[1]))], ports


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Command]]:
    """Starts the command; it ends with the test."""
    stand_in = getattr(request, "param", AIRFLOW)
    shown = {name: tmp_path / "state" / f"airflow-{name}.log" for name in airflow_server.COMPONENTS}
    with Leash() as leash, logs.shown(output=tmp_path / "output", **shown):
        yield lambda *options: Command(tmp_path, leash, stand_in, *options)


def assert_gone(processes: list[psutil.Process], folders: list[Path], ports: list[int]) -> None:
    """Wait until nothing is left of them."""

    def alive() -> list[psutil.Process]:
        running = []
        for one in processes:
            with suppress(psutil.NoSuchProcess):
                if one.status() != psutil.STATUS_ZOMBIE:
                    running.append(one)
        return running

    wait_for(lambda: not alive(), "the processes end")
    wait_for(lambda: not any(folder.exists() for folder in folders), "the folders are removed")
    for port in ports:
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))


@pytest.mark.exhaustive
def test_both_jobs_are_shown_and_nothing_is_left(start: Callable[..., Command], tmp_path: Path) -> None:
    """The printed password opens the pages, which show a run that succeeded, one that failed and one's own DAGs; after
    SIGTERM no process, port or folder is left but the logs."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "own.py").write_text(OWN_DAG)
    (own / "helper.py").write_text('TAGS = ["mine"]\n')
    command = start("--dags", str(own))
    password = command.told("password")
    with pytest.raises(httpx.HTTPStatusError):
        command.client("wrong")
    with command.client(password) as pages:

        def state(dag_id: str) -> str:
            return str(pages.get(f"/dags/{dag_id}/dagRuns/first_run").raise_for_status().json()["state"])

        for dag_id, ending in (("yearly_sales", "success"), ("failing_returns", "failed")):
            wait_for(lambda dag_id=dag_id: state(dag_id) in ("success", "failed"), f"{dag_id} ends")
            assert state(dag_id) == ending
        tasks = pages.get("/dags/failing_returns/dagRuns/first_run/taskInstances").json()["task_instances"]
        assert {task["task_id"]: task["state"] for task in tasks} == {
            "start_execution": "success",
            "prepare_tables": "success",
            "count_orders": "success",
            "load_returns": "failed",
            "compare_returns": "upstream_failed",
        }
        wait_for(lambda: pages.get("/dags/somebodys_own").is_success, "one's own DAG is shown")
        assert pages.get("/importErrors").json()["import_errors"] == []
    left = command.belongings()
    command.process.send_signal(signal.SIGTERM)
    assert command.process.wait(bounds.AIRFLOW) == 0
    assert command.output.endswith("Stopped; nothing runs any more.\n")
    assert_gone(*left)
    kept = {file.name for file in command.state.iterdir()}
    assert kept == {"server.log", "server.lock", *(f"airflow-{name}.log" for name in airflow_server.COMPONENTS)}


@either
@pytest.mark.exhaustive
def test_a_killed_command_leaves_nothing(start: Callable[..., Command]) -> None:
    """After kill -9 of the command everything that it started goes too."""
    command = start()
    command.told("password")
    left = command.belongings()
    os.kill(command.process.pid, signal.SIGKILL)
    command.process.wait()
    assert_gone(*left)


def test_a_process_that_has_ended_is_told(tmp_path: Path) -> None:
    """By its name, with its last words and where there are more."""
    environment = os.environ | {"PYTHONPATH": str(STAND_IN)}
    with Leash() as leash:
        found = airflow_server.Component("scheduler", environment, tmp_path / "scheduler.log", leash)
        found.check()
        (tmp_path / "scheduler.log").write_text("once\nno database\n\n")
        found._process.kill()
        found._process.wait()
        with pytest.raises(
            LocalAwsError, match=r"Airflow's scheduler has ended: no database \(more in .*scheduler.log"
        ):
            found.check()


@either
@pytest.mark.exhaustive
def test_a_process_that_ends_by_itself_ends_the_command(start: Callable[..., Command]) -> None:
    """When one of Airflow's processes dies, the command says which in one line, and stops the rest."""
    command = start()

    def scheduler() -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(command.process.pid).children(recursive=True)
            return [one for one in children if one.cmdline()[2:4] == ["airflow", "scheduler"]]
        return []

    [found] = wait_for(scheduler, "the scheduler is started")
    found.kill()
    assert command.process.wait(bounds.AIRFLOW) == 1
    [line] = [line for line in command.output.splitlines() if line.startswith("error:")]
    assert "Airflow's scheduler has ended" in line
    assert "airflow-scheduler.log" in line


@either
@pytest.mark.exhaustive
def test_an_embedded_aws_that_is_stopped_ends_the_command(start: Callable[..., Command]) -> None:
    """When somebody stops the embedded AWS beneath it, the command says so in one line, and stops the rest."""
    command = start()
    command.told("password")
    processes, folders, ports = command.belongings()
    process.down(command.state, timeout=bounds.AIRFLOW)
    assert command.process.wait(bounds.AIRFLOW) == 1
    [line] = [line for line in command.output.splitlines() if line.startswith("error:")]
    assert "The embedded AWS has ended" in line
    assert_gone(processes, folders, ports)


@pytest.mark.parametrize("problem", ["port", "folder", "state"])
def test_what_is_not_there_is_one_line(tmp_path: Path, problem: str) -> None:
    """A port that is taken, a folder that is not there, a state folder in use: one line says what to do, before
    anything is started."""
    options = {"port": ["--dir", str(tmp_path)], "folder": ["--port", "0", "--dags", str(tmp_path / "absent")]}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options["port"] += ["--port", str(taken.getsockname()[1])]
        with process.running(tmp_path, timeout=bounds.AIRFLOW) if problem == "state" else nullcontext():
            given = options.get(problem, ["--port", "0", "--dir", str(tmp_path)])
            command = [sys.executable, "-c", MAIN, "airflow", *given]
            done = subprocess.run(command, capture_output=True, text=True, timeout=bounds.AIRFLOW, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    expected = {"port": "choose another port with --port", "folder": "Give --dags a folder", "state": "with --dir"}
    assert expected[problem] in done.stderr


@pytest.mark.parametrize(("installed", "message"), [("2.11.2", "needs Airflow 3, and 2.11.2"), (None, "not installed")])
def test_without_airflow_3(monkeypatch: pytest.MonkeyPatch, installed: str | None, message: str) -> None:
    """An older Airflow, or none, is refused in one line with the command that installs it."""

    def version(_name: str) -> str:
        if installed is None:
            raise airflow_server.PackageNotFoundError
        return installed

    monkeypatch.setattr(airflow_server, "version", version)
    with pytest.raises(LocalAwsError, match=rf"{message}.*pip install 'apache-airflow>=3'"):
        airflow_server.check_installed()


def test_an_older_airflow_has_its_database_in_sqlite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It reaches no PostgreSQL by psycopg 3."""
    monkeypatch.setattr(airflow_server, "version", lambda _: "3.2.1")
    with airflow_server._prepared(tmp_path, tmp_path, {}) as environment:
        assert environment[airflow_home.SQL_ALCHEMY_CONN].startswith(f"sqlite:///{tmp_path.resolve()}")


def test_the_password_is_its_owners(tmp_path: Path) -> None:
    """The file with the password is for nobody else to read, and each start has other secrets."""
    first, second = (airflow_server.settings(tmp_path / name, 1, "geheim") for name in "ab")
    file = Path(first["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert (file.stat().st_mode & 0o777, json.loads(file.read_text())) == (0o600, {"admin": "geheim"})
    for name in ("AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY"):
        assert first[name] != second[name]
