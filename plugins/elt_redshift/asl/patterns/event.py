"""``wait: event``: a statement's end is told by Redshift's event, so that nobody polls.

One state submits the statement and waits; the task token is the last part of the statement's name. When the statement
ends, EventBridge starts the small Express state machine of :mod:`.answering`, which answers the token::

    load_fact ───────FINISHED───────> next task
       │  │ FAILED, ABORTED
       │  └─────────────────────────> load_fact: describe ──> load_fact: status ──> retry, record … as without events
       │ no event in time, refused, redriven
       v
    load_fact: find ──> load_fact: status ──still running──> load_fact: await ──> load_fact: describe ──> …
                          ├─FINISHED──> next task
                          └─none there──> load_fact

A statement that ends within :data:`NET` seconds costs one billed transition. The rest is the net for lost events, for
long statements and for redrives: it looks for the statement by its name and, while it runs, waits for the same event
anew, longer each time. That second token cannot be in the name any more, so it is stored on an item keyed by the
statement's id, by the protocol of joins (:mod:`.joins`): stored unless ``Ended`` is there; whoever
answers a stale token sets ``Ended`` and is told the stored token.

After a redrive nothing is submitted before the lock is taken again: the state's arguments raise an error then, and
the task goes on by looking for its statement.
https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-monitoring-events.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, REDRIVEN, Code, Value, expression, fields, joined, keep
from elt_redshift.asl.language.roles import Submits
from elt_redshift.asl.language.states import Catch, Choice, Rule, State, Task
from elt_redshift.asl.patterns import joins, passing
from elt_redshift.asl.patterns.looking import LookingPattern, refused
from elt_redshift.asl.patterns.source import OneTask, Source, SubmitCall
from elt_redshift.asl.patterns.statement import UNSUCCESSFUL, StatementPattern
from elt_redshift.asl.target import Target
from elt_redshift.protocol import statements
from elt_redshift.protocol.joins import STATEMENT_ITEM, STORE_UNTIL_ENDED

#: Without an event a statement is looked for after this many seconds, then after 2, 4, 8 … times as many.
NET = 300

#: … and at most so many.
MAX_NET = 3600


@dataclass(frozen=True)
class AwaitedSubmission(StatementPattern):
    """The state of a task that submits its statement and waits for the event."""

    source: OneTask

    def _submissions(self) -> tuple[SubmitCall, ...]:
        return self.source.submissions({**self._identity(), "WithEvent": True})

    def _submit_and_wait(self, submission: SubmitCall, *catch: Catch) -> Task:
        """:param catch: where to go if the statement is not submitted, has failed, or no event comes."""
        waiting = replace(submission.call, waits=True)
        timeout = self.source.timeout
        return self._call(
            submission.state,
            waiting,
            submission.arguments,
            next=self.next,
            # The same as without events.
            output=passing.finish(self.source.task, "$states.result.Id", passing.told_rows("$states.result")),
            comment=self.source.comment,
            retry=calls.submit_retry(submission.call, calls.STATEMENT_FAILED, interval=self.source.interval),
            catch=catch,
            timeout=NET if timeout is None else min(NET, timeout),
            role=Submits(),
        )

    def _identity(self) -> dict[str, Value]:
        # Another token is another request, which the ClientToken may refuse: then the statement is there to be found.
        name = joined(*self._beginning(), Code(joins.MINE))
        return {**super()._identity(), "StatementName": name}

    def _beginning(self) -> tuple[Value, ...]:
        """What the name of this attempt's statement begins with."""
        return statements.beginning(self.job.job_id, self.source.execution, *self._attempt)

    def _ended_badly(self, next: str, counters: Mapping[str, int]) -> Catch:
        return Catch(
            (calls.STATEMENT_FAILED,),
            next,
            {
                **keep("attempt", "failures", "redrives", "since"),
                **fields(Id="$states.errorOutput.Cause"),
                "Status": statements.FAILED,
                **counters,
            },
        )


@dataclass(frozen=True)
class EventPattern(AwaitedSubmission):
    """Builds the states of a task that waits for the event."""

    @property
    def _finishes(self) -> bool:
        return self.next is None

    def _submit(self, submission: SubmitCall) -> Task:
        failed = self._ended_badly(self.source.name("describe"), self._counters)
        return self._submit_and_wait(submission, failed, self._not_submitted(), self._caught())

    def _not_submitted(self) -> Catch:
        return replace(super()._caught(), errors=(calls.NOT_EVALUATED,))

    def _caught(self) -> Catch:
        """The event is late or lost, or the submission was refused."""
        known = f"$states.errorOutput.Error = '{calls.TIMEOUT}' or {REDRIVEN}"
        return Catch((calls.ANY_ERROR,), self.source.name("find"), refused(unless=f"({known})"))

    @property
    def _counters(self) -> dict[str, int]:
        return {"looks": 0, **super()._counters}

    def _running(self) -> str:
        """It waits for the event again, not for the next look."""
        return ""

    def _looking_again(self) -> tuple[Catch, ...]:
        return ()

    def _waits(self) -> Iterator[State]:
        yield self._await()
        yield from super()._waits()

    @property
    def _looking(self) -> LookingPattern:
        """Behind the attempt stands a token, so that the name's beginning is no other attempt's."""
        return LookingPattern(self.job, self.source, self.target, joined(*self._beginning()))

    def _status(self) -> Choice:
        return Choice(self.source.name("status"), self._rules(), default=self.source.name("await"))

    def _rules(self) -> tuple[Rule, ...]:
        return (
            *super()._rules(),
            # It has ended, or is being cancelled: there is nothing to wait for, but a message to be fetched.
            Rule(expression(f"{UNSUCCESSFUL} or $exists({INPUT}.error)"), self._look, verdict="ended"),
        )

    def _await(self) -> Task:
        left = None if self.source.timeout is None else UNTIL_TIMEOUT
        return await_again(self.source, self.target, left, self._unseen()[-1])


#: Seconds until the task's timeout.
UNTIL_TIMEOUT = f"$ceil(({INPUT}.deadline - $millis()) / 1000)"


def await_again(source: Source, target: Target, left: str | None, otherwise: Catch) -> Task:
    """The state in which a task waits anew for the event of the statement ``Id``.

    :param left: JSONata that gives how many seconds it may wait at most; None: as long as it takes.
    :param otherwise: where to go if the call is refused.
    """
    looks = f"$sum([0, {INPUT}.looks])"
    further, describe = expression(f"$merge([{INPUT}, {{'looks': {looks} + 1}}])"), source.name("describe")
    net = f"$min([{MAX_NET}, {NET} * $power(2, {looks} + 1)])"
    return Task(
        source.name("await"),
        calls.UPDATE_JOIN_ITEM_AND_WAIT,
        joins.update(target, Code(f"{INPUT}.Id"), STATEMENT_ITEM, STORE_UNTIL_ENDED, fields(token=joins.MINE)),
        next=describe,
        output=further,
        retry=calls.JOIN_RETRY,
        catch=(Catch((calls.NOTHING_TO_WAIT_FOR, calls.TIMEOUT), describe, further), otherwise),
        timeout=expression(net if left is None else f"$max([1, $min([{net}, {left}])])"),
        partition=target.partition,
    )
