"""A job in parts in a real Airflow: its mirrors show one run, whose tasks are in several executions."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from elt_redshift.asl import cutting
from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob
from elt_redshift.links.console import ExecutionLink, execution_url
from elt_redshift.local.process import LocalAws
from tests.cases import exhaustive
from tests.e2e.airflow_processes import Airflow, Run
from tests.local.conftest import client_factory
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.runs.test_parts import SMALL

#: Three parts: ``load``; ``fact`` and ``sums``; the others. Each task notes in the ledger that it ran; ``fact`` fails
#: for a run that is forbidden, ``slow`` waits at the barrier.
JOB = """
job_id: in_parts
name: in_parts
layout: parts
parameters:
  run: {{default: none}}
tasks:
  load: {{sql: load.sql, group: first}}
  fact: {{sql: fact.sql, upstream: [load], group: first}}
  sums: {{sql: sums.sql, upstream: [fact], group: then}}
  side: {{sql: side.sql, group: first}}
  slow: {{sql: slow.sql, upstream: [side], group: then}}
  last: {{sql: last.sql, upstream: [slow, fact], group: then}}
lock: {{when_locked: wait}}
"""
NOTE = "insert into parts_ledger values (:run, '{task}');\n"
MORE = {
    "fact": "\nselect 1 / (1 - count(*)) from parts_forbidden where run = :run;\n",
    "slow": "\n{barrier};\n",
}
TASKS = ("load", "fact", "sums", "side", "slow", "last")
ONCE = Counter(TASKS)
GREEN = dict.fromkeys(["start_execution", *TASKS], "success")

DAGS = """
# Airflow reads only files that speak of it.
from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob

for mirrors in ("tasks", "groups", "one"):
    dag_id = "in_parts" if mirrors == "tasks" else "in_parts_by_" + mirrors
    globals()[dag_id] = elt_dag(EltJob.load({folder!r}), dag_id=dag_id, mirrors=mirrors, poll_interval=0.5)
"""


class InParts:
    """The job, deployed in parts as small as a few tasks."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        client = client_factory(aws.endpoint)
        self.folder, self.barrier = folder, Barrier(client("redshift-data"))
        (folder / "job.yaml").write_text(JOB.format())
        for task in TASKS:
            (folder / f"{task}.sql").write_text(
                NOTE.format(task=task) + MORE.get(task, "").format(barrier=self.barrier.pass_)
            )
        with patch.object(cutting, "AUTO_DEFINITION", SMALL):
            job = EltJob.load(folder)
            self.parts = {task: number for number, part in enumerate(compile_job(job).parts) for task in part.tasks}
            self.deployed = DeployedJob(job, client)
        self.sql("create table parts_ledger (run varchar(100), task varchar(100))")
        self.sql("create table parts_forbidden (run varchar(100))")

    def sql(self, statement: str) -> list[list[Any]]:
        return self.deployed.sql(statement)

    def ran(self, label: str) -> Counter[str]:
        """How often each task has run for the run with that label."""
        return Counter(str(row[0]) for row in self.sql(f"select task from parts_ledger where run = '{label}'"))


