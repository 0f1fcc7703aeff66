"""One state of one flow, as long as it is being visited: what its expressions see, and the token by which it waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from elt_redshift.testing.clock import Clock, Process, Promise
from elt_redshift.testing.executions import Execution, Frame
from elt_redshift.testing.functions import iso
from elt_redshift.testing.program import Make, State
from elt_redshift.testing.values import Environment


class Tokens:
    """The task tokens that are waited for. Those of an ended wait are refused."""

    def __init__(self) -> None:
        self._waits: dict[str, tuple[Promise, Process]] = {}

    def new(self, wait: Promise, process: Process) -> str:
        """A token whose answer keeps ``wait``, as long as the process lives."""
        token = f"AQ/{len(self._waits) + 1}"
        self._waits[token] = wait, process
        return token

    def find(self, token: str) -> Promise | None:
        """The wait, if it goes on."""
        wait, process = self._waits.get(token, (None, None))
        return wait if wait and process and process.alive and not wait.done else None


@dataclass
class Visit:
    """One state that is being visited.

    :ivar since: when it was entered.
    :ivar retries: how often what it does was tried again.
    :ivar token: by which it waits.
    """

    run: Execution
    frame: Frame
    state: State
    process: Process
    random: Random
    clock: Clock
    since: float
    retries: int = 0
    token: str = ""

    def scope(self, **states: Any) -> Environment:
        """What its expressions see; ``states`` are members of ``$states`` besides the input and the context."""
        context: dict[str, Any] = {
            "Execution": self.run.context(),
            "State": {"Name": self.state.name, "EnteredTime": iso(self.since * 1000), "RetryCount": self.retries},
        }
        if self.token:
            context["Task"] = {"Token": self.token}
        if self.frame.item is not None:
            context["Map"] = {"Item": self.frame.item}
        known = {"input": self.frame.input, "context": context, **states}
        return Environment({**self.frame.variables, "states": known}, self.clock.millis, self.random)

    def selected(self, items: Sequence[Any]) -> list[Any]:
        """What the children of a Distributed Map are given."""
        select, scope = self.state.selector, self.scope()
        context = scope.variables["states"]["context"]
        given = []
        for place, value in enumerate(items):
            context["Map"] = {"Item": {"Index": place, "Value": value}}
            given.append(select(scope) if select else value)
        return given

    def finished(self, scope: Environment, otherwise: Any) -> tuple[Any, str | None]:
        """Its output, after its variables have been assigned, and what follows it."""
        output = self.state.output(scope) if self.state.output else otherwise
        self.assign(self.state.assign, scope)
        return output, self.state.next

    def assign(self, make: Make | None, scope: Environment) -> None:
        if make:
            self.frame.variables.update(make(scope))
