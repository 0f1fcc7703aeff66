"""Tasks by groups: which groups there are, and which come before which.

A group comes before another one where one of its tasks is an upstream of one of the other's. The groups of an acyclic
graph may well make circles (``staging`` → ``marts`` → ``staging``): those of one circle have no order, and stand side
by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elt_redshift.graph.order import Order, bits

Graph = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Groups:
    """The groups of a task graph.

    :param tasks: of each group, in the order of the graph; groups are in the order of their first tasks.
    :param upstream: the groups right before each: an acyclic graph, without the edges that others imply.
    :param circles: the groups of each circle of edges, which is left out of ``upstream``.
    """

    tasks: Mapping[str, tuple[str, ...]]
    upstream: Mapping[str, tuple[str, ...]]
    circles: tuple[tuple[str, ...], ...] = ()


def grouped(upstream: Graph, group_of: Mapping[str, str]) -> Groups:
    """The groups of the acyclic graph ``{task: its upstreams}``.

    :param group_of: the group of each task.
    """
    tasks: dict[str, list[str]] = {}
    for task in upstream:
        tasks.setdefault(group_of[task], []).append(task)
    number = {group: index for index, group in enumerate(tasks)}
    before = [0] * len(number)
    for task, ups in upstream.items():
        for up in ups:
            before[number[group_of[task]]] |= 1 << number[group_of[up]]
    circles = _circles(before)
    names = list(tasks)
    order = Order({names[at]: [names[up] for up in bits(ups & ~circles[at])] for at, ups in enumerate(before)})
    return Groups(
        {group: tuple(members) for group, members in tasks.items()},
        {group: tuple(names[up] for up in order.direct[at]) for at, group in enumerate(names)},
        tuple(tuple(names[at] for at in bits(one)) for one in dict.fromkeys(circles) if one.bit_count() > 1),
    )


def _circles(before: Sequence[int]) -> list[int]:
    """Of each node the set of those that come both before and behind it, itself included; by Warshall's closure."""
    reach = [ups | 1 << at for at, ups in enumerate(before)]
    for middle, through in enumerate(reach):
        for at, found in enumerate(reach):
            if found >> middle & 1:
                reach[at] = found | through
    return [sum(1 << other for other in bits(found) if reach[other] >> at & 1) for at, found in enumerate(reach)]
