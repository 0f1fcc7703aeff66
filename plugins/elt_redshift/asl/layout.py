"""From a task graph to nested series and parallel parts, without losing parallelism.

A graph can be nested exactly when its order is *series-parallel*: cut it wherever everything before the cut precedes
everything behind it (series), separate what has no relation (parallel), and so on down to single tasks. Every task then
starts the moment its own upstreams are done. An order that cannot be cut either way holds an "N": two tasks that share
one upstream, where one of them has another upstream that the other does not wait for
(Valdes, Tarjan, Lawler: The recognition of series parallel digraphs, 1982).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from elt_redshift.exceptions import EltError


@dataclass(frozen=True)
class One:
    """A single task."""

    task: str


@dataclass(frozen=True)
class Series:
    """Parts that run one after the other."""

    parts: tuple[Layout, ...]


@dataclass(frozen=True)
class Together:
    """Parts that run side by side."""

    parts: tuple[Layout, ...]


Layout = One | Series | Together


class NotSeriesParallelError(EltError):
    """The graph holds an N: ``both`` waits for ``shared`` and ``other``, while ``one`` waits for ``shared`` alone.

    :param shared: the upstream of both tasks.
    :param one: the task that waits for ``shared`` but not for ``other``.
    :param both: the task that waits for both.
    :param other: the upstream that ``one`` does not wait for.
    """

    def __init__(self, shared: str, one: str, both: str, other: str) -> None:
        self.shared, self.one, self.both, self.other = shared, one, both, other
        super().__init__(f"{self.found} {self.remedy}")

    @property
    def found(self) -> str:
        return (
            f"tasks {self.one} and {self.both} both wait for {self.shared}, but only {self.both} also waits for "
            f"{self.other}, so the graph cannot be nested into parallel branches."
        )

    @property
    def remedy(self) -> str:
        return f"Let {self.one} wait for {self.other} too, or {self.both} not wait for {self.shared} or {self.other}."

    def __reduce__(self) -> tuple[type[NotSeriesParallelError], tuple[str, str, str, str]]:
        return type(self), (self.shared, self.one, self.both, self.other)


class _Order:
    """The transitive closure of a graph; sets of tasks are the bits of an integer, by position in the job."""

    def __init__(self, upstream: Mapping[str, Sequence[str]]) -> None:
        self.tasks = list(upstream)
        position = {task: index for index, task in enumerate(self.tasks)}
        self.before = [0] * len(self.tasks)
        self.direct = [[position[up] for up in upstream[task]] for task in self.tasks]
        for task in _topological(self.direct):
            for up in self.direct[task]:
                self.before[task] |= self.before[up] | 1 << up
        self.after = [0] * len(self.tasks)
        for task, before in enumerate(self.before):
            for up in bits(before):
                self.after[up] |= 1 << task

    def related(self, task: int) -> int:
        return self.before[task] | self.after[task]


def bits(members: int) -> Iterable[int]:
    """The positions of the bits set in ``members``, lowest first."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


def _topological(direct: Sequence[Sequence[int]]) -> list[int]:
    waiting = [len(ups) for ups in direct]
    downs: list[list[int]] = [[] for _ in direct]
    for task, ups in enumerate(direct):
        for up in ups:
            downs[up].append(task)
    order = [task for task, count in enumerate(waiting) if count == 0]
    for task in order:
        for down in downs[task]:
            waiting[down] -= 1
            if waiting[down] == 0:
                order.append(down)
    return order


def _components(members: int, neighbours: Callable[[int], int]) -> list[int]:
    """The connected parts of ``members``, each as a bit set, by lowest position."""
    found = []
    while members:
        part = frontier = members & -members
        while frontier:
            reached = 0
            for task in bits(frontier):
                reached |= neighbours(task)
            frontier = reached & members & ~part
            part |= frontier
        found.append(part)
        members &= ~part
    return found


def series_parallel(upstream: Mapping[str, Sequence[str]]) -> Layout:
    """Nest the graph ``{task: its upstreams}``; parts keep the order of the mapping.

    :raises NotSeriesParallelError: the graph holds an N.
    """
    order = _Order(upstream)
    return _nest(order, (1 << len(order.tasks)) - 1)


def _nest(order: _Order, members: int) -> Layout:
    if members.bit_count() == 1:
        return One(order.tasks[members.bit_length() - 1])
    apart = _components(members, order.related)
    if len(apart) > 1:
        return Together(tuple(_nest(order, part) for part in apart))
    steps = _components(members, lambda task: members & ~order.related(task))
    if len(steps) == 1:
        raise _find_n(order, members)
    steps.sort(key=lambda step: (order.before[(step & -step).bit_length() - 1] & members).bit_count())
    return Series(tuple(_nest(order, step) for step in steps))


def _find_n(order: _Order, members: int) -> NotSeriesParallelError:
    names = order.tasks
    for both in bits(members):
        ups = list(bits(order.before[both] & members))
        for shared in ups:
            for other in ups:
                loners = order.after[shared] & members & ~order.related(both) & ~order.related(other) & ~(1 << both)
                if other != shared and not order.related(shared) >> other & 1 and loners:
                    one = (loners & -loners).bit_length() - 1
                    return NotSeriesParallelError(names[shared], names[one], names[both], names[other])
    raise AssertionError("an order without an N is series-parallel")
