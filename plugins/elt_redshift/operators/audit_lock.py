"""The audit lock in anybody's DAG: a setup that takes it, a teardown that gives it back.

::

    with AuditLock(job_id="101", table_name="audit"):
        RedshiftSqlOperator(task_id="load", sql="load.sql", …)

The owner is the DAG run, so a cleared task, whose setup Airflow clears with it, finds the lock its own. It holds the
lock under a lease, which :class:`~elt_redshift.operators.redshift_sql.RedshiftSqlOperator` renews while it works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from shlex import quote
from typing import Any, TypeVar

from elt_redshift.airflow_compat import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    Context,
    DuplicateTaskIdFound,
    bounded,
    is_mapped,
    on_failed_try,
    task_timeout,
)
from elt_redshift.aws.audit import NotOwnerError
from elt_redshift.aws.audit_item import LockedError
from elt_redshift.aws.healing import Healer, Verdict
from elt_redshift.job.parts import (
    AFTER_FAILURE,
    WHEN_HELD,
    WHEN_LOCKED,
    WhenHeld,
    WhenLocked,
    default_when_held,
)
from elt_redshift.operators.base import AwsOperator
from elt_redshift.operators.lock_outcome import Failure, Work, tell_failure
from elt_redshift.protocol.audit import HOLD, RELEASED, RUNNING, AfterFailure
from elt_redshift.protocol.owners import Owner
from elt_redshift.runs import causes

#: It must be longer than a task of the run may wait for a worker.
LEASE = timedelta(hours=1)

#: ``when_locked="wait"`` gives up after this.
WAIT_TIMEOUT = timedelta(hours=24)

#: The ids of the first lock's tasks in a DAG or a TaskGroup; those of others are numbered, ``acquire_lock_2``.
ACQUIRE, RELEASE = "acquire_lock", "release_lock"

_SO = "This task fails so that the DAG run does."

_Made = TypeVar("_Made")


class _LockOperator(AwsOperator):
    """What both operators need to find the item.

    :param scope: tells several locks of a DAG run apart, which may be those of one job; the same for both operators.
    """

    template_fields: Sequence[str] = ("job_id", "table_name", *AwsOperator.template_fields)

    def __init__(self, *, job_id: str, table_name: str, scope: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id, self.table_name, self.scope = job_id, table_name, scope


class AuditLockAcquireOperator(_LockOperator):
    """Takes the audit lock of a job for this DAG run; taking it twice is the same as once.

    A lock whose owner is dead is taken over, after the statements that it left running were cancelled.

    :param job_id: the key of the audit item.
    :param table_name: the audit table.
    :param when_locked: somebody else is at work: ``skip`` this task and what it is the setup of, ``fail``, or ``wait``
        in the triggerer.
    :param when_held: a failed run holds the lock: the same choice; default: ``wait`` where ``when_locked`` is
        ``wait``, else ``fail``.
    :param lease: how long the lock lasts when no task of the run renews it.
    :param poll_interval: seconds between two looks at a lock that is waited for.
    :param wait_timeout: then waiting fails. So it does after ``execution_timeout``, as Airflow's tasks do.
    """

    ui_color = "#f9c915"

    def __init__(
        self,
        *,
        when_locked: WhenLocked = "skip",
        when_held: WhenHeld | None = None,
        lease: timedelta = LEASE,
        poll_interval: float = 15.0,
        wait_timeout: timedelta = WAIT_TIMEOUT,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _one_of("when_locked", when_locked, WHEN_LOCKED)
        self.when_locked, self.when_held, self.lease = when_locked, when_held or default_when_held(when_locked), lease
        _one_of("when_held", self.when_held, WHEN_HELD)
        self.poll_interval, self.wait_timeout = poll_interval, wait_timeout

    def execute(self, context: Context) -> str:
        return self._acquire(context, datetime.now(UTC) + bounded(self, context, self.wait_timeout))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """As Airflow's, but when the time is up the lock is tried once more, and the failure says who holds it."""
        if next_method == "__fail__" and "timeout" in str((next_kwargs or {}).get("error")).lower():
            return self._acquire(context, datetime.now(UTC))
        return super().resume_execution(next_method, next_kwargs, context)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> str:
        """Resume when the lock may be free."""
        return self._acquire(context, datetime.fromisoformat(event["deadline"]))

    def _acquire(self, context: Context, deadline: datetime) -> str:
        owner, store = lock_owner(context["ti"], self.scope), self.hook.audit(self.table_name)
        try:
            store.acquire(self.job_id, owner, self.lease)
        except LockedError as locked:
            healer = Healer.of(self.hook.account, store)
            if not (locked.item and healer.take_over(locked.item, owner, self.lease)):
                verdict = healer.look(locked.item) if locked.item else Verdict("locked")
                self._locked(locked, verdict, deadline)
            self.log.info("Took over the lock of job %s", self.job_id)
        self.log.info("%s holds the lock of job %s", owner, self.job_id)
        return owner

    def _locked(self, locked: LockedError, verdict: Verdict, deadline: datetime) -> None:
        """Never returns."""
        policy: str = self.when_locked
        if verdict.whose == "held":
            policy = self.when_held
        elif verdict.whose == "unclear":  # nobody would hear of it, were it skipped
            policy = "wait" if self.when_held == "wait" else "fail"
            locked = LockedError(self.job_id, locked.item, self.table_name, verdict.problem)
        elif locked.item and locked.item.failed:  # the failed run has not ended yet
            locked = LockedError(self.job_id, replace(locked.item, state=RUNNING), self.table_name)
        if policy == "skip":
            raise AirflowSkipException(str(locked))
        if policy == "fail":
            raise AirflowFailException(str(locked))
        if (left := deadline - datetime.now(UTC)) <= timedelta():
            self._too_late(locked)
        from elt_redshift.triggers.audit_lock import LockTrigger  # Airflow's triggers are not for DAG files

        self.log.info("Waiting: %s", locked)
        self.defer(
            trigger=LockTrigger(
                job_id=self.job_id,
                table_name=self.table_name,
                held=locked.item.holder if locked.item else None,
                deadline=deadline.isoformat(),
                poll_interval=self.poll_interval,
                **self.connection.arguments,
            ),
            method_name="execute_complete",
            timeout=left,
        )

    def _too_late(self, locked: LockedError) -> None:
        """Never returns."""
        if (limit := self.execution_timeout) is not None and limit < self.wait_timeout:
            raise task_timeout()(f"Task {self.task_id} has waited for its execution_timeout of {limit}. {locked}")
        raise AirflowFailException(str(locked))


