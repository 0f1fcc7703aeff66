"""The trigger that begins a mirror, without a worker, where Airflow can do that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Unpack, cast

from airflow.triggers.base import BaseTaskEndEvent, TriggerEvent

from elt_redshift.airflow_compat import Context, needs_worker, set_xcom, xcom
from elt_redshift.aws.attempts import latest_of_run, machine_arn
from elt_redshift.aws.errors import AwsError
from elt_redshift.hooks.connection import Connection
from elt_redshift.job.keys import START_TASK
from elt_redshift.links.console import EXECUTION_ARN
from elt_redshift.triggers.base import AwsTrigger, TriggerArguments
from elt_redshift.triggers.killing import to_the_end
from elt_redshift.triggers.outcome import DEPLOYED, RUN
from elt_redshift.triggers.step_functions import TaskTrigger, links

if TYPE_CHECKING:
    from elt_redshift.hooks.step_functions import EltHook

#: A mirror that waits for longer than so many seconds has its links meanwhile, others with their end. The triggerer
#: takes one request of its triggers at a time, and looks into its database after each: what a mirror asks for, all wait
#: for.
LINKS_AFTER = 10.0


@dataclass(frozen=True)
class StartTask:
    """The task that pushed a DAG run's execution, named as Airflow names a task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1


@dataclass(frozen=True)
class Followed:
    """An execution, how often it has been redriven at least, and the job, as a JobRef writes it, if that is known.

    :param deployed: the SQL of tasks that is not what the DAG file shows.
    :param parameters: the values that the job was started with.
    """

    arn: str
    redrives: int = 0
    job: dict[str, Any] | None = None
    deployed: dict[str, str] | None = None
    parameters: dict[str, str] = field(default_factory=dict)


