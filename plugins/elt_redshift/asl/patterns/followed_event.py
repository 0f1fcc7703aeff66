"""``wait: event`` in a job that is cut into parts.

A task submits its statement and waits for the event, as in a small job (:mod:`.event`). What is rare is a follower's:
it looks for a statement of which no event has come, and while that runs, waits for the event anew::

    load ───────FINISHED───────> next task
      │ FAILED, ABORTED; no event in five minutes, refused, redriven
      v
    load: status ──> load: follow ───>  find ──> status ──still running──> await ──> describe ──> status …
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, expression
from elt_redshift.asl.language.states import Catch, Rule, Task
from elt_redshift.asl.patterns import passing
from elt_redshift.asl.patterns.event import UNTIL_TIMEOUT, AwaitedSubmission, await_again
from elt_redshift.asl.patterns.following import FollowedPattern
from elt_redshift.asl.patterns.held_back import HeldBackPattern
from elt_redshift.asl.patterns.looking import refused
from elt_redshift.asl.patterns.source import Source, SubmitCall
from elt_redshift.asl.target import Target
from elt_redshift.protocol import statements

#: What a statement is called by that bears the token of a task behind its name.
OF_ATTEMPT = "[StatementName = $n or $substring(StatementName, 0, $length($n) + 1) = $n & '/']"


@dataclass(frozen=True)
class FollowedEventPattern(AwaitedSubmission, FollowedPattern):
    """Builds the states of a task that waits for the event, and has a follower else."""

    @property
    def _short(self) -> bool:
        return False

    @property
    def _finishes(self) -> bool:
        return False

    def _submit(self, submission: SubmitCall) -> Task:
        return self._submit_and_wait(submission, self._ended_badly(self._following, {}), self._late())

    def _late(self) -> Catch:
        """The task is kept; or there is no event yet, the lock comes first, or the submission was refused."""
        status = f"{{'Status': {self.source.kept} ? '{passing.KEPT}' : '{passing.UNKNOWN}'}}"
        known = f"($states.errorOutput.Error = '{calls.TIMEOUT}' or {self.source.goes_first})"
        return Catch((calls.ANY_ERROR,), self.source.name("status"), refused(status, unless=known))

    def _task(self) -> dict[str, Any]:
        return {**super()._task(), "event": True}


@dataclass(frozen=True)
class HeldBackEventPattern(HeldBackPattern, FollowedEventPattern):
    """The same where failures are held back."""


@dataclass(frozen=True)
class AwaitAgain:
    """What the follower of such a task does while the statement runs.

    :param told: JSONata of what the part has told of the task.
    :param left: JSONata that gives how many seconds the follower has.
    """

    source: Source
    target: Target
    told: str
    left: str

    @property
    def waits(self) -> str:
        """Whether the task is such a one, JSONata."""
        return f"$exists({self.told}.event)"

    def rule(self) -> Rule:
        """The rule of the status by which it waits."""
        runs = f"{INPUT}.Status in {list(statements.OPEN)} and $not($exists({INPUT}.error))"
        return Rule(expression(f"{self.waits} and {runs}"), self.source.name("await"))

    def state(self, otherwise: Catch) -> Task:
        """The state in which it does; see :func:`.event.await_again`."""
        left = f"$exists({INPUT}.deadline) ? $min([{self.left}, {UNTIL_TIMEOUT}]) : {self.left}"
        return await_again(self.source, self.target, f"({left})", otherwise)
