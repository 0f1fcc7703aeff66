"""What a job will do, cost and come close to, before it is deployed: the data of ``elt-redshift plan``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from elt_redshift.asl import bounds
from elt_redshift.asl.compiler import is_crowded, lacking_in_parts
from elt_redshift.asl.machine import StateMachine
from elt_redshift.graph.layout import Arrangement, arrange
from elt_redshift.job.parts import Schedule
from elt_redshift.job.schedules import expression_of, starts_in
from elt_redshift.planning.critical_path import longest_path
from elt_redshift.planning.estimates import Estimates, Limit, Run, estimate, simulate
from elt_redshift.planning.picture import side_by_side
from elt_redshift.planning.risks import Risk, of_rates, risks
from elt_redshift.planning.scenario import Scenario
from elt_redshift.protocol.limits import MAX_ACTIVE_STATEMENTS, MAX_EVENTS

#: So many days of a schedule are counted together.
MONTH = 30


@dataclass(frozen=True)
class Plan:
    """One job, planned.

    :param layout: ``unrolled``, ``parts`` or ``map``.
    :param reason: why that one.
    :param edges: between tasks, as written.
    :param joins: edges that join branches; in the map layout, all that no others imply.
    :param least_joins: the fewest that branches could have.
    :param seconds: how long each task is taken to run.
    :param makespan: from the first task's start to the last one's end, in seconds; states that run no SQL take no time.
    :param critical_path: the tasks whose durations add up to the longest way through the job.
    :param critical_seconds: how long that is. No layout can be done sooner.
    :param arrangement: branches and joins, for a picture.
    :param parts: the names of the job's parts, which stand in it before their tasks.
    :param risks: the limits that a run comes over, for sure or perhaps.
    :param schedule: when EventBridge Scheduler starts runs, and how often in :data:`MONTH` days; None: it does not.
    """

    job_id: str
    name: str
    layout: str
    reason: str
    tasks: int
    edges: int
    joins: int
    least_joins: int
    estimates: Estimates
    seconds: Mapping[str, float]
    makespan: float
    critical_path: tuple[str, ...]
    critical_seconds: float
    arrangement: Arrangement
    risks: tuple[Risk, ...] = ()
    parts: tuple[str, ...] = ()
    schedule: tuple[str, float] | None = None

    @property
    def scheduled_cost(self) -> float:
        """What the scheduled runs of :data:`MONTH` days cost in US dollars, if they are typical."""
        return self.schedule[1] * self.estimates.typical.cost if self.schedule else 0.0

    @property
    def ratio(self) -> float:
        """Makespan over critical path; 1 is the least there can be."""
        return self.makespan / self.critical_seconds if self.critical_seconds else 1.0

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain JSON data; durations are in seconds, sizes in bytes, costs in US dollars."""
        plain = {
            name: getattr(self, name)
            for name in ("job_id", "name", "layout", "reason", "tasks", "edges", "joins", "least_joins")
        }
        known = self.estimates
        return plain | {
            "states": known.states,
            "runs": {name: _run(getattr(known, name)) for name in ("best", "typical", "worst")},
            "safe_statement_seconds": known.safe_seconds,
            "limits": [asdict(limit) | {"left": limit.left} for limit in known.limits],
            "makespan_seconds": self.makespan,
            "critical_path_seconds": self.critical_seconds,
            "ratio": self.ratio,
            "critical_path": list(self.critical_path),
            "task_seconds": dict(self.seconds),
            "schedule": self.schedule
            and {"when": self.schedule[0], "starts": self.schedule[1], "cost_usd": round(self.scheduled_cost, 6)},
            "risks": [{"problem": str(risk.problem), "sure": risk.sure} for risk in self.risks],
        }


