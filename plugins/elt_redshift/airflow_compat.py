"""The one module that knows how Airflow's versions differ: where the names live that the package uses.

Only names that are cheap to import are found here: every DAG file imports this module. It is as long as they differ.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Mapping
from configparser import RawConfigParser
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow import __version__

if TYPE_CHECKING:
    from airflow.sdk import DAG, BaseOperator, BaseOperatorLink, BaseSensorOperator, Context, Param, TaskGroup
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSkipException,
        DuplicateTaskIdFound,
    )
else:
    try:
        from airflow.sdk import DAG, BaseOperator, BaseOperatorLink, Context, Param, TaskGroup
    except ImportError:  # Airflow 2
        from airflow.models import DAG, BaseOperatorLink, Param
        from airflow.models.baseoperator import BaseOperator
        from airflow.utils.context import Context
        from airflow.utils.task_group import TaskGroup

    try:
        from airflow.sdk.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowSkipException,
            DuplicateTaskIdFound,
        )
    except ImportError:  # before 3.2
        from airflow.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowSkipException,
            DuplicateTaskIdFound,
        )

    def __getattr__(name: str) -> Any:
        """Sensors' base class, which costs something to import, is found when somebody asks for it."""
        if name != "BaseSensorOperator":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            from airflow.sdk import BaseSensorOperator
        except ImportError:  # Airflow 2
            from airflow.sensors.base import BaseSensorOperator
        return BaseSensorOperator


__all__ = [
    "DAG",
    "STARTS_FROM_TRIGGER",
    "AirflowException",
    "AirflowFailException",
    "AirflowSkipException",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "Context",
    "DuplicateTaskIdFound",
    "Param",
    "TaskGroup",
    "asks",
    "backoff",
    "bounded",
    "clear_number",
    "default_deferrable",
    "empty_operator",
    "ended_by_user",
    "ends_without_worker",
    "hooked",
    "instance_states",
    "is_mapped",
    "link_xcom",
    "listened_to",
    "mapped_over",
    "needs_worker",
    "on_failed_try",
    "push_from_trigger",
    "run_before",
    "sensor_timeout",
    "set_xcom",
    "start_from_trigger",
    "task_state",
    "task_states",
    "task_timeout",
    "time_left",
    "try_key",
    "xcom",
]

#: Whether a trigger that a task starts from is told which task that is. (Before, no trigger could find its DAG run.)
STARTS_FROM_TRIGGER = tuple(map(int, __version__.split(".")[:2])) >= (3, 3)

#: The states that a task has after somebody failed it or its run, or the run took too long. A cleared task has others.
ENDED_BY_USER = frozenset({"failed", "skipped", "removed"})


def clear_number(context: Context) -> int:
    """How often tasks of the DAG run were cleared. Older versions count only clears of runs that had ended."""
    return int(getattr(context.get("dag_run"), "clear_number", None) or 0)


def run_before(context: Context) -> str | None:
    """The id of the latest DAG run with an earlier date that is running now; None where Airflow cannot tell, as for a
    run without a date."""
    look = getattr(context["ti"], "get_previous_dagrun", None)
    found = look(state="running") if look else None
    return found.run_id if found else None


def task_state(ti: Any) -> str | None:
    """The state that the database has of a task now; None also for a task that was just cleared."""
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ImportError:  # Airflow 2: the database is within reach
        return str(ti.current_state() or "") or None
    states = RuntimeTaskInstance.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id], task_ids=[ti.task_id])
    found = (states.get(ti.run_id) or {}).get(ti.task_id)
    return str(getattr(found, "value", found)) if found else None


def ended_by_user(ti: Any) -> bool:
    """Whether a task that is being killed has been failed, and not cleared, restarted or moved to another worker."""
    return task_state(ti) in ENDED_BY_USER


def xcom(ti_key: Any, key: str) -> Any:
    """An XCom of a task instance that is named by its key."""
    try:
        from airflow.sdk.execution_time.xcom import XCom
    except ImportError:  # Airflow 2
        from airflow.models import XCom
    return XCom.get_value(ti_key=ti_key, key=key)


async def set_xcom(ti: Any, key: str, value: Any) -> None:
    """Push an XCom of a task from its trigger."""
    from airflow.sdk.execution_time.xcom import XCom
    from asgiref.sync import sync_to_async

    push: Any = getattr(XCom, "aset", None) or sync_to_async(XCom.set)  # before 3.3, a trigger asks from a thread
    await push(key, value, dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=ti.map_index)


