"""Airflow DAG: the demo's job, run by Airflow's workers and not by its state machine."""

from elt_redshift import EltJob, elt_dag

dag = elt_dag(
    EltJob.load("yearly_sales"),
    engine="airflow",
    dag_id="native_engine_example",
    audit_table="elt-audit",
    warehouse={"database": "dev", "cluster_identifier": "demo-cluster", "db_user": "awsuser"},
    role_arn="arn:aws:iam::123456789012:role/redshift",
)
