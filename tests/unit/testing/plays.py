"""Plays: ways through a job's states, each of which can be stopped in any state that it comes through.

A *route* leads executions through some of the states, by what statements do, how calls fare and who does what. It is
the same each time, so that it can be walked again and stopped on the way.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from elt_redshift.protocol import executions, fence
from elt_redshift.testing import Faults, Finding, Subject
from elt_redshift.testing.aftermath import Aftermath
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.histories import findings
from elt_redshift.testing.moves import Mover
from elt_redshift.testing.network import Fate
from elt_redshift.testing.program import Program, State
from elt_redshift.testing.redshift_data import Behaviour
from elt_redshift.testing.subject import AUDIT_TABLE
from elt_redshift.testing.world import World

#: When in a state: as it is entered, with its call under way, which arrives up to a minute later, when the call has
#: arrived, and a moment after the entry, as pauses may be short.
Phase = Literal["entered", "under way", "arrived", "later"]

#: The Data API's memory of ClientTokens, in seconds: short, so that nothing rests on it.
MEMORY = 600.0

#: By then a route has come to rest.
LONG = 40 * 3600.0

QUICKLY = Behaviour(0.2)

#: The states that record a failure.
_RECORD = re.compile("^.*: record$|^record unfound statement$")


@dataclass(frozen=True)
class Stop:
    """In which state an execution is stopped, the first time that one is in it, and what is done next.

    :param told: whether EventBridge tells of the end.
    """

    state: str
    phase: Phase = "entered"
    told: bool = True
    then: Literal["start", "redrive"] = "start"


def states_of(program: Program) -> Iterator[State]:
    """All states, however deep."""
    for state in program.states.values():
        yield state
        for flow in state.flows:
            yield from states_of(flow)


class Play:
    """A route being walked. What it does is left out once an execution was stopped.

    :ivar behaves: how statements go from now on, by the task's name and how many times it was submitted before.
    :ivar fences: how the writes of the job's fence go.
    :ivar entered: how often each state was entered.
    :ivar passed: the states that did what they are for: whose calls have arrived, where they make any.
    """

    def __init__(self, subject: Subject, stop: Stop | None = None, traced: bool = False) -> None:
        self.subject, self.stop = subject, stop
        self.world = world = World(subject, 0, self._behave, Faults(), MEMORY, traced)
        self.mover = Mover(world)
        self.behaves: Callable[[str, int], Behaviour] = lambda task, before: QUICKLY
        self.fences = QUICKLY
        self.entered, self.passed = Counter[str](), set[str]()
        self._calling = {state.name for state in states_of(subject.versions[0].program) if state.type == "Task"}
        self.stopped: Execution | None = None
        self._submitted, self._fates = Counter[str](), defaultdict[str, list[Fate]](list)
        world.on_entered, world.on_call, world.on_arrival = self._on_entered, self._on_call, self._on_arrival

    @property
    def tasks(self) -> list[str]:
        return list(self.subject.versions[0].tasks)

    def fares(self, state: str, *fates: Fate) -> None:
        """The next calls of a state fare so."""
        self._fates[state] += fates

    def start(self, seconds: float = LONG) -> None:
        """Start an execution, and go on when nothing runs any more, or after some time."""
        self._do(self.mover.start, seconds)

    def halt(self) -> None:
        """Stop what runs, as part of the route."""
        self._do(lambda: [self.world.step_functions.stop(run.arn) for run in [*self.world.step_functions.running()]], 0)

    def halt_newest(self) -> None:
        """Stop what was started last, if it runs still, as part of the route."""
        self._do(
            lambda: [self.world.step_functions.stop(run.arn) for run in [*self.world.step_functions.running()][-1:]], 0
        )

    def edit(self, attribute: str, value: dict[str, str]) -> None:
        """Somebody writes something into the job's item."""

        def written() -> None:
            for (table, _), item in self.world.dynamodb.items.items():
                if table == AUDIT_TABLE:
                    item[attribute] = value

        self._do(written, 0)

    def redrive(self, seconds: float = LONG) -> None:
        """The newest execution, if it ended badly."""
        service = self.world.step_functions
        newest = [*service.executions.values()][-1]
        if not newest.running and newest.status != executions.SUCCEEDED:
            self._do(lambda: service.redrive(newest.arn), seconds)

    def resume(self, version: int, seconds: float = LONG) -> None:
        """Deploy a version, and let an execution of it go on with the work of the newest that ended badly."""
        self._do(lambda: (self.world.deploy(version), self.mover.resume()), seconds)

    def until(self, state: str, seconds: float = 1.0) -> None:
        """Until a state is entered once more, and some time longer."""
        before = self.entered[state]
        self._while(lambda: self.entered[state] == before, LONG)
        self.go_on_for(seconds)

    def go_on_for(self, seconds: float) -> None:
        self._while(lambda: True, seconds)
        if not self.stopped:
            self.world.clock.run(self.world.clock.now)

    def come_to_an_end(self) -> list[Finding]:
        """What is wrong after the stop, with whatever is done next."""
        assert self.stop
        assert self.stopped
        self.behaves, self.world.on_call = lambda task, before: QUICKLY, lambda state: None
        aftermath = Aftermath(self.world, self.mover)
        aftermath.end_faults()
        since = self.world.clock.now
        if self.stop.then == "redrive":
            self.world.step_functions.redrive(self.stopped.arn)
        stuck = [*aftermath.rest()] if any(self.world.step_functions.running()) else []
        if self.stop.then == "redrive" and not self._went_on(self.stopped, aftermath, since):
            stuck.append(Finding("stuck", f"the redrive ended as {self.stopped.status}: {self.stopped.error}"))
        stuck += aftermath.start_again()
        if "UnlockedAt" in self.world.item() and not any(_RECORD.search(state) for state in self.passed):
            stuck.append(Finding("stuck", "the next run was refused, though no task had failed"))
        return [*stuck, *findings(self.world)]

    def _went_on(self, run: Execution, aftermath: Aftermath, since: float) -> bool:
        """Whether a redriven run has ended well, or has told a failure, or why it may not have the lock."""
        refused = run.error is not None and run.error.cause.startswith(f"Job {self.subject.job_id} ")
        return run.status == executions.SUCCEEDED or refused or aftermath.may_fail(run, since)

    def _do(self, what: Callable[[], object], seconds: float) -> None:
        if not self.stopped:
            what()
            self._while(lambda: any(self.world.step_functions.running()), seconds)

    def _while(self, going: Callable[[], bool], seconds: float) -> None:
        clock = self.world.clock
        over = clock.now + seconds
        reached = [False]
        clock.after(seconds, lambda: reached.__setitem__(0, True))
        clock.run_while(lambda: not self.stopped and not reached[0] and going(), over)

    def _behave(self, name: str, parts: int) -> Behaviour:
        task = name.split("/")[2]
        if task == fence.WRITES:
            return self.fences
        self._submitted[task] += 1
        return self.behaves(task, self._submitted[task] - 1)

    def _on_entered(self, state: str) -> None:
        self.entered[state] += 1
        if state not in self._calling:
            self.passed.add(state)
        self._reached(state, "entered", 0)
        self._reached(state, "later", 0.05)

    def _on_call(self, state: str) -> Fate | None:
        if self._reached(state, "under way", 0):
            return "slow"
        return self._fates[state].pop(0) if self._fates[state] else None

    def _on_arrival(self, state: str) -> None:
        self.passed.add(state)
        self._reached(state, "arrived", 0)

    def _reached(self, state: str, phase: Phase, seconds: float) -> bool:
        """Whether this is when to stop, in so many seconds."""
        here = self.stop is not None and not self.stopped and (self.stop.state, self.stop.phase) == (state, phase)
        if here:
            self.world.clock.after(seconds, self._stop_in, state)
        return here

    def _stop_in(self, state: str) -> None:
        """Stop the execution that is in the state, if there is one still."""
        service, stop = self.world.step_functions, self.stop
        inside = [run for run in service.running() if state in _places(run)]
        if self.stopped or not inside or stop is None:
            return
        self.stopped = inside[-1]
        self.world.lost_events = 0.0 if stop.told else 1.0
        self.world.say(f"== stopped in {state}, {stop.phase}")
        service.stop(self.stopped.arn)


def _places(run: Execution) -> Iterator[str]:
    """The states that an execution is in."""
    return (frame.state for frame in run.root.below() if frame.status == "running")
