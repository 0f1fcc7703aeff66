"""Order and cycles of a task graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from elt_redshift.job.parts import SqlTask


def in_order(tasks: Sequence[SqlTask]) -> tuple[SqlTask, ...]:
    """The tasks, each after those it waits for; otherwise in the order given.

    Edges to unknown tasks are ignored; tasks on a cycle are left out.
    """
    known = {task.name for task in tasks}
    done: dict[str, SqlTask] = {}
    waiting = list(tasks)
    while waiting:
        ready = [task for task in waiting if all(name in done for name in task.upstream if name in known)]
        if not ready:
            break
        done.update((task.name, task) for task in ready)
        waiting = [task for task in waiting if task.name not in done]
    return tuple(done.values())


def cycle(tasks: Sequence[SqlTask]) -> tuple[str, ...]:
    """The names on a cycle, the first one repeated at the end (``a, b, a``: b waits for a, a for b); empty if none."""
    ordered = {task.name for task in in_order(tasks)}
    stuck = {task.name: task for task in tasks if task.name not in ordered}
    return _walk_back(stuck) if stuck else ()


def _walk_back(stuck: Mapping[str, SqlTask]) -> tuple[str, ...]:
    """Every stuck task waits for another stuck one, so that walking upstream must come round."""
    path = [next(iter(stuck))]
    while True:
        upstream = next(name for name in stuck[path[-1]].upstream if name in stuck)
        if upstream in path:
            return tuple(reversed([*path[path.index(upstream) :], upstream]))
        path.append(upstream)
