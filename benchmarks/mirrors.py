"""What mirrors cost a real Airflow, and how long after its execution a DAG run ends. Airflow 3.3 and later.

    python benchmarks/mirrors.py [--tasks 500] [--seconds 60] [--ways groups one tasks worker]

Each way, a DAG run of a job like a dbt project (see large_job.py), packaged as MWAA gets it, whose execution on the
embedded AWS passes its tasks in so many seconds and runs no SQL. Scheduler, triggerer, DAG processor and API server
work on SQLite; a small DAG has run before, so that what they do once counts for nobody. ``tasks`` are mirrors that
begin in the triggerer, ``worker`` those that begin on workers. What is told are the seconds from the execution's end to
the DAG run's, those of the DAG run, and the processor time of each component and its children meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import boto3
import psutil
from large_job import large_job
from monitor import ROLE, definition

from elt_redshift.demo import airflow_home
from elt_redshift.job import packaged
from elt_redshift.job.model import EltJob
from elt_redshift.local import process

COMPONENTS = {
    "api-server": ["--workers", "1"],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}
SECONDS = 1200.0
SMALL = 'job_id: "2"\nname: warm\ntasks: {task_0: {statement: select 1}}\n'
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


@contextlib.contextmanager
def airflow(home: Path, dags: Path, aws: Mapping[str, str]) -> Iterator[list[psutil.Process]]:
    """Airflow's processes, each in a session of its own."""
    environment = airflow_home.prepare(home, dags, {**aws, **settings()})
    environment["PYTHONPATH"] += os.pathsep + str(Path(__file__).parent)  # for bare_mirrors
    running = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "airflow", name, *options],
            env=environment,
            stdout=(home / f"{name}.log").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        for name, options in COMPONENTS.items()
    ]
    try:
        yield [psutil.Process(one.pid) for one in running]
    finally:
        for one in running:
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


def wait_for(database: Path, query: str, *values: str) -> str:
    """The first value that the query gives from Airflow's database."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
            found = connection.execute(query, values).fetchone()
        if found:
            return str(found[0])
        time.sleep(0.5)
    raise TimeoutError(f"not within {SECONDS:.0f} s: {query}")


def processor_time(components: list[psutil.Process]) -> dict[str, float]:
    """Seconds of each component: of its first process, and of all its children, those that have ended included."""
    total: Counter[str] = Counter()
    for name, component in zip(COMPONENTS, components, strict=True):
        children = component.children(recursive=True)
        own = component.cpu_times()
        total[name] = own.user + own.system
        total[f"{name}'s children"] = own.children_user + own.children_system
        for one in children:
            with contextlib.suppress(psutil.Error):
                total[f"{name}'s children"] += sum(one.cpu_times()[:4])
    return total


def run(dag: str, home: Path, environment: Mapping[str, str]) -> str:
    """Run a DAG, once Airflow has read it; gives how the run ended."""
    wait_for(home / "airflow.db", "select 1 from dag where dag_id = ?", dag)
    command = [sys.executable, "-m", "airflow", "dags", "trigger", dag]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    ended = "select state from dag_run where dag_id = ? and state in ('success', 'failed')"
    return wait_for(home / "airflow.db", ended, dag)


def measure(way: str, home: Path, components: list[psutil.Process], environment: Mapping[str, str]) -> None:
    before = processor_time(components)
    state = run(way, home, environment)
    used = {name: seconds - before[name] for name, seconds in processor_time(components).items()}
    took = "select (julianday(end_date) - julianday(start_date)) * 86400 from dag_run where dag_id = ?"
    end = "select end_date from dag_run where dag_id = ?"
    seconds, at = (wait_for(home / "airflow.db", query, way) for query in (took, end))
    after = "" if way == "bare" else f"{behind(at, environment['BENCHMARK_MACHINE']):6.1f} s after its execution, "
    sys.stdout.write(
        f"{way:>9}: {state}, {after}{float(seconds):6.1f} s in all, "
        f"{sum(used.values()):6.1f} s of processor time, load {os.getloadavg()[0]:.1f}\n"
        f"           {', '.join(f'{name} {seconds:.1f} s' for name, seconds in used.items())}\n"
    )
    sys.stdout.flush()


def behind(ended: str, machine: str) -> float:
    """Seconds from the end of the machine's newest execution to that of the DAG run."""
    (newest, *_) = boto3.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return (datetime.fromisoformat(ended).replace(tzinfo=UTC) - newest["stopDate"]).total_seconds()


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
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, process.running() as embedded:
        aws, home, dags = process.environment(embedded), Path(folder, "home"), Path(folder, "dags")
        os.environ |= aws
        machine, small = deploy("benchmark", given.tasks, given.seconds), deploy("warm", 1, 1)
        os.environ["BENCHMARK_MACHINE"] = machine
        package("benchmark", project(given.tasks, Path(folder, "job")), dags)
        (warm := Path(folder, "warm.yaml")).write_text(SMALL)
        package("warm", warm, dags)
        (dags / "warm.py").write_text(WARM.format(machine=small))
        for way in given.ways:
            (dags / f"of_{way}.py").write_text(dag_file(way, machine))
        with airflow(home, dags, aws) as components:
            environment = components[1].environ() | os.environ
            run("warm", home, environment)
            for way in given.ways:
                measure(way, home, components, environment)


if __name__ == "__main__":
    main()
