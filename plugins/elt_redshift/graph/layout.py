"""From a task graph to series and parallel parts, and joins where nesting alone would lose parallelism.

A part of a graph can be nested exactly when its order is *series-parallel*: cut it wherever everything before the cut
precedes everything behind it (series), separate what has no relation (parallel), and so on down to single tasks
(Valdes, Tarjan, Lawler: The recognition of series parallel digraphs, 1982). What can be cut neither way holds an "N":
two tasks that share one upstream, where one of them has another upstream that the other does not wait for. Such a part
becomes a forest: each of its tasks stands behind one of its upstreams, and waits for its others by *joins*.

::

    a   b        a ──────> c  (joins b)
    │ ╲ │        b ──────> d                 c stands behind a, and b tells it that it is done
    c   d ...

Either way every task starts the moment its own upstreams are done. Edges that others imply are no joins (the
transitive reduction), so a part with *e* edges, *n* tasks and *r* tasks without upstream has e - (n - r) joins, the
least that a forest can have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from elt_redshift.graph.order import Order, bits, components

#: At most this many Parallel states inside one another. Step Functions documents no limit; consoles and JSON parsers
#: have theirs, and each level is five levels of JSON.
MAX_DEPTH = 20


@dataclass(frozen=True)
class One:
    """A single task."""

    task: str


@dataclass(frozen=True)
class Series:
    """Parts that run one after the other."""

    parts: tuple[Nesting, ...]


@dataclass(frozen=True)
class Together:
    """Parts that run side by side."""

    parts: tuple[Nesting, ...]


Nesting = One | Series | Together


@dataclass(frozen=True)
class Arrangement:
    """Where each task stands, and what it waits for beyond that.

    :param layout: a task starts when what stands before it in its branch is done …
    :param joins: … and these upstreams, which stand in other branches: ``{task: upstreams}``, only of tasks that have
        such, in the order of the job.
    """

    layout: Nesting
    joins: Mapping[str, tuple[str, ...]]

    def told_by(self) -> dict[str, tuple[str, ...]]:
        """The same seen from the other end: ``{upstream: the tasks that it has to tell of its end}``."""
        told: dict[str, list[str]] = {}
        for waiter, ups in self.joins.items():
            for up in ups:
                told.setdefault(up, []).append(waiter)
        return {up: tuple(waiters) for up, waiters in told.items()}


def arrange(
    upstream: Mapping[str, Sequence[str]], max_depth: int = MAX_DEPTH, ends: Mapping[str, float] | None = None
) -> Arrangement:
    """Arrange the acyclic graph ``{task: its upstreams}``; parts keep the order of the mapping.

    :param max_depth: of Parallel states inside one another; what would be nested deeper gets a few more joins instead.
    :param ends: when each task is expected to end; default: as if all took the same time.
    """
    order = Order(upstream)
    builder = _Builder(order, max_depth, [ends[task] for task in order.tasks] if ends else order.level)
    layout = builder.nest((1 << len(upstream)) - 1, 0)
    tasks = builder.order.tasks
    joins = {tasks[task]: tuple(tasks[up] for up in sorted(ups)) for task, ups in sorted(builder.joins.items())}
    return Arrangement(layout, joins)


@dataclass
class _Builder:
    order: Order
    max_depth: int
    ends: Sequence[float]
    joins: dict[int, list[int]] = field(default_factory=dict)

    def nest(self, members: int, depth: int) -> Nesting:
        """``members`` inside ``depth`` Parallel states."""
        if members.bit_count() == 1:
            return One(self.order.tasks[members.bit_length() - 1])
        apart = components(members, self.order.related)
        if len(apart) > 1:
            if depth + 1 >= self.max_depth:
                return self.forest(members, depth)
            return Together(tuple(self.nest(part, depth + 1) for part in apart))
        steps = components(members, lambda task: members & ~self.order.related(task))
        if len(steps) == 1:
            return self.forest(members, depth)
        steps.sort(key=lambda step: (self.order.before[(step & -step).bit_length() - 1] & members).bit_count())
        return Series(tuple(self.nest(step, depth) for step in steps))

    def forest(self, members: int, depth: int) -> Nesting:
        """``members`` as branches that fork and never meet, with joins between them."""
        children = self._adopt(members)
        roots = [task for task in bits(members) if task not in children.adopted]
        branches = []
        for root in roots:  # which grow while branches are cut
            branches.append(self._branch(root, children, roots, depth + 1))
        return Together(tuple(branches)) if len(branches) > 1 else branches[0]

    def _adopt(self, members: int) -> _Children:
        """Choose for each task the upstream that it stands behind; its other ones become joins.

        The one that is expected to end last, so that the joins are complete when the task is reached; among equals,
        the one with the fewest children, which keeps branches from forking.
        """
        children = _Children()
        for task in (task for task in self.order.topological if members >> task & 1):
            ups = [up for up in self.order.direct[task] if members >> up & 1]
            if ups:
                parent = max(ups, key=lambda up: (self.ends[up], -len(children.of(up)), -up))
                children.add(parent, task)
                if len(ups) > 1:
                    self.joins[task] = [up for up in ups if up != parent]
        return children

    def _branch(self, task: int, children: _Children, roots: list[int], depth: int) -> Nesting:
        """``task`` and what stands behind it: one child as the next task, several inside one more Parallel."""
        parts: list[Nesting] = [One(self.order.tasks[task])]
        while behind := children.of(task):
            if len(behind) > 1 and depth < self.max_depth:
                parts.append(Together(tuple(self._branch(child, children, roots, depth + 1) for child in behind)))
                break
            stays, *cut = behind
            for child in cut:  # too deep: a branch of its own beside the roots
                self.joins.setdefault(child, []).append(task)
                roots.append(child)
            task = stays
            parts.append(One(self.order.tasks[task]))
        return parts[0] if len(parts) == 1 else Series(tuple(parts))


class _Children:
    """Who stands behind whom."""

    def __init__(self) -> None:
        self._of: dict[int, list[int]] = {}
        self.adopted: set[int] = set()

    def of(self, task: int) -> Sequence[int]:
        return self._of.get(task, ())

    def add(self, parent: int, child: int) -> None:
        self._of.setdefault(parent, []).append(child)
        self.adopted.add(child)


def tasks_of(layout: Nesting) -> Iterable[str]:
    """The tasks of ``layout``, in order."""
    match layout:
        case One(task):
            yield task
        case Series(parts) | Together(parts):
            for part in parts:
                yield from tasks_of(part)
