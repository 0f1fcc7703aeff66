"""The longest way through a job: no run can be shorter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from elt_redshift.graph.order import Order


def longest_path(graph: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> tuple[str, ...]:
    """The tasks of ``{task: its upstreams}`` one behind the other that take longest."""
    order = Order(graph)
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for task in (order.tasks[number] for number in order.topological):
        before[task] = max(graph[task], key=lambda up: ends[up], default=None)
        ends[task] = seconds[task] + ends.get(before[task] or "", 0.0)
    path: list[str] = []
    task_ = max(ends, key=lambda task: ends[task], default=None)
    while task_ is not None:
        path.append(task_)
        task_ = before[task_]
    return tuple(reversed(path))
