"""Cuts a graph into parts, each small enough, across few of its edges.

Every task stands behind one of its upstreams, as in :mod:`.layout`; so the graph is a forest, and its other edges are
joins wherever their ends stand. What costs is a cut of the forest: it makes a join of an edge that is none. So trees
stay whole where they are small enough; a larger one loses its heaviest branches. What has come of that is put
together again: each piece to the part that it has the most edges with, as long as the parts stay about equally large.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from elt_redshift.graph.layout import Arrangement, arrange
from elt_redshift.graph.order import Order

#: The parts may be so much larger than they would be if all were equal.
_UNEVEN = 1.08


@dataclass(frozen=True)
class GraphPart:
    """One part of a graph.

    :param tasks: in the order of the job.
    :param arrangement: of these. Its joins are of edges of both kinds, within the part and from others.
    """

    tasks: tuple[str, ...]
    arrangement: Arrangement


@dataclass(frozen=True)
class Cut:
    """A graph in parts.

    :param told: for each task, those that it tells of its end, in whichever part they are, and how many these await.
    :param across: how many of its edges lead from one part to another.
    """

    parts: tuple[GraphPart, ...]
    told: Mapping[str, Mapping[str, int]]
    across: int


def cut(
    upstream: Mapping[str, Sequence[str]],
    weights: Mapping[str, float],
    most: float,
    ends: Mapping[str, float] | None = None,
) -> Cut:
    """Cut the acyclic graph ``{task: its upstreams}``.

    :param weights: of the tasks; one that is heavier than ``most`` is a part of its own.
    :param most: how heavy a part may be.
    :param ends: when each task is expected to end; default: as if all took the same time.
    """
    order = Order(upstream)
    ends = ends or dict(zip(order.tasks, order.level, strict=True))
    place = _places(order, [weights[task] for task in order.tasks], most, ends)
    members: dict[int, list[int]] = {}
    for number, part_number in enumerate(place):
        members.setdefault(part_number, []).append(number)
    parts = tuple(_part(order, tasks, place, ends) for tasks in members.values())
    told: dict[str, dict[str, int]] = {}
    for part in parts:
        for task, ups in part.arrangement.joins.items():
            for up in ups:
                told.setdefault(up, {})[task] = len(ups)
    across = sum(place[up] != place[number] for number, ups in enumerate(order.direct) for up in ups)
    return Cut(parts, told, across)


def _part(order: Order, tasks: list[int], place: Sequence[int], ends: Mapping[str, float]) -> GraphPart:
    names = order.tasks
    within = {names[task]: [names[up] for up in order.direct[task] if place[up] == place[task]] for task in tasks}
    inner = arrange(within, ends=ends)
    joins = {}
    for number in tasks:
        own = set(inner.joins.get(names[number], ()))
        awaited = tuple(names[up] for up in order.direct[number] if place[up] != place[number] or names[up] in own)
        if awaited:
            joins[names[number]] = awaited
    return GraphPart(tuple(within), Arrangement(inner.layout, joins))


def _places(order: Order, weights: Sequence[float], most: float, ends: Mapping[str, float]) -> list[int]:
    """The number of its part, for each task; parts are numbered by their first tasks."""
    pieces = _pieces(order, weights, most, ends)
    piece_of = {task: number for number, piece in enumerate(pieces) for task in piece}
    edges = _edges(order, piece_of)
    packing = _Packing(most, sum(weights))
    sizes = [sum(weights[task] for task in piece) for piece in pieces]
    for number in sorted(range(len(pieces)), key=lambda one: (-sizes[one], one)):
        packing.add(number, sizes[number], edges.get(number, {}))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(packing.of[piece_of[task]], len(numbers)) for task in range(len(order.tasks))]


def _edges(order: Order, piece_of: Mapping[int, int]) -> dict[int, dict[int, int]]:
    """How many edges each piece has with each other."""
    edges: dict[int, dict[int, int]] = {}
    for task, ups in enumerate(order.direct):
        for up in ups:
            one, other = piece_of[task], piece_of[up]
            for here, there in ((one, other), (other, one)) if one != other else ():
                among = edges.setdefault(here, {})
                among[there] = among.get(there, 0) + 1
    return edges


def _pieces(order: Order, weights: Sequence[float], most: float, ends: Mapping[str, float]) -> list[list[int]]:
    """The trees of the forest, without the branches that make them too heavy, and these branches."""
    children: list[list[int]] = [[] for _ in order.tasks]
    end = [ends[task] for task in order.tasks]
    for task in order.topological:
        if ups := order.direct[task]:
            children[max(ups, key=lambda up: (end[up], -len(children[up]), -up))].append(task)
    heavy = list(weights)
    cut_off, roots = set(), []
    for task in reversed(order.topological):
        # Of a task with many children those stay that are lightest: fewest edges are cut.
        for child in sorted(children[task], key=lambda one: (heavy[one], one)):
            if heavy[task] + heavy[child] <= most:
                heavy[task] += heavy[child]
            else:
                cut_off.add(child)
    adopted = {child for task in order.topological for child in children[task] if child not in cut_off}
    roots = [task for task in range(len(order.tasks)) if task not in adopted]
    return [_tree(root, children, cut_off) for root in roots]


def _tree(root: int, children: Sequence[Iterable[int]], cut_off: set[int]) -> list[int]:
    tree, open_ones = [], [root]
    while open_ones:
        task = open_ones.pop()
        tree.append(task)
        open_ones += [child for child in children[task] if child not in cut_off]
    return tree


@dataclass
class _Packing:
    """Puts pieces together, the heaviest first.

    :param most: how heavy a part may be.
    :param total: of all pieces.
    :ivar of: the part of each piece.
    """

    most: float
    total: float
    of: dict[int, int] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = max(1, -int(-self.total // self.most))
        self.level = min(self.most, self.total / count * _UNEVEN)
        self.loads = [0.0] * count

    def add(self, piece: int, weight: float, edges: Mapping[int, int]) -> None:
        """Put a piece where most of its edges lead to, if that is not full, or where there is the most room."""
        shared = [0] * len(self.loads)
        for other, number in edges.items():
            if other in self.of:
                shared[self.of[other]] += number
        fits = [part for part, load in enumerate(self.loads) if load + weight <= self.level]
        fits = fits or [part for part, load in enumerate(self.loads) if load + weight <= self.most]
        if not fits:
            self.loads.append(0.0)
            shared.append(0)
            fits = [len(self.loads) - 1]
        part = max(fits, key=lambda one: (shared[one], -self.loads[one], -one))
        self.loads[part] += weight
        self.of[piece] = part
