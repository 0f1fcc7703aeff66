"""Cuts a large job into parts that keep within the limits of Step Functions, each for itself."""

from __future__ import annotations

from elt_redshift.asl import assembly, bounds
from elt_redshift.asl.bounds import AUTO_DEFINITION, followed_events, size
from elt_redshift.asl.fingerprints import Fingerprints
from elt_redshift.asl.language.names import StateName
from elt_redshift.asl.language.states import Flow, Parallel
from elt_redshift.asl.patterns.part import PartMachine
from elt_redshift.asl.patterns.settling import Settling
from elt_redshift.asl.target import Target
from elt_redshift.graph import pacing
from elt_redshift.graph.lanes import Graph
from elt_redshift.graph.parts import Cut, cut
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.limits import MAX_EVENTS, MAX_SUBMISSIONS

#: A part is cut to this share of what a definition and a history may have: its Parallel states take some, too.
_SHARE = 0.97

#: The states of a task differ a little by where it stands, so a part may turn out too large: then all become smaller.
_TRIES, _SMALLER = 6, 0.93

#: Events of a part's history for each task that is told of an end, at most.
_TOLD_EVENTS = 13


def cut_job(job: EltJob, graph: Graph, prints: Fingerprints, settling: Settling | None) -> Cut:
    """The parts of a job. A task that is too large for any is a part of its own, which :mod:`.bounds` refuses."""
    weights = _weights(job, graph, prints, settling)
    share = _SHARE
    for _ in range(_TRIES):
        found = cut(graph, weights, share)
        _, machines = assembly.in_parts(job, prints, found, settling, Target(), interval(graph))
        if all(fits(machine) or len(machine.tasks) == 1 for machine in machines):
            break
        share *= _SMALLER
    return found


def fits(machine: PartMachine) -> bool:
    """Whether the definition of a part is small enough."""
    return size(machine.definition()) <= AUTO_DEFINITION


def interval(graph: Graph) -> int:
    """Within how many seconds a submission that was throttled is made again."""
    return pacing.interval(pacing.widest(graph), MAX_SUBMISSIONS)


def _weights(job: EltJob, graph: Graph, prints: Fingerprints, settling: Settling | None) -> dict[str, float]:
    """Which share of a part each task takes, of its definition or of its history: as of one that had all tasks."""
    whole = cut(graph, dict.fromkeys(graph, 0.0), 1.0)
    _, (machine,) = assembly.in_parts(job, prints, whole, settling, Target(), interval(graph))
    sizes = dict.fromkeys(graph, 0)
    _measure(machine.flow, sizes)
    seconds = bounds.assumed_seconds(job)
    each = bounds.SETTLING_EVENTS if settling else 0
    return {
        task: max(
            sizes[task] / AUTO_DEFINITION,
            (followed_events(seconds[task]) + each + _TOLD_EVENTS * len(whole.told.get(task, ()))) / MAX_EVENTS,
        )
        for task in graph
    }


def _measure(flow: Flow, sizes: dict[str, int]) -> None:
    for state in flow.states:
        if isinstance(state, Parallel):
            for branch in state.branches:
                _measure(branch, sizes)
        elif isinstance(state.name, StateName):
            sizes[state.name.task] += size({state.name: state.render()})
