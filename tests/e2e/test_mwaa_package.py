"""What `elt-redshift package` writes, unpacked as MWAA does, in an Airflow that has no elt_redshift installed.

``make test-matrix`` runs these tests for each Airflow of MWAA's images: ``ELT_REDSHIFT_AIRFLOW`` is the ``python`` of
an environment with that version; the embedded AWS and these tests run in the main one.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from elt_redshift.aws.deployment import prepare
from elt_redshift.cli.main import main
from elt_redshift.demo import airflow_home
from elt_redshift.job.model import EltJob
from elt_redshift.local import process
from tests import bounds, commands
from tests.servers import account_of, embedded_aws

#: What is packaged, and what it imports, is tested in tests/unit/cli/test_package.py and tests/unit/test_repository.py.
pytestmark = pytest.mark.exhaustive

PYTHON = os.environ.get("ELT_REDSHIFT_AIRFLOW") or sys.executable
HERE = Path(__file__).parent
NAMES = HERE.parent / "unit" / "airflow_names.py"
PARAMETERS = {"RedshiftClusterIdentifier": "demo", "DatabaseUserName": "awsuser", "DatabaseName": "dev"}
DISTRIBUTION = "airflow_provider_elt_redshift"

JOB = """
job_id: "9"
name: tiny
parameters:
  divisor: {default: "1"}
tasks:
  one: {statement: "create table if not exists made (divisor int)"}
  two: {sql: two.sql, upstream: [one]}
  three: {statement: "insert into made select :divisor::int", upstream: [two]}
"""
TWO = "create temp table t as select 1 as n;\n\nselect n / :divisor::int from t;\n"
DAG = """
# Airflow reads only files that speak of it.
from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob

JOB = EltJob.load("tiny")
mirrored = elt_dag(JOB, poll_interval=0.2)
native = elt_dag(
    JOB,
    dag_id="native",
    engine="airflow",
    audit_table={table!r},
    warehouse={{"cluster_identifier": "demo", "db_user": "awsuser", "database": "dev"}},
    poll_interval=0.2,
)
"""
#: In this order: a failed run holds the job's lock.
RUNS = {
    "mirrored": ["tiny", "--conf", '{"divisor": "1"}'],
    "native": ["native", "--conf", '{"divisor": "2"}'],
    "failing": ["tiny", "--conf", '{"divisor": "0"}'],
}


class Mwaa:
    """An Airflow home as MWAA has it, with plugins/ and dags/ from the package, and the job deployed beside.

    The job was changed since plugins.zip was uploaded: only dags/ was synced again.
    """

    def __init__(self, folder: Path, aws: dict[str, str]) -> None:
        self.home = folder / "airflow"
        self.plugins, self.dags = self.home / "plugins", self.home / "dags"
        job = folder / "repository" / "sql" / "tiny"
        job.mkdir(parents=True)
        (job / "job.yaml").write_text(JOB)
        (job / "two.sql").write_text(TWO)
        session: Any = boto3.session.Session("local", "local", region_name="us-east-1")
        self.clients = {
            service: session.client(service, endpoint_url=aws["AWS_ENDPOINT_URL"])
            for service in ("cloudformation", "dynamodb", "redshift-data")
        }
        loaded, account = EltJob.load(job), account_of(aws)
        account.stacks.execute(prepare(account, loaded, "Tiny", PARAMETERS).change_set)
        self.audit = account.audit(account.stacks.find(loaded.name).audit_table)
        (folder / "repository" / "dags").mkdir()
        (folder / "repository" / "dags" / "tiny.py").write_text(DAG.format(table=self.audit.table))
        (job / "two.sql").write_text("select 'the SQL of before, which nothing fails'")
        with zipfile.ZipFile(self._package(job, folder / "repository") / "plugins.zip") as archive:
            archive.extractall(self.plugins)
        (job / "two.sql").write_text(TWO)
        shutil.copytree(self._package(job, folder / "repository") / "dags", self.dags)
        self.python = _python_without_us(folder / "python")
        self.environment = airflow_home.prepare(
            self.home, self.dags, {**aws, "PYTHONPATH": "", "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.plugins)}
        )

    def _package(self, job: Path, repository: Path) -> Path:
        dist = repository / "dist"
        assert main(["package", str(job), "--dags", str(repository / "dags"), "--output", str(dist)]) == 0
        return dist

    def run(self, *command: str) -> str:
        """Run Python in the home, as MWAA's containers do; gives what it prints."""
        done = commands.run([str(self.python), *command], bounds.AIRFLOW, cwd=self.home, env=self.environment)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def made(self) -> set[int]:
        """The rows of the job's table."""
        data = self.clients["redshift-data"]
        warehouse = {"ClusterIdentifier": "demo", "DbUser": "awsuser", "Database": "dev"}
        answer = data.execute_statement(**warehouse, Sql="select divisor from made", WaitTimeSeconds=30)
        return {row[0]["longValue"] for row in data.get_statement_result(Id=answer["Id"])["Records"]}


