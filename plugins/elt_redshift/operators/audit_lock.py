"""The audit lock in anybody's DAG: a setup that takes it, a teardown that gives it back.

::

    with AuditLock(job_id="101", table_name="audit"):
        RedshiftSqlOperator(task_id="load", sql="load.sql", …)

The owner is the DAG run, so a cleared task, whose setup Airflow clears with it, finds the lock its own. It holds the
lock under a lease, which :class:`~elt_redshift.operators.redshift_sql.RedshiftSqlOperator` renews while it works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from elt_redshift.airflow_compat import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    BaseOperator,
    Context,
    task_states,
)
from elt_redshift.aws.audit import AuditItem, LockedError, NotOwnerError
from elt_redshift.aws.healing import Healer, airflow_owner
from elt_redshift.job.parts import AFTER_FAILURE, WHEN_LOCKED

if TYPE_CHECKING:
    from elt_redshift.hooks.clients import ClientsHook

#: It must be longer than a task of the run may wait for a worker.
LEASE = timedelta(hours=1)

#: ``when_locked="wait"`` gives up after this.
WAIT_TIMEOUT = timedelta(hours=24)

#: Under this key a task that failed tells the teardown why.
FAILURE = "failure"

#: Redshift's message is cut to this many characters in the audit item.
MAX_MESSAGE = 2000

_FAILED = ("failed", "upstream_failed")


class _LockOperator(BaseOperator):
    """What both operators need to find the item."""

    template_fields: Sequence[str] = ("job_id", "table_name")

    def __init__(
        self,
        *,
        job_id: str,
        table_name: str,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_id, self.table_name = job_id, table_name
        self.aws_conn_id, self.region_name = aws_conn_id, region_name

    def _hook(self) -> ClientsHook:
        return make_hook(self.aws_conn_id, self.region_name)


class AuditLockAcquireOperator(_LockOperator):
    """Takes the audit lock of a job for this DAG run; taking it twice is the same as once.

    A lock whose owner is dead is taken over, after the statements that it left running were cancelled.

    :param job_id: the key of the audit item.
    :param table_name: the audit table.
    :param when_locked: somebody else holds it: ``skip`` this task and what it is the setup of, ``fail``, or ``wait``
        in the triggerer.
    :param lease: how long the lock lasts when no task of the run renews it.
    :param poll_interval: seconds between two looks at a lock that is waited for.
    :param wait_timeout: then waiting fails.
    """

    ui_color = "#f9c915"

    def __init__(
        self,
        *,
        when_locked: Literal["skip", "wait", "fail"] = "skip",
        lease: timedelta = LEASE,
        poll_interval: float = 15.0,
        wait_timeout: timedelta = WAIT_TIMEOUT,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _one_of("when_locked", when_locked, WHEN_LOCKED)
        self.when_locked, self.lease = when_locked, lease
        self.poll_interval, self.wait_timeout = poll_interval, wait_timeout

    def execute(self, context: Context) -> str:
        return self._acquire(context, datetime.now(UTC) + self.wait_timeout)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> str:
        """Resume when the lock may be free."""
        return self._acquire(context, datetime.fromisoformat(event["deadline"]))

    def _acquire(self, context: Context, deadline: datetime) -> str:
        ti, hook = context["ti"], self._hook()
        owner, store = airflow_owner(ti.dag_id, ti.run_id), hook.audit(self.table_name)
        try:
            store.acquire(self.job_id, owner, self.lease)
        except LockedError as locked:
            healer = Healer(store, hook.statements(), hook.client("stepfunctions"))
            if not (locked.item and healer.take_over(locked.item, owner, self.lease)):
                self._when_locked(locked, deadline)
            self.log.info("Took over the lock of job %s", self.job_id)
        self.log.info("%s holds the lock of job %s", owner, self.job_id)
        return owner

    def _when_locked(self, locked: LockedError, deadline: datetime) -> None:
        """Never returns."""
        if self.when_locked == "skip":
            raise AirflowSkipException(str(locked))
        if self.when_locked == "fail" or datetime.now(UTC) >= deadline:
            raise AirflowFailException(str(locked))
        from elt_redshift.triggers.audit_lock import LockTrigger  # Airflow's triggers are not for DAG files

        self.defer(
            trigger=LockTrigger(
                job_id=self.job_id,
                table_name=self.table_name,
                held=_held(locked.item),
                deadline=deadline.isoformat(),
                aws_conn_id=self.aws_conn_id,
                region_name=self.region_name,
                poll_interval=self.poll_interval,
            ),
            method_name="execute_complete",
        )


class AuditLockReleaseOperator(_LockOperator):
    """Gives the lock back: the item becomes Ready, or Failed with the task that failed and why.

    It fails where it finds no lock to give back. It also fails, having done its work, in a DAG run that was marked as
    failed: Airflow lets teardowns of such a run go on, then asks its last tasks how it ended, and these are skipped.

    :param after_failure: ``hold`` the lock until this DAG run is cleared, or somebody unlocks it; or ``release`` it.
    """

    ui_color = "#f9c915"

    def __init__(self, *, after_failure: Literal["hold", "release"] = "hold", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _one_of("after_failure", after_failure, AFTER_FAILURE)
        self.after_failure = after_failure

    def execute(self, context: Context) -> None:
        ti = context["ti"]
        owner, store = airflow_owner(ti.dag_id, ti.run_id), self._hook().audit(self.table_name)
        tasks: dict[str, Any] = {task.task_id: task for task in self.get_flat_relatives(upstream=True)}
        states = task_states(context, list(tasks))
        failure = self._failure(context, states, tasks)
        try:
            if failure is None:
                store.release(self.job_id, owner)
            elif self.after_failure == "release":
                store.release_failed(self.job_id, owner, **failure)
            else:
                store.record_failure(self.job_id, owner, **failure)
        except NotOwnerError as error:
            raise AirflowFailException(str(error)) from error
        if marked := _marked(states, tasks):
            raise AirflowFailException(f"Task {marked} and the DAG run were marked as failed.")

    def _failure(self, context: Context, states: Mapping[str, str], tasks: Iterable[str]) -> dict[str, str] | None:
        """The first task that failed itself, or else one behind a failed task; None when none did."""
        failed = [task for wanted in _FAILED for task in tasks if _state(task, states, wanted)]
        if not failed:
            return None
        said = context["ti"].xcom_pull(task_ids=failed[0], key=FAILURE) or {}
        message = str(said.get("message") or f"Task {failed[0]} failed.")[:MAX_MESSAGE]
        return {"task": failed[0], "statement": str(said.get("statement") or "none"), "message": message}


class AuditLock:
    """A context: the tasks defined in it run while the DAG run holds the lock of a job.

    :param job_id: the key of the audit item.
    :param table_name: the audit table.
    :param when_locked: see :class:`AuditLockAcquireOperator`.
    :param after_failure: see :class:`AuditLockReleaseOperator`.
    :param lease: see :class:`AuditLockAcquireOperator`.
    :param acquire_task_id: default: ``acquire_lock``.
    :param release_task_id: default: ``release_lock``.
    :param acquire_options: whatever else the acquiring operator takes.
    :param options: what both operators take, such as ``aws_conn_id``.
    """

    _open: list[AuditLock] = []  # noqa: RUF012 - the contexts that the DAG file is in, innermost last

    def __init__(
        self,
        *,
        job_id: str,
        table_name: str,
        when_locked: Literal["skip", "wait", "fail"] = "skip",
        after_failure: Literal["hold", "release"] = "hold",
        lease: timedelta = LEASE,
        acquire_task_id: str = "acquire_lock",
        release_task_id: str = "release_lock",
        acquire_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.job_id, self.table_name, self.lease = job_id, table_name, lease
        shared = {"job_id": job_id, "table_name": table_name, **options}
        self.acquire = AuditLockAcquireOperator(
            task_id=acquire_task_id, when_locked=when_locked, lease=lease, **(acquire_options or {}), **shared
        )
        self.release = AuditLockReleaseOperator(task_id=release_task_id, after_failure=after_failure, **shared)
        self.release.as_teardown(setups=self.acquire, on_failure_fail_dagrun=True)

    def __enter__(self) -> AuditLock:
        self.release.__enter__()  # type: ignore[no-untyped-call]
        self._open.append(self)
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.pop()
        self.release.__exit__(*error)  # type: ignore[no-untyped-call]

    @classmethod
    def current(cls) -> AuditLock | None:
        """The innermost context that the DAG file is in."""
        return cls._open[-1] if cls._open else None


def make_hook(
    aws_conn_id: str | None,
    region_name: str | None,
    verify: bool | str | None = None,
    botocore_config: dict[str, Any] | None = None,
) -> ClientsHook:
    """The hook for a connection."""
    from elt_redshift.hooks.clients import ClientsHook  # boto3: a DAG file does not wait for it

    return ClientsHook(aws_conn_id, region_name, verify, botocore_config)


def _held(item: AuditItem | None) -> str | None:
    """How a locked item is told from the next: by its owner and its state."""
    return f"{item.state} {item.owner}" if item else None


def _state(task: str, states: Mapping[str, str], wanted: str) -> bool:
    """Whether the task, or one of its mapped instances, is in a state."""
    return any(
        state == wanted and (name == task or (name.startswith(f"{task}_") and name[len(task) + 1 :].isdigit()))
        for name, state in states.items()
    )


def _marked(states: Mapping[str, str], tasks: Mapping[str, Any]) -> str | None:
    """A task that was failed together with its DAG run: what is behind it is skipped, and not upstream_failed."""
    skipped = (task for name, task in tasks.items() if _state(name, states, "skipped"))
    before = (up for task in skipped if task.trigger_rule == "all_success" for up in task.upstream_task_ids)
    return next((up for up in before if _state(up, states, "failed")), None)


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise AirflowException(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