async def push_from_trigger(ti: Any, xcoms: Mapping[str, Any]) -> dict[str, Any]:
    """Push the XComs of a task that its trigger ends; gives those that the trigger's event has to carry instead.

    What an event carries, Airflow 3 writes down as text of JSON in JSON, and other tasks would pull that text.

    :param ti: the trigger's task instance; None in ``airflow dags test``.
    """
    if ti is None or __version__.startswith("2."):
        return dict(xcoms)
    await asyncio.gather(*(set_xcom(ti, key, value) for key, value in xcoms.items()))
    return {}


def mapped_over(operator: BaseOperator) -> bool:
    """Whether other tasks are mapped over what the operator returns: Airflow counts that on a worker only."""
    return operator.get_dag() is not None and any(True for _ in operator.iter_mapped_dependants())


def link_xcom(link: BaseOperatorLink, url: str) -> dict[str, str]:
    """The XCom in which Airflow 3 keeps a link; Airflow 2 asks the link itself."""
    key = getattr(link, "xcom_key", None)
    return {str(key): url} if key else {}


def start_from_trigger(operator: BaseOperator, **arguments: Any) -> None:
    """Let an operator begin in the triggerer (Airflow 3.3 and later).

    :param arguments: what StartTriggerArgs takes.
    """
    from airflow.triggers.base import StartTriggerArgs

    vars(operator).update(start_from_trigger=True, start_trigger_args=StartTriggerArgs(**arguments))


def asks(operator: BaseOperator) -> bool:
    """Whether a Param of the task's or its DAG's has no default. (Where such a task begins in the triggerer, Airflow
    3.3.1 fails to make its context, and the triggerer ends, whatever else waits there.)"""
    dag: Any = operator.get_dag()
    of_dag = () if dag is None else dag.params.values()
    return not all(param.has_value for param in (*operator.params.values(), *of_dag))


def hooked(operator: BaseOperator) -> bool:
    """Whether a user has code that is to run on a worker before the task or behind it (Airflow 3.3 and later)."""
    return bool(operator._pre_execute_hook or operator._post_execute_hook or operator.on_execute_callback)


@cache
def default_deferrable() -> bool:
    """Whether operators wait in the triggerer that do not say: as ``[operators] default_deferrable`` says where
    somebody has set it. Airflow's own default, no, does not count: a wait of hours is not for a worker."""
    try:
        from airflow.sdk.configuration import conf
    except ImportError:  # before 3.2
        from airflow.configuration import conf
    set_by_variable = any(name.startswith("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE") for name in os.environ)
    # Without the defaults, which has_option of Airflow's own class looks through too.
    in_file = RawConfigParser.has_option(conf, "operators", "default_deferrable")
    return bool(conf.getboolean("operators", "default_deferrable")) if set_by_variable or in_file else True


def time_left(operator: BaseOperator, context: Context) -> timedelta | None:
    """What is left of a task's ``execution_timeout`` in this try. Airflow itself looks at it on workers only, so who
    defers passes it on."""
    if operator.execution_timeout is None:
        return None
    began = getattr(context["ti"], "start_date", None)
    spent = datetime.now(UTC) - began if began else timedelta()
    return max(operator.execution_timeout - spent, timedelta())


def bounded(operator: BaseOperator, context: Context, longest: timedelta) -> timedelta:
    """How long a task may be deferred: for ``longest``, and within its ``execution_timeout``."""
    left = time_left(operator, context)
    return longest if left is None else min(left, longest)


def sensor_timeout() -> type[Exception]:
    """What Airflow raises when a sensor's ``timeout`` is over."""
    try:
        from airflow.sdk.exceptions import AirflowSensorTimeout
    except ImportError:  # before 3.2
        from airflow.exceptions import AirflowSensorTimeout  # type: ignore[no-redef]
    return AirflowSensorTimeout


def task_timeout() -> type[BaseException]:
    """What Airflow raises when a task's ``execution_timeout`` is over."""
    try:
        from airflow.sdk.exceptions import AirflowTaskTimeout
    except ImportError:  # before 3.2
        from airflow.exceptions import AirflowTaskTimeout  # type: ignore[no-redef]
    return AirflowTaskTimeout


def ends_without_worker(operator: BaseOperator) -> bool:
    """Whether a success leaves nothing for a worker to do, so that a trigger may end the task.

    A worker that is resumed soon after it deferred may be failed by the scheduler, which takes the first worker's end,
    when it hears of that late, for the second one's (https://github.com/apache/airflow/issues/67287).
    """
    callbacks = operator.on_success_callback or operator.on_skipped_callback
    behind = operator._post_execute_hook or type(operator).post_execute is not BaseOperator.post_execute
    return not (callbacks or operator.outlets or behind or listened_to())


