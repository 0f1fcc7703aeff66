"""The states that clear away what a dead owner of the lock has left in the database.

::

    find left statements <──> cancel left statements, wait for statements
              │ none left
              v
        take over lock

Where the Data API does not tell, nothing is taken over: the run fails in a gate and says so; the next one asks anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.jsonata import INPUT, Code, expression, fields, gate, joined
from elt_redshift.asl.language.jsonata import literal as text
from elt_redshift.asl.language.states import Catch, Choice, Flow, Map, Retry, Rule, State, Succeed, Task, Wait
from elt_redshift.asl.patterns import listing
from elt_redshift.asl.patterns.judging import IS_EXECUTION
from elt_redshift.asl.patterns.words import WHY, in_plain_words
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import messages, owners, statements

#: A dead owner's statements are cancelled at most this many times, up to 30 s apart, before the run gives up.
MAX_PASSES = 120


@dataclass(frozen=True)
class LeftoversPattern:
    """Builds these states; their input names the ``owner``.

    :param next: the state that takes the lock over, or writes the fence before.
    """

    job: EltJob
    target: Target
    next: str

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        yield self._find()
        yield self._judge_statements()
        yield self._cancel()
        yield self._pause()

    def _find(self) -> Task:
        """List the owner's statements in one of the three open statuses, as a statement passes them."""
        execution = f"$split({INPUT}.owner, ':')[-1] & '{statements.SLASH}'"
        digest = f"$substring($hash({INPUT}.owner, 'SHA-256'), 0, {owners.DIGITS}) & '{owners.AFTER_DIGITS}'"
        label = Code(f"({IS_EXECUTION} ? {execution} : {digest})")
        status = expression(f"{list(statements.OPEN)}[{INPUT}.look]")
        untold = expression(f"$merge([{INPUT}, {{'ids': [], 'untold': {in_plain_words(WHY)}}}])")
        return Task(
            names.FIND_LEFT,
            calls.LIST_STATEMENTS,
            listing.request(self.job, self.target, joined(*statements.beginning(self.job.job_id), label), status),
            next="judge left statements",
            output=expression(f"$merge([{INPUT}, {{'ids': [$states.result.Statements.Id]}}])"),
            retry=calls.DATA_API_RETRY,
            catch=(Catch((calls.ANY_ERROR,), "judge left statements", untold),),
            partition=self.target.partition,
        )

    def _judge_statements(self) -> Choice:
        give_up = text(f"Statements that an earlier execution of job {self.job.job_id} left running do not end.")
        untold = joined(*messages.left_untold(self.job.job_id, Code(f"{INPUT}.owner"), Code(f"{INPUT}.untold")))
        following = expression(f"$merge([{INPUT}, {{'look': {INPUT}.look + 1}}])")
        return Choice(
            "judge left statements",
            (
                Rule(
                    expression(f"$count({INPUT}.ids) > 0 and {INPUT}.passes < {MAX_PASSES}"), "cancel left statements"
                ),
                Rule(gate(untold, when=f"$exists({INPUT}.untold)"), names.ACQUIRE, {}),
                Rule(gate(give_up, when=f"$count({INPUT}.ids) > 0"), names.ACQUIRE, {}),
                Rule(expression(f"{INPUT}.look < {len(statements.OPEN) - 1}"), names.FIND_LEFT, following),
            ),
            default=self.next,
        )

    def _cancel(self) -> Map:
        cancel = Task(
            "cancel left statement",
            calls.CANCEL_STATEMENT,
            fields(Id=INPUT),
            next=None,
            output={},
            retry=(Retry(("RedshiftData.ValidationException",), max_attempts=0), Retry(("States.TaskFailed",), 3)),
            # It ended by itself in the meantime, or is asked again in the next pass.
            catch=(Catch((calls.ANY_ERROR,), "cancel refused", {}),),
            partition=self.target.partition,
        )
        return Map(
            "cancel left statements",
            items=expression(f"{INPUT}.ids"),
            processor=Flow((cancel, Succeed("cancel refused"))),
            next="wait for statements",
            output=expression(f"$merge([{INPUT}, {{'look': 0, 'passes': {INPUT}.passes + 1}}])"),
        )

    def _pause(self) -> Wait:
        return Wait("wait for statements", expression(f"$min([30, {INPUT}.passes])"), names.FIND_LEFT)
