"""What Airflow finds in the plugins folder; the package beside it is left to imports (see .airflowignore)."""

from airflow.plugins_manager import AirflowPlugin

from elt_redshift.links.console import ExecutionLink, QueriesLink


class EltRedshiftPlugin(AirflowPlugin):
    name = "elt_redshift"
    operator_extra_links = [ExecutionLink(), QueriesLink()]  # noqa: RUF012 - as Airflow's base class declares it
