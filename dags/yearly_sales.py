"""The demo's Airflow DAG: one year of sales, loaded when somebody triggers it and picks the year."""

from elt_redshift import EltJob, elt_dag

dag = elt_dag(EltJob.load("yearly_sales"))
