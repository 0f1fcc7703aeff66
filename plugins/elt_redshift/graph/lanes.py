"""Keeping a job to so many statements at a time, by its graph.

Where more tasks could run side by side than the job allows, they are put onto as many *lanes*, and each task waits for
the one before it on its lane. Every lane is then a chain of the graph, and since tasks that run at the same time are
never on one chain, no more of them run than there are lanes, however long each takes (Dilworth: A decomposition theorem
for partially ordered sets, 1950). ::

    a   b   c   d        two lanes:   a ──> c
                                      b ──> d

Who stands behind whom follows from list scheduling: whenever a lane is free, the task goes on it that the longest way
to the end of the job begins with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import count

from elt_redshift.graph.order import Order, bits

Graph = Mapping[str, Sequence[str]]


def limit(upstream: Graph, lanes: int, seconds: Mapping[str, float] | None = None) -> dict[str, tuple[str, ...]]:
    """The acyclic graph ``{task: its upstreams}`` with as many more edges as keep it to ``lanes`` tasks at a time.

    The edges given come first, unchanged; a graph that cannot run more tasks at a time anyway gets no others.

    :param lanes: at least 1.
    :param seconds: how long each task is expected to take; default: all the same.
    """
    order = Order(upstream)
    graph = {task: tuple(ups) for task, ups in upstream.items()}
    if not _fits(order, lanes):
        for earlier, later in _Schedule(order, lanes, seconds).edges():
            graph[order.tasks[later]] += (order.tasks[earlier],)
    return graph


def _fits(order: Order, lanes: int) -> bool:
    """Whether at most ``lanes`` tasks can ever run at once: whether that many chains hold all tasks."""
    if max(Counter(order.level).values(), default=0) > lanes:
        return False  # the tasks of a level have no order, so this is the quick answer for wide graphs
    chains = _Chains(order)
    ends = len(order.tasks)
    stuck = 0
    for task in order.topological:
        if ends <= lanes:
            return True
        if chains.continue_behind(task):
            ends -= 1
        else:
            stuck += 1
        if stuck > lanes:  # whoever cannot be continued now never can be (Berge: Two theorems in graph theory, 1957)
            return False
    return ends <= lanes


def ranks(order: Order, seconds: Sequence[float]) -> list[float]:
    """The longest way from each task to the end, itself included, negative: the lowest goes first.

    :param seconds: how long each task takes, by its number.
    """
    rank = [0.0] * len(seconds)
    for task in reversed(order.topological):
        rank[task] -= seconds[task]
        for up in order.direct[task]:
            rank[up] = min(rank[up], rank[task])
    return rank


class _Chains:
    """Chains of tasks that wait for each other, made as few as possible by augmenting paths."""

    def __init__(self, order: Order) -> None:
        self._after = order.after
        self._previous: dict[int, int] = {}
        self._following: dict[int, int] = {}
        self._firsts = (1 << len(order.tasks)) - 1

    def continue_behind(self, task: int) -> bool:
        """Let some chain go on behind ``task``, by exchanging the ends of others where it must; False: impossible."""
        came: dict[int, int] = {}
        unseen, search = -1, [task]
        for end in search:
            if first := self._after[end] & self._firsts:
                self._exchange(end, next(bits(first)), came)
                return True
            reached = self._after[end] & unseen
            unseen &= ~reached
            for one in bits(reached):
                came[one] = end
                search.append(self._previous[one])
        return False

    def _exchange(self, end: int, first: int, came: Mapping[int, int]) -> None:
        self._firsts &= ~(1 << first)
        while True:
            left = self._following.get(end)
            self._following[end], self._previous[first] = first, end
            if left is None:  # it is `task`
                return
            first, end = left, came[left]


class _Schedule:
    """List scheduling of the tasks onto lanes."""

    def __init__(self, order: Order, lanes: int, seconds: Mapping[str, float] | None) -> None:
        self._order = order
        self._seconds = [seconds[task] if seconds else 1.0 for task in order.tasks]
        self._downs: list[list[int]] = [[] for _ in order.tasks]
        for task, ups in enumerate(order.direct):
            for up in ups:
                self._downs[up].append(task)
        #: The lanes that are free, the longest free first, each as its last task; None: it had none yet.
        self._free: list[int | None] = [None] * min(lanes, len(order.tasks))

    def edges(self) -> Iterator[tuple[int, int]]:
        """The pairs (earlier, later) of neighbours on a lane that have no order by themselves."""
        rank = ranks(self._order, self._seconds)
        missing = [len(ups) for ups in self._order.direct]
        ready = [(rank[task], task) for task, ups in enumerate(missing) if not ups]
        heapify(ready)
        running: list[tuple[float, int, int]] = []
        now, turn = 0.0, count()
        while ready or running:
            chosen = [heappop(ready)[1] for _ in range(min(len(ready), len(self._free)))]
            for last, task in self._placed(chosen):
                heappush(running, (now + self._seconds[task], next(turn), task))
                if last is not None and not self._order.before[task] >> last & 1:
                    yield last, task
            now = running[0][0]
            while running and running[0][0] == now:
                ended = heappop(running)[2]
                self._free.append(ended)
                for down in self._downs[ended]:
                    missing[down] -= 1
                    if not missing[down]:
                        heappush(ready, (rank[down], down))

    def _placed(self, chosen: Sequence[int]) -> Iterator[tuple[int | None, int]]:
        """A free lane's last task for each of ``chosen``: one that it waits for anyway, where there is one."""
        homeless = []
        for task in chosen:
            known = (last for last in self._free if last is not None and self._order.before[task] >> last & 1)
            last = max(known, key=lambda last: (self._order.level[last], -last), default=None)
            if last is None:
                homeless.append(task)
            else:
                self._free.remove(last)
                yield last, task
        for task in homeless:
            yield self._free.pop(0), task
