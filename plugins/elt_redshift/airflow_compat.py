"""The one module that knows how Airflow's versions differ: where the names live that the package uses.

Only names that are cheap to import are found here: every DAG file imports this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    "task_states",
    "try_key",
]


def task_states(context: Context, task_ids: list[str]) -> dict[str, str]:
    """The states of other tasks of this DAG run; a mapped task's instances are told apart by ``_<map index>``."""
    ti: Any = context["ti"]
    if hasattr(ti, "get_task_states"):
        found = ti.get_task_states(dag_id=ti.dag_id, task_ids=task_ids, run_ids=[ti.run_id])
        return {task: str(state) for task, state in found.get(ti.run_id, {}).items()}
    instances = context["dag_run"].get_task_instances()  # type: ignore[attr-defined]
    return {i.task_id: str(i.state) for i in instances if i.task_id in task_ids}


def try_key(context: Context) -> str:
    """Tells a try of a task from that of an earlier DAG run with the same ids, which was deleted; it stays the same
    while the try lasts. Airflow 2 has no id of a try: there it is when the DAG run was queued."""
    made: Any = getattr(context["ti"], "id", None) or getattr(context["dag_run"], "queued_at", "")
    return str(made)
