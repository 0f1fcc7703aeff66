"""One look at an execution per interval, shared by everybody in the process who waits for one of its tasks.

::

    mirror a ──until──┐
    mirror b ──until──┼── Poller ── every interval: DescribeExecution, GetExecutionHistory (the new events only)
    mirror c ──until──┘

So the number of API calls does not depend on the number of tasks.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, Protocol, TypeVar

from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.execution_status import Snapshot

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


class Lookout(Protocol):
    """Where a poller looks: it gives one execution's tasks, and remembers what it has read of them.

    Another way to learn of the tasks (a table instead of the history) is another source, and nothing else.
    """

    async def look(self) -> Snapshot:
        """The execution as it is now. Called once per interval, or again while a cancelled call still goes on."""


S = TypeVar("S", bound=Lookout)

#: Errors that another look would only repeat. (Not ExecutionDoesNotExist: DescribeExecution is eventually consistent.)
FINAL_ERRORS = frozenset({"InvalidArn", "AccessDeniedException"})

#: Other errors (throttling, lost connections) are forgiven this often in a row: for about ten minutes.
MAX_FAILURES = 15

#: Longest pause after an error, in seconds.
MAX_PAUSE = 60.0


class Poller(Generic[S]):
    """Looks at one execution until it has ended. It starts at once, in the running event loop.

    :param source: looks at the execution; whoever listens may ask it more.
    :param interval: seconds between two looks.
    :param sleep: how to wait, in seconds.
    """

    def __init__(self, source: S, interval: float, sleep: Sleep = asyncio.sleep) -> None:
        self.source = source
        self._interval, self._sleep = interval, sleep
        self._latest: Snapshot | None = None
        self._next: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())
        self.listeners = 0

    @property
    def done(self) -> bool:
        """Whether it has stopped looking: the execution has ended, or cannot be looked at."""
        return self._task.done()

    @property
    def broken(self) -> bool:
        """Whether it has stopped because the execution cannot be looked at."""
        return self.done and not (self._latest and self._latest.execution.ended)

    async def until(self, decide: Callable[[Snapshot], T | None]) -> T:
        """Wait for the first snapshot about which ``decide`` gives something; of an ended execution it must.

        :raises AwsError: the execution cannot be looked at.
        """
        seen: Snapshot | None = None
        while True:
            if self._latest is None or self._latest is seen:
                await asyncio.shield(self._next)
            # Not what was awaited: several looks may have passed before this coroutine has its turn.
            seen = self._latest
            if seen and (decided := decide(seen)) is not None:
                return decided

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._next.cancel()

    async def _run(self) -> None:
        failures = 0
        while not (self._latest and self._latest.execution.ended):
            try:
                snapshot = await self.source.look()
            except Exception as error:
                failures += 1
                if not _passes(error) or failures > MAX_FAILURES:
                    self._next.set_exception(error)
                    return
            else:
                failures = 0
                self._publish(snapshot)
            if not (self._latest and self._latest.execution.ended):
                await self._sleep(min(self._interval * 2**failures, max(self._interval, MAX_PAUSE)))

    def _publish(self, snapshot: Snapshot) -> None:
        self._latest, awaited = snapshot, self._next
        self._next = asyncio.get_running_loop().create_future()
        awaited.set_result(snapshot)


def _passes(error: Exception) -> bool:
    return isinstance(error, AwsError) and error.code not in FINAL_ERRORS


#: An event loop and what is looked at. The loop is part of the key, because `airflow dags test` and tests run each
#: trigger in a loop of its own.
Slot = tuple[asyncio.AbstractEventLoop, Hashable]

#: The pollers that somebody listens to.
_pollers: dict[Slot, Poller[Any]] = {}

#: The sources that were left last, the oldest first: the next listener goes on where they stood, and reads no history
#: and makes no client again. (In a chain of tasks nobody listens between one mirror and the next.)
_left: OrderedDict[Slot, Any] = OrderedDict()
MAX_LEFT = 32


@asynccontextmanager
async def shared(
    key: Hashable, make_source: Callable[[], S], make_poller: Callable[[S], Poller[S]]
) -> AsyncIterator[Poller[S]]:
    """The process's poller for ``key``; made for its first listener and stopped after its last."""
    slot = (asyncio.get_running_loop(), key)
    poller = _pollers.get(slot) or _take_up(slot, make_source, make_poller)
    if poller.done:  # what it knows may be out of date, after a redrive
        poller = _pollers[slot] = make_poller(make_source() if poller.broken else poller.source)
    poller.listeners += 1
    try:
        yield poller
    finally:
        poller.listeners -= 1
        if not poller.listeners:
            if _pollers.get(slot) is poller:
                del _pollers[slot]
                _leave(slot, poller)
            await poller.stop()


def _take_up(slot: Slot, make_source: Callable[[], S], make_poller: Callable[[S], Poller[S]]) -> Poller[S]:
    poller = _pollers[slot] = make_poller(_left.pop(slot, None) or make_source())
    return poller


def _leave(slot: Slot, poller: Poller[Any]) -> None:
    if poller.broken:  # perhaps for good, by credentials that were exchanged meanwhile
        return
    _left[slot] = poller.source
    if len(_left) > MAX_LEFT:
        _left.popitem(last=False)
