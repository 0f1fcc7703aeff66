"""From an arranged job to states, which stand one behind the other between the lock's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any

from elt_redshift.asl import fingerprints, sharing
from elt_redshift.asl.fingerprints import Fingerprints
from elt_redshift.asl.language import names
from elt_redshift.asl.language.names import Step
from elt_redshift.asl.language.states import Flow, Parallel, State
from elt_redshift.asl.patterns import joins, passing, reporting
from elt_redshift.asl.patterns.announcing import AnnouncePattern
from elt_redshift.asl.patterns.distributed import Pacing, TasksPattern
from elt_redshift.asl.patterns.event import EventPattern
from elt_redshift.asl.patterns.followed_event import FollowedEventPattern, HeldBackEventPattern
from elt_redshift.asl.patterns.following import FollowedPattern
from elt_redshift.asl.patterns.held_back import HeldBackPattern
from elt_redshift.asl.patterns.joins import WaitPattern
from elt_redshift.asl.patterns.lock import LockPattern
from elt_redshift.asl.patterns.part import PartMachine
from elt_redshift.asl.patterns.part_task import PartTask
from elt_redshift.asl.patterns.running_parts import RunPartsPattern
from elt_redshift.asl.patterns.settling import SettlePattern, Settling
from elt_redshift.asl.patterns.source import OneTask
from elt_redshift.asl.patterns.statement import StatementPattern
from elt_redshift.asl.target import Target
from elt_redshift.graph.layout import Arrangement, Nesting, One, Series, Together, tasks_of
from elt_redshift.graph.parts import Cut, GraphPart
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.joins import Seat
from elt_redshift.protocol.limits import MAX_NAME


def unrolled(
    job: EltJob,
    prints: Fingerprints,
    arrangement: Arrangement,
    settling: Settling | None,
    target: Target,
    interval: int,
    follows: bool = False,
) -> Flow:
    """Every task has states of its own.

    :param settling: None: a task that fails fails the run at once.
    :param interval: within how many seconds a submission that was throttled is made again.
    :param follows: whether its statement is followed by an execution of its own (:mod:`.patterns.following`).
    """
    return _Assembly(job, prints, arrangement, settling, target, interval, follows).machine()


def parts(
    job: EltJob, prints: Fingerprints, cut: Cut, settling: Settling | None, target: Target, interval: int
) -> tuple[PartMachine, ...]:
    """The parts of a job, in which every task has states of its own.

    :param settling: of all parts together; None: a task that fails fails the run at once.
    :param interval: within how many seconds a submission that was throttled is made again.
    """
    machines = []
    for number, part in enumerate(cut.parts, 1):
        work, same = sharing.shared(_in_part(job, prints, cut, part, settling, target, interval).work(None))
        machines.append(PartMachine(job.name, number, part.arrangement, tuple(work), same))
    return tuple(machines)


def some(
    job: EltJob, prints: Fingerprints, cut: Cut, settling: Settling | None, tasks: Iterable[str], interval: int
) -> list[State]:
    """The states that some tasks of the first part have at the ends of their branches, with placeholders."""
    assembled = _in_part(job, prints, cut, cut.parts[0], settling, Target(), interval)
    work, _ = sharing.shared(state for task in tasks for state in assembled.one(task, None))
    return work


def _in_part(
    job: EltJob,
    prints: Fingerprints,
    cut: Cut,
    part: GraphPart,
    settling: Settling | None,
    target: Target,
    interval: int,
) -> _Assembly:
    arranged = _Assembly(job, prints, part.arrangement, settling, target, interval, follows=True)
    awaited = {task: ups for one in cut.parts for task, ups in one.arrangement.joins.items()}
    arranged.source, arranged.told = PartTask, seats(awaited)
    return arranged


def of_parts(job: EltJob, prints: Fingerprints, machines: Sequence[PartMachine], target: Target) -> Flow:
    """The states of a run whose tasks are in parts."""
    run = RunPartsPattern(job, machines, target, names.RELEASE).state()
    lock = LockPattern(
        job, target, run.name, joins.variables(), comment=fingerprints.comment(prints), parts=len(machines)
    )
    return Flow((*lock.before(), run, *lock.behind()))


def mapped(job: EltJob, target: Target, pacing: Pacing) -> Flow:
    """Every task has a child execution of its own."""
    work = TasksPattern(job, target, names.RELEASE, pacing).state()
    lock = LockPattern(job, target, work.name, joins.variables(), reporting.input_of_run(target))
    return Flow((*lock.before(), work, *lock.behind()))


def seats(awaited: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Seat]]:
    """For each task, those that it tells of its end, and its place among those that each awaits.

    :param awaited: for each task that waits, its upstreams in other branches.
    """
    told: dict[str, dict[str, Seat]] = {}
    for waiter, ups in awaited.items():
        for number, up in enumerate(ups):
            told.setdefault(up, {})[waiter] = Seat(number, len(ups))
    return told


class _Assembly:
    """Walks a layout from its end to its start, so that every state knows the name of the one behind it."""

    def __init__(
        self,
        job: EltJob,
        prints: Fingerprints,
        arrangement: Arrangement,
        settling: Settling | None,
        target: Target,
        interval: int,
        follows: bool,
    ) -> None:
        self.job, self.prints, self.target, self.settling = job, prints, target, settling
        self.interval, self.follows = interval, follows
        self.long_polling = FollowedPattern if follows else StatementPattern
        self.layout, self.awaited = arrangement.layout, arrangement.joins
        self.told = seats(self.awaited)
        self.source: type[OneTask] = OneTask
        self.tasks = {task.name: task for task in job.tasks}
        self.parallels = count(1)

    def machine(self) -> Flow:
        work = self.work(names.RELEASE)
        stores = self.awaited or (self.settling and self.settling.numbers)
        variables: dict[str, Any] = {**joins.variables()} if stores else {}
        if self.follows:
            work, same = sharing.shared(work)
            variables |= same
        comment = fingerprints.comment(self.prints)
        lock = LockPattern(self.job, self.target, first=work[0].name, variables=variables, comment=comment)
        return Flow((*lock.before(), *work, *lock.behind()))

    def work(self, following: str | None) -> list[State]:
        """The states of all tasks; ``following`` is the state behind them, None: there is none."""
        return self._part(self.layout, following)

    def _part(self, layout: Nesting, following: str | None) -> list[State]:
        """The states of ``layout``; ``following`` is the state behind it, None at the end of a branch."""
        match layout:
            case One(task):
                return list(self.one(task, following))
            case Series(parts):
                behind: list[list[State]] = []
                for part in reversed(parts):
                    behind.append(self._part(part, behind[-1][0].name if behind else following))
                return [state for states in reversed(behind) for state in states]
            case Together(parts):
                return [self._together(layout, parts, following)]

    def one(self, task: str, following: str | None) -> Iterator[State]:
        """The states of a task; ``following`` as of :meth:`work`."""
        source = self.source(self.job, self.tasks[task], self.target, self.prints[task].whole, self.interval)
        if awaited := self.awaited.get(task):
            comment = f"Waits for {', '.join(awaited)}"
            yield from WaitPattern(source, len(awaited), self.target, comment).states()
        announce = self._announce(source, following)
        behind = announce[0].name if announce else following
        if self.settling and self.follows and task in self.settling.numbers:
            counted = {**self.settling.in_job_file(task), "of": len(self.settling.numbers)}
            held_back = HeldBackEventPattern if source.of.wait == "event" else HeldBackPattern
            pattern = held_back(self.job, source, self.target, source.name("settle"), behind=behind, counted=counted)
            yield from pattern.states()
        elif self.settling and task in self.settling.numbers:
            settle = SettlePattern(source, self.settling.place(task), self.target, behind)
            yield from self._statement(source, source.name("settle"), failing="block")
            yield from settle.failed()
            yield from settle.done()
        else:
            yield from self._statement(source, behind)
        yield from announce

    def _statement(self, source: OneTask, following: str | None, failing: Step = "record") -> Iterator[State]:
        with_event = FollowedEventPattern if self.follows else EventPattern
        pattern = with_event if source.of.wait == "event" else self.long_polling
        return pattern(self.job, source, self.target, following, failing).states()

    def _announce(self, source: OneTask, following: str | None) -> list[State]:
        """The states that tell of the end of a task, if any task waits for it in another branch."""
        waiters = self.told.get(source.task, {})
        return list(AnnouncePattern(source, waiters, self.target, following).states()) if waiters else []

    def _together(self, layout: Nesting, parts: tuple[Nesting, ...], following: str | None) -> Parallel:
        # As many tasks as can be part of a name.
        name = names.together(list(islice(tasks_of(layout), MAX_NAME)), next(self.parallels))
        # The lock's newest claim in any branch is the claim of what follows.
        baton = passing.begin("$max($states.result.redrives)")
        return Parallel(name, tuple(Flow(tuple(self._part(part, None))) for part in parts), following, baton)
