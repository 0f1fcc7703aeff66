"""The demo's Airflow DAG: one year of sales, loaded when somebody triggers it and picks the year."""

from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob

dag = elt_dag(EltJob.load("yearly_sales"))
