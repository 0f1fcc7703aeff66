"""How much longer a job with ``max_active_statements`` takes on lanes than by a queue.

    python benchmarks/lanes.py [--graphs 240] [--seed 1]

The graphs of ``makespan.py`` with lognormal durations. The queue starts the task with the longest way before it
whenever fewer statements than the cap are active; it would need somebody who watches the run. Lanes are fixed when the
job is compiled, all tasks being taken for equally long, or with the durations known.
"""

from __future__ import annotations

import argparse
import math
import sys
from heapq import heapify, heappop, heappush
from random import Random
from statistics import median

from makespan import KINDS, Graph, Seconds, critical_path

from elt_redshift.graph.lanes import limit
from elt_redshift.graph.order import Order


def queue(graph: Graph, seconds: Seconds, cap: int) -> float:
    """The makespan when the next task starts as soon as it may."""
    order = Order(graph)
    downs: list[list[int]] = [[] for _ in order.tasks]
    for task, ups in enumerate(order.direct):
        for up in ups:
            downs[up].append(task)
    rank = [0.0] * len(order.tasks)
    for task in reversed(order.topological):
        rank[task] = min((rank[down] for down in downs[task]), default=0.0) - seconds[order.tasks[task]]
    missing = [len(ups) for ups in order.direct]
    ready = [(rank[task], task) for task, ups in enumerate(missing) if not ups]
    heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < cap:
            task = heappop(ready)[1]
            heappush(running, (now + seconds[order.tasks[task]], task))
        now, ended = heappop(running)
        for down in downs[ended]:
            missing[down] -= 1
            if not missing[down]:
                heappush(ready, (rank[down], down))
    return now


def on_lanes(graph: Graph, seconds: Seconds, cap: int, known: bool) -> float:
    """The makespan on lanes."""
    limited = limit(graph, cap, seconds if known else None)
    return critical_path({task: list(ups) for task, ups in limited.items()}, seconds)


def main() -> None:
    """Print, for each cap, makespan on lanes / makespan by the queue: the median and the worst."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--graphs", type=int, default=240)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    sys.stdout.write(f"makespan on lanes / by a queue, {given.graphs} graphs: median (worst)\n")
    sys.stdout.write(f"{'cap':>4}{'equal durations':>20}{'known durations':>20}\n")
    for cap in (2, 4, 8):
        rng = Random(given.seed)  # noqa: S311  # the same graphs each time is what is wanted
        ratios: dict[bool, list[float]] = {False: [], True: []}
        for number in range(given.graphs):
            graph = KINDS[number % len(KINDS)](rng)
            seconds = {task: rng.lognormvariate(math.log(30), 1.0) for task in graph}
            shortest = queue(graph, seconds, cap)
            for known, cells in ratios.items():
                cells.append(on_lanes(graph, seconds, cap, known) / shortest)
        columns = "".join(f"{median(cells):12.3f} ({max(cells):.3f})" for cells in ratios.values())
        sys.stdout.write(f"{cap:4}{columns}\n")


if __name__ == "__main__":
    main()
