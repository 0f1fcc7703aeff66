"""From what Airflow knows of a cleared DAG run to how its executions go on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from elt_redshift.airflow_compat import (
    BaseOperator,
    Context,
    clear_number,
    task_states,
)
from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.operators.redriving import Cleared, Redriver, clear_token

if TYPE_CHECKING:
    from elt_redshift.hooks.step_functions import EltHook


#: Under this key a cleared task says for which clear it has redriven the execution.
REDRIVEN = "redriven"

#: States that tasks have which were not cleared.
_ENDED = ("success", "failed", "upstream_failed", "skipped")


def clear_of(context: Context) -> str:
    """What tells a clear of the DAG run from others."""
    ti = context["ti"]
    return clear_token(ti.dag_id, ti.run_id, clear_number(context))


def make_redriver(
    hook: EltHook,
    context: Context,
    operator: BaseOperator,
    start_task_id: str,
    job: JobRef,
    parameters: Mapping[str, str],
) -> Redriver:
    """How the DAG run's executions go on.

    :param operator: the task that asks.
    :raises NotDeployedError: the job's state machine is not there.
    """
    ti, mirrors = context["ti"], _mirrors(operator, start_task_id)
    return Redriver(
        hook.executions_of(job).started_by(lambda: f"Airflow DAG {ti.dag_id}, run {ti.run_id}"),
        partial(run_execution_name, ti.dag_id, ti.run_id, start_task_id),
        parameters,
        lambda: hook.audit_of(job),
        job.job_id,
        clear_of(context),
        hook.definitions(),
        partial(_cleared, context, mirrors),
        lambda: ti.xcom_push(key=REDRIVEN, value=clear_of(context)),
        partial(_redriven, context, [start_task_id, *mirrors]),
    )


def _mirrors(operator: BaseOperator, start_task_id: str) -> dict[str, frozenset[str]]:
    """The mirrors behind a start task, and which tasks of the job each shows."""
    tasks = getattr(operator.get_dag(), "tasks", ())
    mirrors = (task for task in tasks if getattr(task, "start_task_id", None) == start_task_id)
    return {mirror.task_id: mirror.members for mirror in mirrors}


def _cleared(context: Context, mirrors: Mapping[str, frozenset[str]]) -> Cleared:
    """What was cleared: Airflow clears tasks together, before the first of them runs again."""
    states = task_states(context)
    return Cleared(
        tuple(tasks for mirror, tasks in mirrors.items() if states.get(mirror) != "success"),
        whole=not any(states.get(mirror) in _ENDED for mirror in mirrors),
    )


def _redriven(context: Context, tasks: list[str]) -> bool:
    """Whether one of the tasks has redriven the execution for the clear at hand."""
    return clear_of(context) in (context["ti"].xcom_pull(task_ids=tasks, key=REDRIVEN) or ())
