"""What is known of a job before it runs: layout, cost, limits, and how long it is likely to take.

Everything is read from the compiled definition and from a simulated run of it (:mod:`simulation`) with the durations
that tasks are expected to take, or took in a recorded execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from elt_redshift.asl import lanes, limits
from elt_redshift.asl.compiler import StateMachine, choose_layout
from elt_redshift.asl.estimates import Estimates, Limit, Run, estimate, simulate
from elt_redshift.asl.layout import MAX_DEPTH, Layout, One, Series, Together, arrange
from elt_redshift.asl.order import Order
from elt_redshift.asl.simulation import Scenario
from elt_redshift.job.model import EltJob


@dataclass(frozen=True)
class PlannedTask:
    """A task in the expected run; times in seconds.

    :param source: where ``seconds`` comes from: ``expected`` by the job, ``recorded`` in an execution, or a ``guess``.
    :param lane: of the picture, from 0; each branch has its own.
    :param level: how many tasks the longest way to it passes.
    :param behind: the upstreams that it stands behind in its branch, or whose branches end before it.
    :param joins: the upstreams in other branches that it waits for.
    """

    name: str
    seconds: float
    source: str
    start: float
    end: float
    critical: bool
    lane: int
    level: int
    behind: tuple[str, ...]
    joins: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The plan of one job.

    :param layout: ``unrolled`` or ``map``; ``why`` tells what decided it.
    :param makespan: of the expected run, from the first submission to the end, in seconds; calls that run no SQL take
        no time in it.
    :param critical_path: the longest way through the job's own graph, in seconds; no run can be shorter.
    :param joins: how many upstreams are waited for by joins; ``fewest_joins``: the fewest that branches could have.
    """

    job: str
    layout: str
    why: str
    makespan: float
    critical_path: float
    joins: int
    fewest_joins: int
    estimates: Estimates
    tasks: tuple[PlannedTask, ...]

    @property
    def ratio(self) -> float:
        """Makespan over critical path; 1 means that no parallelism is lost."""
        return self.makespan / self.critical_path if self.critical_path else 1.0

    @property
    def critical_tasks(self) -> tuple[str, ...]:
        """The tasks of the critical path, in the order in which they run."""
        return tuple(task.name for task in sorted(self.tasks, key=lambda task: task.end) if task.critical)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data; the keys are documented in docs/plan.md."""
        estimates = self.estimates
        return {
            "job": self.job,
            "layout": {"chosen": self.layout, "why": self.why},
            "states": estimates.states,
            "runs": {name: _run(getattr(estimates, name)) for name in ("best", "typical", "worst")},
            "safe_seconds": estimates.safe_seconds,
            "limits": [asdict(limit) | {"left": limit.left} for limit in estimates.limits],
            "makespan_seconds": self.makespan,
            "critical_path_seconds": self.critical_path,
            "makespan_ratio": self.ratio,
            "critical_path": list(self.critical_tasks),
            "joins": {"used": self.joins, "fewest": self.fewest_joins},
            "tasks": [asdict(task) for task in self.tasks],
        }


def _run(run: Run) -> dict[str, Any]:
    return asdict(run) | {"usd": run.cost}


def make_plan(machine: StateMachine, recorded: Mapping[str, float] | None = None, more: Iterable[Limit] = ()) -> Plan:
    """The plan of a compiled job.

    :param recorded: how long tasks took in an execution, in seconds; the others are expected as the job says.
    :param more: limits of what is made of the definition.
    """
    job, recorded = machine.job, recorded or {}
    seconds = {task.name: recorded.get(task.name, task.expected_seconds) for task in job.tasks}
    run = simulate(machine, Scenario(seconds))
    estimates = estimate(machine, run)
    path = critical_path(job, seconds)
    graph, unrolled = lanes.graph_of(job), machine.job_file is None
    branches, order = arrange(graph), Order(graph)
    direct = {task: tuple(order.tasks[up] for up in order.direct[number]) for number, task in enumerate(order.tasks)}
    joins = branches.joins if unrolled else direct  # without branches, each upstream is waited for
    rows = dict(_lanes(branches.layout))
    return Plan(
        job=job.name,
        layout="unrolled" if unrolled else "map",
        why=_why(job),
        makespan=run.makespan,
        critical_path=sum(seconds[task] for task in path),
        joins=_count(joins),
        fewest_joins=_count(arrange(graph, len(graph) + 1 if unrolled else MAX_DEPTH).joins),
        estimates=replace(estimates, limits=(*estimates.limits, *more)),
        tasks=tuple(
            PlannedTask(
                name=task.name,
                seconds=seconds[task.name],
                source="recorded" if task.name in recorded else "expected" if task.expected else "guess",
                start=run.starts[task.name],
                end=run.ends[task.name],
                critical=task.name in path,
                lane=rows[task.name],
                level=order.level[number],
                behind=tuple(up for up in direct[task.name] if up not in joins.get(task.name, ())),
                joins=tuple(joins.get(task.name, ())),
            )
            for number, task in enumerate(job.tasks)
        ),
    )


def _lanes(layout: Layout, first: int = 0) -> Iterator[tuple[str, int]]:
    """The lane of each task: branches stand one below the other, the parts of a branch behind one another."""
    match layout:
        case One(task):
            yield task, first
        case Series(parts):
            for part in parts:
                yield from _lanes(part, first)
        case Together(parts):
            for part in parts:
                found = list(_lanes(part, first))
                yield from found
                first = max(lane for _, lane in found) + 1


def critical_path(job: EltJob, seconds: Mapping[str, float]) -> tuple[str, ...]:
    """The tasks of the longest way through the graph that the job's author wrote."""
    order = Order({task.name: task.upstream for task in job.tasks})
    length: dict[int, float] = {}
    before: dict[int, int | None] = {}
    for task in order.topological:
        before[task] = max(order.direct[task], key=lambda up: length[up], default=None)
        up = before[task]
        length[task] = seconds[order.tasks[task]] + (length[up] if up is not None else 0.0)
    path: list[str] = []
    last: int | None = max(length, key=lambda task: length[task])
    while last is not None:
        path.append(order.tasks[last])
        last = before[last]
    return tuple(reversed(path))


def _count(joins: Mapping[str, tuple[str, ...]]) -> int:
    return sum(len(ups) for ups in joins.values())


def _why(job: EltJob) -> str:
    """What decided the layout."""
    if job.layout != "auto":
        return f"the job says layout: {job.layout}"
    if job.on_task_failure == "finish_independent":
        return "on_task_failure: finish_independent needs the unrolled layout"
    if choose_layout(job) == "unrolled":
        return "every task with its own states fits the limits of Step Functions"
    if (events := limits.history_events(job)) > limits.MAX_EVENTS:
        return f"unrolled, a run could have {events:,} history events, more than {limits.MAX_EVENTS:,}"
    return f"unrolled, its definition would be larger than {limits.AUTO_DEFINITION:,} bytes"
