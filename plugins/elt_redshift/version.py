"""The version of the package: the project's metadata, packaged jobs and what Airflow is told have it from here."""

__version__ = "0.1.0"
