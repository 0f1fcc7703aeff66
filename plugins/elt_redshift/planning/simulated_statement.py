"""The statement of a task in a simulated run: how long it runs, how it ends, and where the states that follow it lead.

:mod:`elt_redshift.planning.simulation` walks the states; what is known here is what Redshift would answer them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.roles import Verdict
from elt_redshift.asl.language.states import Task
from elt_redshift.asl.patterns.waiting import MAX_PAUSE


@dataclass
class SimulatedStatement:
    """Where the statement of a task stands.

    :param failures: how many more attempts are going to fail.
    :param timed: a failing attempt runs into the task's timeout.
    :param left: seconds until the attempt ends.
    :param fails: the attempt is going to fail.
    :param looks: how often it was looked for because no event came.
    :param lost: its id is not known where it outlasts its submission.
    :param fresh: the next attempt has not been submitted yet.
    """

    failures: int
    timed: bool
    left: float = 0.0
    cancelled: bool = False
    fails: bool = False
    looks: int = 0
    fresh: bool = False
    lost: bool = False

    def submit(self, seconds: float, lost: bool) -> None:
        self.left, self.cancelled, self.looks, self.fresh, self.lost = seconds, False, 0, False, lost
        self.fails = self.failures > 0
        self.failures -= self.fails

    @property
    def finished(self) -> bool:
        return self.left <= 0 and not self.fails

    def patience(self, first: int, most: int) -> int:
        """How long the next wait for the event lasts: each is twice as long as the one before it."""
        self.looks += 1
        return min(most, first << self.looks)

    def verdict(self) -> Verdict | None:
        """What the status finds out; None: it is still running."""
        if self.fresh:
            return "new"
        if self.left > 0:
            return None
        if self.finished:
            return "finished"
        return "late" if self.timed and not self.cancelled else "retry"


def answered(state: Task, statement: SimulatedStatement) -> str | None:
    """Where the wait for a statement's event leads to."""
    if statement.finished:
        return state.next
    error = calls.TIMEOUT if statement.left > 0 or statement.timed else calls.STATEMENT_FAILED
    return next(one.next for one in state.catch if {error, calls.ANY_ERROR} & {*one.errors})


def pauses(seconds: float) -> tuple[int, float]:
    """How many pauses of a polling task it takes until a statement of that length has ended, and how long they are."""
    looks, passed = 0, 0.0
    while passed < seconds or looks == 0:
        pause = math.ceil(min(MAX_PAUSE, 1.5**looks))
        if pause == MAX_PAUSE:
            rest = max(1, math.ceil((seconds - passed) / MAX_PAUSE))
            return looks + rest, passed + rest * MAX_PAUSE
        passed += pause
        looks += 1
    return looks, passed