class MirrorTrigger(AwsTrigger):
    """Finds the execution of a mirror's DAG run, and then does what :class:`TaskTrigger` does.

    Whatever needs more than that is left to a worker, by the event None: a try after the first, since it may be that of
    a cleared task, which triggers are not told; a DAG run without an execution; AWS that does not answer.

    :param task: the task's name in the job, or the group's, as :class:`TaskTrigger` takes it, like ``tasks``.
    :param start_task_id: the task that pushed the execution's ARN.
    """

    ARGUMENTS = ("start_task_id", "tasks")

    def __init__(
        self,
        task: str,
        start_task_id: str = START_TASK,
        tasks: Sequence[str] = (),
        **given: Unpack[TriggerArguments],
    ) -> None:
        super().__init__(**given)
        self.task_name, self.start_task_id, self.tasks = task, start_task_id, list(tasks)
        self._found: TaskTrigger | None = None
        self._shown = False
        self._notes: str | None = None
        self._needs_worker, self._returns = False, True
        self._deployed: str | None = None
        self._parameters: dict[str, str] = {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, given = super().serialize()
        return path, {"task": self.task_name, **given}

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """There is nothing to render. What Airflow made for it is let go, the DAG with all of its tasks: each mirror
        that waits would keep one of its own, 1.3 MB in a DAG of 500 tasks."""
        self._take_from_task()
        cast(Any, context).clear()
        cast(Any, self.task_instance).task = None

    def _take_from_task(self) -> None:
        if self.task is not None:
            self._notes, self._needs_worker = getattr(self.task, "doc_md", None), needs_worker(self.task)
            self._returns = self.task.do_xcom_push

    async def run(self) -> AsyncIterator[TriggerEvent]:
        ti: Any = self.task_instance
        self._take_from_task()
        found = await self._find() if ti.try_number == 1 else None
        if found is None:
            self.log.info("Task %s goes on with a worker", self.task_name)
            yield TriggerEvent(None)  # type: ignore[no-untyped-call]
            return
        self._found, found.linked = found, True
        self._tell(found)
        showing = asyncio.create_task(self._show_later(found.execution_arn))
        try:
            event = await found.ended()
        finally:
            showing.cancel()
        ended_in = found.ended_in or found.execution_arn
        if isinstance(event, BaseTaskEndEvent) and not (self._shown and ended_in == found.execution_arn):
            # Airflow takes the links of an event as they are, unlike other XComs.
            event.xcoms = (event.xcoms or {}) | links(ended_in)
        yield event

    async def on_kill(self) -> None:
        """As :meth:`TaskTrigger.on_kill`."""
        await to_the_end(self._kill())

    async def _kill(self) -> None:
        if found := self._found or await self._find():
            await found.on_kill()

    async def _find(self) -> TaskTrigger | None:
        ti: Any = self.task_instance
        start = StartTask(ti.dag_id, ti.run_id, self.start_task_id)
        followed = await together((start, self.connection.key), partial(search, start, self.connection))
        if followed is None:
            return None
        self._deployed = (followed.deployed or {}).get(self.task_name)
        self._parameters = followed.parameters
        trigger = TaskTrigger(
            followed.arn,
            self.task_name,
            followed.redrives,
            followed.job,
            end_from_trigger=not self._needs_worker,
            tasks=self.tasks,
            returns=self._returns,
            poll_interval=self.poll_interval,
            **self.connection.arguments,
        )
        trigger.task_instance = ti
        return trigger

    def _tell(self, found: TaskTrigger) -> None:
        """The log has what no worker lets Airflow record as rendered templates: the SQL, and the job's values."""
        what, shown = ("group", "Tasks") if self.tasks else ("task", "SQL")
        for line in (f"::group::{shown}", self._notes, "::endgroup::"):
            self.log.info("%s", line)
        self.log.info("Parameters: %s", self._parameters)
        self.log.info("Waiting for %s %s of %s", what, self.task_name, found.execution_arn)
        if self._deployed:
            self.log.warning("The DAG file has other SQL than this, which is deployed and runs:\n%s", self._deployed)

    async def _show_later(self, execution_arn: str) -> None:
        """Let the links work while the task waits; no task fails for them."""
        await asyncio.sleep(LINKS_AFTER)
        try:
            await asyncio.shield(self._show(execution_arn))  # an answer that nobody awaits is warned of
            self._shown = True
        except Exception:
            self.log.warning("The links of task %s are not there yet", self.task_name, exc_info=True)

    async def _show(self, execution_arn: str) -> None:
        for key, url in links(execution_arn).items():
            await set_xcom(self.task_instance, key, url)


@lru_cache(maxsize=32)
def _hook(key: str) -> EltHook:
    """The hook of a connection, by its key. Mirrors search whenever some of them begin, and a client takes longer to be
    made than a search."""
    return Connection(**json.loads(key)).hook()


def search(start: StartTask, connection: Connection) -> Followed | None:
    """The newest execution of a DAG run; it blocks."""
    arn = xcom(start, EXECUTION_ARN)
    run = xcom(start, RUN) if arn else None
    if not (arn and run):
        return Followed(arn) if arn else None
    executions = _hook(connection.key).executions(machine_arn(arn))
    try:
        latest = latest_of_run(executions, start.dag_id, start.run_id, start.task_id, arn)
    except AwsError:
        _hook.cache_clear()  # perhaps of credentials that were exchanged meanwhile
        return None
    if latest is None:
        return None
    return Followed(latest.arn, latest.redrive_count, run["job"], run.get(DEPLOYED), run["parameters"])


#: The searches that are under way. Airflow starts all mirrors behind the start task at once.
_searches: dict[tuple[asyncio.AbstractEventLoop, Hashable], asyncio.Task[Followed | None]] = {}


async def together(key: Hashable, search: Callable[[], Followed | None]) -> Followed | None:
    """The answer of ``search``, in a thread; who asks for the same meanwhile gets the same answer."""
    slot = (asyncio.get_running_loop(), key)
    if slot not in _searches:
        _searches[slot] = asyncio.create_task(asyncio.to_thread(search))
        _searches[slot].add_done_callback(lambda _: _searches.pop(slot))
    return await asyncio.shield(_searches[slot])
