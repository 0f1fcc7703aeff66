"""OpenLineage's events of real runs: a real Airflow with OpenLineage's provider, over the embedded AWS."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.job.model import EltJob
from elt_redshift.local import process
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.cases import exhaustive
from tests.e2e import airflow_processes
from tests.e2e.airflow_processes import Airflow, Run, wait_for
from tests.local.conftest import client_factory
from tests.local.runs.conftest import DeployedJob

#: What the events say is tested without processes in tests/unit/lineage.
pytestmark = pytest.mark.exhaustive

JOB = """
job_id: "42"
name: traced
parameters:
  divisor: {default: "1"}
tasks:
  stage:
    sql: stage.sql
  fact:
    statement: "insert into facts select n / :divisor::int from staged"
    upstream: [stage]
lock: {after_failure: release}
"""
STAGE = "create temp table #news (like source);\n\ninsert into #news select n from source;\n\n" + (
    "insert into STAGED select n from #news;\n"
)
DAGS = """
# Airflow reads only files that speak of it.
from datetime import timedelta

from airflow.sdk import DAG

from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator

traced = elt_dag(EltJob.load({job!r}), poll_interval=0.5)
lost = {{"retries": 1, "retry_delay": timedelta(seconds=1)}}  # as on a loaded machine
with DAG("own", params={{"divisor": "1"}}, default_args=lost):
    for where in (True, False):
        RedshiftSqlOperator(
            task_id="deferred" if where else "on_the_worker",
            sql="insert into facts select n / :divisor::int from staged",
            parameters={{"divisor": "{{{{ params.divisor }}}}"}},
            database="dev",
            workgroup_name="etl",
            poll_interval=0.5,
            deferrable=where,
        )
"""
#: How OpenLineage names what the job's stack and the operators are given.
CLUSTER, WORKGROUP = "redshift://warehouse.us-east-1:5439", "redshift://etl.us-east-1:5439"


@pytest.fixture(scope="module")
def folder(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the deployed job, the DAGs and, later, the events."""
    made = tmp_path_factory.mktemp("lineage")
    files = {"job/job.yaml": JOB, "job/stage.sql": STAGE, "dags/traced.py": DAGS.format(job=str(made / "job"))}
    for name, text in files.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(text)
    job = DeployedJob(EltJob.load(made / "job"), client_factory(aws.endpoint))
    job.sql(*(f"create table {table} (n int)" for table in ("source", "staged", "facts")))
    job.sql("insert into source values (1)", "insert into staged values (1)")
    return made


@pytest.fixture(scope="module")
def airflow(aws: LocalAws, folder: Path) -> Iterator[Airflow]:
    """An Airflow of these tests' own, whose listener of OpenLineage writes the events to a file."""
    transport = {"type": "file", "log_file_path": str(folder / "events"), "append": True}
    environment = {
        **process.environment(aws),
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
        # On a loaded machine an event takes longer than the seconds that it has by default.
        "AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT": f"{bounds.ANSWER:.0f}",
        "AIRFLOW__CORE__TASK_SUCCESS_OVERTIME": f"{bounds.ANSWER:.0f}",
    }
    with airflow_processes.running(folder / "home", folder / "dags", environment) as running:
        running.wait_for_dags("traced", "own")
        yield running


def _events(folder: Path, run: Run, *tasks: str) -> dict[str, list[dict[str, Any]]]:
    """The events of these tasks of a DAG run, once each has one of its end: those of its last try. (On a loaded machine
    Airflow gives up a try before it begins, and tries again.)"""

    def ended() -> dict[str, list[dict[str, Any]]] | None:
        last = {task: list(tries.values())[-1] for task, tries in _tries(folder, run).items()}
        ends = {task: {event["eventType"] for event in events} & {"COMPLETE", "FAIL"} for task, events in last.items()}
        return last if all(ends.get(task) for task in tasks) else None

    return wait_for(ended, f"events of the ends of {tasks}") or {}


