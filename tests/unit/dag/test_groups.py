"""A job as a DAG that shows groups of its tasks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.airflow_compat import DAG, STARTS_FROM_TRIGGER, AirflowFailException
from elt_redshift.dag import elt_dag, elt_task_group
from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob
from elt_redshift.triggers.outcome import Outcome
from tests.unit.airflow_names import serialized_and_back


@pytest.fixture
def grouped() -> EltJob:
    """Two groups in a row, and a task without one."""
    job = EltJob(job_id="7", name="sales")
    job.task("a", statement="select 1", group="stage")
    job.task("b", statement="select 1", group="stage")
    job.task("c", statement="select 1", group="marts.core", upstream=["a"])
    job.task("d", statement="select 1")
    return job


def _edges(dag: Any) -> dict[str, set[str]]:
    return {task.task_id: task.upstream_task_ids for task in dag.tasks}


def test_groups_begin_behind_the_start_and_end_in_one_task(grouped: EltJob) -> None:
    """Edges between groups are shown and hold nothing up; what waits for all groups is one task, which is what a DAG
    run's state goes by."""
    dag = elt_dag(grouped, mirrors="groups")
    start, groups = {"start_execution"}, {"stage", "marts.core", "sales"}
    assert _edges(dag) == {
        "start_execution": set(),
        "stage": start,
        "marts.core": {*start, "stage"},
        "sales": start,
        "end_execution": groups,
    }
    assert {dag.get_task(name).trigger_rule for name in groups} == {"one_success"}
    assert dag.get_task("end_execution").trigger_rule == "all_success"
    assert [task.task_id for task in dag.leaves] == ["end_execution"]
    assert {name: dag.get_task(name).members for name in groups} == {
        "stage": {"a", "b"},
        "marts.core": {"c"},
        "sales": {"d"},
    }


def test_groups_of_a_circle_have_no_edges(grouped: EltJob) -> None:
    """They stand side by side, behind the start."""
    grouped.task("e", statement="select 1", group="stage", upstream=["c"])
    edges = _edges(elt_dag(grouped, mirrors="groups"))
    assert edges["stage"] == edges["marts.core"] == {"start_execution"}


def test_one_mirror_shows_the_whole_job(grouped: EltJob) -> None:
    """It is called as the job is."""
    dag = elt_dag(grouped, mirrors="one")
    assert _edges(dag) == {"start_execution": set(), "sales": {"start_execution"}}
    assert dag.get_task("sales").members == set("abcd")


@pytest.mark.parametrize(("tasks", "shown"), [(200, 201), (201, 3)])
def test_large_jobs_are_shown_by_groups(tasks: int, shown: int) -> None:
    """Up to 200 tasks have a mirror each, unless the DAG says otherwise."""
    job = EltJob(job_id="7", name="sales")
    for number in range(tasks):
        job.task(f"t{number}", statement="select 1", group=None if number else "first")
    assert len(elt_dag(job).tasks) - (tasks > 200) == shown
    assert len(elt_dag(job, mirrors="tasks").tasks) == tasks + 1


def test_groups_in_a_group_have_its_prefix(grouped: EltJob) -> None:
    """Tasks behind a job's group wait for all of its groups."""
    with DAG("mine", schedule=None) as dag:
        first = elt_task_group(grouped, mirrors="groups")
        first >> elt_task_group(grouped, group_id="again", mirrors="one")
    assert dag.get_task("sales.marts.core").upstream_task_ids == {"sales.start_execution", "sales.stage"}
    assert dag.get_task("again.start_execution").upstream_task_ids == {"sales.end_execution"}
    mirror = dag.get_task("sales.stage")
    assert (mirror.start_task_id, mirror.task_name) == ("sales.start_execution", "stage")


def test_groups_survive_serialization(grouped: EltJob) -> None:
    """The scheduler sees the same tasks, edges and rules, ends the last one by itself, and has each group's tasks in
    its documentation and for its trigger."""
    dag = elt_dag(grouped, mirrors="groups")
    again = serialized_and_back(dag)
    assert {task.task_id: set(task.upstream_task_ids) for task in again.tasks} == _edges(dag)
    stage, end = again.get_task("stage"), again.get_task("end_execution")
    assert (stage.trigger_rule, stage.doc_md) == ("one_success", "2 tasks:\n\n- a\n- b")
    assert end.inherits_from_empty_operator
    if STARTS_FROM_TRIGGER:
        (given,) = (value for value in stage.start_trigger_args.trigger_kwargs.values() if isinstance(value, dict))
        assert given == {"task": "stage", "tasks": ["a", "b"]}


@pytest.mark.parametrize(("mirrors", "told"), [("group", r"Did you mean 'groups'"), ("groups", r"engine=\"airflow\"")])
def test_ways_to_show_a_job_that_are_none_are_refused(grouped: EltJob, mirrors: Any, told: str) -> None:
    """A misspelt one, and groups where each task runs in the DAG."""
    more: dict[str, Any] = {"audit_table": "audit", "warehouse": {"database": "dev", "workgroup_name": "etl"}}
    given: dict[str, Any] = {"engine": "airflow", **more} if mirrors == "groups" else {}
    with pytest.raises(JobError, match=rf"elt_dag of job sales: mirrors: .*{told}"):
        elt_dag(grouped, mirrors=mirrors, **given)


def test_a_failed_group_names_the_place_of_its_failure(grouped: EltJob) -> None:
    """File and line of the task that failed, its words, what became of the others, and what to do."""
    mirror = elt_dag(grouped, mirrors="groups").get_task("stage")
    outcome = Outcome("failed", "no table", "s-1", task="b", beside="1 of 2 tasks of group stage have succeeded.")
    with pytest.raises(AirflowFailException) as raised:
        mirror._conclude({"ti": SimpleNamespace(xcom_push=lambda **_: None)}, outcome)
    assert str(raised.value) == (
        "Task b failed at tasks.b.statement: no table (statement s-1). 1 of 2 tasks of group stage have succeeded. "
        "Mend it, deploy the job if its SQL has changed, and clear the failed tasks."
    )