class AuditLockReleaseOperator(_LockOperator):
    """Gives the lock back: the item becomes Ready, or Failed with the task that failed and why.

    It is the DAG run's last word, so it fails, having done its work, where the run would fail without it; see
    :mod:`~elt_redshift.operators.lock_outcome`. It also fails where it finds no lock to give back.

    :param after_failure: ``hold`` the lock until this DAG run is cleared, or somebody unlocks it; or ``release`` it.
    """

    ui_color = "#f9c915"

    def __init__(self, *, after_failure: AfterFailure = HOLD, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _one_of("after_failure", after_failure, AFTER_FAILURE)
        self.after_failure = after_failure

    def execute(self, context: Context) -> None:
        work = Work.before(self, context)
        failure = work.failure()
        try:
            self._give_back(lock_owner(context["ti"], self.scope), failure)
        except NotOwnerError as error:
            raise AirflowFailException(str(error)) from error
        if failure and work.fails_the_run():
            raise AirflowFailException(
                causes.task_failed(failure.task, failure.message, failure.statement, remedy=self._dealt_with())
            )

    def _give_back(self, owner: str, failure: Failure | None) -> None:
        store = self.hook.audit(self.table_name)
        if failure is None:
            store.release(self.job_id, owner)
        elif self.after_failure == RELEASED:
            store.release_failed(self.job_id, owner, **asdict(failure))
        else:
            store.record_failure(self.job_id, owner, **asdict(failure))

    def _dealt_with(self) -> str:
        if self.after_failure == RELEASED:
            return f"The lock of job {self.job_id} was let go. {_SO}"
        unlock = f"elt-redshift unlock --table {quote(self.table_name)} --job-id {self.job_id} --reason …"
        return f"The lock of job {self.job_id} is held until failed tasks are cleared, or `{unlock}` frees it. {_SO}"


class AuditLock:
    """A context: the tasks defined in it run while the DAG run holds the lock of a job.

    Every task that is defined in it runs behind ``acquire`` and before ``release``, wherever else its edges lead.

    :param job_id: the key of the audit item; a template, as ``table_name``, is filled in for the tasks inside too.
    :param table_name: the audit table: its name in DynamoDB, or its address in Redshift
        (:mod:`elt_redshift.aws.audit_in_redshift`).
    :param when_locked: see :class:`AuditLockAcquireOperator`.
    :param when_held: see :class:`AuditLockAcquireOperator`.
    :param after_failure: see :class:`AuditLockReleaseOperator`.
    :param lease: see :class:`AuditLockAcquireOperator`.
    :param acquire_task_id: default: ``acquire_lock``, or ``acquire_lock_2`` and so on where that is taken.
    :param release_task_id: default: ``release_lock``, in the same way.
    :param acquire_options: whatever else the acquiring operator takes.
    :param options: what both operators take, such as ``aws_conn_id``.
    """

    _open: list[AuditLock] = []  # noqa: RUF012 - the contexts that the DAG file is in, innermost last

    def __init__(
        self,
        *,
        job_id: str,
        table_name: str,
        when_locked: WhenLocked = "skip",
        when_held: WhenHeld | None = None,
        after_failure: AfterFailure = HOLD,
        lease: timedelta = LEASE,
        acquire_task_id: str | None = None,
        release_task_id: str | None = None,
        acquire_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.job_id, self.table_name, self.lease = job_id, table_name, lease
        shared = {"job_id": job_id, "table_name": table_name, **options}
        policy = {"when_locked": when_locked, "when_held": when_held, "lease": lease, **(acquire_options or {})}
        self.acquire = _numbered(AuditLockAcquireOperator, acquire_task_id, ACQUIRE, **policy, **shared)
        self.release = _numbered(
            AuditLockReleaseOperator, release_task_id, RELEASE, after_failure=after_failure, **shared
        )
        self.scope = self.acquire.scope or ("" if self.acquire.task_id == ACQUIRE else self.acquire.task_id)
        self.acquire.scope = self.release.scope = self.scope
        #: Whether each instance of a mapped group has a lock of its own.
        self.mapped = any(self.acquire.iter_mapped_task_groups())
        self.release.as_teardown(setups=self.acquire, on_failure_fail_dagrun=True)
        self._before: frozenset[str] = frozenset()

    def __enter__(self) -> AuditLock:
        self._before = frozenset(self._tasks())
        self._open.append(self)
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.pop()
        if error[0] is None:
            self._wire({name: task for name, task in self._tasks().items() if name not in self._before})

    def _tasks(self) -> Mapping[str, Any]:
        """Those of the whole DAG."""
        if (dag := self.acquire.get_dag()) is None:
            raise AirflowException("AuditLock must stand in a DAG: `with DAG(…), AuditLock(…):`.")
        return dag.task_dict

    def _wire(self, inside: Mapping[str, Any]) -> None:
        """Airflow's own context of a teardown would pass over a task that has an edge to one outside, and over all that
        stand behind a context within this one."""
        for task in inside.values():
            if not task.upstream_task_ids & inside.keys():
                self.acquire.set_downstream(task)
            if not task.downstream_task_ids & inside.keys():
                self.release.set_upstream(task)
            if not isinstance(task, _LockOperator):
                on_failed_try(task, tell_failure)
            if is_mapped(task) and getattr(task.operator_class, "renews_lock", False):  # it is made when it runs
                task.partial_kwargs.setdefault("lock", self.terms)

    @property
    def terms(self) -> dict[str, Any]:
        """What a task inside needs to know, as plain data; ``lease`` in seconds."""
        names = ("job_id", "table_name", "scope", "mapped")
        return {**{name: getattr(self, name) for name in names}, "lease": self.lease.total_seconds()}

    @classmethod
    def current(cls) -> AuditLock | None:
        """The innermost context that the DAG file is in."""
        return cls._open[-1] if cls._open else None


def lock_owner(ti: Any, scope: str = "", mapped: bool = True) -> str:
    """Under this name a DAG run, as the task instance ``ti`` sees it, owns a lock.

    :param scope: see :class:`AuditLock`.
    :param mapped: whether instances of a mapped task have locks of their own.
    """
    index = f"[{ti.map_index}]" if mapped and ti.map_index >= 0 else ""
    return Owner.dag_run(ti.dag_id, ti.run_id, f"{scope}{index}")


def _numbered(make: Callable[..., _Made], task_id: str | None, default: str, **options: Any) -> _Made:
    """An operator with the given id, or with the first free one of ``default``, ``default_2``, ….

    :raises DuplicateTaskIdFound: the given one is taken.
    """
    if task_id is not None:
        return make(task_id=task_id, **options)
    for name in chain([default], (f"{default}_{number}" for number in count(2))):
        try:
            return make(task_id=name, **options)
        except DuplicateTaskIdFound:
            continue
    raise AssertionError("numbers do not end")


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise AirflowException(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
