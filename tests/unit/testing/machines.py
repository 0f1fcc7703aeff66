"""State machines of a few states, whose calls the test answers."""

from __future__ import annotations

from random import Random
from typing import Any

from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.map_runs import MapChances
from elt_redshift.testing.program import State, program
from elt_redshift.testing.step_functions import StepFunctions


class Machine:
    """Step Functions over calls that the test answers: the n-th call of an action with the n-th of its answers, an
    error among them; None: never.

    :param chances: how Map Runs go.
    """

    def __init__(self, states: dict[str, Any], chances: MapChances | None = None, **answers: list[Any]) -> None:
        self.clock, self.calls = Clock(0.0), list[tuple[str, Any]]()
        self._answers = answers
        never = lambda *_: None  # noqa: E731
        chances = chances or MapChances(Random(0))
        self.service = StepFunctions(self.clock, Random(0), self._call, never, never, never, chances)
        self.service.deployed = program({"StartAt": next(iter(states)), "States": states}), 0

    def _call(self, state: State, asked: Any) -> Promise:
        action = state.action
        self.calls.append((action, asked))
        answer, answers = Promise(), self._answers.get(action, [])
        given = answers.pop(0) if answers else {}
        if given is not None:
            self.clock.after(
                0.1, *((answer.keep, None, given) if isinstance(given, Exception) else (answer.keep, given))
            )
        return answer

    def run(self, seconds: float = 1000.0) -> Execution:
        run = self.service.start("e1", {"n": 1})
        self.clock.run(seconds)
        return run


def task(action: str = "go", **more: Any) -> dict[str, Any]:
    flow = {} if "Next" in more else {"End": True}
    return {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:svc:{action}", "Arguments": {}, **flow, **more}
