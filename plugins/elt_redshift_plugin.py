"""What Airflow finds in the plugins folder; the package beside it is left to imports (see .airflowignore)."""

from airflow.plugins_manager import AirflowPlugin


class EltRedshiftPlugin(AirflowPlugin):
    name = "elt_redshift"
