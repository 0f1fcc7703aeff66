"""What mirrors cost a real Airflow: begun in the triggerer, against begun on workers. Airflow 3.3 and later.

    python benchmarks/mirrors.py [--mirrors 100]

Each way, a DAG run of as many mirrors side by side, of an execution on the embedded AWS that ends at once, with
scheduler, triggerer, DAG processor and API server on SQLite. What is told are the seconds until the run has ended and
the processor time of Airflow's processes and their children meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import psutil
from monitor import ROLE, definition

from elt_redshift.demo import airflow_home
from elt_redshift.local import process

COMPONENTS = {
    "api-server": ["--workers", "1"],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}
SECONDS = 600.0
DAG = """
# An Airflow DAG.
from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob

job = EltJob(job_id="1", name="benchmark")
for number in range({mirrors}):
    job.task(f"task_{{number}}", statement="select 1")
for way in ("triggerer", "worker"):
    globals()[way] = elt_dag(job, dag_id=way, state_machine_arn={machine!r}, poll_interval=2, max_active_tasks=1000)
for task in worker.tasks:
    task.start_from_trigger = False
"""


@contextlib.contextmanager
def airflow(home: Path, dags: Path, aws: Mapping[str, str]) -> Iterator[list[psutil.Process]]:
    """Airflow's processes, each in a session of its own."""
    environment = airflow_home.prepare(home, dags, {**aws, **settings()})
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


def processor_time(components: list[psutil.Process]) -> float:
    """Seconds of the processes and of all their children, those that have ended included."""
    total = 0.0
    for component in components:
        for one in (component, *component.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += sum(one.cpu_times()[:4])
    return total


def measure(way: str, home: Path, components: list[psutil.Process], environment: Mapping[str, str]) -> None:
    before = processor_time(components)
    command = [sys.executable, "-m", "airflow", "dags", "trigger", way]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    begin = time.monotonic()
    ended = "select state from dag_run where dag_id = ? and state in ('success', 'failed')"
    assert wait_for(home / "airflow.db", ended, way) == "success"
    seconds = time.monotonic() - begin
    used = processor_time(components) - before
    sys.stdout.write(f"{way:>9}: {seconds:6.1f} s, {used:6.1f} s of processor time\n")
    sys.stdout.flush()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mirrors", type=int, default=100)
    mirrors = options.parse_args().mirrors
    with tempfile.TemporaryDirectory() as folder, process.running() as embedded:
        aws, home, dags = process.environment(embedded), Path(folder, "home"), Path(folder, "dags")
        os.environ |= aws
        text = json.loads(definition(mirrors, 1))
        for state in text["States"].values():
            if state["Type"] == "Wait":
                state["Seconds"] = 0
        client = boto3.client("stepfunctions")
        machine = client.create_state_machine(name="benchmark", definition=json.dumps(text), roleArn=ROLE)
        dags.mkdir()
        (dags / "benchmark.py").write_text(DAG.format(mirrors=mirrors, machine=machine["stateMachineArn"]))
        with airflow(home, dags, aws) as components:
            wait_for(home / "airflow.db", "select 1 from dag where dag_id = ?", "worker")
            time.sleep(15)  # until all have started
            for way in ("triggerer", "worker"):
                measure(way, home, components, components[1].environ())


if __name__ == "__main__":
    main()
