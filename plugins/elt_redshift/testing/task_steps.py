"""The states of tasks, from which a schedule sees how the tasks stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language.names import StateName, Step
from elt_redshift.asl.patterns.passing import KEPT, end_of
from elt_redshift.testing.executions import Execution


@dataclass(frozen=True)
class TaskStep:
    """A state of a task, from which one sees how the task stands.

    :param run: the execution that owns the lock.
    """

    run: Execution
    task: str
    state: StateName

    def entered(self, given: Any, now: float) -> None:
        run, step = self.run, self.state.step
        if step in _BEGINNINGS:
            if run.tasks.get(self.task) != "running":  # a redrive may go on with the same attempt
                run.begun[self.task] = now
            run.tasks[self.task] = "running"
        elif step == "record":
            run.failed[given.get("task", self.task)] = given["statement"], given["cause"]
            run.found.setdefault(given["statement"], now)
        elif step == "report":
            run.tasks[self.task] = "kept" if given["Status"] == KEPT else "succeeded"

    def left(self, output: Any) -> None:
        if self.state.step == "record":
            self.run.tasks[self.task] = "failed"
        elif isinstance(output, dict) and (end := end_of(self.state, output)):
            self.run.tasks[self.task] = "kept" if end.kept else "succeeded"


#: The steps in which a task is submitted.
_BEGINNINGS: frozenset[Step] = frozenset({"", "submit", "submit batch"})

_PARSED: dict[str, StateName | None] = {}


def parsed(state: str) -> StateName | None:
    """The name of a state of a task; None: it is none."""
    if state not in _PARSED:
        _PARSED[state] = StateName.read(state)
    return _PARSED[state]