def _python_without_us(folder: Path) -> Path:
    """An environment with all that PYTHON's has but elt_redshift, in a moment: its packages are links."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    (made,) = folder.glob("lib/python3*/site-packages")
    for path in Path(packages).iterdir():
        if DISTRIBUTION not in path.name:
            (made / path.name).symlink_to(path)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def mwaa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mwaa]:
    with embedded_aws() as running:
        yield Mwaa(tmp_path_factory.mktemp("mwaa"), process.environment(running))


@pytest.fixture(scope="module")
def seen(mwaa: Mwaa) -> Any:
    """What a process of Airflow sees."""
    printed = mwaa.run(str(HERE / "mwaa_driver.py"), str(mwaa.dags / "tiny.py"), str(NAMES))
    return json.loads(printed.splitlines()[-1])


@pytest.fixture(scope="module")
def states(mwaa: Mwaa) -> tuple[dict[str, dict[str, str]], str]:
    """The tasks' states of each run of RUNS, and what was printed."""
    database = mwaa.home / "airflow.db"
    commands = [["dags", "test", *run] for run in RUNS.values()]
    if sys.executable != PYTHON:
        database.unlink()  # it is of this Airflow's version
        commands.insert(0, ["db", "migrate"])
    printed = mwaa.run(str(HERE / "dags_test_driver.py"), *map(json.dumps, commands))
    with sqlite3.connect(database) as opened:
        ids = [row[0] for row in opened.execute("select run_id from dag_run order by id")]
        query = "select task_id, state from task_instance where run_id = ?"
        return {name: dict(opened.execute(query, [run])) for name, run in zip(RUNS, ids, strict=True)}, printed


def test_the_package_comes_from_the_plugins_folder(mwaa: Mwaa, seen: Any) -> None:
    """Nothing else has elt_redshift there."""
    assert seen["package"] == str(mwaa.plugins / "elt_redshift" / "__init__.py")


def test_airflow_imports_only_the_plugin_module(seen: Any) -> None:
    """Airflow would import every module below plugins/; here just the plugin's, and what that one needs."""
    consoles = {"elt_redshift.protocol", "elt_redshift.protocol.consoles"}  # the addresses of the links
    needed = {"elt_redshift", "elt_redshift.version", "elt_redshift_plugin", "elt_redshift.airflow_compat", *consoles}
    assert {name for name in seen["by_plugins"] if not name.startswith("elt_redshift.links")} == needed


def test_a_dag_file_reads_neither_yaml_nor_aws(seen: Any) -> None:
    """Parsing loads one file per job, for either engine, and splits no SQL."""
    heavy = ("boto3", "botocore", "moto", "sqlglot", "psycopg", "airflow.providers.amazon")
    assert not [name for name in seen["by_the_dag"] if name.startswith(heavy)]
    assert "elt_redshift.job.document" not in seen["by_the_dag"]


def test_dags_survive_the_database(seen: Any) -> None:
    """Tasks, edges and links of both DAGs are the same after they were serialized."""
    tasks = {"one": ["two"], "two": ["three"], "three": []}
    assert seen["tasks"]["mirrored"] == {"start_execution": ["one"], **tasks}
    assert seen["tasks"]["native"].keys() == {"acquire_lock", *tasks, "release_lock"}
    assert all("Step Functions execution" in links for links in seen["links"].values())


@pytest.mark.parametrize("engine", ["mirrored", "native"])
def test_a_run_succeeds(mwaa: Mwaa, states: Any, engine: str) -> None:
    """The packaged job runs with either engine, and its SQL did what it says."""
    found, printed = states
    assert set(found[engine].values()) == {"success"}, printed
    assert mwaa.made() == {1, 2}


def test_a_run_that_fails_says_why(mwaa: Mwaa, states: Any) -> None:
    """The failed mirror shows SQL file and line and Redshift's message; the job's item says the same."""
    found, printed = states
    assert (found["failing"]["two"], found["failing"]["three"]) == ("failed", "upstream_failed"), printed
    words = " ".join(printed.split())  # Airflow 3.0 breaks the lines of its tracebacks
    assert "Task two failed at two.sql:3: ERROR: division by zero (statement " in words
    item = mwaa.audit.read("9")
    assert item is not None
    assert (item.state, item.failed_task) == ("Failed", "two")
