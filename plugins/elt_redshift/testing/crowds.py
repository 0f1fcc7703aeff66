"""What becomes of a job whose tasks are too many for the Data API's quotas: how long it takes, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappush, heappushpop

from elt_redshift.job.model import EltJob
from elt_redshift.protocol import executions, statements
from elt_redshift.testing.network import Faults
from elt_redshift.testing.quotas import Quotas
from elt_redshift.testing.redshift_data import Behaviour
from elt_redshift.testing.subject import Subject, Version
from elt_redshift.testing.world import World

#: A run that takes longer has got stuck, in seconds.
_LONGEST = 10 * 86_400.0


@dataclass(frozen=True)
class Crowd:
    """One run.

    :param succeeded: all tasks have.
    :param twice: the statements that were submitted more than once.
    :param makespan: seconds from start to end.
    :param transitions: billed ones, of all executions.
    :param waited: how many tasks waited for their turns, or had a submission refused.
    :param refused: how many calls were refused, by action; ``active`` are those by too many active statements.
    """

    succeeded: bool
    twice: tuple[str, ...]
    makespan: float
    transitions: int
    waited: int
    refused: Counter[str]


def run(job: EltJob, seconds: Callable[[str], float], quotas: Callable[[World], Quotas] | None = None) -> Crowd:
    """Simulate a run of a job's compiled definition in which nothing fails.

    :param seconds: how long the statement of a task takes.
    :param quotas: of the account; default: AWS's.
    """
    version = Version(job)
    world = World(Subject(job.name, (version,)), 1, lambda name, _: Behaviour(seconds(_task(name))), Faults(), 86_400.0)
    world.lost_events = 1.0
    world.data.quotas = quotas(world) if quotas else Quotas.of_aws(world.clock)
    ran = world.step_functions.start("run", {})
    world.clock.run_while(lambda: ran.running, ran.started + _LONGEST)
    submitted = Counter(one.name for one in world.data.statements.values())
    turns = {item["name"] for item in version.machine.job_file or () if item.get("start")}
    refused = {_task(name) for name in world.data.quotas.refused}
    return Crowd(
        succeeded=ran.status == executions.SUCCEEDED and len(submitted) == len(job.tasks),
        twice=tuple(name for name, times in submitted.items() if times > 1),
        makespan=(ran.ended or world.clock.now) - ran.started,
        transitions=sum(one.entered + one.retried + (one is not ran) for one in world.runs.values()),
        waited=len(turns | refused),
        refused=world.data.quotas.throttled,
    )


def least(seconds: Sequence[float], rate: float, active: float) -> float:
    """The least time that tasks without upstreams take one after the other at a rate, with so many active at most."""
    ends: list[float] = []
    for place, each in enumerate(seconds):
        start = place / rate
        if len(ends) < active:
            heappush(ends, start + each)
        else:
            free = ends[0]
            heappushpop(ends, max(start, free) + each)
    return max(ends)


def _task(statement: str) -> str:
    return statement.split(statements.SLASH)[2]
