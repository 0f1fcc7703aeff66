"""Whether a job's schedule starts runs faster than they end, and what then becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from elt_redshift.asl import bounds
from elt_redshift.asl.machine import StateMachine
from elt_redshift.exceptions import Problem
from elt_redshift.job.parts import WhenLocked
from elt_redshift.job.schedules import expression_of, shortest_gap
from elt_redshift.job.written import duration
from elt_redshift.planning.critical_path import longest_path

_FATE: Mapping[WhenLocked, str] = {
    "skip": "those that meet a running one are skipped (`when_locked: skip`)",
    "fail": "those that meet a running one fail (`when_locked: fail`)",
    "wait": "they queue, and the queue grows without end (`when_locked: wait`)",
}


def problems(machine: StateMachine, recorded: Mapping[str, float] | None = None) -> Iterator[Problem]:
    """What may not be meant about the schedule, if there is one.

    :param recorded: how long tasks took, in seconds. Tasks of which nothing is known take no time.
    """
    job = machine.job
    if job.schedule is None or not job.schedule.enabled:
        return
    place, when = f"job {job.name}: schedule", expression_of(job.schedule)
    seconds = bounds.expected_seconds(job, recorded)
    expected = sum(seconds[task] for task in longest_path(machine.graph, seconds))
    if (gap := shortest_gap(job.schedule).total_seconds()) < expected:
        said = (
            f"A run is expected to take {duration(expected)}, and {when} starts one after {duration(gap)}: "
            f"{_FATE[job.lock.when_locked]}."
        )
        yield Problem(place, said, "Start it less often, if that is not meant.")
    if job.lock.holds and job.lock.meeting_a_failure == "wait":
        said = (
            f"After a failure, the runs that {when} starts wait until somebody lets the failed one go on, all of them."
        )
        yield Problem(place, said, "With `when_held: fail` or `skip` they end; or let a failed run free its lock.")
