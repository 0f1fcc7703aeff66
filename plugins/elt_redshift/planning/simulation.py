"""Runs a state machine without AWS: which states it enters, how many history events they leave, when each task runs.

What is walked are its *states*, not the graph: Parallel branches, waits for joins, announcements, long polls and
retries as they stand in the definition. Only statements take time; a state that runs no SQL takes none. The way is that
of a run that gets the lock at once, loses no event and succeeds. Calls that Step Functions makes again after an
error of AWS are not foreseen.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from elt_redshift.asl.language.names import StateName, Step
from elt_redshift.asl.language.roles import Awaits, Submits, Tells, TellsAll
from elt_redshift.asl.language.states import Choice, DistributedMap, Flow, Map, Parallel, State, Succeed, Task
from elt_redshift.asl.patterns.event import MAX_NET, NET
from elt_redshift.asl.patterns.follower import FollowerPattern
from elt_redshift.asl.patterns.part import PartMachine
from elt_redshift.asl.patterns.source import NEVER
from elt_redshift.planning.counting import CAUGHT_EVENTS, ITERATION_EVENTS, MAP_RUN_EVENTS, Tally, most_within_a_second
from elt_redshift.planning.scenario import Scenario
from elt_redshift.planning.simulated_follower import SimulatedFollower
from elt_redshift.planning.simulated_program import Join, Place, Program, Slots, Steps, Wake, of_step
from elt_redshift.planning.simulated_statement import SimulatedStatement, answered, pauses
from elt_redshift.protocol.limits import LONG_POLL

#: What a task enters again while its statement runs, by whether it polls: the last of them leads back to the first.
_ROUND: Mapping[bool, tuple[Step, ...]] = {True: ("wait", "describe"), False: ("describe",)}


class Simulation:
    """One run of the states of ``flow``, done when the object is made.

    :param items: what a Map reads from S3, if there is one.
    :param follower: what follows statements, if anything does; ``parts`` are those of a job that is cut.
    :ivar makespan: seconds from start to end.
    :ivar starts: when each task's first attempt was submitted, in seconds.
    :ivar ends: when each task's last attempt ended.
    :ivar executions: the execution, then the child executions of its Maps, and its parts.
    """

    def __init__(
        self,
        flow: Flow,
        scenario: Scenario,
        items: Sequence[Mapping[str, Any]] = (),
        follower: FollowerPattern | None = None,
        parts: Sequence[PartMachine] = (),
    ) -> None:
        self.scenario = scenario
        self.starts: dict[str, float] = {}
        self.ends: dict[str, float] = {}
        self.executions: list[Tally] = []
        self._statements: dict[str, SimulatedStatement] = {}
        self._joins: dict[str, Join] = {}
        self._ready: deque[tuple[Program, float]] = deque()
        self._items = items
        self._slots: Slots | None = None
        self._parts = {part.name: part.flow for part in parts}
        self._follower = SimulatedFollower(follower) if follower else None
        main = Program(self._walk(Place(flow, self._execution()), 0.0))
        self._ready.append((main, 0.0))
        while self._ready:
            self._resume(*self._ready.popleft())
        if main.end is None:
            waiting = sorted(task for task, join in self._joins.items() if join.program)
            raise ValueError(f"the tasks {waiting} wait for each other")
        self.makespan = main.end

    @property
    def transitions(self) -> int:
        """Billed state transitions of all executions."""
        return sum(execution.transitions for execution in self.executions)

    @property
    def events(self) -> int:
        """The events of the longest history; each execution has its own."""
        return max(execution.events for execution in self.executions)

    @property
    def peak(self) -> int:
        """The most statements that are at work at one time."""
        changes = sorted([(end, -1) for end in self.ends.values()] + [(start, 1) for start in self.starts.values()])
        active = most = 0
        for _, change in changes:
            active += change
            most = max(most, active)
        return most

    @property
    def burst(self) -> int:
        """The most statements that are submitted within one second."""
        return most_within_a_second(self.starts.values())

    def _execution(self) -> Tally:
        self.executions.append(Tally())
        return self.executions[-1]

    def _resume(self, program: Program, now: float) -> None:
        """Let ``program`` go on until it waits for a join or for programs that it has started, or ends."""
        try:
            wanted = program.steps.send(now) if program.begun else next(program.steps)
            program.begun = True
        except StopIteration as stopped:
            program.end = stopped.value
            self._ended(program)
            return
        if isinstance(wanted, str):
            self._joins[wanted].program = program
            self._settle(wanted)
        else:
            program.children = len(wanted)
            for steps in wanted:
                self._ready.append((Program(steps, parent=program), 0.0))

    def _ended(self, program: Program) -> None:
        parent = program.parent
        if parent is not None and program.end is not None:
            parent.children -= 1
            parent.latest = max(parent.latest, program.end)
            if parent.children == 0:
                self._ready.append((parent, parent.latest))

    def _walk(self, here: Place, now: float) -> Steps:
        """The states of a flow one after the other; gives the time at which it ends."""
        state: State | None = here.flow.states[0]
        while state:
            here.execution.enter(state)
            if isinstance(state, Parallel):
                now = yield [self._walk(replace(here, flow=branch), now) for branch in state.branches]
            elif isinstance(state, Map | DistributedMap):
                now = yield from self._map(state, here, now)
            elif part := self._parts.get(state.name):
                here.execution.events += 1  # TaskSubmitted
                now = yield [self._walk(Place(part, self._execution()), now)]
            elif isinstance(state.name, StateName):
                now = yield from self._step(state, state.name, here, now)
            following = self._next(state, here)
            state = here.flow.find(following) if following else None
        return now

    def _step(self, state: State, name: StateName, here: Place, now: float) -> Steps:
        """What the state of a task does."""
        task = here.task(name)
        match name.step:
            case "" | "submit" | "submit batch":
                return self._submit(state, name, here, now)
            case "follow":
                return (yield from self._followed(task, state, here, now))
            case "join":
                return (yield from self._wait(task, state, here, now))
            case "announce" | "tell":
                self._announce(state, name, here, now)
            case "finish":
                return self._pass(task, now, max(0.0, min(self._statements[task].left, LONG_POLL)))
            case "describe" | "wait":
                return self._follow(task, name, here, now)
            case "await":
                return self._wait_for_event(task, now, self._statements[task].patience(NET, MAX_NET), here.execution)
            case "cancel":
                self._statements[task].cancelled = True
            case "retry":
                self._statements[task].fresh = True
            case "find" | "status" | "kept" | "done" | "told" | "report" | "settle":
                pass
            case "announce last" | "tell last" | "find waiting" | "wake all" | "wake":
                # counted when the waiter turns out to have waited
                pass
            case "count redrives" | "record" | "failed" | "reclaim" | "claim" | "report failure":  # of runs that fail
                pass
            case "tell held":  # of a few among those that start late
                pass
            case "still awaited" | "answer" | "anew" | "relieve" | "unawaited":
                pass
            case "read settled" | "still held" | "block" | "blocked" | "park" | "settle late" | "unpark":
                pass
            case unforeseen:
                assert_never(unforeseen)
        return now

    def _map(self, state: Map | DistributedMap, here: Place, now: float) -> Steps:
        if isinstance(state, DistributedMap):
            here.execution.events += MAP_RUN_EVENTS
            here.execution.transitions += len(self._items)  # one for each child execution that is started
            if state.max_concurrency < len(self._items):
                # Those that wait for others are there all the time; what they leave at their ends does not count.
                self._slots = Slots(state.max_concurrency - sum(1 for item in self._items if item["awaited"]))
            flows = [self._walk(Place(state.processor, self._execution(), item), now) for item in self._items]
        else:
            items = here.items(state)
            here.execution.events += ITERATION_EVENTS * len(items)
            flows = [self._walk(Place(state.processor, here.execution, item), now) for item in items]
        return (yield flows) if flows else now

    def _submit(self, state: State, name: StateName, here: Place, now: float) -> float:
        assert isinstance(state, Task)
        assert isinstance(state.role, Submits)
        task = here.task(name)
        timed = here.state(name, "cancel") is not None and here.of_item("timeout") != NEVER
        statement = self._statements.setdefault(task, SimulatedStatement(self.scenario.failures.get(task, 0), timed))
        statement.submit(self.scenario.seconds[task], state.role.ends)
        self.starts.setdefault(task, now)
        if state.call.waits:
            assert isinstance(state.timeout, int)
            return self._wait_for_event(task, now, state.timeout, here.execution)
        return self._pass(task, now, min(statement.left, state.role.seconds))

    def _wait_for_event(self, task: str, now: float, seconds: float, execution: Tally) -> float:
        execution.events += 1  # TaskSubmitted
        return self._pass(task, now, min(self._statements[task].left, seconds))

    def _pass(self, task: str, now: float, seconds: float) -> float:
        """The statement of ``task`` runs for so long."""
        statement = self._statements[task]
        statement.left -= seconds
        if statement.left <= 0:
            self.ends[task] = now + seconds
        return now + seconds

    def _follow(self, task: str, name: StateName, here: Place, now: float) -> float:
        """Look at a running statement until it ends: one long poll or one pause after the other."""
        statement, polling = self._statements[task], here.state(name, "wait") is not None
        if name.step == "describe" and (polling or statement.left <= 0):
            return now
        if here.state(name, "await"):
            return self._pass(task, now, min(statement.left, LONG_POLL))
        looks, seconds = pauses(statement.left) if polling else (math.ceil(statement.left / LONG_POLL), statement.left)
        for step in _ROUND[polling]:
            if state := here.state(name, step):
                here.execution.enter(state, looks - 1)
        here.execution.events += CAUGHT_EVENTS * (looks - 1)
        self._pass(task, now, statement.left)
        return now + seconds

    def _followed(self, task: str, state: State, here: Place, now: float) -> Steps:
        """Followers, one each hour, look after the statement."""
        assert self._follower
        place, relieved = self._follower.begin(task, self._statements[task], self._execution())
        here.execution.enter(state, relieved)
        here.execution.events += 1 + relieved  # TaskSubmitted
        return (yield from self._walk(place, now))

    def _wait(self, task: str, state: State, here: Place, now: float) -> Steps:
        assert isinstance(state, Task)
        assert isinstance(state.role, Awaits)
        join = self._joins.setdefault(task, Join())
        join.awaited = int(here.known(state.role.number, "awaited"))
        if self._slots and not join.awaited:
            now = max(now, self._slots.free(task, self.ends))
        turn = here.of_item("start") or 0.0
        if turn - now >= 1:  # it waits for its turn, and enters the state again
            here.execution.enter(state)
            here.execution.events += 1  # TaskSubmitted
            now = turn
        join.arrived, join.execution = now, here.execution
        return (yield task) if join.awaited else now

    def _announce(self, state: State, name: StateName, here: Place, now: float) -> None:
        assert isinstance(state, Task)
        if isinstance(state.role, TellsAll):
            waiters, wake = state.role.waiters, Wake.of_all(here, name)
        else:
            assert isinstance(state.role, Tells)
            waiters = (str(here.known(state.role.waiter, "waiter")),)
            wake = Wake.of_one(here, name)
        for waiter in waiters:
            self._joins.setdefault(waiter, Join()).told.append((now, wake))
            self._settle(waiter)

    def _settle(self, waiter: str) -> None:
        """If ``waiter`` has arrived and all that it awaits has ended, let it go on; count its waking if it waited."""
        join = self._joins[waiter]
        program = join.program
        if program is None or len(join.told) < join.awaited:
            return
        join.program = None
        complete = max((now for now, _ in join.told), default=join.arrived)
        always = self.scenario.joins == "always" and join.awaited > 0
        if always or (self.scenario.joins == "timed" and complete > join.arrived):
            assert join.execution is not None
            join.execution.events += 1  # TaskSubmitted
            _, last = max(join.told, key=lambda one: one[0])
            last.count()
        self._ready.append((program, max(join.arrived, complete)))

    def _next(self, state: State, here: Place) -> str | None:
        name = state.name
        statement = self._statements.get(here.task(name)) if isinstance(name, StateName) else None
        match state:
            case Succeed():
                return None
            case Choice():
                verdict = (statement.verdict() if statement else "new") if of_step(name, "status") else None
                ruled = next((rule.next for rule in state.rules if verdict and rule.verdict == verdict), None)
                return ruled or state.default or state.rules[0].next
            case Task() if statement and of_step(name, "") and state.call.waits:
                return answered(state, statement)
            case Task() if statement and of_step(name, "follow") and statement.fresh:
                return state.catch[0].next
            case Task() if statement and not statement.finished and of_step(name, "" if statement.lost else "finish"):
                here.execution.events += CAUGHT_EVENTS
                return state.catch[0].next
            case _:
                return state.next
