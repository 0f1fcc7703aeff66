"""A job as a DAG that Airflow's workers walk themselves: ``elt_dag(job, engine="airflow")``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from elt_redshift import notes
from elt_redshift.airflow_compat import DAG, backoff
from elt_redshift.exceptions import JobError, Problem
from elt_redshift.graph.of_job import graph_of
from elt_redshift.hooks.connection import Connection
from elt_redshift.job.model import EltJob, SqlTask
from elt_redshift.job.statements import ROLE_PLACEHOLDER
from elt_redshift.operators.audit_lock import AuditLock
from elt_redshift.operators.redshift_sql import TIMEOUT, RedshiftSqlOperator
from elt_redshift.protocol.places import DEFAULT_TABLE, Place


def add_tasks(
    dag: DAG,
    job: EltJob,
    parameters: Mapping[str, str],
    connection: Connection,
    *,
    audit_table: str | None,
    warehouse: Mapping[str, str] | None,
    role_arn: str | None,
    poll_interval: float,
    deferrable: bool,
) -> None:
    """Give ``dag`` the job's tasks under their names, between the setup and the teardown of its lock.

    :raises JobError: the audit table, the warehouse, or a role that the SQL asks for, is missing.
    """
    if job.audit_in_redshift and not audit_table:
        audit_table = _in_warehouse(warehouse or {})
    _check(job, audit_table, warehouse, role_arn)
    aws: dict[str, Any] = {"dag": dag, **connection.arguments}
    where: dict[str, Any] = dict(warehouse or {})
    lock = AuditLock(
        job_id=job.job_id,
        table_name=str(audit_table),
        **asdict(job.lock),
        acquire_options={"poll_interval": poll_interval},
        **aws,
    )
    described = notes.of_tasks(job)
    with lock:
        tasks = {
            task.name: RedshiftSqlOperator(
                task_id=task.name,
                statements=task.statements,
                declared=job.parameters,
                doc_md=described[task.name],
                placeholders={ROLE_PLACEHOLDER: role_arn} if role_arn else {},
                parameters=parameters,
                transaction=task.transaction,
                timeout=task.timeout or TIMEOUT,
                **_retries(task),
                poll_interval=poll_interval,
                deferrable=deferrable,
                **where,
                **aws,
            )
            for task in job.tasks
        }
        for name, upstream in graph_of(job).items():
            tasks[name].set_upstream([tasks[up] for up in upstream] or lock.acquire)


def _in_warehouse(warehouse: Mapping[str, str]) -> str | None:
    """The address of the audit table where the SQL runs, of the name that stacks give it; None where that is not
    told."""
    cluster, workgroup, database = (warehouse.get(one) for one in ("cluster_identifier", "workgroup_name", "database"))
    if not database or not (cluster or workgroup):
        return None
    logins = {"user": warehouse.get("db_user"), "secret": warehouse.get("secret_arn")}
    login = next((f"?{name}={value}" for name, value in logins.items() if value), "")
    scheme, where = ("redshift", cluster) if cluster else ("redshift-serverless", workgroup)
    return f"{scheme}://{where}/{database}/{DEFAULT_TABLE}{login}"


def _retries(task: SqlTask) -> dict[str, Any]:
    """A task's own retries; one without has those of the DAG, whose pauses a task has that gives only a number."""
    rule = task.retry_rule
    if not rule.times:
        return {}
    if rule is not task.retries:
        return {"retries": rule.times}
    return {
        "retries": rule.times,
        "retry_delay": rule.delay,
        "retry_exponential_backoff": backoff(rule.backoff),
        "max_retry_delay": rule.max_delay,
        "retry_on": rule.on,
    }


def _check(job: EltJob, audit_table: str | None, warehouse: Mapping[str, str] | None, role_arn: str | None) -> None:
    place = f"elt_dag of job {job.name}: engine"
    statements = [statement for task in job.tasks for statement in task.statements]
    asks = any(ROLE_PLACEHOLDER in statement.text for statement in statements)
    given = {"audit_table": audit_table, "warehouse": warehouse} | ({"role_arn": role_arn} if asks else {})
    problems = [
        Problem(place, f"The engine airflow needs {name}.", f"Give {name}=… to elt_dag.")
        for name, value in given.items()
        if not value
    ]
    if job.audit_in_redshift and audit_table and not Place.named(audit_table):
        remedy = "Give its address as audit_table=…, or none, which is a table of the warehouse."
        problems.append(Problem(place, f"The job's audit item is in Redshift, and '{audit_table}' is not.", remedy))
    if job.fence:
        problems.append(Problem(place, "The engine airflow knows no fence.", "Take it out of the job."))
    if problems:
        raise JobError(problems)
