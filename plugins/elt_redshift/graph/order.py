"""The order that a task graph puts its tasks into: what precedes what, and which edges say so.

Tasks are numbered by their position in the job, and a set of tasks is an integer with their bits set, so that the
closure of a graph of ten thousand tasks costs one machine operation for each 64 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence


class Order:
    """The transitive closure and the transitive reduction of an acyclic graph ``{task: its upstreams}``.

    :ivar tasks: the names, by number.
    :ivar topological: the numbers, each behind those it waits for.
    :ivar before: for each task, the set of all that precede it.
    :ivar after: for each task, the set of all that it precedes.
    :ivar direct: for each task, those upstreams that no other upstream implies (the transitive reduction), ascending.
    :ivar level: for each task, how many tasks the longest way to it passes.
    """

    def __init__(self, upstream: Mapping[str, Sequence[str]]) -> None:
        self.tasks = list(upstream)
        number = {task: index for index, task in enumerate(self.tasks)}
        given = [sorted({number[up] for up in upstream[task]}) for task in self.tasks]
        self.topological = _topological(given)
        self.before, self.after = [0] * len(given), [0] * len(given)
        self.direct: list[list[int]] = [[] for _ in given]
        self.level = [0] * len(given)
        for task in self.topological:
            self._look_back(task, given[task])
        for task in reversed(self.topological):
            for up in self.direct[task]:
                self.after[up] |= self.after[task] | 1 << task

    def _look_back(self, task: int, ups: list[int]) -> None:
        implied = 0
        for up in ups:
            implied |= self.before[up]
        self.before[task] = implied | sum(1 << up for up in ups if not implied >> up & 1)
        self.direct[task] = [up for up in ups if not implied >> up & 1]
        self.level[task] = max((self.level[up] + 1 for up in ups), default=0)

    def related(self, task: int) -> int:
        """All tasks that precede ``task`` or that it precedes."""
        return self.before[task] | self.after[task]


def ends(upstream: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> dict[str, float]:
    """When each task ends, in seconds from the start, if each begins at the end of its last upstream.

    :param seconds: how long each takes.
    """
    tasks = list(upstream)
    number = {task: index for index, task in enumerate(tasks)}
    found: dict[str, float] = {}
    for index in _topological([sorted({number[up] for up in upstream[task]}) for task in tasks]):
        task = tasks[index]
        found[task] = seconds[task] + max((found[up] for up in upstream[task]), default=0.0)
    return found


def bits(members: int) -> Iterator[int]:
    """The positions of the bits set in ``members``, lowest first."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


def components(members: int, neighbours: Callable[[int], int]) -> list[int]:
    """The connected parts of ``members``, each as a set, by lowest position."""
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


def _topological(upstream: Sequence[Sequence[int]]) -> list[int]:
    waiting = [len(ups) for ups in upstream]
    downs: list[list[int]] = [[] for _ in upstream]
    for task, ups in enumerate(upstream):
        for up in ups:
            downs[up].append(task)
    order = [task for task, count in enumerate(waiting) if count == 0]
    for task in order:
        for down in downs[task]:
            waiting[down] -= 1
            if waiting[down] == 0:
                order.append(down)
    return order
