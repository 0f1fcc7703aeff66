"""What a job's DAG costs to parse, against the same DAG of EmptyOperators.

    python benchmarks/dag_parse.py [--tasks 1000] [--rounds 7]

Each round builds and serializes both DAGs in turn, as Airflow's DAG processor does, in one process; the ratio is
that of the medians. The import cost is the processor time that ``from elt_redshift import EltJob, elt_dag`` adds to a
process that has imported ``airflow.sdk``, against the time of that; each is the least of fresh processes, which keep
bytecode of ours as pip keeps that of Airflow's.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

IMPORTS = (
    "import time; begin = time.process_time(); from airflow.sdk import DAG, BaseOperator, Param, TaskGroup; "
    "between = time.process_time(); from elt_redshift import EltJob, elt_dag; "
    "print(between - begin, time.process_time() - between)"
)


def job(tasks: int) -> Any:
    """Ten tasks side by side, each waiting for two of the ten before."""
    from elt_redshift import EltJob

    made = EltJob(job_id="1", name="large")
    nodes = [made.task(f"task_{number}", statement=f"select {number}") for number in range(tasks)]
    for number in range(10, tasks):
        nodes[number - 10] >> nodes[number]
        nodes[number - 10 + (1 if number % 10 < 9 else -9)] >> nodes[number]
    return made


def ours(made: Any) -> Any:
    """With a mirror for each task."""
    from elt_redshift import elt_dag

    return elt_dag(made, mirrors="tasks")


def plain(made: Any) -> Any:
    """The same graph of EmptyOperators."""
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG

    dag = DAG(dag_id=made.name, schedule=None)
    start = EmptyOperator(task_id="start_execution", dag=dag)
    nodes = {task.name: EmptyOperator(task_id=task.name, dag=dag) for task in made.tasks}
    for task in made.tasks:
        nodes[task.name].set_upstream([nodes[name] for name in task.upstream] or start)
    return dag


def parse(build: Callable[[Any], Any], made: Any) -> float:
    """Seconds of processor time to build and serialize; the garbage of the DAG before is not on this one's account."""
    from airflow.serialization.serialized_objects import DagSerialization

    gc.collect()
    begin = time.process_time()
    DagSerialization.serialize_dag(build(made))
    return time.process_time() - begin


def import_costs(rounds: int) -> tuple[float, float]:
    """Seconds: of Airflow's names, and of ours behind them. What else the machine does only adds to them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", IMPORTS]
    runs = [
        subprocess.run(command, env=kept, capture_output=True, text=True, check=True)  # noqa: S603
        for _ in range(rounds)
    ]
    airflows, ours = zip(*(map(float, run.stdout.split()) for run in runs), strict=True)
    return min(airflows), min(ours)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tasks", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=7)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        made = job(given.tasks)
        parse(plain, made), parse(ours, made)  # whatever is imported on first use
        pairs = [(parse(ours, made), parse(plain, made)) for _ in range(given.rounds)]
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        airflows, cost = import_costs(given.rounds)
    sys.stdout.write(
        f"{given.tasks} tasks: {1000 * mine:.0f} ms; the same DAG of EmptyOperators: {1000 * theirs:.0f} ms\n"
        f"ratio: {mine / theirs:.2f}\n"
        f"import of ours behind airflow.sdk: {1000 * cost:.0f} ms of processor time, {cost / airflows:.1%} of its own\n"
    )


if __name__ == "__main__":
    main()
