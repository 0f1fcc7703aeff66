"""DAGs of many shapes on any Airflow: with the audit lock, a run ends as it does without one.

``make test-matrix`` runs these tests for each Airflow of MWAA's images: ``ELT_REDSHIFT_AIRFLOW`` is the ``python`` of
an environment with that version. There, ``dag.test()`` runs each DAG, by that version's own rules for the states
of tasks and runs.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from elt_redshift.demo import airflow_home
from elt_redshift.local import process
from tests import bounds, commands
from tests.e2e.shaped import ENGINES, HERE, JOBS, NAMES, Ended, Ground, check_like_plain
from tests.local.conftest import client_factory
from tests.servers import embedded_aws

PYTHON = os.environ.get("ELT_REDSHIFT_AIRFLOW")

#: ``dag.test()`` runs one task at a time, so that one that waits for another waits for ever; and a timeout of a
#: task ends the process itself in Airflow 2.
LEFT_OUT = {"the_same_lock_twice", "timeout"}

pytestmark = pytest.mark.skipif(PYTHON is None, reason="ELT_REDSHIFT_AIRFLOW names no other Airflow")


SHAPES = [name for name in NAMES if name not in LEFT_OUT]
DAGS = [
    *SHAPES,
    *(f"{name}_plain" for name in [*SHAPES, *JOBS]),
    *(f"{job}_{engine}" for job in JOBS for engine in ENGINES),
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ended]]:
    """How the run of each DAG ended."""
    folder = tmp_path_factory.mktemp("shapes")
    with embedded_aws() as aws:
        ground = Ground(folder, client_factory(aws.endpoint))
        environment = airflow_home.prepare(folder / "airflow", ground.dags, process.environment(aws))
        database = folder / "airflow" / "airflow.db"
        database.unlink()  # it is of this Airflow's version
        done = commands.run([str(PYTHON), "-m", "airflow", "db", "migrate"], bounds.AIRFLOW, env=environment)
        assert done.returncode == 0, done.stdout
        driver = [str(PYTHON), str(HERE / "shapes_driver.py"), str(ground.dags / "shapes.py"), *DAGS]
        done = commands.run(driver, bounds.AIRFLOW, env=environment)
        assert (done.returncode, done.stdout.count("@@ exit")) == (0, len(DAGS)), done.stdout
        found = _read(database)
        assert set(found) == set(DAGS), done.stdout
        yield found


def _read(database: Path) -> dict[str, Ended]:
    with closing(sqlite3.connect(database)) as opened:
        runs = opened.execute("select dag_id, state from dag_run").fetchall()
        query = "select task_id, map_index, state from task_instance where dag_id = ?"
        return {
            dag: Ended(state, {(task, index): s for task, index, s in opened.execute(query, [dag])})
            for dag, state in runs
        }


@pytest.mark.parametrize("name", SHAPES)
def test_a_run_with_a_lock_ends_as_one_without(ended: dict[str, Ended], name: str) -> None:
    """Its state and those of its tasks are the plain DAG's, and the lock is given back."""
    check_like_plain(ended[name], ended[f"{name}_plain"])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("job", JOBS)
def test_a_job_ends_as_plain_operators(ended: dict[str, Ended], job: str, engine: str) -> None:
    """Either engine shows what a DAG of the job's SQL would show."""
    check_like_plain(ended[f"{job}_{engine}"], ended[f"{job}_plain"])
