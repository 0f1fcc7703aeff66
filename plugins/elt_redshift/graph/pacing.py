"""When the tasks of a wide graph may begin, so that no more begin within a second, nor are active at a time, than what
runs them takes.

Only a task without upstreams can be told when: it is there from the start. The others begin as soon as they may, and
go first; those without upstreams have what is left, the longest way to the end first.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from elt_redshift.graph.lanes import Graph, ranks
from elt_redshift.graph.order import Order

#: From a task's expected end until another one is taken to be able to be active in its place: so many seconds, and such
#: a part of what it is expected to take.
_SETTLING, _LATENESS = 1.0, 0.03

#: Tries that come by chance leave this part of a rate unused, or many of them are throttled once more.
_SLACK = 0.1

#: The longest interval over which many tries are spread, in seconds.
_LONGEST = 55


@dataclass(frozen=True)
class Pace:
    """What runs the tasks.

    :param rates: how many tasks of each kind may begin in a second.
    :param active: how many may be active at a time.
    """

    rates: Mapping[str, float]
    active: int


def interval(crowd: int, rate: float) -> int:
    """Whole seconds over which the second tries of so many tasks are best spread that all began at once."""
    return max(1, min(_LONGEST, math.ceil((crowd - rate) / (rate * (1 - _SLACK)))))


def widest(upstream: Graph) -> int:
    """The most tasks that may begin at once, of those that are equally far from the start."""
    return max(Counter(Order(upstream).level).values())


def starts(order: Order, pace: Pace, kinds: Sequence[str], seconds: Sequence[float]) -> dict[int, float]:
    """When each task without upstreams may begin, in seconds from the start of the job.

    :param kinds: of each task, by its number.
    :param seconds: how long each is expected to take; 0 where nothing is known.
    """
    schedule = _Schedule(order, pace, kinds, seconds)
    begun = schedule.begun()
    return {task: begun[task] for task, ups in enumerate(order.direct) if not ups}


class _Schedule:
    """Tasks in the order in which they may begin, on a clock that goes from one event to the next."""

    def __init__(self, order: Order, pace: Pace, kinds: Sequence[str], seconds: Sequence[float]) -> None:
        self._pace, self._kinds, self._seconds = pace, kinds, seconds
        self._downs: list[list[int]] = [[] for _ in order.tasks]
        self._missing = [len(ups) for ups in order.direct]
        for task, ups in enumerate(order.direct):
            for up in ups:
                self._downs[up].append(task)
        rank = ranks(order, [max(each, _SETTLING) for each in seconds])
        self._first = {
            kind: [(rank[task], task) for task, ups in enumerate(order.direct) if not ups and kinds[task] == kind]
            for kind in pace.rates
        }
        for firsts in self._first.values():
            heapify(firsts)
        self._waited: dict[str, deque[int]] = {kind: deque() for kind in pace.rates}
        self._free = dict.fromkeys(pace.rates, 0.0)
        self._running: list[tuple[float, int]] = []
        self._now = 0.0

    def begun(self) -> dict[int, float]:
        """When each task begins."""
        begun: dict[int, float] = {}
        while len(begun) < len(self._kinds):
            self._end()
            if (task := self._next()) is None:
                self._now = self._later()
                continue
            begun[task] = self._now
            kind = self._kinds[task]
            self._free[kind] = self._now + 1 / self._pace.rates[kind]
            heappush(self._running, (self._now + self._seconds[task] * (1 + _LATENESS) + _SETTLING, task))
        return begun

    def _end(self) -> None:
        """What has ended by now lets others begin."""
        while self._running and self._running[0][0] <= self._now:
            for down in self._downs[heappop(self._running)[1]]:
                self._missing[down] -= 1
                if not self._missing[down]:
                    self._waited[self._kinds[down]].append(down)

    def _next(self) -> int | None:
        """A task that may begin now."""
        if len(self._running) >= self._pace.active:
            return None
        open_kinds = [kind for kind, free in self._free.items() if free <= self._now]
        for kind in open_kinds:
            if self._waited[kind]:
                return self._waited[kind].popleft()
        return next((heappop(self._first[kind])[1] for kind in open_kinds if self._first[kind]), None)

    def _later(self) -> float:
        """When the next one may."""
        ends = [self._running[0][0]] if self._running else []
        if len(self._running) >= self._pace.active:
            return ends[0]
        return min([*ends, *(free for free in self._free.values() if free > self._now)])
