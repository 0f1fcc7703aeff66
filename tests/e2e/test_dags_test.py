"""``airflow dags test`` of a job's DAG, with a real Airflow in a process of its own, over the embedded AWS."""

from __future__ import annotations

import json
import runpy
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.aws.account import Account
from elt_redshift.aws.deployment import prepare
from elt_redshift.aws.executions import Executions
from elt_redshift.demo import airflow_home
from elt_redshift.job.model import EltJob
from elt_redshift.local import process
from tests import bounds, commands
from tests.servers import account_of, embedded_aws

PARAMETERS = {"RedshiftClusterIdentifier": "demo", "DatabaseUserName": "awsuser", "DatabaseName": "dev"}
EXAMPLES = Path(__file__).resolve().parents[2] / "dags" / "examples"

JOB = """
job_id: "7"
name: tiny
parameters:
  divisor: {default: "1"}
tasks:
  one: {statement: "select 1", group: first}
  two: {sql: two.sql, group: first}
  three: {statement: "select 3", upstream: [one, two]}
"""
TWO = "create temp table t as select 1 as n;\n\nselect n / :divisor::int from t;\n"
DAG = """
# Airflow reads only files that speak of it.
from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob

JOB = EltJob.load({job!r})
deferred = elt_dag(JOB, poll_interval=0.2)
grouped = elt_dag(JOB, dag_id="grouped", poll_interval=0.2, mirrors="groups")
grouped_on_the_worker = elt_dag(JOB, dag_id="grouped_on_the_worker", poll_interval=0.2, mirrors="one", deferrable=False)
on_the_worker = elt_dag(JOB, dag_id="on_the_worker", poll_interval=0.2, deferrable=False)
"""

#: In this order: a failed run holds the job's lock, so that the next one fails.
RUNS = {
    "deferred": ["tiny"],
    "on_the_worker": ["on_the_worker", "1998-01-01", "--conf", '{"divisor": "2"}'],
    "grouped": ["grouped"],
    "grouped_on_the_worker": ["grouped_on_the_worker"],
    "failing": ["tiny", "--conf", '{"divisor": "0"}'],
    "held": ["tiny"],
}
#: The job is held by then.
MORE = {
    "held_groups": ["grouped"],
    "scheduled": ["scheduled_example", "2020-01-01"],
    "two_jobs": ["two_jobs_example", "--conf", '{"year": "2021"}'],
}


@dataclass(frozen=True)
class Run:
    """A DAG run: the command's exit status and output, the tasks' states, their XComs by task and key."""

    status: int
    output: str
    states: dict[str, str]
    xcoms: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """The environment that leads to an embedded AWS of these tests' own."""
    with embedded_aws() as running:
        yield process.environment(running)


@pytest.fixture(scope="module")
def executions(aws: dict[str, str], folder: Path) -> Executions:
    """The executions of the job, which is deployed."""
    job, account = EltJob.load(folder / "job"), account_of(aws)
    _deploy(account, job)
    return account.executions(account.stacks.find(job.name).state_machine_arn)


