"""The trigger that waits for one task of an execution, or for a group of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from airflow.triggers.base import BaseTaskEndEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from elt_redshift.airflow_compat import ended_by_user, link_xcom
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.execution_status import Snapshot
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.aws.stopping import stopped_by
from elt_redshift.exceptions import EltError
from elt_redshift.hooks.connection import Connection
from elt_redshift.links.console import ExecutionLink, QueriesLink, execution_url, queries_url
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers.base import AwsTrigger, TriggerArguments, not_too_soon
from elt_redshift.triggers.group import decider
from elt_redshift.triggers.killing import to_the_end
from elt_redshift.triggers.outcome import RETURNED, Outcome
from elt_redshift.triggers.poller import Poller, shared

if TYPE_CHECKING:
    from elt_redshift.hooks.step_functions import EltHook


class ExecutionSource:
    """Looks at one execution in a thread, with a hook that is made for the first look."""

    def __init__(self, execution_arn: str, connection: Connection, redrives: int = 0) -> None:
        self._execution_arn, self._connection, self._redrives = execution_arn, connection, redrives
        self._runs = TaskRuns()
        self._hook: EltHook | None = None
        self._looking = threading.Lock()

    async def look(self) -> Snapshot:
        if self._hook is None:
            # It reads the connection through the triggerer, whose older versions answer only asgiref's threads.
            self._hook = await sync_to_async(self._make_hook)()
        snapshot = await asyncio.to_thread(self._look, self._hook)
        if snapshot.execution.redrive_count < self._redrives:
            # DescribeExecution is eventually consistent: this is how the execution ended before.
            raise AwsError(f"execution {self._execution_arn}", "RedriveNotVisible", "The redrive does not show yet.")
        return snapshot

    def _look(self, hook: EltHook) -> Snapshot:
        """One at a time: a poller that is stopped leaves its last look behind, in a thread that nobody can cancel."""
        with self._looking:
            return hook.executions().look(self._execution_arn, self._runs)

    async def seen(self, outcome: Outcome) -> Outcome:
        """The outcome with what Redshift tells of its statement."""
        assert self._hook, "look() comes first"
        return await asyncio.to_thread(outcome.seen, self._hook.statement)

    def _make_hook(self) -> EltHook:
        """With the clients of all that is looked at: each reads the connection."""
        hook = self._connection.hook()
        hook.executions()
        hook.statements()
        return hook


class TaskTrigger(AwsTrigger):
    """Waits until a task, or a group of tasks, of an execution has ended; its event is an
    :class:`~elt_redshift.triggers.outcome.Outcome`.

    All triggers of one execution in a triggerer process share one poller.

    :param execution_arn: the execution.
    :param task: the task's name in the job, or the group's.
    :param tasks: the tasks of the group; none: it waits for one task.
    :param redrives: how often the execution has been redriven at least; what shows less is out of date.
    :param job: the job, as :class:`~elt_redshift.aws.job_ref.JobRef` writes it, for :meth:`on_kill`.
    :param end_from_trigger: end a task that succeeded or was skipped without a worker. (A failure always resumes one,
        which raises it as Airflow's callbacks and e-mails expect.)
    :param returns: push the task's value, an XCom, where it ends the task.
    """

    ARGUMENTS = ("execution_arn", "redrives", "job", "end_from_trigger", "tasks", "returns")

    #: Somebody else sees to the task's links.
    linked = False
    #: The execution that told of the end: of a job in parts, that of the part.
    ended_in: str | None = None

    def __init__(
        self,
        execution_arn: str,
        task: str,
        redrives: int = 0,
        job: dict[str, Any] | None = None,
        end_from_trigger: bool = False,
        tasks: Sequence[str] = (),
        returns: bool = True,
        **given: Unpack[TriggerArguments],
    ) -> None:
        super().__init__(**given)
        # Not self.task: that is a property of Airflow's base class.
        self.execution_arn, self.task_name = execution_arn, task
        self.redrives, self.job, self.end_from_trigger = redrives, job, end_from_trigger
        self.tasks, self.returns = list(tasks), returns

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, given = super().serialize()
        return path, {"task": self.task_name, **given}

    async def on_kill(self) -> None:
        """Stop the execution when somebody failed the mirror or its run (Airflow 3.3 and later call this).

        Airflow calls it as well for a task that was cleared, a second or more after its next try began; therefore the
        task's state decides.
        """
        await to_the_end(self._kill())

    async def _kill(self) -> None:
        ti: Any = self.task_instance
        if self.job is None or ti is None or not await sync_to_async(ended_by_user)(ti):
            return
        cause = stopped_by(ti.dag_id, ti.run_id, ti.task_id)
        await sync_to_async(self._stop)(JobRef.from_dict(self.job), cause)

    def _stop(self, job: JobRef, cause: str) -> None:
        self.connection.hook().stop(job, self.execution_arn, cause)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield await self.ended()

    async def ended(self) -> TriggerEvent:
        """The event, when the task has ended."""
        began = time.monotonic()
        # The poller is left before the event: who takes the first event may never resume this generator.
        event = self._event(await self._outcome())
        if isinstance(event, BaseTaskEndEvent):
            event.xcoms = await self.pushed(event.xcoms or {})
        else:
            await not_too_soon(began)
        return event

    def _event(self, outcome: Outcome) -> TriggerEvent:
        self.ended_in = outcome.execution_arn
        if self.end_from_trigger and outcome.status == "succeeded":
            self.log.info(outcome.line(self.task_name, "Group" if self.tasks else "Task"))
            returned = {RETURNED: outcome.returned} if self.returns else {}
            return TaskSuccessEvent(xcoms=returned | self._links(outcome))
        if self.end_from_trigger and outcome.status == "skipped":
            self.log.info(outcome.message)
            return TaskSkippedEvent(xcoms=self._links(outcome))
        return TriggerEvent(outcome.to_event())  # type: ignore[no-untyped-call]

    def _links(self, outcome: Outcome) -> dict[str, Any]:
        return {} if self.linked else links(outcome.execution_arn)

    async def _outcome(self) -> Outcome:
        key = (self.execution_arn, self.connection.key, self.poll_interval, self.redrives)
        decide = decider(self.task_name, self.tasks, self.log.info)
        try:
            async with shared(key, self._source, self._poller) as poller:
                return await poller.source.seen(await poller.until(decide))
        except EltError as error:
            return Outcome("unknown", str(error))

    def _source(self) -> ExecutionSource:
        return ExecutionSource(self.execution_arn, self.connection, self.redrives)

    def _poller(self, source: ExecutionSource) -> Poller[ExecutionSource]:
        return Poller(source, self.poll_interval)


def links(execution_arn: str | None) -> dict[str, Any]:
    """The XComs of a mirror's links, which only a worker would push by itself."""
    if execution_arn is None:
        return {}
    return link_xcom(ExecutionLink(), execution_url(execution_arn)) | link_xcom(
        QueriesLink(), queries_url(execution_arn)
    )
