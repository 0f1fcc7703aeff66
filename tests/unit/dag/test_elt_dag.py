"""A job as a DAG, with Airflow's real classes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from elt_redshift.airflow_compat import DAG
from elt_redshift.dag import elt_dag, elt_task_group
from elt_redshift.exceptions import JobError
from elt_redshift.hooks.connection import Connection
from elt_redshift.job.model import EltJob, Schedule


def test_tasks_and_edges_are_the_jobs(job: EltJob) -> None:
    """Behind start_execution, the DAG has the job's tasks under their names, wired as in the job."""
    dag = elt_dag(job)
    edges = {task.task_id: task.upstream_task_ids for task in dag.tasks}
    assert dag.dag_id == "sales"
    assert edges == {
        "start_execution": set(),
        "a": {"start_execution"},
        "b": {"start_execution"},
        "c": {"a", "b"},
        "d": {"b"},
    }


def test_mirrors_keep_the_jobs_edges_and_workers_its_lanes(job: EltJob) -> None:
    """With max_active_statements the state machine has more edges, the mirrors have not; Airflow's own workers are kept
    to it by the same edges as the state machine."""
    job.max_active_statements = 1
    mirrors = {task.task_id: task.upstream_task_ids for task in elt_dag(job).tasks}
    assert (mirrors["b"], mirrors["d"]) == ({"start_execution"}, {"b"})
    dag = elt_dag(job, engine="airflow", audit_table="audit", warehouse={"database": "dev", "workgroup_name": "etl"})
    tasks = ("a", "b", "c", "d")
    assert {name: dag.get_task(name).upstream_task_ids & set(tasks) for name in tasks} == {
        "a": set(),
        "b": {"a"},
        "c": {"a", "b"},
        "d": {"b", "c"},
    }


@pytest.mark.parametrize("engine", ["step_functions", "airflow"])
def test_every_task_has_the_dags_connection(job: EltJob, engine: Any) -> None:
    """All that Amazon's operators take for it reaches all tasks of both engines."""
    given: dict[str, Any] = {
        "aws_conn_id": "etl",
        "region_name": "eu-west-1",
        "verify": "/ca.pem",
        "botocore_config": {"read_timeout": 7},
    }
    where = {"cluster_identifier": "warehouse", "database": "dev"}
    native = {"audit_table": "audit", "warehouse": where} if engine == "airflow" else {}
    dag = elt_dag(job, engine=engine, **native, **given)
    assert [task.task_id for task in dag.tasks if Connection.of(task).arguments != given] == []


@pytest.mark.parametrize(
    ("warehouse", "address"),
    [
        (
            {"database": "dev", "cluster_identifier": "c", "db_user": "etl"},
            "redshift://c/dev/public.elt_audit?user=etl",
        ),
        (
            {"database": "dev", "workgroup_name": "w", "secret_arn": "arn:s"},
            "redshift-serverless://w/dev/public.elt_audit?secret=arn:s",
        ),
        ({"database": "dev", "workgroup_name": "w"}, "redshift-serverless://w/dev/public.elt_audit"),
    ],
)
def test_the_lock_of_a_job_in_redshift_is_in_its_warehouse(warehouse: dict[str, str], address: str) -> None:
    """Whose address is told nobody, unless it is another table; one of DynamoDB is refused."""
    job = EltJob(job_id="7", name="native", audit_store="redshift")
    job.task("a", statement="select 1")
    given: dict[str, Any] = {"engine": "airflow", "warehouse": warehouse}
    assert elt_dag(job, **given).get_task("acquire_lock").table_name == address  # type: ignore[attr-defined]
    elsewhere = "redshift://other/dev/ops.audit?user=u"
    assert elt_dag(job, audit_table=elsewhere, **given).get_task("release_lock").table_name == elsewhere  # type: ignore[attr-defined]
    with pytest.raises(JobError, match=r"audit item is in Redshift, and 'audit' is not\. Give its address"):
        elt_dag(job, audit_table="audit", **given)


def test_options_reach_the_tasks(job: EltJob) -> None:
    """Connection, region, interval and mode are handed on; other options are Airflow's DAG's."""
    dag = elt_dag(
        job,
        dag_id="other",
        state_machine_arn="arn",
        stack="Sales",
        aws_conn_id="etl",
        region_name="eu-west-1",
        poll_interval=9,
        deferrable=False,
        tags=["elt"],
    )
    start, mirror = dag.get_task("start_execution"), dag.get_task("c")
    assert (dag.dag_id, set(dag.tags)) == ("other", {"elt"})
    assert (start.state_machine_arn, start.stack, start.aws_conn_id, start.region_name) == (
        "arn",
        "Sales",
        "etl",
        "eu-west-1",
    )
    assert (mirror.aws_conn_id, mirror.region_name, mirror.poll_interval, mirror.deferrable) == (
        "etl",
        "eu-west-1",
        9,
        False,
    )


def test_a_second_schedule_is_warned_of(job: EltJob, recwarn: pytest.WarningsRecorder) -> None:
    """Where the job has a schedule of its own, a DAG of it needs none; one that is off is no schedule."""
    options: dict[str, Any] = {"schedule": "@daily", "parameters": {"region": "EU"}}
    off = Schedule(cron="0 5 * * ? *", enabled=False, parameters={"region": "EU"})
    for schedule, chosen in ((off, options), (replace(off, enabled=True), {}), (replace(off, enabled=True), options)):
        job.schedule = schedule
        elt_dag(job, **chosen)
    told = [str(one.message) for one in recwarn if "EventBridge" in str(one.message)]
    assert len(told) == 1
    assert "so does EventBridge Scheduler: cron(0 5 * * ? *)" in told[0]


def test_catching_up_needs_a_date(job: EltJob) -> None:
    """Without a start date, catching up would mean since ever."""
    options: dict[str, Any] = {"schedule": "@daily", "catchup": True, "parameters": {"region": "EU"}}
    with pytest.raises(JobError, match="start_date"):
        elt_dag(job, **options)
    assert elt_dag(job, start_date=datetime(2026, 1, 1, tzinfo=UTC), **options).catchup


def test_a_job_can_be_a_group_of_ones_own_dag(job: EltJob) -> None:
    """In a group, two of one job beside each other, tasks have the group's prefix and follow their own start."""
    with DAG("mine", schedule=None) as dag:
        first = elt_task_group(job, parameters={"region": "EU"})
        second = elt_task_group(job, group_id="again", parameters={"region": "{{ run_id }}"})
        first >> second
    assert dag.get_task("sales.c").upstream_task_ids == {"sales.a", "sales.b"}
    assert dag.get_task("again.start_execution").upstream_task_ids == {"sales.c", "sales.d"}
    mirror = dag.get_task("again.a")
    assert (mirror.start_task_id, mirror.task_name) == ("again.start_execution", "a")
    assert dag.get_task("sales.start_execution").parameters == {"region": "EU"}
