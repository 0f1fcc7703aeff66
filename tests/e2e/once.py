"""For processes that run many DAGs, or are copied to run many: what Airflow would do anew for each, they do once.

It imports nothing of ours, and runs on every supported Airflow.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache

from botocore.loaders import JSONFileLoader


def read_models() -> None:
    """Each task makes its clients from AWS's models, megabytes of JSON."""
    read = cache(JSONFileLoader().load_file)
    JSONFileLoader.load_file = lambda _loader, path: read(path)


def _read_dags() -> None:
    """``dags test`` reads the whole folder, and writes all DAGs to the database, twice for each run."""
    with suppress(ImportError, AttributeError):  # before 3.2
        from airflow.dag_processing import dagbag

        dagbag.BundleDagBag = cache(dagbag.BundleDagBag)  # type: ignore[misc]
        dagbag.sync_bag_to_db = cache(dagbag.sync_bag_to_db)


def _start_api_server() -> None:
    """Airflow 3.2 makes one for each task."""
    with suppress(ImportError, AttributeError):  # Airflow 2 has none
        from airflow.sdk.execution_time import supervisor

        supervisor.in_process_api_server = cache(supervisor.in_process_api_server)


def prepare() -> None:
    """Call it before anything of Airflow's runs."""
    read_models()
    _read_dags()
    _start_api_server()
