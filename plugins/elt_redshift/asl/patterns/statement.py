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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    INPUT,
    REDRIVE_TIME,
    REDRIVEN,
    Code,
    Value,
    code,
    code_object,
    expression,
    fields,
    is_date,
    joined,
    keep,
    literal,
    locked,
    rendered,
)
from elt_redshift.asl.language.names import Step
from elt_redshift.asl.language.roles import Submits
from elt_redshift.asl.language.states import Call, Catch, Choice, Rule, State, Succeed, Task, Wait
from elt_redshift.asl.patterns import looking, passing
from elt_redshift.asl.patterns.failing import FailurePattern
from elt_redshift.asl.patterns.looking import LookingPattern, refused
from elt_redshift.asl.patterns.source import Source, SubmitCall
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import statements
from elt_redshift.protocol.fence import REFUSED
from elt_redshift.protocol.limits import LONG_POLL, MAX_MESSAGE
from elt_redshift.protocol.messages import CANCELLED, FENCED

#: Longest pause between two polls, in seconds.
MAX_PAUSE = 60

#: In the console, at a state that raises an error to tell that a statement runs.
NO_FAILURE = "An error here is no failure."
UNFINISHED = "Not finished."
NOT_FINISHED = f"$error('{UNFINISHED}')"

#: The statement in the state's input has ended badly.
UNSUCCESSFUL = f"{INPUT}.Status in {list(statements.UNSUCCESSFUL)}"

#: … is past the task's timeout, and was not cancelled for that yet.
_LATE = f"($not($exists({INPUT}.error)) and $millis() > {INPUT}.deadline)"

#: The statement ``$r`` had ended badly when the execution was redriven last, or was cancelled, having been submitted
#: before: by whoever stopped the execution, since the task itself cancels only what is late, which leaves ``error`` in
#: ``$i``. Its failure ended the run, or went under when another one did; the redrive is to go on behind it.
_ENDED_BEFORE = (
    f"$bad and $not($exists($i.error)) and $exists({REDRIVE_TIME}) and "
    f"($d := $cut ? $r.CreatedAt : $r.UpdatedAt; "
    f"{is_date('$d')} ? $toMillis($d) < $toMillis({REDRIVE_TIME}) : $cut)"
)
#: … of which these are told first: whether it has ended badly, and whether it was cancelled.
_HOW_IT_ENDED = f"$bad := $r.Status in {list(statements.UNSUCCESSFUL)}; $cut := $r.Status = '{statements.ABORTED}'"

#: What is known of a task whose statement is submitted anew, as another attempt that is no failure.
_ANEW = (
    "{'attempt': $i.attempt + 1, 'failures': $i.failures, 'redrives': $i.redrives, 'since': $millis(), "
    f"'Status': '{passing.NEW}'}}"
)


