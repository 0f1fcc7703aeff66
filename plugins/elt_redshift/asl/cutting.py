"""Cuts a large job into parts that keep within the limits of Step Functions, each for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elt_redshift.asl import assembly, bounds
from elt_redshift.asl.bounds import AUTO_DEFINITION, followed_events, size, text
from elt_redshift.asl.fingerprints import Fingerprints
from elt_redshift.asl.language.jsonata import literal
from elt_redshift.asl.language.names import StateName
from elt_redshift.asl.language.states import State
from elt_redshift.asl.patterns.following import SHORT
from elt_redshift.asl.patterns.part import PartMachine
from elt_redshift.asl.patterns.settling import Settling
from elt_redshift.asl.sharing import MANY
from elt_redshift.asl.target import Target
from elt_redshift.graph import pacing
from elt_redshift.graph.lanes import Graph
from elt_redshift.graph.of_job import ends_of
from elt_redshift.graph.parts import Cut, cut
from elt_redshift.job.model import EltJob, SqlTask
from elt_redshift.protocol.limits import MAX_EVENTS, MAX_SUBMISSIONS

#: A part is cut to this share of what a definition and a history may have: its Parallel states take some, too.
_SHARE = 0.97

#: The states of a task differ a little by where it stands, so a part may turn out too large: then all become smaller.
_TRIES, _SMALLER = 6, 0.93

#: What the states of a task depend on, beside its SQL, its name, its joins and how long it is expected to take.
_COUNTS = ("transaction", "wait", "retry_rule", "timeout")

Weights = Mapping[str, float]

#: Events of a part's history for each task that is told of an end, at most.
_TOLD_EVENTS = 13


def cut_job(
    job: EltJob, graph: Graph, prints: Fingerprints, settling: Settling | None, weights: Weights
) -> tuple[Cut, tuple[PartMachine, ...]]:
    """The parts of a job, and their machines with placeholders. A task that is too large for any is a part of its own,
    which :mod:`.bounds` refuses.

    :param weights: of :func:`weights`.
    """
    share, ends = _SHARE, ends_of(job, graph)
    for _ in range(_TRIES):
        found = cut(graph, weights, share, ends)
        machines = assembly.parts(job, prints, found, settling, Target(), interval(graph))
        if all(fits(machine) or len(machine.tasks) == 1 for machine in machines):
            break
        share *= _SMALLER
    return found, machines


def fits(machine: PartMachine) -> bool:
    """Whether the definition of a part is small enough."""
    return size(machine.definition()) <= AUTO_DEFINITION


def interval(graph: Graph) -> int:
    """Within how many seconds a submission that was throttled is made again."""
    return pacing.interval(pacing.widest(graph), MAX_SUBMISSIONS)


def weights(job: EltJob, graph: Graph, prints: Fingerprints, settling: Settling | None) -> Weights:
    """Which share of a part each task takes, of its definition or of its history; together, about how many parts.

    Tasks of one kind have states of the same size, but for their SQL and their names. So the states of a few of each
    kind are made, for a small part of what the states of all cost: as many as share what they have in common.
    """
    whole = cut(graph, dict.fromkeys(graph, 0.0), 1.0, ends_of(job, graph))
    kinds: dict[Any, list[SqlTask]] = {}
    for task in job.tasks:
        kinds.setdefault(_kind(task, whole, settling), []).append(task)
    some = [task.name for of in kinds.values() for task in of[:MANY]]
    states = _states(assembly.some(job, prints, whole, settling, some, interval(graph)))
    seconds = bounds.assumed_seconds(job)
    each = bounds.SETTLING_EVENTS if settling else 0
    found = {}
    for first, *others in kinds.values():
        times = states[first.name].count(first.name)
        besides = len(states[first.name].encode()) - _own(first, times)
        for task in (first, *others):
            told = _TOLD_EVENTS * len(whole.told.get(task.name, ()))
            events = followed_events(seconds[task.name]) + each + told
            found[task.name] = max((besides + _own(task, times)) / AUTO_DEFINITION, events / MAX_EVENTS)
    return found


def parts_of(weights: Weights) -> float:
    """About how many parts are needed."""
    return sum(weights.values()) / _SHARE


def _kind(task: SqlTask, whole: Cut, settling: Settling | None) -> Any:
    told = whole.told.get(task.name, {})  # conditions name all that each of them awaits
    joins = len(told), sum(told.values()), len(whole.parts[0].arrangement.joins.get(task.name, ()))
    short = task.expected is not None and task.expected <= SHORT
    held_back = settling is not None and task.name in settling.numbers
    return (*joins, held_back, short, len(task.statements), task.parameters, *(getattr(task, name) for name in _COUNTS))


def _own(task: SqlTask, times: int) -> int:
    """The bytes of its SQL and of its name, which is there so many times."""
    return sum(size(literal(one.text)) for one in task.statements) + times * len(task.name.encode())


def _states(states: Iterable[State]) -> dict[str, str]:
    """The states of each task, as JSON."""
    found: dict[str, str] = {}
    for state in states:
        if isinstance(state.name, StateName):
            found[state.name.task] = found.get(state.name.task, "") + text({state.name: state.render()})
    return found
