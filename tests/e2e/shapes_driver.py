"""Runs DAGs of shapes.py one after the other, in one process that reads the file once.

Usage: ``python shapes_driver.py FILE DAG_ID…``. It prints ``@@ exit`` after each.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import once

try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before 3.2
    from airflow.models import DagBag

once.prepare()
found = DagBag(Path(sys.argv[1])).dags
for name in sys.argv[2:]:
    with suppress(Exception):  # some versions raise what a task raised
        found[name].test()
    print("@@ exit", name, flush=True)  # noqa: T201
