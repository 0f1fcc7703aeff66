"""The states of one task: submit its SQL, wait for the end, and fail in a way that a redrive can mend.

::

    load_fact ──> load_fact: finish ──FINISHED──> next task, or the end of the branch
        ^                │ still running, FAILED or ABORTED
        │                v
        │         load_fact: describe <──────┐      long polls until the statement ends: one transition each
        │                │                   │
        │                v                   │
        │         load_fact: status ─────────┘ ──FINISHED──> next task
        │            ├─ load_fact: cancel           past the task's timeout
        │            ├─ load_fact: retry            FAILED or ABORTED, attempts left; or a call was refused that may
        │            │      └─ load_fact: status    well succeed later
        ├────────────┼─ load_fact: find             nobody knows whether it was submitted: look for it by its name
        │            │      └─ load_fact: status
        │            ├─ next task, load_fact: kept  an earlier execution has done it, and nothing was submitted
        │            ├─ load_fact: record           FAILED or ABORTED: the audit item becomes Failed …
        │            │      └─ load_fact: failed    … and the gate fails the execution with Redshift's message
        └────────────┴─ load_fact: reclaim          after a redrive: take the lock again

The first two states wait for the statement by a long poll each, so that one that ends within a minute costs two billed
transitions. The second one is a Task and not a Choice because a Choice cannot end a branch. To tell that the statement
has not finished, its Output raises an error, which it catches; so does ``describe``, which catches it to look again. An
error of these states in the console is no failure of the task. A task that polls has no ``finish``, unless it ends a
branch: it goes to ``wait`` at once.

Nothing is submitted a second time before it was looked for by its name (``docs/adr/0015``): not after a redrive, nor
after a call that was refused. A ClientToken alone does not do, since nobody says how long it is remembered. Where the
statement would be forgotten by now, whether it has run cannot be known: the run is held until somebody says so. Every
error of a call about the statement leads to ``status``, which asks again later or records it (:mod:`.looking`).

Where a failure is held back until the rest has settled, more states stand before ``record`` and before the next task
(:mod:`.settling`). What travels from state to state is small (:mod:`.passing`): once
submitted, also ``Id``, ``Status``, ``deadline`` (epoch milliseconds, of a task with a timeout; without one, the
Data API itself ends a statement after 24 hours), ``polls`` (of a polling task), after a failure ``error`` and
``statement``, and after a refused call ``refused`` (name and text of the error) and ``pauses``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    INPUT,
    REDRIVEN,
    Code,
    Value,
    code,
    code_object,
    expression,
    fields,
    joined,
    keep,
    literal,
    locked,
)
from elt_redshift.asl.language.names import Step
from elt_redshift.asl.language.roles import Submits
from elt_redshift.asl.language.states import Catch, Choice, Rule, State, Succeed, Task, Wait
from elt_redshift.asl.patterns import looking, passing
from elt_redshift.asl.patterns.failing import FailurePattern
from elt_redshift.asl.patterns.looking import LookingPattern, refused
from elt_redshift.asl.patterns.source import SubmitCall
from elt_redshift.asl.patterns.waiting import LATE, WaitingPattern
from elt_redshift.protocol import statements
from elt_redshift.protocol.limits import MAX_MESSAGE
from elt_redshift.protocol.messages import FENCED

#: The statement in the state's input has ended badly.
UNSUCCESSFUL = f"{INPUT}.Status in {list(statements.UNSUCCESSFUL)}"


@dataclass(frozen=True)
class StatementPattern(WaitingPattern):
    """Builds the states of a task.

    :param failing: the state that a failure leads to: the record, or what comes before that and says in ``task`` which
        failure is to be recorded.
    """

    failing: Step = "record"

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        for submission in self._submissions():
            yield self._submit(submission)
        if self._finishes:
            yield self._finish()
        yield self._find()
        yield self._status()
        yield from self._waits()
        yield self._describe()
        if self.source.timeout is not None:
            yield self._cancel(self.source.timeout)
        yield self._retry()
        if self.next is None:
            yield Succeed(self.source.name("kept"), self._kept())
        yield from FailurePattern(self.job, self.source, self.target, self.failing).states()

    def _waits(self) -> Iterator[State]:
        if self.source.polls:
            yield self._pause()

    def _submissions(self) -> tuple[SubmitCall, ...]:
        return self.source.submissions({**self._identity(), **self._first_poll()})

    def _identity(self) -> dict[str, Value]:
        """Name and idempotency token; both end in the attempt, so that a repeated call is the same statement."""
        job, execution, *end = statements.name(self.job.job_id, self.source.execution, *self._attempt)
        token = f"$hash({joined(self.source.owner, *end)}, 'SHA-256')"
        return {
            "StatementName": joined(job, execution, *end),
            "ClientToken": Code(f"{self.source.kept} ? $error('Done.') : {locked(Code(token))}"),
        }

    @property
    def _attempt(self) -> tuple[Value, Value]:
        """Task and attempt, as parts of a name."""
        return self.source.task, Code(f"$string({INPUT}.attempt)")

    def _submit(self, submission: SubmitCall) -> Task:
        return self._call(
            submission.state,
            submission.call,
            submission.arguments,
            next=self.source.name(self._behind),
            output={
                **keep("attempt", "failures", "redrives", "since"),
                **fields(Id="$states.result.Id"),
                **self._deadline(),
                **({"polls": 0} if self.source.polls else {}),
                **(fields(submitted="$states.context.State.EnteredTime") if self.source.reports else {}),
            },
            comment=self.source.comment,
            retry=calls.submit_retry(submission.call, interval=self.source.interval),
            catch=(self._caught(),),
            role=Submits(self._first_wait),
        )

    @property
    def _behind(self) -> Step:
        """What follows the submission."""
        return "wait" if self.source.polls else "finish"

    def _deadline(self) -> dict[str, str]:
        match self.source.timeout:
            case None:
                return {}
            case Code() as seconds:
                return fields(deadline=f"$millis() + {seconds} * 1000")
            case seconds:
                return fields(deadline=f"$millis() + {int(seconds) * 1000}")

    def _status(self) -> Choice:
        return Choice(self.source.name("status"), self._rules(), default=self._look)

    def _rules(self) -> tuple[Rule, ...]:
        # Without a timeout nothing has an error that has not ended.
        told = f"$exists({INPUT}.error)"
        ended = told if self.source.timeout is None else f"{UNSUCCESSFUL} and {told}"
        lasting = f" and {INPUT}.error != {literal(FENCED)}" if self.job.fence else ""
        late = expression(f"{INPUT}.Status in {list(statements.OPEN)} and {LATE}")
        again = expression(f"{ended}{lasting} and {INPUT}.failures < ({code(self.source.allowed)})")
        retry, failing = self.source.name("retry"), self.source.name(self.failing)
        return (
            Rule(expression(REDRIVEN), self.source.name("reclaim"), verdict="redriven"),
            self._ended_well(),
            self._done_already(),
            *self._new(),
            Rule(again, retry, verdict="retry"),
            Rule(expression(ended), failing, self._failure(), "failed"),
            Rule(expression(looking.ASK_AGAIN), retry, verdict="ask again"),
            Rule(expression(looking.IS_REFUSED), failing, looking.refusal(), "refused"),
            *((Rule(late, self.source.name("cancel"), verdict="late"),) if self.source.timeout is not None else ()),
        )

    def _ended_well(self) -> Rule:
        finished = expression(f"{INPUT}.Status = '{statements.FINISHED}'")
        if self.next is None:  # which a Choice cannot do
            return Rule(finished, self.source.name("finish"), verdict="finished")
        return Rule(finished, self.next, self._finished(), "finished")

    def _done_already(self) -> Rule:
        kept, output = (self.next, self._kept()) if self.next else (self.source.name("kept"), None)
        return Rule(expression(f"{INPUT}.Status = '{passing.KEPT}'"), kept, output, "kept")

    def _new(self) -> Iterator[Rule]:
        """To the state that submits, or to the one that looks whether it was."""
        yield Rule(expression(f"{INPUT}.Status = '{passing.UNKNOWN}'"), self.source.name("find"), verdict="unknown")
        new = f"{INPUT}.Status = '{passing.NEW}'"
        for submission in self._submissions():
            when = new if submission.when is None else f"{new} and {submission.when}"
            yield Rule(expression(when), submission.state, verdict="new")

    def _kept(self) -> Any:
        """The same of a task that an earlier execution has done."""
        if self.source.reports:
            none = f"{{'Id': '{statements.NO_STATEMENT}', 'submitted': $states.context.State.EnteredTime}}"
            return expression(f"$merge([{INPUT}, {none}])")
        return passing.keep(self.source.task)

    def _failure(self) -> str:
        """What ``record`` needs: the statement (of a batch, the part that failed), the message, the next attempt."""
        told = code_object(
            redrives="$i.redrives",
            statement="$i.statement",
            attempt="$i.attempt + 1",
            cause=f"$substring($i.error, 0, {MAX_MESSAGE})",
            since=str(passing.NOT_SUBMITTED),
        )
        return expression(f"($i := {INPUT}; {told})")

    def _caught(self) -> Catch:
        """The task is kept; or the lock comes first, or the submission was refused: then it is looked for."""
        status = f"{{'Status': {self.source.kept} ? '{passing.KEPT}' : '{passing.UNKNOWN}'}}"
        return Catch((calls.ANY_ERROR,), self.source.name("status"), refused(status, unless=REDRIVEN))

    @property
    def _looking(self) -> LookingPattern:
        """How a statement is looked for whose name is exactly this."""
        job, execution, *end = statements.name(self.job.job_id, self.source.execution, *self._attempt)
        name = joined(job, execution, *end)
        return LookingPattern(self.job, self.source, self.target, name, "[StatementName = $n]")

    def _find(self) -> Task:
        return self._looking.state(self._counters)

    @property
    def _counters(self) -> dict[str, int]:
        """What begins at 0 when a statement is followed."""
        return {"polls": 0} if self.source.polls else {}

    def _retry(self) -> Wait:
        """Before another attempt, or before what was refused is asked again."""
        return Wait(
            self.source.name("retry"),
            expression(f"{looking.IS_REFUSED} ? {looking.PAUSE} : {self.source.pause}"),
            self.source.name("status"),
            expression(looking.RETRIED),
        )