@pytest.fixture(scope="module")
def job(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> InParts:
    return InParts(aws, tmp_path_factory.mktemp("in_parts"))


@pytest.fixture(scope="module")
def airflow(airflow: Airflow, job: InParts) -> Airflow:
    """Airflow, with the job's DAGs."""
    airflow.add("in_parts.py", DAGS.format(folder=str(job.folder)), "in_parts", "in_parts_by_groups", "in_parts_by_one")
    return airflow


@pytest.fixture
def label() -> str:
    """Tells the runs of a test in the ledger."""
    return f"r{uuid.uuid4().hex[:12]}"


@pytest.fixture
def forbidden(job: InParts, label: str) -> Iterator[str]:
    """The label of a run whose ``fact`` fails, until somebody allows it; ``slow`` waits until the end of the test."""
    job.sql(f"insert into parts_forbidden values ('{label}')")
    job.barrier.close()
    yield label
    job.barrier.open()


def _allow(job: InParts, label: str) -> None:
    job.sql(f"delete from parts_forbidden where run = '{label}'")


def _shown(run: Run, task: str) -> tuple[str, str]:
    """The execution that a task's XCom names, and where its link leads."""
    link = run.airflow.call("GET", f"{run.path}/taskInstances/{task}/links")["extra_links"][ExecutionLink.name]
    return str(run.xcom(task, "return_value")["execution_arn"]), link


def test_each_task_shows_the_part_that_ran_it(airflow: Airflow, job: InParts, label: str) -> None:
    """All green, each task once, with the part's execution in its value and behind its link, its statement, its rows
    and its SQL in the log."""
    run = airflow.trigger("in_parts", run=label)
    assert run.wait() == "success"
    assert (run.states(), job.ran(label)) == (GREEN, ONCE)
    arn = run.xcom("start_execution", "execution_arn")
    tasks = job.deployed.tasks(arn)
    assert len({told.part for told in tasks.values()}) == len({*job.parts.values()}) > 1
    for task, told in tasks.items():
        assert _shown(run, task) == (told.part, execution_url(str(told.part)))
        returned = run.xcom(task, "return_value")
        assert (returned["statement_id"], returned["rows"]) == (told.statement_id, told.rows)
        assert all(text in run.log(task) for text in (f"values (:run, '{task}')", label, "FINISHED"))


def test_a_failure_in_one_part_is_told_and_clearing_it_redrives_all_parts(
    airflow: Airflow, job: InParts, forbidden: str
) -> None:
    """The failed task has Redshift's message, those that were stopped in other parts its name; what had succeeded stays
    so. Cleared, all go on with one redrive of the run, and nothing has run twice."""
    run = airflow.trigger("in_parts", run=forbidden)
    assert run.wait() == "failed"
    green = dict.fromkeys(["start_execution", "load", "side"], "success")
    stopped = {"sums": "upstream_failed", "slow": "failed", "last": "upstream_failed"}
    assert run.states() == {**green, "fact": "failed", **stopped}
    statement = run.xcom("fact", "return_value")["statement_id"]
    assert f"Task fact failed at fact.sql:3: ERROR: division by zero (statement {statement})" in run.log("fact")
    assert "Task slow was stopped, because fact failed: ERROR: division by zero" in run.log("slow")
    arn = run.xcom("start_execution", "execution_arn")
    part = job.deployed.tasks(arn)["fact"].part
    assert _shown(run, "fact") == (part, execution_url(str(part)))
    _allow(job, forbidden)
    run.clear_failed()
    run.wait_for_task("sums", "success")
    job.barrier.open()
    assert run.wait() == "success"
    assert (run.states(), job.ran(forbidden)) == (GREEN, ONCE)
    assert job.deployed.executions.describe(arn).redrive_count == 1


@pytest.mark.parametrize(
    ("dag_id", "failed"), exhaustive([("in_parts_by_groups", "first"), ("in_parts_by_one", "in_parts")])
)
def test_a_group_shows_its_tasks_in_whichever_parts_they_are(
    airflow: Airflow, job: InParts, forbidden: str, dag_id: str, failed: str
) -> None:
    """It fails with the words of the task that failed, and is green behind a redrive; nothing has run twice."""
    run = airflow.trigger(dag_id, run=forbidden)
    assert run.wait() == "failed"
    log = run.log(failed)
    assert "Task load succeeded at " in log
    assert "Task fact failed at fact.sql:3: ERROR: division by zero" in log
    assert f"2 of {3 if failed == 'first' else 6} tasks of group {failed} have succeeded." in log
    _allow(job, forbidden)
    run.clear_failed()
    run.wait_for_task(failed, "deferred", "success")
    job.barrier.open()
    assert run.wait() == "success"
    assert ({*run.states().values()}, job.ran(forbidden)) == ({"success"}, ONCE)
    arn = run.xcom("start_execution", "execution_arn")
    assert job.deployed.executions.describe(arn).redrive_count == 1


@pytest.mark.exhaustive
def test_a_task_that_had_succeeded_runs_again_alone(airflow: Airflow, job: InParts, label: str) -> None:
    """Cleared, it is run by the next execution, which keeps what all parts have done."""
    run = airflow.trigger("in_parts", run=label)
    assert run.wait() == "success"
    run.clear("fact", downstream=False)
    assert run.wait() == "success"
    assert (run.states(), job.ran(label)) == (GREEN, ONCE + Counter(["fact"]))
    assert "Cleared although done: fact." in run.log("fact")
    arn = job.deployed.executions.recent(1)[0].arn
    told = job.deployed.tasks(arn)
    assert {task for task, run in told.items() if run.kept_from} == {*TASKS} - {"fact"}
    assert _shown(run, "fact") == (told["fact"].part, execution_url(str(told["fact"].part)))
