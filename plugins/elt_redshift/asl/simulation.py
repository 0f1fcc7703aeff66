"""Runs a definition without AWS: which states are entered, how many history events they leave, and when each task runs.

What is walked is the *definition*, not the graph: Parallel branches, waits for joins, announcements, long polls and
retries as they stand in it. Only statements take time; a state that runs no SQL takes none. The way is that of a run
that gets the lock at once, loses no event and succeeds. Calls that Step Functions makes again after an error of AWS are
not foreseen.

Events and transitions are counted as Step Functions counts them:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from elt_redshift.asl import names
from elt_redshift.asl.event import MAX_NET, NET
from elt_redshift.asl.names import Step
from elt_redshift.asl.simulated_statement import SimulatedStatement, answered, first_wait, pauses, waits_for_event
from elt_redshift.asl.source import NEVER
from elt_redshift.protocol.joins import TASK_KEY
from elt_redshift.protocol.limits import LONG_POLL

#: History events of one pass through a state: entered, exited and what lies between.
EVENTS = {"Task": 5, "Choice": 2, "Pass": 2, "Wait": 2, "Succeed": 2, "Fail": 1, "Parallel": 4, "Map": 4}

#: … and one more where the state's Output raises an error that is caught.
CAUGHT_EVENTS = 1

#: The steps that submit a task's SQL; in an unrolled definition that state bears the task's own name.
SUBMITS = ("", "submit", "submit batch")

#: What an execution's history holds beside its states: started, succeeded.
EXECUTION_EVENTS = 2

#: Of one iteration of an inline Map, beside its states: started, succeeded.
ITERATION_EVENTS = 2

#: Of a Map that starts child executions, beyond those of an inline one: run started, run succeeded.
MAP_RUN_EVENTS = 2


@dataclass(frozen=True)
class Scenario:
    """How the statements of a run behave.

    :param seconds: how long each attempt of a task takes.
    :param failures: how many attempts of a task fail before one succeeds; of a task with a timeout, by running into it.
    :param joins: whether a task that waits by joins really has to: as the durations have it, or never, or always.
    """

    seconds: Mapping[str, float]
    failures: Mapping[str, int] = field(default_factory=dict)
    joins: Literal["timed", "never", "always"] = "timed"


@dataclass
class Execution:
    """What one execution, or one child execution of a Map, adds up to."""

    transitions: int = 0
    events: int = EXECUTION_EVENTS

    def enter(self, state: Mapping[str, Any], times: int = 1) -> None:
        self.transitions += times
        self.events += times * EVENTS[state["Type"]]


class Simulation:
    """One run of ``definition``, done when the object is made.

    :param items: what a Map reads from S3, if there is one.
    :ivar makespan: seconds from start to end.
    :ivar starts: when each task's first attempt was submitted, in seconds.
    :ivar ends: when each task's last attempt ended.
    :ivar executions: the execution, then the child executions of its Maps.
    """

    def __init__(
        self, definition: Mapping[str, Any], scenario: Scenario, items: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.scenario = scenario
        self.starts: dict[str, float] = {}
        self.ends: dict[str, float] = {}
        self.executions: list[Execution] = []
        self._statements: dict[str, SimulatedStatement] = {}
        self._joins: dict[str, _Join] = {}
        self._ready: deque[tuple[_Program, float]] = deque()
        self._items = items
        main = _Program(self._walk(_Place(definition, self._execution()), 0.0))
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

    def _execution(self) -> Execution:
        self.executions.append(Execution())
        return self.executions[-1]

    def _resume(self, program: _Program, now: float) -> None:
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
                self._ready.append((_Program(steps, parent=program), 0.0))

    def _ended(self, program: _Program) -> None:
        parent = program.parent
        if parent is not None and program.end is not None:
            parent.children -= 1
            parent.latest = max(parent.latest, program.end)
            if parent.children == 0:
                self._ready.append((parent, parent.latest))

    def _walk(self, here: _Place, now: float) -> _Steps:
        """The states of a flow one after the other; gives the time at which it ends."""
        name: str | None = here.flow["StartAt"]
        while name:
            state = here.flow["States"][name]
            here.execution.enter(state)
            task, step = here.read(name)
            if state["Type"] == "Parallel":
                now = yield [self._walk(replace(here, flow=branch), now) for branch in state["Branches"]]
            elif state["Type"] == "Map":
                now = yield from self._map(state, here, now)
            elif step == "join":
                now = yield from self._wait(task, state, here, now)
            elif step in ("announce", "tell"):
                self._announce(_waiter(state, here), here, name, now)
            elif step in SUBMITS and task in self.scenario.seconds:
                timed = here.state(name, "cancel") is not None and here.of_item("timeout") != NEVER
                now = self._submit(task, state, now, here.execution, timed)
            elif step == "finish":
                now = self._pass(task, now, max(0.0, min(self._statements[task].left, LONG_POLL)))
            elif step in ("describe", "wait"):
                now = self._follow(task, step, here, name, now)
            elif step == "await":
                statement = self._statements[task]
                statement.looks += 1
                now = self._wait_for_event(task, now, min(MAX_NET, NET * 2**statement.looks), here.execution)
            elif step == "cancel":
                self._statements[task].cancelled = True
            elif step == "retry":
                self._statements[task].fresh = True
            name = self._next(state, task, step, here.execution)
        return now

    def _map(self, state: Mapping[str, Any], here: _Place, now: float) -> _Steps:
        processor = state["ItemProcessor"]
        items = self._items if "ItemReader" in state else state["Items"]
        if isinstance(items, str):  # JSONata: what the child execution was given
            items = here.of_item("waiters") or ()
        if processor["ProcessorConfig"]["Mode"] == "INLINE":
            here.execution.events += ITERATION_EVENTS * len(items)
            flows = [self._walk(_Place(processor, here.execution, item), now) for item in items]
        else:
            here.execution.events += MAP_RUN_EVENTS
            here.execution.transitions += len(items)  # one for each child execution that is started
            flows = [self._walk(_Place(processor, self._execution(), item), now) for item in items]
        return (yield flows) if flows else now

    def _submit(self, task: str, state: Mapping[str, Any], now: float, execution: Execution, timed: bool) -> float:
        statement = self._statements.setdefault(task, SimulatedStatement(self.scenario.failures.get(task, 0), timed))
        statement.submit(self.scenario.seconds[task])
        self.starts.setdefault(task, now)
        if waits_for_event(state):
            return self._wait_for_event(task, now, state["TimeoutSeconds"], execution)
        return self._pass(task, now, min(statement.left, first_wait(state["Arguments"])))

    def _wait_for_event(self, task: str, now: float, seconds: float, execution: Execution) -> float:
        execution.events += 1  # TaskSubmitted
        return self._pass(task, now, min(self._statements[task].left, seconds))

    def _pass(self, task: str, now: float, seconds: float) -> float:
        """The statement of ``task`` runs for so long."""
        statement = self._statements[task]
        statement.left -= seconds
        if statement.left <= 0:
            self.ends[task] = now + seconds
        return now + seconds

    def _follow(self, task: str, step: str, here: _Place, name: str, now: float) -> float:
        """Look at a running statement until it ends: one long poll or one pause after the other."""
        statement, polling = self._statements[task], here.state(name, "wait") is not None
        if step == "describe" and (polling or statement.left <= 0):
            return now
        if here.state(name, "await"):
            return self._pass(task, now, min(statement.left, LONG_POLL))
        looks, seconds = pauses(statement.left) if polling else (math.ceil(statement.left / LONG_POLL), statement.left)
        rounds: tuple[Step, ...] = ("wait", "describe", "status") if polling else ("describe", "status")
        for one in rounds:
            here.execution.enter(here.state(name, one) or {}, looks - 1)
        self._pass(task, now, statement.left)
        return now + seconds

    def _wait(self, task: str, state: Mapping[str, Any], here: _Place, now: float) -> _Steps:
        join = self._joins.setdefault(task, _Join())
        awaited = here.of_item("awaited")
        if awaited is None:
            awaited = int(state["Arguments"]["ExpressionAttributeValues"][":awaited"]["N"])
        join.awaited = awaited
        join.arrived, join.execution = now, here.execution
        return (yield task)

    def _announce(self, waiter: str | None, here: _Place, name: str, now: float) -> None:
        if waiter is None:  # a Map tells them one by one
            return
        last: Step = "tell last" if here.state(name, "tell") else "announce last"
        wake = _Wake(here.execution, tuple(here.state(name, step) or {} for step in (last, "wake")))
        join = self._joins.setdefault(waiter, _Join())
        join.told.append((now, wake))
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

    def _next(self, state: Mapping[str, Any], task: str, step: str, execution: Execution) -> str | None:
        statement = self._statements.get(task)
        if step == "status":
            wanted = statement.verdict() if statement else "'NEW'"
            if wanted:
                return _rule(state, wanted)
        if statement and not step and waits_for_event(state):
            return answered(state, statement)
        if statement and step == "finish" and not statement.finished:
            execution.events += CAUGHT_EVENTS
            return str(state["Catch"][0]["Next"])
        following = state.get("Next") or state.get("Default")
        if following is None and state["Type"] == "Choice":
            following = state["Choices"][0]["Next"]
        return str(following) if following else None


@dataclass(frozen=True)
class _Place:
    """Where a program is: in which flow and execution, and for which item of a Map."""

    flow: Mapping[str, Any]
    execution: Execution
    item: Any = None

    def read(self, name: str) -> tuple[str, str]:
        """The task and the step that a state's name tells of. A task's own name is the step ``""``.

        Where one set of states serves every task, the item of the child execution names it.
        """
        task, _, step = name.partition(": ")
        return str(self.of_item("name") or task), step

    def of_item(self, key: str) -> Any:
        """A member of the item, if it is an object that has it."""
        return self.item.get(key) if isinstance(self.item, Mapping) else None

    def state(self, name: str, step: Step) -> Mapping[str, Any] | None:
        """The state that is another step of the task that the state ``name`` belongs to."""
        found: Mapping[str, Any] | None = self.flow["States"].get(names.step(name.partition(": ")[0], step))
        return found


def _rule(choice: Mapping[str, Any], wanted: str) -> str:
    """The target of the rule that speaks of ``wanted``: a status in its condition, or a step by its name."""
    rules = choice["Choices"]
    return next(str(rule["Next"]) for rule in rules if wanted in rule["Condition"] or rule["Next"].endswith(wanted))


def _waiter(state: Mapping[str, Any], here: _Place) -> str | None:
    """The task that ``state`` tells of an upstream's end; None for a Map, whose items name them."""
    if waiter := here.of_item("waiter"):
        return str(waiter)
    return str(state["Arguments"]["Key"][TASK_KEY]["S"]) if state["Type"] == "Task" else None


@dataclass(frozen=True)
class _Wake:
    """The states that an upstream enters to wake a waiter."""

    execution: Execution
    states: tuple[Mapping[str, Any], ...]

    def count(self) -> None:
        for state in self.states:
            self.execution.enter(state)


@dataclass
class _Join:
    """The join item of a waiting task: who has told it so far, and who waits since when."""

    told: list[tuple[float, _Wake]] = field(default_factory=list)
    awaited: int = 0
    arrived: float = 0.0
    execution: Execution | None = None
    program: _Program | None = None


_Steps = Generator["str | Sequence[_Steps]", float, float]


@dataclass
class _Program:
    """A branch on its way. It yields the task whose join it waits for, or the programs whose ends it waits for."""

    steps: _Steps
    parent: _Program | None = None
    begun: bool = False
    children: int = 0
    latest: float = 0.0
    end: float | None = None
