"""Airflow's local settings where tests run its processes: what each task's process would import and read anew, two
thirds of all that it does, the scheduler does once, before it makes the workers, of which those are copies.

Airflow imports this module by its name, see ``Airflow`` in airflow_processes.py. What a DAG file imports, and when, has
tests of its own.
"""

from __future__ import annotations

import inspect
import os
from functools import cache
from importlib import import_module

import once
from botocore import session

__all__: list[str] = []  # no settings

MODULES = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.amazon.aws.hooks.redshift_data",
    "airflow.providers.standard.operators.branch",
    "airflow.providers.standard.operators.empty",
    "airflow.providers.standard.operators.python",
    "elt_redshift.dag",
    "elt_redshift.hooks.step_functions",
    "elt_redshift.job.document",
    "elt_redshift.native",
    "elt_redshift.operators.audit_lock",
    "elt_redshift.operators.redshift_sql",
)
SERVICES = ("dynamodb", "redshift-data", "stepfunctions")


@cache
def _prepare() -> None:
    for module in MODULES:
        import_module(module)
    once.read_models()
    for service in SERVICES:
        session.get_session().create_client(service, region_name="us-east-1")
    inspect.stack()  # Amazon's hook asks who calls it: Python looks up the files of all modules, once


os.register_at_fork(before=_prepare)  # now, Airflow itself is not yet imported
