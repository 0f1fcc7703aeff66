"""Runs several ``airflow`` commands in one process, because Airflow takes seconds to start; the DAG files do not change
meanwhile, see once.py.

Usage: ``python dags_test_driver.py COMMAND…``, each command a JSON list of arguments. It prints ``@@ begin`` before
and ``@@ exit STATUS`` after each.
"""

from __future__ import annotations

import json
import sys

import once
from airflow.__main__ import main


def run(arguments: list[str]) -> int:
    """Run one command, and give its exit status."""
    sys.argv = ["airflow", *arguments]
    try:
        main()
    except SystemExit as end:
        print(end.code or "")  # noqa: T201
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0


once.prepare()
for command in sys.argv[1:]:
    print("@@ begin", flush=True)  # noqa: T201
    print(f"@@ exit {run(json.loads(command))}", flush=True)  # noqa: T201
