"""The longest way through a job: no run can be shorter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from elt_redshift.graph.order import ends


def longest_path(graph: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> tuple[str, ...]:
    """The tasks of ``{task: its upstreams}`` one behind the other that take longest."""
    end = ends(graph, seconds)
    path: list[str] = []
    task = max(end, key=lambda task: end[task], default=None)
    while task is not None:
        path.append(task)
        task = max(graph[task], key=lambda up: end[up], default=None)
    return tuple(reversed(path))
