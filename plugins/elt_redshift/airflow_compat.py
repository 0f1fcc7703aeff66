"""The one module that knows how Airflow's versions differ: where the names live that the package uses.

Only names that are cheap to import are found here: every DAG file imports this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator, Context, Param
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
else:
    try:
        from airflow.sdk import DAG, BaseOperator, Context, Param
    except ImportError:  # Airflow 2
        from airflow.models import DAG, Param
        from airflow.models.baseoperator import BaseOperator
        from airflow.utils.context import Context

    try:
        from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
    except ImportError:  # before 3.2
        from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException

__all__ = [
    "DAG",
    "AirflowException",
    "AirflowFailException",
    "AirflowSkipException",
    "BaseOperator",
    "Context",
    "Param",
]
