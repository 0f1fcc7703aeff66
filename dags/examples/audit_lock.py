"""Airflow DAG: two SQL files on Redshift, while no other run of the job is at work."""

from datetime import UTC, datetime

from airflow import DAG

from elt_redshift import AuditLock, RedshiftSqlOperator

WAREHOUSE = {"database": "dev", "cluster_identifier": "demo-cluster", "db_user": "awsuser"}

with (
    DAG("audit_lock_example", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag,
    AuditLock(job_id="example", table_name="elt-audit", when_locked="wait", after_failure="release"),
):
    prepare = RedshiftSqlOperator(task_id="prepare", sql="sql/prepare.sql", **WAREHOUSE)
    load = RedshiftSqlOperator(
        task_id="load",
        sql="sql/load.sql",
        parameters={"run": "{{ run_id }}"},
        return_result=True,
        **WAREHOUSE,
    )
    prepare >> load