def plan_job(machine: StateMachine, recorded: Mapping[str, float] | None = None, more: Iterable[Limit] = ()) -> Plan:
    """Plan a compiled job.

    :param recorded: how long tasks took, in seconds; the others take what is expected of them.
    :param more: limits of what is made of the definition.
    """
    job = machine.job
    seconds = {task.name: task.expected_seconds for task in job.tasks} | dict(recorded or {})
    graph = {task.name: task.upstream for task in job.tasks}
    typical = simulate(machine, Scenario(seconds))
    known = estimate(machine, typical)
    path = longest_path(graph, seconds)
    arrangement = _drawn(machine)
    joins = _joins(arrangement)
    if machine.job_file is not None:
        joins = sum(item["awaited"] for item in machine.job_file)
    return Plan(
        job_id=job.job_id,
        name=job.name,
        layout="parts" if machine.parts else "unrolled" if machine.job_file is None else "map",
        reason=_reason(machine),
        tasks=len(job.tasks),
        edges=sum(len(task.upstream) for task in job.tasks),
        joins=joins,
        least_joins=_joins(arrange(machine.graph, max_depth=len(graph) + 1)),
        estimates=replace(known, limits=(*known.limits, *more)),
        seconds=seconds,
        makespan=typical.makespan,
        critical_path=path,
        critical_seconds=sum(seconds[task] for task in path),
        arrangement=arrangement,
        parts=tuple(part.name for part in machine.parts),
        risks=(*risks(machine, recorded), *of_rates(job.name, typical)),
        schedule=_schedule(job.schedule),
    )


def _drawn(machine: StateMachine) -> Arrangement:
    if machine.parts:
        return side_by_side({part.name: part.arrangement for part in machine.parts})
    return machine.arrangement or arrange(machine.graph)  # the map layout needs none; it is drawn all the same


def _schedule(schedule: Schedule | None) -> tuple[str, float] | None:
    if schedule is None or not schedule.enabled:
        return None
    zone = f" {schedule.timezone}" if schedule.timezone else ""
    return f"{expression_of(schedule)}{zone}", starts_in(schedule, MONTH)


def _joins(*arrangements: Arrangement) -> int:
    return sum(len(ups) for arrangement in arrangements for ups in arrangement.joins.values())


def _run(run: Run) -> dict[str, Any]:
    return {"transitions": run.transitions, "events": run.events, "cost_usd": round(run.cost, 6)}


def _why_parts(machine: StateMachine) -> str:
    if machine.job.layout != "auto":
        return "the job says so"
    return f"its tasks have more states than one definition or history takes, and not more than {bounds.MAX_PARTS} such"


def _said_of(machine: StateMachine) -> str:
    """How a job is cut."""
    assert machine.cut
    sizes = [bounds.size(part.definition()) for part in machine.parts]
    tasks = [len(part.tasks) for part in machine.parts]
    return (
        f"{len(sizes)} parts of up to {max(tasks):,} tasks and {max(sizes):,} bytes, "
        f"{machine.cut.across:,} edges across"
    )


#: What makes large jobs fit.
_FOLLOWED = "statements of more than a minute have executions of their own"


def _reason(machine: StateMachine) -> str:
    job = machine.job
    if machine.cut:
        return f"{_why_parts(machine)}; {_said_of(machine)}"
    if job.layout != "auto":
        return f"the job says so; {_FOLLOWED}" if machine.follows else "the job says so"
    if machine.job_file is None:
        fits = f"it fits into one definition of at most {bounds.AUTO_DEFINITION:,} bytes, and into one history"
        return f"{fits}, since {_FOLLOWED}" if machine.follows else fits
    return f"{_why_not_unrolled(machine)}; {_why_no_parts(machine)}"


def _why_not_unrolled(machine: StateMachine) -> str:
    job = machine.job
    unrolled = f"unrolled, where {_FOLLOWED}," if machine.can_follow else "unrolled,"
    if (events := bounds.history_events(job, follows=machine.can_follow)) > MAX_EVENTS:
        return (
            f"{unrolled} its history would have {events:,} events, and may have {MAX_EVENTS:,}: {bounds.ASSUMPTION}; "
            "with `expected`, shorter timeouts or `wait: event` there are fewer"
        )
    return f"{unrolled} its definition would have more than {bounds.AUTO_DEFINITION:,} bytes"


def _why_no_parts(machine: StateMachine) -> str:
    if lacking := lacking_in_parts(machine.job):
        return f"and parts have no {', no '.join(f'`{key}`' for key in lacking)}"
    if is_crowded(machine.graph):
        return (
            f"and more than {MAX_ACTIVE_STATEMENTS} of its tasks could begin at once, which have turns in this layout"
        )
    return f"and in parts there would be more than {bounds.MAX_PARTS}, or one would be too large"
