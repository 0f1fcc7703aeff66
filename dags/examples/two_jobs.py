"""Airflow DAG: two jobs and a task of one's own, which tells what the first job did."""

from pathlib import Path

from airflow.sdk import DAG, Param, task

from elt_redshift import EltJob, elt_task_group

REPORT = EltJob(job_id="orders_report", name="orders_report")
forget = REPORT.task("forget", statement="drop table if exists orders_by_year")
count = REPORT.task("count", statement="create table orders_by_year as select year, count(*) from orders group by year")
forget >> count


@task
def tell(ti, params):
    """The value of a mirror is a dict of rows, seconds, statement_id and execution_arn."""
    rows = ti.xcom_pull(task_ids="orders.load")["rows"]
    return f"{rows} orders of {params['year']}"


with DAG("two_jobs_example", schedule=None, params={"year": Param("2024", type="string")}) as dag:
    orders = elt_task_group(
        EltJob.load(Path(__file__).resolve().parent / "sql" / "orders"), parameters={"year": "{{ params.year }}"}
    )
    orders >> [elt_task_group(REPORT), tell()]
