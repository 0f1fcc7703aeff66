"""A user's DAG file in the eyes of a strict mypy: everything that it imports from the front door has its type."""

from __future__ import annotations

from typing import assert_type

from airflow.sdk import DAG, TaskGroup

import elt_redshift
from elt_redshift import AuditLock, EltJob, JobError, Node, RedshiftSqlOperator, SqlTask, elt_dag, elt_task_group

job = EltJob(job_id="101", name="typed")
assert_type(job.task("load", statement="select 1"), Node)
assert_type(job.task("load"), SqlTask)
assert_type(elt_dag(job), DAG)

with DAG("mine", schedule=None):
    assert_type(elt_task_group(job), TaskGroup)
    with AuditLock(job_id="102", table_name="audit"):
        assert_type(RedshiftSqlOperator(task_id="more", sql="select 1"), RedshiftSqlOperator)


elt_redshift.elt_dga  # type: ignore[attr-defined]  # noqa: B018


def problems(error: JobError) -> list[str]:
    return [problem.remedy for problem in error.problems]
