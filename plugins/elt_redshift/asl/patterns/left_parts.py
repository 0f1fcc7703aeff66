"""The states that end what a dead owner of the lock has left of its parts: their executions would go on submitting.

::

    find left parts ──> judge left parts ──none runs──> find left statements
     (a Map: ask for left part, stop left part)
              │ some ran, and are stopped
              v
    wait for late calls ──> read lock …

Their names are known: those of the owner. Each part that this job has is looked for, if the owner is an execution of
this very state machine; a part that a deployment has removed has ended with its machine. What was stopped here may have
a call under way, so two minutes later everything is looked at anew (``docs/adr/0016``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.jsonata import (
    EXECUTION_ARN,
    EXECUTION_NAME,
    INPUT,
    Code,
    expression,
    fields,
    gate,
    joined,
)
from elt_redshift.asl.language.states import Catch, Choice, Flow, Map, Rule, State, Succeed, Task
from elt_redshift.asl.patterns.running_parts import execution_of
from elt_redshift.asl.patterns.words import WHY, in_plain_words
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import executions, messages

_STOPPED = "'stopped'"


@dataclass(frozen=True)
class LeftPartsPattern:
    """Builds these states; their input is what :mod:`.judging` has found.

    :param parts: how many parts the job has.
    """

    job: EltJob
    target: Target
    parts: int

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        yield self._find()
        untold = joined(*messages.parts_untold(self.job.job_id, Code(f"{INPUT}.owner"), Code(f"{INPUT}.unheard[0]")))
        yield Choice(
            "judge left parts",
            (
                Rule(gate(untold, when=f"$count({INPUT}.unheard) > 0"), names.ACQUIRE, {}),
                Rule(expression(f"{INPUT}.stopped > 0"), names.LATE_CALLS),
            ),
            default=names.FIND_LEFT,
        )

    def _find(self) -> Map:
        own, its = (
            f"$substring({arn}, 0, $length({arn}) - $length({name}))"
            for arn, name in ((EXECUTION_ARN, EXECUTION_NAME), (f"{INPUT}.owner", "$n"))
        )
        machines = ", ".join(execution_of(self.target, number) for number in range(1, self.parts + 1))
        arns = f"[$map([{machines}], function($m) {{$m & $n}})]"
        result = "$states.result"
        told = (
            f"{{'stopped': $count({result}[$ = {_STOPPED}]), 'unheard': [{result}[$type($) = 'object'].unheard], "
            f"'ended': $max([{INPUT}.ended, $count({result}[$ = {_STOPPED}]) > 0 ? $millis() : 0])}}"
        )
        return Map(
            names.FIND_LEFT_PARTS,
            items=expression(f"($n := $split({INPUT}.owner, ':')[-1]; {own} = {its} ? {arns} : [])"),
            processor=Flow((self._ask(), self._stop(), Succeed("left part is told"))),
            next="judge left parts",
            output=expression(f"$merge([{INPUT}, {told}])"),
        )

    def _ask(self) -> Task:
        runs = f"$states.result.Status in {list(executions.ALIVE)}"
        return Task(
            "ask for left part",
            calls.DESCRIBE_PART,
            fields(ExecutionArn=INPUT),
            next="stop left part",
            output=expression(f"{runs} ? {INPUT} : $error('It has ended.')"),
            retry=calls.LEFT_PART_RETRY,
            catch=(Catch((calls.NO_SUCH_EXECUTION, calls.NOT_EVALUATED), "left part is told", "ended"), self._untold()),
            partition=self.target.partition,
        )

    def _stop(self) -> Task:
        return Task(
            "stop left part",
            calls.STOP_PART,
            {**fields(ExecutionArn=INPUT), "Cause": "Its run has ended, and another one takes the lock over."},
            next=None,
            output=expression(_STOPPED),
            retry=calls.LEFT_PART_RETRY,
            catch=(self._untold(),),
            partition=self.target.partition,
        )

    def _untold(self) -> Catch:
        return Catch((calls.ANY_ERROR,), "left part is told", expression(f"{{'unheard': {in_plain_words(WHY)}}}"))
