"""A branch of a state machine that is simulated: where it stands, and the joins that it waits for."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from elt_redshift.asl.language.jsonata import Code, Value
from elt_redshift.asl.language.names import StateName, Step
from elt_redshift.asl.language.roles import TellsAll
from elt_redshift.asl.language.states import Flow, Map, State
from elt_redshift.planning.counting import ITERATION_EVENTS, Tally


@dataclass(frozen=True)
class Place:
    """Where a program is: in which flow and execution, and for which item of a Map."""

    flow: Flow
    execution: Tally
    item: Any = None

    def task(self, name: StateName) -> str:
        """The task that a state is of. One set of states serves every task where the item names it."""
        return str(self.of_item("name") or name.task)

    def of_item(self, key: str) -> Any:
        """A member of the item, if it is an object that has it."""
        return self.item.get(key) if isinstance(self.item, Mapping) else None

    def known(self, value: Value, key: str) -> Any:
        """``value``; where it is known at run time only, the member of the item that it stands for."""
        return self.of_item(key) if isinstance(value, Code) else value

    def items(self, state: Map) -> Sequence[Any]:
        """What a Map is entered for. What JSONata gives is what the child execution was given."""
        if isinstance(state.role, TellsAll):
            return [{"waiter": waiter} for waiter in state.role.waiters]
        return (self.of_item("waiters") or ()) if isinstance(state.items, str) else state.items

    def state(self, name: StateName, step: Step) -> State | None:
        """The state that is another step of the task that the state ``name`` belongs to."""
        return self.flow.find(StateName(name.task, step))

    def steps(self, name: StateName, *steps: Step) -> tuple[State, ...]:
        """The same of several steps, as far as they are there."""
        return tuple(filter(None, (self.state(name, step) for step in steps)))


@dataclass
class Wake:
    """The states that an upstream enters to wake a waiter.

    :param states: for each waiter.
    :param once: for the first, who may be one of several; and the events that its iterations have beside.
    """

    execution: Tally
    states: tuple[State, ...]
    once: tuple[State, ...] = ()
    events: int = 0

    @classmethod
    def of_one(cls, here: Place, name: StateName) -> Wake:
        """Of an upstream that tells one by the state ``name``."""
        last: Step = "tell last" if name.step == "tell" else "announce last"
        return cls(here.execution, here.steps(name, last, "wake"))

    @classmethod
    def of_all(cls, here: Place, name: StateName) -> Wake:
        """Of one that tells several by one state."""
        once = here.steps(name, "announce last", "find waiting", "wake all")
        (wakes,) = (state for state in once if isinstance(state, Map))
        return cls(here.execution, wakes.processor.states[:1], once, ITERATION_EVENTS)

    def count(self) -> None:
        for state in (*self.once, *self.states):
            self.execution.enter(state)
        self.execution.events += self.events
        self.once = ()


@dataclass
class Join:
    """The join item of a waiting task: who has told it so far, and who waits since when."""

    told: list[tuple[float, Wake]] = field(default_factory=list)
    awaited: int = 0
    arrived: float = 0.0
    execution: Tally | None = None
    program: Program | None = None


class Slots:
    """Where so many of the tasks that wait for no other are there at a time: when each begins, asked in their order."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._ends: list[float] = []
        self._last: str | None = None

    def free(self, task: str, ends: Mapping[str, float]) -> float:
        """When ``task`` may begin, in seconds.

        :param ends: when each task before it ends.
        """
        if self._last is not None:
            heappush(self._ends, ends[self._last])
        self._last = task
        return heappop(self._ends) if len(self._ends) >= self._number else 0.0


Steps = Generator["str | Sequence[Steps]", float, float]


@dataclass
class Program:
    """A branch on its way. It yields the task whose join it waits for, or the programs whose ends it waits for."""

    steps: Steps
    parent: Program | None = None
    begun: bool = False
    children: int = 0
    latest: float = 0.0
    end: float | None = None


def of_step(name: str, step: Step) -> bool:
    """Whether it is the name of a task's state for this step."""
    return isinstance(name, StateName) and name.step == step
