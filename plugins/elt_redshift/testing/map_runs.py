"""A model of Map Runs: a child execution for each item, with a context object and a redrive count of its own.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html and
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html, by which

- no failure is tolerated: the first child that fails ends the run, and all others;
- children may go on for a while after their parent has ended, and a redrive waits until none does;
- a redrive redrives the children that ended badly, under their ARNs, and starts those that were not started.

AWS leaves open whether the ItemSelector of a child that a redrive starts for the first time sees the redrive, and in
which order children are started of which not all are there at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from elt_redshift.protocol import executions
from elt_redshift.testing.clock import Clock, Process, Promise
from elt_redshift.testing.errors import StateError
from elt_redshift.testing.executions import Execution, Frame
from elt_redshift.testing.program import Program

#: A child of a run that has ended goes on for so long at most, in seconds.
LAST_CHILD = 10.0

_FAILED = StateError("States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded")


@dataclass(frozen=True)
class MapChances:
    """What AWS leaves open about Map Runs.

    :param random: draws it.
    :param starting: within so many seconds all children are started, in any order.
    :param ending: how long a child goes on after its run has ended, in seconds, on average.
    :param selects_anew: whether the ItemSelector of a child that a redrive starts for the first time sees the redrive.
    :param in_order: whether children are started in the order of their items.
    """

    random: Random
    starting: float = 0.2
    ending: float = 1.0
    selects_anew: bool = True
    in_order: bool = True

    @classmethod
    def drawn(cls, random: Random) -> MapChances:
        starting, ending = random.choice((0.2, 5.0)), random.choice((0.1, 3.0))
        return cls(random, starting, ending, random.random() < 0.5, random.random() < 0.5)


class MapRun:
    """The children of one Distributed Map of an execution.

    :param begin: lets an execution walk on from where a frame stands.
    :param items: one for each child.
    :param most: how many of these are there at a time, at most.
    :ivar children: None: it was not started yet.
    """

    def __init__(
        self,
        clock: Clock,
        chances: MapChances,
        begin: Callable[[Execution, Frame], Process],
        parent: Execution,
        program: Program,
        items: Sequence[Any],
        most: int,
    ) -> None:
        self._clock, self._chances, self._begin = clock, chances, begin
        self._parent, self._program, self._items = parent, program, items
        self.children: list[Execution | None] = [None] * len(items)
        self._live: dict[int, Execution] = {}
        self._most, self._to_start, self._starting = most, deque[int](), 0
        self._succeeded = 0
        self._given: Sequence[Any] | None = None
        self._going, self._round, self._result, self._quiet = False, 0, Promise(), Promise()
        self._quiet.keep()

    def go(self, select: Callable[[Sequence[Any]], Sequence[Any]]) -> Generator[Promise, Any, list[Any]]:
        """Walk on with all children that have not succeeded; gives the outputs of all.

        :param select: the ItemSelector, as of now: what the children of the items are given.
        :raises StateError: a child failed.
        """
        yield self._quiet
        self._going, self._round, self._result = True, self._round + 1, Promise()
        if self._given is None or self._chances.selects_anew:
            self._given = select(self._items)
        places = [place for place, one in enumerate(self.children) if not one or one.status != executions.SUCCEEDED]
        if not self._chances.in_order:
            self._chances.random.shuffle(places)
        self._to_start, self._starting = deque(places), 0
        self._start()
        self._look()
        yield self._result
        return [child.root.output for child in self.children if child]

    def _start(self) -> None:
        """Start as many as there may be."""
        while self._to_start and len(self._live) + self._starting < self._most:
            self._starting += 1
            late = self._chances.starting * self._chances.random.random()
            self._clock.after(late, self._go, self._to_start.popleft(), self._round)

    def cancel(self) -> None:
        """Nobody waits for it any more: the children end, one after the other."""
        if not self._going:
            return
        self._going = False
        self._round += 1
        running = self._running()
        if running:
            self._quiet = Promise()
        for place, child in running:
            self._clock.after(self._late(), self._abort, place, child, self._round)

    def _late(self) -> float:
        return min(LAST_CHILD, self._chances.random.expovariate(1 / self._chances.ending))

    def _running(self) -> list[tuple[int, Execution]]:
        return sorted(self._live.items())

    def _go(self, place: int, number: int) -> None:
        """Start a child, or redrive it, unless the run has ended since."""
        if number != self._round:
            return
        self._starting -= 1
        child = self.children[place]
        if child is None:
            child = self.children[place] = self._new(place)
        else:
            child.again(self._clock.now)
        self._live[place] = child
        child.process = self._begin(child, child.root)
        child.process.ended.then(partial(self._ended, place, child, number))

    def _new(self, place: int) -> Execution:
        assert self._given is not None
        given, parent = self._given[place], self._parent
        machine, name = parent.arn.rpartition(":")[::2]
        root = Frame(self._program, self._program.start, given, {})
        arn = f"{machine}/tasks:{name}-{place}"
        return Execution(arn, given, root, self._clock.now, parent.version, parent=parent)

    def _ended(self, place: int, child: Execution, number: int, kept: Promise) -> None:
        child.status, child.ended = executions.FAILED if kept.error else executions.SUCCEEDED, self._clock.now
        self._succeeded += kept.error is None
        del self._live[place]
        if number == self._round:
            self._start()
        self._look(failed=kept.error is not None and number == self._round)

    def _abort(self, place: int, child: Execution, number: int) -> None:
        if number == self._round and child.running and child.process:
            child.process.end()
            child.root.abort()
            child.status, child.ended = executions.ABORTED, self._clock.now
            del self._live[place]
            self._look()

    def _look(self, failed: bool = False) -> None:
        """Whether something has come of it."""
        if failed:
            self.cancel()
            self._clock.after(self._late(), self._result.keep, None, _FAILED)
        elif self._succeeded == len(self.children):
            self._result.keep()
        if not self._live:
            self._quiet.keep()
