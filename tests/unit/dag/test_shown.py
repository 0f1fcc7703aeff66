"""What the tasks of a DAG show: their SQL, its place, the values bound to it, their documentation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.airflow_compat import DAG
from elt_redshift.dag import elt_dag, elt_task_group
from elt_redshift.job.model import EltJob, SqlStatement
from elt_redshift.job.packaged import StoredText
from elt_redshift.operators import sql_input
from elt_redshift.triggers.outcome import RUN
from tests.unit.airflow_names import serialized_and_back


def test_mirrors_know_where_their_sql_stands(job: EltJob) -> None:
    """A mirror can name the place of its statements."""
    assert elt_dag(job).get_task("a").places == (job.task("a").statements[0].place,)


@pytest.mark.parametrize("engine", ["step_functions", "airflow"])
def test_tasks_and_dags_are_documented(job: EltJob, engine: Any) -> None:
    """Each task's page shows its SQL with its place, also after serialization, and the DAG's page the graph."""
    job.description = "All sales"
    more = {"audit_table": "audit", "warehouse": {"database": "dev", "workgroup_name": "etl"}}
    dag = serialized_and_back(elt_dag(job, engine=engine, **(more if engine == "airflow" else {})))
    assert dag.get_task("a").doc_md == ("`tasks.a.statement`\n\n```sql\nselect :year\n```\n\nParameters: `:year`")
    assert dag.doc_md == (
        "All sales\n\n```mermaid\nflowchart LR\n    a\n    b\n    a & b --> c\n    b --> d\n```\n\n"
        "Job `7`, 4 tasks. The SQL of each is in its own documentation."
    )
    assert elt_dag(job, doc_md="Mine").doc_md == "Mine"


def _shown(task: Any, run: Any) -> Any:
    """A task whose templates are rendered as a worker does it, in a DAG run that was started with ``run``."""
    task = task.prepare_for_execution()
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: run if (task_ids, key) == ("start_execution", RUN) else None)
    for _ in range(2):  # Airflow may do so again
        task.render_template_fields({"ti": ti, "params": {"year": "1997"}})
    return task


BRACES = "select '{{ no template }}', :year, '${RedshiftIAMRoleARN}'"


def test_mirrors_show_their_sql_and_values() -> None:
    """On a worker, the rendered templates are the SQL with its places and the values of this run; braces in SQL are no
    templates, and without an execution there are no values."""
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998", "region": "EU"})
    job.task("a", statement=BRACES)
    job.task("b", statement="select :region", upstream=["a"])
    task = elt_dag(job).get_task("a")
    shown = _shown(task, {"job": {}, "parameters": {"year": "1997", "region": "EU"}})
    assert (shown.sql, shown.parameters) == (f"-- tasks.a.statement\n{BRACES};", {"year": "1997"})
    assert _shown(task, None).parameters == {}
    assert task.sql is None


def test_tasks_of_the_airflow_engine_show_their_sql() -> None:
    """The rendered templates of a native task are the SQL as it is sent, and its values; sending it is unchanged."""
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998"})
    job.task("a", statement=BRACES)
    where = {"database": "dev", "workgroup_name": "etl"}
    dag = elt_dag(job, engine="airflow", audit_table="audit", warehouse=where, role_arn="arn:role")
    shown = _shown(dag.get_task("a"), None)
    sent = BRACES.replace("${RedshiftIAMRoleARN}", "arn:role")
    assert (shown.sql, shown.parameters) == (f"-- tasks.a.statement\n{sent};", {"year": "1997"})
    assert sql_input.submission(shown, shown._texts, "name", "token").sqls == [sent]


def test_a_packaged_jobs_sql_that_is_away_fails_no_mirror(job: EltJob) -> None:
    """What is only shown may be missing."""
    task = elt_dag(job).get_task("a")
    task.statements = (SqlStatement.kept(stored=StoredText("/nowhere/job.jsonl", "a", 0, "")),)
    assert _shown(task, None).sql.startswith("-- /nowhere/job.jsonl: The SQL of task a cannot be read")


def test_a_dag_says_what_its_job_is(job: EltJob) -> None:
    """The job's description, owner and tags are the DAG's, unless the user gives other ones."""
    job.description, job.owner, job.tags = "All sales", "ann", ("sales",)
    dag = elt_dag(job)
    assert (dag.description, set(dag.tags), dag.owner) == ("All sales", {"sales"}, "ann")
    other = elt_dag(job, description="Mine", tags=["mine"], default_args={"owner": "bob"})
    assert (other.description, set(other.tags), other.owner) == ("Mine", {"mine"}, "bob")


def test_a_group_says_what_its_job_is(job: EltJob) -> None:
    """In a DAG of one's own the group has the description, and its tasks the owner unless the DAG has one."""
    job.description, job.owner = "All sales", "ann"
    with DAG("mine", schedule=None) as dag:
        group = elt_task_group(job, parameters={"region": "EU"})
    with DAG("owned", schedule=None, default_args={"owner": "bob"}) as owned:
        elt_task_group(job, parameters={"region": "EU"})
    assert (group.tooltip, dag.get_task("sales.a").owner, dag.get_task("sales.start_execution").owner) == (
        "All sales",
        "ann",
        "ann",
    )
    assert owned.get_task("sales.a").owner == "bob"