def _deploy(account: Account, job: EltJob) -> None:
    account.stacks.execute(prepare(account, job, job.name.replace("_", "-"), PARAMETERS).change_set)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the job and its DAG file."""
    made = tmp_path_factory.mktemp("tiny")
    files = {"job/job.yaml": JOB, "job/two.sql": TWO, "dags/tiny.py": DAG.format(job=str(made / "job"))}
    for name, text in files.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(text)
    for name in ("scheduled.py", "two_jobs.py"):
        shutil.copy(EXAMPLES / name, made / "dags")
    shutil.copytree(EXAMPLES / "sql", made / "dags" / "sql")
    return made


@pytest.fixture(scope="module")
def airflow(aws: dict[str, str], executions: Executions, folder: Path) -> dict[str, str]:
    """The environment of an Airflow that knows the DAGs."""
    return airflow_home.prepare(folder / "airflow", folder / "dags", aws)


@pytest.fixture(scope="module")
def runs(airflow: dict[str, str]) -> dict[str, Run]:
    """The DAG runs, all done."""
    return _done(airflow, RUNS)


@pytest.fixture(scope="module")
def more_runs(aws: dict[str, str], airflow: dict[str, str], runs: dict[str, Run]) -> dict[str, Run]:
    """The others, behind those; among them are the examples."""
    report = runpy.run_path(str(EXAMPLES / "two_jobs.py"))["REPORT"]
    for job in (EltJob.load(EXAMPLES / "sql" / "orders"), report):
        _deploy(account_of(aws), job)
    return _done(airflow, MORE)


def _done(airflow: dict[str, str], runs: dict[str, list[str]]) -> dict[str, Run]:
    driver = Path(__file__).with_name("dags_test_driver.py")
    done = commands.run(
        [sys.executable, str(driver), *(json.dumps(["dags", "test", *run]) for run in runs.values())],
        env=airflow,
        seconds=bounds.AIRFLOW,
    )
    outputs = done.stdout.split("@@ begin")[1:]
    assert len(outputs) == len(runs), done.stdout
    with sqlite3.connect(Path(airflow["AIRFLOW_HOME"]) / "airflow.db") as database:
        newest = database.execute("select run_id from dag_run order by id desc limit ?", [len(runs)])
        ids = [row[0] for row in newest][::-1]
        return {name: _read(*read, database) for name, *read in zip(runs, outputs, ids, strict=True)}


def _read(printed: str, run_id: str, database: sqlite3.Connection) -> Run:
    output, _, status = printed.rpartition("@@ exit ")
    states = dict(database.execute("select task_id, state from task_instance where run_id = ?", [run_id]))
    xcoms: dict[str, dict[str, Any]] = {}
    for task, key, value in database.execute("select task_id, key, value from xcom where run_id = ?", [run_id]):
        # SQLite makes numbers of JSON that looks like some.
        xcoms.setdefault(task, {})[key] = json.loads(value) if isinstance(value, str) else value
    return Run(int(status), output, states, xcoms)


@pytest.mark.parametrize("run", ["deferred", "on_the_worker"])
def test_a_run_that_succeeds(runs: dict[str, Run], executions: Executions, run: str) -> None:
    """Every mirror is green and has its statement, its seconds and its rows, wherever it waits."""
    done = runs[run]
    assert done.status == 0, done.output
    assert done.states == dict.fromkeys(["start_execution", "one", "two", "three"], "success")
    for task in ("one", "two", "three"):
        assert set(done.xcoms[task]["return_value"]) == {"execution_arn", "statement_id", "seconds", "rows"}, task
    assert done.xcoms["three"]["return_value"]["rows"] == 1
    assert executions.describe(done.xcoms["start_execution"]["execution_arn"]).status == "SUCCEEDED"


def test_groups_that_succeed(runs: dict[str, Run]) -> None:
    """They are green, and what is behind them all; one mirror shows a job as well."""
    done = runs["grouped"]
    assert done.states == dict.fromkeys(["start_execution", "first", "tiny", "end_execution"], "success"), done.output
    assert set(done.xcoms["first"]["return_value"]) >= {"execution_arn", "seconds"}
    one = runs["grouped_on_the_worker"]
    assert one.states == dict.fromkeys(["start_execution", "tiny"], "success"), one.output


@pytest.mark.exhaustive
def test_groups_of_a_held_job_fail(more_runs: dict[str, Run]) -> None:
    """As tasks do: each says which failure holds it; what is behind them does not begin."""
    done = more_runs["held_groups"]
    failed = {"first": "failed", "tiny": "failed", "end_execution": "upstream_failed"}
    assert done.states == {"start_execution": "success", **failed}, done.output
    assert "0 of 2 tasks of group first have succeeded. Task one did not start, because " in done.output
    assert "Job 7 is held by a failed run: task two failed at " in done.output


def test_a_run_that_fails(runs: dict[str, Run], executions: Executions) -> None:
    """The failed mirror shows SQL file and line, Redshift's message and the statement; behind it is upstream_failed."""
    done = runs["failing"]
    assert done.status == 1, done.output
    assert (done.states["two"], done.states["three"]) == ("failed", "upstream_failed")
    statement = done.xcoms["two"]["return_value"]["statement_id"]
    assert statement.endswith(":2")
    assert f"Task two failed at two.sql:3: ERROR: division by zero (statement {statement})" in done.output
    assert executions.describe(done.xcoms["start_execution"]["execution_arn"]).status == "FAILED"


def test_a_run_of_a_job_held_by_a_failure_fails(runs: dict[str, Run]) -> None:
    """The log of the first mirror says which task failed in which run, and why."""
    done = runs["held"]
    assert done.status == 1, done.output
    assert (done.states["one"], done.states["three"]) == ("failed", "upstream_failed")
    assert "Job 7 is held by a failed run: task two failed at " in done.output
    assert f"(run {runs['failing'].xcoms['start_execution']['execution_arn']})" in done.output


@pytest.mark.exhaustive
def test_the_scheduled_example_runs(more_runs: dict[str, Run]) -> None:
    """The data interval gives the job its year."""
    done = more_runs["scheduled"]
    assert done.states == dict.fromkeys(["start_execution", "create", "load"], "success"), done.output
    assert done.xcoms["start_execution"]["run"]["parameters"] == {"year": "2019"}
    assert done.xcoms["load"]["return_value"]["rows"] == 2


@pytest.mark.exhaustive
def test_two_jobs_in_one_dag_run(more_runs: dict[str, Run]) -> None:
    """Each group has an execution of its own, and a task behind one reads the XComs of its mirrors."""
    done = more_runs["two_jobs"]
    tasks = ["orders.create", "orders.load", "orders_report.forget", "orders_report.count", "tell"]
    tasks += ["orders.start_execution", "orders_report.start_execution"]
    assert done.states == dict.fromkeys(tasks, "success"), done.output
    assert len({done.xcoms[task]["execution_arn"] for task in tasks if task != "tell"}) == 2
    assert done.xcoms["tell"]["return_value"] == "2 orders of 2021"
