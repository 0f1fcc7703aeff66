"""What will break a limit of Step Functions when the job runs, or may: the history of a run that takes long. And what
may be meant otherwise: a schedule that starts runs faster than they end (:mod:`.pace`).

``check`` warns of it, ``deploy`` refuses what is sure to break, and ``plan`` shows the same numbers. Most jobs are told
apart by a bound that costs nothing; only for the others the definition is walked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elt_redshift.asl import bounds
from elt_redshift.asl.machine import StateMachine
from elt_redshift.exceptions import JobError, Problem
from elt_redshift.planning import pace
from elt_redshift.planning.estimates import simulate
from elt_redshift.planning.scenario import Scenario
from elt_redshift.planning.simulation import Simulation
from elt_redshift.protocol.limits import MAX_ACTIVE_STATEMENTS, MAX_EVENTS, MAX_SUBMISSIONS

_REMEDY = "Choose `layout: map` or `wait: event`, give shorter timeouts, or split the job."


@dataclass(frozen=True)
class Risk:
    """A limit that a run comes over, or something else that may not be meant.

    :param sure: it does when each task takes as long as is expected, and those of which nothing is expected no time.
    """

    problem: Problem
    sure: bool


def risks(machine: StateMachine, recorded: Mapping[str, float] | None = None) -> list[Risk]:
    """What a run will or may break, and what becomes of runs that the schedule starts.

    :param recorded: how long tasks took, in seconds; it counts where nothing is expected of a task.
    """
    return [
        *_of_history(machine, recorded),
        *(Risk(problem, sure=False) for problem in pace.problems(machine, recorded)),
    ]


def of_rates(name: str, typical: Simulation) -> list[Risk]:
    """What a run does faster, or has more of at a time, than the Data API takes. No task fails by that: what is
    throttled is submitted again, later. Tasks that have their turns (:mod:`elt_redshift.asl.jobfile`) keep below.

    :param name: the job's.
    :param typical: a run with the expected durations.
    """
    place = f"job {name}"
    found = []
    if typical.burst > MAX_SUBMISSIONS:
        said = (
            f"{typical.burst:,} statements are submitted within a second, of {MAX_SUBMISSIONS} that the Data API takes "
            "from an account and region: the others are throttled, and submitted again."
        )
        found.append(Problem(place, said, f"max_active_statements: {MAX_SUBMISSIONS} spares the billed retries."))
    if typical.peak > MAX_ACTIVE_STATEMENTS:
        said = f"{typical.peak:,} statements are active at a time, of {MAX_ACTIVE_STATEMENTS} that the Data API takes."
        remedy = "Say what is `expected` of the tasks (`plan --record`): in the map layout they then have their turns; "
        found.append(Problem(place, said, f"{remedy}or give max_active_statements."))
    return [Risk(problem, sure=False) for problem in found]


def _of_history(machine: StateMachine, recorded: Mapping[str, float] | None) -> list[Risk]:
    mapped = machine.job_file is not None
    if not machine.parts and bounds.longest_history(machine.job, mapped, recorded, machine.follows) <= MAX_EVENTS:
        return []
    place = f"job {machine.job.name}"
    if (events := _events(machine, bounds.expected_seconds(machine.job, recorded), joins="never")) > MAX_EVENTS:
        said = f"its history has {events:,} events when its tasks take as long as is expected, of {MAX_EVENTS:,}."
        return [Risk(Problem(place, said, _REMEDY), sure=True)]
    if (events := _events(machine, bounds.assumed_seconds(machine.job, recorded), joins="always")) > MAX_EVENTS:
        said = f"its history may have {events:,} events, of {MAX_EVENTS:,}: {bounds.ASSUMPTION}."
        return [Risk(Problem(place, said, _REMEDY), sure=False)]
    return []


def warnings(machine: StateMachine) -> list[str]:
    """What may break, in words.

    :raises JobError: something is sure to.
    """
    found = risks(machine)
    if sure := [risk.problem for risk in found if risk.sure]:
        raise JobError(sure)
    return [str(risk.problem) for risk in found]


def _events(machine: StateMachine, seconds: Mapping[str, float], joins: str) -> int:
    return simulate(machine, Scenario(seconds, joins=joins)).events  # type: ignore[arg-type]
