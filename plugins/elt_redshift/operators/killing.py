"""What a killed operator does to its execution."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from elt_redshift.airflow_compat import ended_by_user
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.aws.stopping import stopped_by
from elt_redshift.protocol.owners import Owner

if TYPE_CHECKING:
    from elt_redshift.hooks.step_functions import EltHook

log = logging.getLogger(__name__)

#: The task instance, the job, the execution's ARN, as far as they are known.
Killable = tuple[Any, JobRef | None, str | None]

#: Airflow ends a process by force 5 s after it has asked it to go: this bounds the question after the task's state.
SECONDS = 3.0


def stop_if_failed(hook: EltHook, ti: Any, job: JobRef | None, execution_arn: str | None) -> None:
    """Stop the execution if somebody has failed the task, and not if it was cleared or its worker goes down: then the
    next try attaches to the execution again."""
    if job is None or execution_arn is None or not _failed(ti):
        return
    hook.stop(job, execution_arn, stopped_by(ti.dag_id, ti.run_id, ti.task_id))


def stop_overdue(hook: EltHook, ti: Any, job: JobRef | None, execution_arn: str, limit: timedelta | None) -> str:
    """Stop the execution of a mirror whose ``execution_timeout`` is over; gives what the mirror says of it.

    :raises AwsError: it could not be stopped.
    """
    late = f"had not ended within its execution_timeout of {limit}"
    if job is None:
        return f"{late}. Its execution goes on."
    why = f"it ran longer than its execution_timeout of {limit}"
    hook.stop(job, execution_arn, stopped_by(ti.dag_id, ti.run_id, ti.task_id, why))
    name = Owner(execution_arn).short
    return f"{late}, so execution {name} was stopped. Give it more time, and clear the failed tasks."


def _failed(ti: Any) -> bool:
    """Asked in a thread: the signal may have come in the middle of another question to Airflow, whose lock this one
    would then wait for without end."""
    answer: list[bool] = []

    def ask() -> None:
        try:
            answer.append(ended_by_user(ti))
        except Exception:  # whatever it is, it must not end the thread unheard
            log.exception("Airflow cannot be asked for the state of task %s", ti.task_id)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SECONDS)
    if not answer:
        log.warning("Airflow does not say why task %s is killed: its execution goes on", ti.task_id)
    return bool(answer and answer[0])
