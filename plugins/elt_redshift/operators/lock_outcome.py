"""How the work inside a lock ended, judged as Airflow judges a DAG run: by its last tasks.

Airflow asks the leaves of a DAG how a run ended, and a teardown with ``on_failure_fail_dagrun`` is a leaf while what is
before it is none (``DagRun._tis_for_dagrun_state``). So the lock's teardown looks at the tasks that would be leaves
without it, and fails where they failed. A failure that another task deals with, by its trigger rule, fails nothing.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.airflow_compat import Context, instance_states, is_mapped
from elt_redshift.protocol.limits import MAX_MESSAGE
from elt_redshift.protocol.statements import NO_STATEMENT

#: Under this key a task that failed tells the teardown why: ``{"message": …, "statement": …}``.
FAILURE = "failure"

_FAILED = frozenset({"failed", "upstream_failed"})


@dataclass(frozen=True)
class Failure:
    """What the audit item says of a failure.

    :param statement: the statement's id, or ``none``.
    """

    task: str
    statement: str
    message: str


@dataclass(frozen=True)
class Work:
    """The tasks before a lock's teardown, and their states at this moment.

    :param release: the teardown's id.
    :param states: of each task, by map index, -1 where it is not mapped.
    """

    release: str
    tasks: Mapping[str, Any]
    states: Mapping[str, Mapping[int, str]]
    context: Context

    @classmethod
    def before(cls, release: Any, context: Context) -> Work:
        """The work before ``release``, a teardown that runs."""
        tasks = {task.task_id: task for task in release.get_flat_relatives(upstream=True)}
        mapped = {name for name, task in tasks.items() if _mapped(task)}
        return cls(release.task_id, tasks, instance_states(context, tasks, mapped), context)

    def failure(self) -> Failure | None:
        """Why the work failed; None where it did not."""
        if marked := self._marked():
            return self._told(*marked, "it and the DAG run were marked as failed")
        if not any(self._failed(task) for task in self._leaves(self.tasks)):
            return None
        return self._told(*self._first())

    def fails_the_run(self) -> bool:
        """Whether the DAG run would fail without the lock."""
        return self._marked() is not None or any(self._failed(task) for task in self._leaves(None))

    def _leaves(self, among: Container[str] | None) -> Iterator[str]:
        """Tasks that would be leaves without the teardown, of the whole DAG or of the tasks ``among`` it."""
        for name, task in self.tasks.items():
            followers = (down for down in task.downstream_list if among is None or down.task_id in among)
            if not _ignored(task) and all(down.task_id == self.release or _ignored(down) for down in followers):
                yield name

    def _failed(self, task: str) -> bool:
        return bool(_FAILED & set(self.states.get(task, {}).values()))

    def _first(self) -> tuple[str, int]:
        """The first instance that failed itself; without one, that was not run because of a failure."""
        order = sorted(self.tasks.values(), key=lambda t: (t.is_teardown, len(t.get_flat_relative_ids(upstream=True))))
        return next(
            (task.task_id, index)
            for wanted in ("failed", "upstream_failed")
            for task in order
            for index, state in sorted(self.states.get(task.task_id, {}).items())
            if state == wanted
        )

    def _told(self, task: str, index: int, otherwise: str = "its log says why") -> Failure:
        said = self._xcom(task, index) or {}
        message = str(said.get("message") or otherwise)[:MAX_MESSAGE]
        return Failure(task, str(said.get("statement") or NO_STATEMENT), message)

    def _xcom(self, task: str, index: int) -> Any:
        return self.context["ti"].xcom_pull(task_ids=task, key=FAILURE, map_indexes=index)

    def _marked(self) -> tuple[str, int] | None:
        """A task that failed, in a run that somebody marked as failed: Airflow skips what has not begun.

        It is seen by a task that is skipped, and not upstream_failed, behind the failed one, or by one that had failed
        and waited to be tried again when it was skipped. A run that is marked while none of its tasks runs or waits so
        leaves nothing to see.
        """
        for name, task in self.tasks.items():
            for index in (index for index, state in self.states.get(name, {}).items() if state == "skipped"):
                if self._xcom(name, index):
                    return name, index
                if task.trigger_rule == "all_success" and (found := self._failed_upstream(task)):
                    return found
        return None

    def _failed_upstream(self, task: Any) -> tuple[str, int] | None:
        instances = ((up, index, state) for up in task.upstream_task_ids for index, state in self._instances(up))
        return next(((up, index) for up, index, state in instances if state == "failed"), None)

    def _instances(self, task: str) -> Iterator[tuple[int, str]]:
        return iter(self.states.get(task, {}).items())


def tell_failure(context: Context) -> None:
    """A callback of the tasks inside a lock: tells the teardown what a task raised, unless the task did so itself."""
    ti, error = context["ti"], context.get("exception")
    if error is None or ti.xcom_pull(task_ids=ti.task_id, key=FAILURE, map_indexes=ti.map_index):
        return
    ti.xcom_push(key=FAILURE, value={"message": _told(error)[:MAX_MESSAGE], "statement": NO_STATEMENT})


def _told(error: str | BaseException) -> str:
    """What a task says that it raised: of AWS, its own words."""
    answered = getattr(error, "response", None)
    if isinstance(answered, dict) and (said := answered.get("Error", {}).get("Message")):
        return str(said)
    return str(error) if isinstance(error, str) else f"{type(error).__name__}: {error}"


def _ignored(task: Any) -> bool:
    """Whether Airflow leaves a task out when it asks how a run ended."""
    return bool(task.is_teardown and not task.on_failure_fail_dagrun)


def _mapped(task: Any) -> bool:
    """Whether a task has several instances."""
    return is_mapped(task) or any(task.iter_mapped_task_groups())
