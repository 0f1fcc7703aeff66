"""Runs DAGs of shapes.py one after the other, in one process that reads the file once.

Usage: ``python shapes_driver.py FILE DAG_ID…``. It prints ``@@ exit`` after each.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before 3.2
    from airflow.models import DagBag

with suppress(ImportError):  # Airflow 2 has none; later ones would make an API server of their own for each task
    from airflow.sdk.execution_time import supervisor

    supervisor.in_process_api_server = cache(supervisor.in_process_api_server)

found = DagBag(Path(sys.argv[1])).dags
for name in sys.argv[2:]:
    with suppress(Exception):  # some versions raise what a task raised
        found[name].test()
    print("@@ exit", name, flush=True)  # noqa: T201