@dataclass(frozen=True)
class StatementPattern:
    """Builds the states of a task.

    :param source: where its values come from.
    :param next: the state behind it; None: it ends its branch.
    :param failing: the state that a failure leads to: the record, or what comes before that and says in ``task`` which
        failure is to be recorded.
    """

    job: EltJob
    source: Source
    target: Target
    next: str | None
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

    @property
    def _finishes(self) -> bool:
        """Whether there is a state ``finish``."""
        return not self.source.polls or self.next is None

    @property
    def _look(self) -> str:
        """The state that looks at the statement once more, sooner or later."""
        return self.source.name("wait" if self.source.polls else "describe")

    def _long_poll(self, seconds: Value) -> dict[str, Value]:
        return {} if self.source.polls else {"WaitTimeSeconds": seconds}

    def _call(
        self, name: str, call: Call, arguments: Mapping[str, Any] | str, next: str | None, output: Any, **more: Any
    ) -> Task:
        return Task(name, call, arguments, next, output, partition=self.target.partition, **more)

    @property
    def _first_wait(self) -> int:
        """How many seconds the call that submits waits for the statement's end at most."""
        if self.source.polls:
            return 0
        known = isinstance(self.source.timeout, int) and not isinstance(self.source.timeout, Code)
        return min(LONG_POLL, int(self.source.timeout or LONG_POLL)) if known else LONG_POLL

    def _submissions(self) -> tuple[SubmitCall, ...]:
        timeout = self.source.timeout
        first: Value = LONG_POLL
        if isinstance(timeout, Code):
            first = Code(f"$min([{LONG_POLL}, {timeout}])")
        elif timeout is not None:
            first = min(LONG_POLL, int(timeout))
        return self.source.submissions({**self._identity(), **self._long_poll(first)})

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

    def _finish(self) -> Task:
        result = "$states.result"
        finished = f"{result}.Status = '{statements.FINISHED}'"
        given, rows = self._finished(), passing.rows(result, self.source.batches, bool(self.job.fence))
        if given is None:
            told = f"{{'Status': '{statements.FINISHED}', 'rows': {rows}}}"
            output: Any = expression(f"{finished} ? $merge([{INPUT}, {told}]) : {NOT_FINISHED}")
        else:
            output = {**given, **fields(statement=f"{finished} ? {INPUT}.Id : {NOT_FINISHED}", rows=rows)}
        return self._call(
            self.source.name("finish"),
            calls.DESCRIBE_STATEMENT,
            {**keep("Id"), **self._waiting()},
            next=self.next,
            output=output,
            comment=NO_FAILURE,
            # It has not finished, or the call was refused: then the next one will be, too, and is caught.
            catch=(Catch((calls.ANY_ERROR,), self._look, expression(INPUT)),),
        )

    def _status(self) -> Choice:
        return Choice(self.source.name("status"), self._rules(), default=self._look)

    def _rules(self) -> tuple[Rule, ...]:
        # Without a timeout nothing has an error that has not ended.
        told = f"$exists({INPUT}.error)"
        ended = told if self.source.timeout is None else f"{UNSUCCESSFUL} and {told}"
        lasting = f" and {INPUT}.error != {literal(FENCED)}" if self.job.fence else ""
        late = expression(f"{INPUT}.Status in {list(statements.OPEN)} and {_LATE}")
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

    def _finished(self) -> dict[str, Any] | None:
        """What the next task gets; None: all of it, for the report."""
        return None if self.source.reports else passing.finish(self.source.task, f"{INPUT}.Id", passing.ROWS)

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

    def _describe(self) -> Task:
        again = self._looking_again()
        told = f"{self._fenced()}$exists($r.Error) ? $r.Error : '{CANCELLED}'"
        said = f"$exists($i.error) ? $i.error : {told}"
        part, failed = "", "$i.Id"
        if self.source.batches is not False:
            part = f"$part := $r.SubStatements[Status = '{statements.FAILED}'][0].Id; "
            failed = "$exists($part) ? $part : $i.Id"
        ended = f"{{'error': {said}, 'statement': {failed}}}"
        rows = passing.rows("$r", self.source.batches, bool(self.job.fence))
        seen = f"{{'Status': $r.Status, 'rows': {rows}}}"
        found = f"$merge([$i, {seen}, $bad ? {ended} : {{}}])"
        return self._call(
            self.source.name("describe"),
            calls.DESCRIBE_STATEMENT,
            {**keep("Id"), **self._waiting()},
            next=self.source.name("status"),
            output=expression(
                f"($i := {INPUT}; $r := $states.result; {part}{_HOW_IT_ENDED}; {self._running()}"
                f"{_ENDED_BEFORE} ? {_ANEW} : {found})"
            ),
            comment=NO_FAILURE if again else None,
            retry=calls.DATA_API_RETRY,
            catch=(*again, *self._unseen()),
        )

    def _running(self) -> str:
        """An error where there is nothing to be done but to look again. Nothing else in the output may raise one, or
        the state would be entered for ever."""
        late = f" and $not({_LATE})" if self.source.timeout is not None else ""
        going = f"$r.Status in {list(statements.OPEN)} and $not({REDRIVEN}){late}"
        return f"{going} ? {NOT_FINISHED} : "

    def _looking_again(self) -> tuple[Catch, ...]:
        """It runs: another look costs one transition, not two as by way of the status."""
        return (Catch((calls.NOT_EVALUATED,), self._look, expression(INPUT)),)

    def _fenced(self) -> str:
        """The words for a first statement of a batch that finds the claim of this run written by a later one."""
        if not self.job.fence:
            return ""
        refused = f"$exists($part) and $contains($part, /:1$/) and $contains($r.Error, '{REFUSED}')"
        return f"{refused} ? {literal(FENCED)} : "

    def _unseen(self) -> tuple[Catch, Catch]:
        """The statement is forgotten: it is looked for by its name, for good measure. Or the call was refused."""
        forgotten = f"{{'Status': '{passing.UNKNOWN}', 'since': {passing.FORGOTTEN}}}"
        status = self.source.name("status")
        return (
            Catch((calls.NO_SUCH_STATEMENT,), status, expression(f"$merge([{INPUT}, {forgotten}])")),
            Catch((calls.ANY_ERROR,), status, refused(f"{{'Status': '{passing.REFUSED}'}}")),
        )

    def _waiting(self) -> dict[str, Any]:
        """How long a call that describes waits: no longer than the task's timeout, unless that has passed."""
        left = f"$ceil(({INPUT}.deadline - $millis()) / 1000)"
        until_timeout = Code(f"$exists({INPUT}.error) ? {LONG_POLL} : $max([1, $min([{LONG_POLL}, {left}])])")
        poll = self._long_poll(LONG_POLL if self.source.timeout is None else until_timeout)
        return {name: rendered(value) for name, value in poll.items()}

    def _pause(self) -> Wait:
        return Wait(
            self.source.name("wait"),
            expression(f"$ceil($min([{MAX_PAUSE}, $power(1.5, {INPUT}.polls)]))"),
            self.source.name("describe"),
            expression(f"$merge([{INPUT}, {{'polls': {INPUT}.polls + 1}}])"),
        )

    def _cancel(self, timeout: Value) -> Task:
        message = joined("The statement ran longer than the task's timeout of ", timeout, " s and was cancelled.")
        overdue = expression(f"$merge([{INPUT}, {{'error': {message}}}])")
        return self._call(
            self.source.name("cancel"),
            calls.CANCEL_STATEMENT,
            keep("Id"),
            next=self.source.name("describe"),
            output=overdue,
            retry=calls.DATA_API_RETRY,
            catch=(
                # It ended by itself between the two calls: describe tells how.
                Catch((calls.INVALID, calls.NO_SUCH_STATEMENT), self.source.name("describe"), overdue),
                self._unseen()[-1],
            ),
        )

    def _retry(self) -> Wait:
        """Before another attempt, or before what was refused is asked again."""
        return Wait(
            self.source.name("retry"),
            expression(f"{looking.IS_REFUSED} ? {looking.PAUSE} : {self.source.pause}"),
            self.source.name("status"),
            expression(looking.RETRIED),
        )