def _tries(folder: Path, run: Run) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The events of a DAG run's tasks, by task and by OpenLineage's run, of which each try is one."""
    tries: dict[str, dict[str, list[dict[str, Any]]]] = {}
    *lines, _ = (folder / "events").read_text().split("\n")  # behind the last one, or in it
    for event in map(json.loads, lines):
        about = event["run"]["facets"].get("airflow", {})
        if about.get("dagRun", {}).get("run_id") == run.run_id:
            task = event["job"]["name"].removeprefix(f"{run.dag_id}.")
            tries.setdefault(task, {}).setdefault(event["run"]["runId"], []).append(event)
    return tries


def _kinds(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["eventType"] for event in events)


def _parent(event: dict[str, Any]) -> tuple[str, str]:
    job = event["run"]["facets"]["parent"]["job"]
    return job["namespace"], job["name"]


def _tables(datasets: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(dataset["namespace"], dataset["name"]) for dataset in datasets}


def test_a_mirror_tells_what_its_task_ran(airflow: Airflow, folder: Path) -> None:
    """Each task has one start and one end, with its SQL, its tables, its statement, its execution and the DAG run."""
    run = airflow.trigger("traced")
    assert run.wait() == "success", run.states()
    events = _events(folder, run, "start_execution", "stage", "fact")
    assert [_kinds(found) for found in events.values()] == 3 * [Counter(START=1, COMPLETE=1)]
    ends = {task: found[-1] for task, found in events.items()}
    arn = run.xcom("start_execution", "execution_arn")
    for task, end in ends.items():
        assert _parent(end) == ("tests", "traced")
        assert end["run"]["facets"]["eltRedshift_run"]["executionArn"] == arn
        job = end["job"]["facets"]["eltRedshift_job"]
        tasks = ["stage", "fact"] if task == "start_execution" else [task]
        assert (job["jobId"], job["name"], job["tasks"]) == ("42", "traced", tasks)
    assert (ends["start_execution"]["inputs"], ends["start_execution"]["outputs"]) == ([], [])
    assert ends["fact"]["job"]["facets"]["sql"]["query"] == "insert into facts select n / :divisor::int from staged"
    assert _tables(ends["fact"]["inputs"]) == {(CLUSTER, "dev.public.staged")}
    assert _tables(ends["fact"]["outputs"]) == {(CLUSTER, "dev.public.facts")}
    assert _tables(ends["stage"]["inputs"]) == {(CLUSTER, "dev.public.source")}
    assert _tables(ends["stage"]["outputs"]) == {(CLUSTER, "dev.public.staged")}
    query = ends["fact"]["run"]["facets"]["externalQuery"]
    assert (query["externalQueryId"], query["source"]) == (run.xcom("fact", "return_value")["statement_id"], CLUSTER)


def test_a_failure_is_told_with_redshifts_message(airflow: Airflow, folder: Path) -> None:
    """The mirror of a failed task sends one FAIL, with the message, the SQL and the statement."""
    run = airflow.trigger("traced", divisor="0")
    assert run.wait() == "failed", run.states()
    events = _events(folder, run, "fact")
    assert _kinds(events["fact"]) == Counter(START=1, FAIL=1)
    facets = events["fact"][-1]["run"]["facets"]
    assert "division by zero" in facets["errorMessage"]["message"]
    assert facets["eltRedshift_run"]["statementId"] == run.xcom("fact", "return_value")["statement_id"]
    assert events["fact"][-1]["job"]["facets"]["sql"]["query"].startswith("insert into facts")


@pytest.mark.parametrize(("divisor", "end"), exhaustive([("1", "COMPLETE"), ("0", "FAIL")], quick=[("1", "COMPLETE")]))
def test_an_operator_tells_what_it_ran(airflow: Airflow, folder: Path, divisor: str, end: str) -> None:
    """So does RedshiftSqlOperator, deferred or not. (Airflow tells of a start each time that a worker goes on with a
    deferred task; these events are about one run.)"""
    run = airflow.trigger("own", divisor=divisor)
    run.wait()
    events = _events(folder, run, "deferred", "on_the_worker")
    for task in ("deferred", "on_the_worker"):
        kinds = _kinds(events[task])
        assert kinds.pop("START") == (2 if task == "deferred" else 1)
        assert kinds == Counter([end])
        last = events[task][-1]
        assert _parent(last) == ("tests", "own")
        assert last["run"]["facets"]["eltRedshift_run"]["statementId"]
        assert last["job"]["facets"]["sql"]["query"] == "insert into facts select n / :divisor::int from staged"
        assert _tables(last["inputs"]) == {(WORKGROUP, "dev.public.staged")}
        assert _tables(last["outputs"]) == {(WORKGROUP, "dev.public.facts")}
