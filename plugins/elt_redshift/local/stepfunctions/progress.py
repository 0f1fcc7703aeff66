"""How far an execution has come, so that a redrive can go on from there.

A redrive keeps the results of the states that succeeded and enters the unsuccessful one again with the same input; in a
Parallel or Map state only the branches and iterations that failed or were aborted.
(https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html)

Each program - the state machine, a branch, an iteration - has a :class:`Scope`: the state it is about to enter or is
in, with that state's input and variables, and one scope per branch or iteration of that state. It moves on only when a
state is left, together with the state's Exited event. A redrive starts every program where its scope stands.
"""

from __future__ import annotations

import copy
import datetime
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from elt_redshift.local.copies import deep_copy
from elt_redshift.local.stepfunctions.values import iso_time

_ABORTABLE = ("Task", "Wait", "Parallel", "Map")  # the state types that have an Aborted event


@dataclass(frozen=True)
class Entered:
    """A state that has been entered: its type (``Task``, ``Wait``…) and the id of its Entered event.

    ``distributed``: its iterations are executions of their own, whose events are not in this history.
    """

    name: str
    state_type: str
    event_id: int
    distributed: bool = False


@dataclass(frozen=True)
class Aborted:
    """A state, or an iteration of the Map state ``name`` when ``index`` is given, that is cut short."""

    event_type: str
    event_id: int
    name: str
    index: int | None = None


@dataclass
class Scope:
    """Where one program stands. ``state`` is None before its first state.

    ``execution``: what the context object says of a child of a Distributed Map, which is an execution of its own;
    ``stop_date``: when that ended. ``failure``: the error and cause that a program failed with.
    """

    state: str | None = None
    input: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    children: dict[int, Scope] = field(default_factory=dict)
    entered: Entered | None = None
    failed: bool = False
    done: bool = False
    output: Any = None
    resumed: bool = False
    execution: dict[str, Any] | None = None
    stop_date: datetime.datetime | None = None
    failure: dict[str, Any] | None = None

    def begin(self, state: str, input_value: Any) -> None:
        """Stand before the first state, unless a former run got further."""
        if self.state is None:
            self.state, self.input = state, deep_copy(input_value)

    def advance(self, state: str, input_value: Any, variables: dict[str, Any]) -> None:
        """The current state was left, ``state`` comes next."""
        self.state, self.input = state, deep_copy(input_value)
        self.variables = deep_copy(variables)
        self.children, self.entered, self.resumed = {}, None, False

    def finish(self, output: Any) -> None:
        """The last state was left."""
        self.done, self.output = True, deep_copy(output)
        self.children, self.entered = {}, None

    def fork(self, count: int) -> None:
        """Have a scope for each branch or iteration: those of the former run after a redrive, new ones otherwise."""
        if self.resumed:
            self.resumed = False
        else:
            self.children = {}
        for index in range(count):
            self.children.setdefault(index, Scope())

    def redriven(self) -> Scope:
        """A copy to start again from; the threads of the former run cannot reach it."""
        return copy.deepcopy(self)._resume()

    def _resume(self) -> Scope:
        self.failed, self.failure, self.entered, self.resumed = False, None, None, True
        if self.execution is not None and not self.done:
            self.stop_date = None
            moment = iso_time(datetime.datetime.now(datetime.UTC))
            self.execution |= {"RedriveCount": self.execution["RedriveCount"] + 1, "RedriveTime": moment}
        for child in self.children.values():
            child._resume()
        return self

    def running(self) -> Iterator[Aborted]:
        """The states and iterations that were entered and not left, innermost first."""
        if self.entered is None or self.failed or self.done:
            return
        yield from self.running_children()
        if self.entered.state_type in _ABORTABLE:
            yield Aborted(f"{self.entered.state_type}StateAborted", self.entered.event_id, self.entered.name)

    def running_children(self) -> Iterator[Aborted]:
        """As :meth:`running`, without this program's own state."""
        if self.entered is None or self.entered.distributed:
            return
        for index, child in self.children.items():
            if child.entered is None or child.failed or child.done:
                continue
            yield from child.running()
            if self.entered.state_type == "Map":
                yield Aborted("MapIterationAborted", child.entered.event_id, self.entered.name, index)


@dataclass
class Run:
    """One attempt at an execution: its start or a redrive. Once ``open`` is False nothing it does counts any more."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    open: bool = True
