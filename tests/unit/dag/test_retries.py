"""Whose retries a DAG's tasks have."""

from __future__ import annotations

from datetime import timedelta

import pytest

from elt_redshift.airflow_compat import DAG
from elt_redshift.dag import elt_dag, elt_task_group
from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob


def test_lost_workers_are_made_up_for(job: EltJob) -> None:
    """Starting twice is the same as once, and looking twice too: both may be tried again, a mirror soon."""
    dag = elt_dag(job)
    assert {task.retries for task in dag.tasks} == {2}
    assert dag.get_task("a").retry_delay == timedelta(seconds=5)


def test_default_args_are_heeded(job: EltJob) -> None:
    """What the user says about all tasks goes before our defaults, except that mirrors have retries of their own."""
    default_args = {"retries": 0, "retry_delay": timedelta(seconds=1), "owner": "ann"}
    dag = elt_dag(job, default_args=default_args)
    start, mirror = dag.get_task("start_execution"), dag.get_task("a")
    assert (start.retries, start.retry_delay, start.owner) == (0, timedelta(seconds=1), "ann")
    assert (mirror.retries, mirror.owner) == (2, "ann")


def test_retries_that_mirrors_cannot_make_are_refused_by_name(job: EltJob) -> None:
    """Nobody believes that a task is tried seven times whose job says nothing of the kind."""
    with pytest.raises(
        JobError, match=r"default_args: retries is 7.* the SQL of a and \d more again.*engine=\"airflow\""
    ):
        elt_dag(job, default_args={"retries": 7})
    tried = EltJob(job_id="7", name="tried")
    tried.task("a", statement="select 1", retries=7)
    assert elt_dag(tried, default_args={"retries": 7}).get_task("start_execution").retries == 7


def test_a_group_refuses_such_retries_unless_it_is_given_others() -> None:
    """The DAG's retries would be passed over in silence; ``default_args`` of the group go before them."""
    job = EltJob(job_id="7", name="sales")
    job.task("a", statement="select 1")
    with DAG("mine", schedule=None, default_args={"retries": 7, "owner": "ann"}):
        with pytest.raises(JobError, match=r"elt_task_group of job \w+: default_args: retries is 7"):
            elt_task_group(job, group_id="refused")
        elt_task_group(job, group_id="taken", default_args={"retries": 0})
        start = elt_task_group(job, group_id="owned", default_args={"retries": 0, "owner": "bob"}).children
    assert {task.owner for task in start.values()} == {"bob"}


def test_the_dags_retries_are_those_of_native_tasks_without_their_own() -> None:
    """On Airflow's workers Airflow tries again; a task's own number goes first."""
    job = EltJob(job_id="7", name="native")
    job.task("a", statement="select 1")
    job.task("b", statement="select 1", retries=3)
    where = {"database": "dev", "workgroup_name": "etl"}
    dag = elt_dag(job, engine="airflow", audit_table="audit", warehouse=where, default_args={"retries": 7})
    assert (dag.get_task("a").retries, dag.get_task("b").retries) == (7, 3)


def test_a_jobs_retries_are_airflows_where_they_mean_the_same() -> None:
    """A rule gives delay, growth and bound; a number leaves these to the DAG."""
    job = EltJob(job_id="1", name="j")
    rule = {"times": 3, "delay": "1m", "backoff": 1, "max_delay": "5m", "on": ["conflict"]}
    job.task("a", statement="select 1", retries=rule)
    job.task("b", statement="select 1", retries=2)
    warehouse = {"cluster_identifier": "c", "database": "dev", "db_user": "u"}
    dag = elt_dag(job, engine="airflow", audit_table="t", warehouse=warehouse, default_args={"retries": 7})
    a, b = dag.get_task("a"), dag.get_task("b")
    assert (a.retries, a.retry_delay, a.max_retry_delay) == (3, timedelta(minutes=1), timedelta(minutes=5))
    assert (a.retry_on, b.retries, b.retry_on) == (("conflict",), 2, ("any",))
    assert not a.retry_exponential_backoff or a.retry_exponential_backoff == 1
