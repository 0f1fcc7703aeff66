"""Names that the tests need from Airflow, wherever the installed version keeps them."""

from __future__ import annotations

from typing import Any

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:  # before 3.2
    from airflow.exceptions import TaskDeferred

try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # before 3.2
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

__all__ = ["TaskDeferred", "serialized_and_back"]


def serialized_and_back(dag: Any) -> Any:
    """A DAG as the scheduler sees it: written to the database by the DAG processor and read again."""
    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
