"""The edges between tasks: what order they give, and whether they go in a circle."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from elt_redshift.job.parts import SqlTask


def in_order(tasks: Sequence[SqlTask]) -> tuple[SqlTask, ...]:
    """The tasks, each after those it waits for; otherwise in the order given.

    Edges to unknown tasks are ignored; what waits for a cycle is left out, as the cycle is.
    """
    position = {task.name: index for index, task in enumerate(tasks)}
    sorter = _sorter(tasks)
    with contextlib.suppress(CycleError):  # the sorter still gives everything that the cycle does not hold up
        sorter.prepare()
    ordered: list[SqlTask] = []
    while ready := sorter.get_ready():
        ordered += (tasks[index] for index in sorted(position[name] for name in ready))
        sorter.done(*ready)
    return tuple(ordered)


def cycle(tasks: Sequence[SqlTask]) -> tuple[str, ...]:
    """The names on a cycle, the first one repeated at the end (``a, b, a``: b waits for a, a for b); empty if none."""
    try:
        _sorter(tasks).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def _sorter(tasks: Sequence[SqlTask]) -> TopologicalSorter[str]:
    known = {task.name for task in tasks}
    return TopologicalSorter({task.name: [name for name in task.upstream if name in known] for task in tasks})
