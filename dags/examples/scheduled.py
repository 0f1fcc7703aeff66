"""Airflow DAG: every January the orders of the year that has ended, each year's by itself, also of the years before:

airflow backfill create --dag-id scheduled_example --from-date 2019-01-01 --to-date 2024-01-01
"""

from datetime import UTC, datetime
from pathlib import Path

from airflow.timetables.interval import CronDataIntervalTimetable

from elt_redshift import EltJob, elt_dag

dag = elt_dag(
    EltJob.load(Path(__file__).resolve().parent / "sql" / "orders"),
    dag_id="scheduled_example",
    schedule=CronDataIntervalTimetable("@yearly", timezone="UTC"),
    start_date=datetime(2019, 1, 1, tzinfo=UTC),
    parameters={"year": "{{ data_interval_start.year }}"},
)
