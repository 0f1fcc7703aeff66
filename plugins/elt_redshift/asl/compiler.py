"""From a job to its state machine, in four passes: :data:`PASSES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from elt_redshift.asl import assembly, bounds, cutting, fingerprints, functions, jobfile
from elt_redshift.asl.fingerprints import Fingerprints
from elt_redshift.asl.machine import StateMachine, can_follow
from elt_redshift.asl.patterns import abroad
from elt_redshift.asl.patterns.part import PartMachine
from elt_redshift.asl.patterns.settling import Settling
from elt_redshift.asl.target import Target
from elt_redshift.exceptions import JobError, Problem
from elt_redshift.graph import layout, pacing
from elt_redshift.graph.lanes import Graph
from elt_redshift.graph.layout import Arrangement
from elt_redshift.graph.of_job import ends_of, graph_of
from elt_redshift.graph.parts import Cut
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.limits import MAX_ACTIVE_STATEMENTS, MAX_SUBMISSIONS


@dataclass(frozen=True)
class Reading:
    """A valid job.

    :param graph: what each task waits for: its upstreams, and what ``max_active_statements`` puts before it.
    :param prints: the tasks' fingerprints.
    """

    job: EltJob
    graph: Mapping[str, tuple[str, ...]]
    prints: Fingerprints


@dataclass(frozen=True)
class Arranged:
    """A job whose tasks have their places, wherever it will run.

    :param arrangement: of the unrolled layout; None: the map layout, which needs none.
    :param settling: what counts as settled, where a run goes on after a failure.
    :param measured: the state machine with placeholders, where it had to be made to be measured.
    :param follows: whether tasks have their statements followed by executions of their own.
    :param cut: into parts, each of which has tasks that are followed.
    """

    reading: Reading
    arrangement: Arrangement | None = None
    settling: Settling | None = None
    measured: StateMachine | None = None
    follows: bool = False
    cut: Cut | None = None


def read(job: EltJob) -> Reading:
    """All that counts of the job.

    :raises JobError: it is not valid.
    """
    job.validate()
    return Reading(job, graph_of(job), fingerprints.of_job(job))


def arrange(reading: Reading) -> Arranged:
    """The layout that the job names; or the first of these that fits every limit, with placeholders: unrolled, unrolled
    with statements that are followed by executions of their own, in parts, the map layout.
    """
    job = reading.job
    if job.layout == "map":
        return Arranged(reading)
    if job.layout == "parts":
        return in_parts(reading)
    for follows in (False, True) if can_follow(job) else (False,):
        if not bounds.over(job, follows) and (fitting := _measured(_unrolled(reading, follows))):
            return fitting
    if job.layout == "unrolled":
        return _unrolled(reading, can_follow(job))
    return _few_parts(reading) or Arranged(reading)


def _few_parts(reading: Reading) -> Arranged | None:
    """In parts; None: it has too many, one that is too large, or asks for what parts do not do, turns among it.

    What is larger still is told from it at little cost.
    """
    job = reading.job
    if lacking_in_parts(job) or is_crowded(reading.graph) or bounds.over(job, True, bounds.MAX_PARTS):
        return None
    weights = cutting.weights(job, reading.graph, reading.prints, _settling(reading))
    if cutting.parts_of(weights) > bounds.MAX_PARTS or max(weights.values()) > 1:
        return None
    arranged = _cut(reading, weights)
    assert arranged.measured
    parts = arranged.measured.parts
    return arranged if len(parts) <= bounds.MAX_PARTS and all(map(cutting.fits, parts)) else None


def in_parts(reading: Reading) -> Arranged:
    """The layout for what is too large for one state machine.

    :raises JobError: the job asks for what parts do not do.
    """
    job = reading.job
    if lacking := lacking_in_parts(job):
        remedy = "Leave it out; or leave out `layout: parts`, so that another layout is chosen, which has it."
        place = f"job {job.name}: layout"
        raise JobError([Problem(place, f"jobs in parts have no `{key}`.", remedy) for key in lacking])
    return _cut(reading, cutting.weights(job, reading.graph, reading.prints, _settling(reading)))


def _cut(reading: Reading, weights: cutting.Weights) -> Arranged:
    settling = _settling(reading)
    made, machines = cutting.cut_job(reading.job, reading.graph, reading.prints, settling, weights)
    arranged = Arranged(reading, _arrangement(reading), settling, follows=True, cut=made)
    return replace(arranged, measured=_of_parts(arranged, machines, Target()))


def is_crowded(graph: Graph) -> bool:
    """Whether so many tasks could begin at once that they had better have turns, as in the map layout: more than a
    warehouse takes."""
    return sum(not upstream for upstream in graph.values()) > MAX_ACTIVE_STATEMENTS


def lacking_in_parts(job: EltJob) -> list[str]:
    """What the job asks for that parts do not do."""
    return ["runtime: lambda"] if job.uses_functions else []


def _unrolled(reading: Reading, follows: bool) -> Arranged:
    return Arranged(reading, _arrangement(reading), _settling(reading), follows=follows)


def _arrangement(reading: Reading) -> Arrangement:
    return layout.arrange(reading.graph, ends=ends_of(reading.job, reading.graph))


def _settling(reading: Reading) -> Settling | None:
    return Settling.of(reading.graph) if reading.job.settles else None


def _measured(arranged: Arranged) -> Arranged | None:
    """The same with its machine; None: that is too large to be chosen."""
    machine = assemble(arranged, Target())
    return replace(arranged, measured=machine) if machine.size <= bounds.AUTO_DEFINITION else None


def assemble(arranged: Arranged, target: Target) -> StateMachine:
    """The states."""
    job, graph, prints = arranged.reading.job, arranged.reading.graph, arranged.reading.prints
    if arranged.measured and target == Target():
        return arranged.measured
    if arranged.cut:
        parts = assembly.parts(job, prints, arranged.cut, arranged.settling, target, cutting.interval(graph))
        return _of_parts(arranged, parts, target)
    if arranged.arrangement is None:
        items = jobfile.items(job, graph, prints)
        flow = assembly.mapped(job, target, jobfile.pacing_of(job, items))
        return _for_target(StateMachine(job, target, flow, graph, job_file=items))
    interval = pacing.interval(pacing.widest(graph), MAX_SUBMISSIONS)
    flow = assembly.unrolled(job, prints, arranged.arrangement, arranged.settling, target, interval, arranged.follows)
    machine = StateMachine(
        job, target, flow, graph, arranged.arrangement, job.waits_for_events, follows=arranged.follows
    )
    return _for_target(machine)


def _of_parts(arranged: Arranged, parts: tuple[PartMachine, ...], target: Target) -> StateMachine:
    of = arranged.reading
    flow = assembly.of_parts(of.job, of.prints, parts, target)
    machine = StateMachine(
        of.job,
        target,
        flow,
        of.graph,
        arranged.arrangement,
        of.job.waits_for_events,
        follows=True,
        parts=parts,
        cut=arranged.cut,
    )
    return _for_target(machine)


def _for_target(machine: StateMachine) -> StateMachine:
    """With others between the states and the services: a role of another account, or functions."""
    job, flow, target = machine.job, machine.flow, machine.target
    if job.uses_functions or job.audit_in_redshift:
        return replace(machine, flow=functions.Invoking(job).flow(flow), functions=functions.needs(job, flow))
    if not target.other_account:
        return machine
    parts = tuple(part.made_as(target.warehouse_role) for part in machine.parts)
    return replace(machine, flow=abroad.as_role(flow, target.warehouse_role), parts=parts)


def check(machine: StateMachine) -> StateMachine:
    """The machine as it is.

    :raises JobError: it is over a limit of Step Functions, or waits for what its account does not hear.
    """
    job = machine.job
    if machine.target.other_account and (unheard := [*abroad.problems(job)]):
        raise JobError(unheard)
    if problems := [*bounds.check_definition(job, machine.size), *bounds.check_items(job, machine.job_file)]:
        raise JobError(problems)
    return machine


class Passes(NamedTuple):
    """The passes, each given what the one before it has made. Only from ``assemble`` on does the target count."""

    read: Callable[[EltJob], Reading]
    arrange: Callable[[Reading], Arranged]
    assemble: Callable[[Arranged, Target], StateMachine]
    check: Callable[[StateMachine], StateMachine]


PASSES = Passes(read, arrange, assemble, check)


def compile_job(job: EltJob, target: Target | None = None) -> StateMachine:
    """Compile ``job`` for ``target`` (default: placeholders such as ``${DatabaseName}``).

    :raises JobError: the job is not valid, or the result is over a limit of Step Functions.
    """
    arranged = PASSES.arrange(PASSES.read(job))
    return PASSES.check(PASSES.assemble(arranged, target or Target()))
