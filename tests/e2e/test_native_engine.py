"""A job run by Airflow's workers and by its state machine, over the embedded AWS."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from elt_redshift.aws.deployment import prepare
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.statements import Statements, Submission
from elt_redshift.demo import airflow_home
from elt_redshift.job.model import EltJob
from elt_redshift.local import process
from tests import bounds, commands
from tests.servers import account_of, embedded_aws

#: The operators' every end is tested without Airflow's processes in tests/local/operators and tests/unit/operators.
pytestmark = pytest.mark.exhaustive

PARAMETERS = {"RedshiftClusterIdentifier": "demo", "DatabaseUserName": "awsuser", "DatabaseName": "dev"}
WAREHOUSE = {"ClusterIdentifier": "demo", "DbUser": "awsuser", "Database": "dev"}
EXAMPLES = Path(__file__).resolve().parents[2] / "dags" / "examples"

JOB = """
job_id: "8"
name: native
parameters:
  divisor: {default: "1"}
tasks:
  one: {sql: one.sql}
  two: {statement: "insert into made select :divisor::int, 20 / :divisor::int", upstream: [one]}
  three: {statement: "insert into made select divisor, n + 1 from made where divisor = :divisor::int", upstream: [two]}
"""
ONE = "create table if not exists made (divisor int, n int);\n\ndelete from made where divisor = :divisor::int;\n"
DAG = """
# Airflow reads only files that speak of it.
from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob

options = {{
    "engine": "airflow",
    "audit_table": {table!r},
    "warehouse": {{"cluster_identifier": "demo", "db_user": "awsuser", "database": "dev"}},
    "poll_interval": 0.2,
}}
JOB = EltJob.load({job!r})
deferred = elt_dag(JOB, **options)
on_the_worker = elt_dag(JOB, dag_id="on_the_worker", deferrable=False, **options)
"""

#: In this order: a failed run holds the job's lock, so that the next one fails.
RUNS = {
    "deferred": ["native"],
    "on_the_worker": ["on_the_worker", "--conf", '{"divisor": "2"}'],
    "failing": ["native", "--conf", '{"divisor": "0"}'],
    "held": ["native"],
    "example": ["audit_lock_example"],
}


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """The environment that leads to an embedded AWS of these tests' own."""
    with embedded_aws() as running:
        yield process.environment(running)


@pytest.fixture(scope="module")
def client(aws: dict[str, str]) -> Callable[[str], Any]:
    """Makes clients."""
    session: Any = boto3.session.Session("local", "local", region_name="us-east-1")
    return lambda service: session.client(service, endpoint_url=aws["AWS_ENDPOINT_URL"])


class Native:
    """The job, deployed, run by its state machine and then by Airflow."""

    def __init__(self, folder: Path, aws: dict[str, str], client: Callable[[str], Any]) -> None:
        for name, text in {"job/job.yaml": JOB, "job/one.sql": ONE}.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        self.statements = Statements(client("redshift-data"))
        job, account = EltJob.load(folder / "job"), account_of(aws)
        account.stacks.execute(prepare(account, job, "Native", PARAMETERS).change_set)
        deployed = account.stacks.find(job.name)
        self.audit = DynamoDbAuditStore(client("dynamodb"), deployed.audit_table)
        self.executions = Executions(client("stepfunctions"), deployed.state_machine_arn)
        for divisor in ("1", "2"):
            arn = self.executions.start(f"divisor-{divisor}", {"divisor": divisor})
            *_, last = self.executions.follow(arn, job.task_names, interval=0.1)
            assert last.execution.status == "SUCCEEDED"
        self.by_state_machine = self.made()
        self._sql("drop table made")
        (folder / "dags").mkdir()
        (folder / "dags" / "native.py").write_text(DAG.format(job=str(folder / "job"), table=deployed.audit_table))
        shutil.copytree(EXAMPLES / "sql", folder / "dags" / "sql")
        shutil.copy(EXAMPLES / "audit_lock.py", folder / "dags")
        client("dynamodb").create_table(
            TableName="elt-audit",  # the example's
            KeySchema=[{"AttributeName": "JobID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "JobID", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self._airflow(airflow_home.prepare(folder / "airflow", folder / "dags", aws))
        with sqlite3.connect(folder / "airflow" / "airflow.db") as database:
            ids = [row[0] for row in database.execute("select run_id from dag_run order by id")]
            self.states = {name: _states(database, run) for name, run in zip(RUNS, ids, strict=True)}

    def _airflow(self, environment: dict[str, str]) -> None:
        driver = Path(__file__).with_name("dags_test_driver.py")
        done = commands.run(
            [sys.executable, str(driver), *(json.dumps(["dags", "test", *run]) for run in RUNS.values())],
            env=environment,
            seconds=bounds.AIRFLOW,
        )
        self.output = done.stdout

    def made(self) -> list[list[int]]:
        """The rows of the job's table."""
        return sorted(self.statements.records(self._sql("select divisor, n from made")))

    def _sql(self, text: str) -> str:
        found = self.statements.submit(Submission([text], WAREHOUSE, "test", f"{text}{id(object())}"[-64:], {}))
        assert self.statements.describe(found, 30).status == "FINISHED"
        return found


def _states(database: sqlite3.Connection, run_id: str) -> dict[str, str]:
    return dict(database.execute("select task_id, state from task_instance where run_id = ?", [run_id]))


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory, aws: dict[str, str], client: Callable[[str], Any]) -> Native:
    return Native(tmp_path_factory.mktemp("native"), aws, client)


def test_both_engines_make_the_same_tables(native: Native) -> None:
    """Deferred or on the worker, Airflow's engine makes what the state machine makes."""
    for run in ("deferred", "on_the_worker"):
        tasks = ["acquire_lock", "one", "two", "three", "release_lock"]
        assert native.states[run] == dict.fromkeys(tasks, "success"), native.output
    assert native.made() == native.by_state_machine


def test_a_failed_task_is_told_in_the_audit_item(native: Native) -> None:
    """The teardown notes the failed task and Redshift's message, and fails, so that the run does."""
    states = native.states["failing"]
    assert (states["two"], states["three"], states["release_lock"]) == ("failed", "upstream_failed", "failed")
    item = native.audit.read("8")
    assert item
    assert (item.state, item.failed_task) == ("Failed", "two"), native.output
    assert "division by zero" in str(item.failure_message)
    assert "Task two failed at tasks.two.statement: ERROR: division by zero" in native.output


def test_a_job_held_by_a_failure_fails_the_next_run(native: Native) -> None:
    """Its setup fails and says why, and nothing behind it runs."""
    states = native.states["held"]
    assert states.pop("acquire_lock") == "failed", native.output
    assert set(states.values()) == {"upstream_failed"}
    assert "Job 8 is held by a failed run: task two failed at " in native.output


def test_a_state_machine_respects_a_dag_runs_lock(native: Native) -> None:
    """An execution that finds the lock held by a failed DAG run fails, and says which."""
    arn = native.executions.start("locked-out", {})
    *_, last = native.executions.follow(arn, ["one"], interval=0.1)
    assert "held by a failed run: task two failed at " in str(last.execution.cause)
    assert "(run airflow:native/" in str(last.execution.cause)


def test_the_example_runs(native: Native) -> None:
    """The example's SQL files run between its setup and its teardown."""
    tasks = ["acquire_lock", "prepare", "load", "release_lock"]
    assert native.states["example"] == dict.fromkeys(tasks, "success"), native.output
