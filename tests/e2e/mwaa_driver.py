"""Looks, from inside a process of Airflow, at what it makes of the plugins folder and of a DAG file.

Usage: ``python mwaa_driver.py DAG_FILE AIRFLOW_NAMES_FILE``. Its last line is a JSON object, see the end.
"""

from __future__ import annotations

import json
import runpy
import sys

from airflow import plugins_manager, settings

settings.initialize()
plugins_manager.ensure_plugins_loaded()
by_plugins = [name for name in sys.modules if name.startswith("elt_redshift")]

before = set(sys.modules)
found = runpy.run_path(sys.argv[1])
by_the_dag = sorted(set(sys.modules) - before)

serialized_and_back = runpy.run_path(sys.argv[2])["serialized_and_back"]
back = {dag: serialized_and_back(found[dag]) for dag in ("mirrored", "native")}

print(  # noqa: T201
    json.dumps(
        {
            "package": sys.modules["elt_redshift"].__file__,
            "by_plugins": sorted(by_plugins),
            "by_the_dag": by_the_dag,
            "tasks": {
                dag: {task.task_id: sorted(task.downstream_task_ids) for task in back[dag].tasks} for dag in back
            },
            "links": {
                task.task_id: [link.name for link in task.operator_extra_links] for task in back["mirrored"].tasks
            },
        }
    )
)
