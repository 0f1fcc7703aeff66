"""Virtual time: what happens is put into one order, and nobody waits.

A *process* is a generator: it yields seconds to sleep, or a :class:`Promise` to wait for. One that was ended is never
resumed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from typing import Any

Steps = Generator[Any, Any, Any]


class Promise:
    """A value, or an error, that is there one day."""

    __slots__ = ("_callbacks", "done", "error", "value")

    def __init__(self) -> None:
        self.done, self.value = False, None
        self.error: Exception | None = None
        self._callbacks: list[Callable[[Promise], None]] = []

    def then(self, callback: Callable[[Promise], None]) -> None:
        """Call ``callback`` with this promise when it is kept, at once if it is."""
        if self.done:
            callback(self)
        else:
            self._callbacks.append(callback)

    def keep(self, value: Any = None, error: Exception | None = None) -> None:
        """The first time counts."""
        if self.done:
            return
        self.done, self.value, self.error = True, value, error
        for callback in self._callbacks:
            callback(self)
        self._callbacks.clear()


class Process:
    """A generator that runs on the clock. ``ended`` is kept with what it returns or raises."""

    __slots__ = ("_clock", "_steps", "alive", "children", "ended")

    def __init__(self, clock: Clock, steps: Callable[[Process], Steps]) -> None:
        self._clock, self._steps, self.alive = clock, steps(self), True
        self.children: list[Process] = []
        self.ended = Promise()

    def end(self) -> None:
        """It and its children go no further."""
        self.alive = False
        for child in self.children:
            child.end()

    def resume(self, value: Any = None, error: Exception | None = None) -> None:
        """Let it go on to its next wait."""
        if not self.alive:
            return
        try:
            asked = self._steps.throw(error) if error else self._steps.send(value)
        except StopIteration as end:
            self.alive = False
            self.ended.keep(end.value)
        except _EXPECTED as failure:
            self.alive = False
            self.ended.keep(error=failure)
        else:
            if isinstance(asked, Promise):
                asked.then(self._kept)
            else:
                self._clock.after(asked, self.resume)

    def _kept(self, promise: Promise) -> None:
        self.resume(promise.value, promise.error)


class ExpectedError(Exception):
    """What a process may end with; any other error is a mistake of ours and ends the simulation."""


_EXPECTED = (ExpectedError,)


class Clock:
    """:ivar now: seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def after(self, seconds: float, what: Callable[..., None], *given: Any) -> None:
        """Call ``what`` so many seconds from now."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + max(seconds, 0.0), self._count, what, given))

    def process(self, steps: Callable[[Process], Steps]) -> Process:
        """Start a process, now. ``steps`` is given it."""
        process = Process(self, steps)
        self.after(0, process.resume)
        return process

    def run(self, until: float) -> None:
        """All that happens until then."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, what, given = heapq.heappop(queue)
            what(*given)
        self.now = max(self.now, until)

    def run_while(self, going: Callable[[], bool], until: float) -> None:
        """The same while ``going()``, which is asked after each thing that happens."""
        queue = self._queue
        while going() and queue and queue[0][0] <= until:
            self.now, _, what, given = heapq.heappop(queue)
            what(*given)

    @property
    def millis(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.now * 1000)
