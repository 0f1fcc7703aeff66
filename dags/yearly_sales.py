"""The demo's DAG: one year of sales, loaded when somebody triggers it and picks the year."""

from pathlib import Path

from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob

# Beside the DAGs folder, wherever Airflow was started.
JOB = Path(__file__).resolve().parent.parent / "sql" / "yearly_sales"

dag = elt_dag(EltJob.load(JOB), tags=["elt"])