def needs_worker(task: Any) -> bool:
    """Whether a serialized task has more to do than to end, once it succeeded or was skipped."""
    return bool(task.has_on_success_callback or task.has_on_skipped_callback or task.outlets or listened_to())


def listened_to() -> bool:
    """Whether a plugin listens to how tasks end, as OpenLineage's does: Airflow tells it of those that end on a worker
    only. (Airflow has read its plugins by the time that a task or a trigger runs.)"""
    try:
        from airflow.sdk.listener import get_listener_manager
    except ImportError:  # before 3.2
        from airflow.listeners.listener import get_listener_manager  # type: ignore[assignment]
    hooks: Any = get_listener_manager().hook
    ends = (getattr(hooks, f"on_task_instance_{end}", None) for end in ("success", "skipped"))
    return any(hook.get_hookimpls() for hook in ends if hook)


def task_states(context: Context, task_ids: list[str] | None = None) -> dict[str, str]:
    """The states of other tasks of this DAG run; a mapped task's instances are told apart by ``_<map index>``.

    :param task_ids: default: of all tasks.
    """
    ti: Any = context["ti"]
    if hasattr(ti, "get_task_states"):
        found = ti.get_task_states(dag_id=ti.dag_id, task_ids=task_ids, run_ids=[ti.run_id])
        return {task: str(state) for task, state in found.get(ti.run_id, {}).items()}
    instances = context["dag_run"].get_task_instances()  # type: ignore[attr-defined]
    return {i.task_id: str(i.state) for i in instances if task_ids is None or i.task_id in task_ids}


def instance_states(context: Context, task_ids: Collection[str], mapped: Collection[str]) -> dict[str, dict[int, str]]:
    """The states of tasks of this DAG run, by map index, -1 where a task is not mapped.

    :param mapped: those of ``task_ids`` that have several instances.
    """
    ti: Any = context["ti"]
    states: dict[str, dict[int, str]] = {task: {} for task in task_ids}
    if not hasattr(ti, "get_task_states"):  # Airflow 2: the database is within reach
        for one in context["dag_run"].get_task_instances():  # type: ignore[attr-defined]
            if one.task_id in states:
                states[one.task_id][one.map_index] = _text(one.state)
        return states
    # Airflow names instances <task>_<index>, which may be another task's name: each mapped task is asked for by itself.
    asked = [[task for task in task_ids if task not in mapped], *([task] for task in mapped)]
    for tasks in filter(None, asked):
        found = ti.get_task_states(dag_id=ti.dag_id, task_ids=tasks, run_ids=[ti.run_id]).get(ti.run_id, {})
        for name, state in found.items():
            task = name if name in tasks else tasks[0]
            states[task][int(name[len(task) + 1 :] or -1)] = _text(state)
    return states


def _text(state: Any) -> str:
    """A state as text, whether it is an enumeration's member or a text."""
    return str(getattr(state, "value", state))


def empty_operator() -> type[BaseOperator]:
    """The operator that does nothing, whose tasks the scheduler itself takes for done."""
    try:
        from airflow.providers.standard.operators.empty import EmptyOperator
    except ImportError:  # Airflow 2
        from airflow.operators.empty import EmptyOperator  # type: ignore[no-redef]
    return EmptyOperator


def is_mapped(task: Any) -> bool:
    """Whether a task of a DAG file was made by ``expand``: its operator is made when it runs."""
    return hasattr(task, "partial_kwargs")


def on_failed_try(task: Any, callback: Callable[[Context], None]) -> None:
    """Have ``callback`` called when a try of a task fails, before the user's own callbacks."""
    for name in ("on_failure_callback", "on_retry_callback"):
        given = getattr(task, name) or []
        setattr(task, name, [callback, *(given if isinstance(given, (list, tuple)) else [given])])


def backoff(factor: float) -> float:
    """The ``retry_exponential_backoff`` by which each delay is ``factor`` times as long as the one before it. Before
    Airflow 3.2 it is true or false, and true doubles the delays."""
    if tuple(map(int, __version__.split(".")[:2])) >= (3, 2):
        return factor
    return factor != 1


def try_key(context: Context) -> str:
    """Tells a try of a task from that of an earlier DAG run with the same ids, which was deleted; it stays the same
    while the try lasts. Airflow 2 has no id of a try: there it is when the DAG run was queued."""
    made: Any = getattr(context["ti"], "id", None) or getattr(context["dag_run"], "queued_at", "")
    return str(made)
