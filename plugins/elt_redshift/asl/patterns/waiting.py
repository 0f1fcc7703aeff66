"""The states in which a task waits for the end of its statement: ``finish``, ``describe``, ``wait`` and ``cancel``.

How they lead to each other and to the task's other states is drawn in :mod:`.statement`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    INPUT,
    REDRIVE_TIME,
    REDRIVEN,
    Code,
    Value,
    expression,
    fields,
    is_date,
    joined,
    keep,
    literal,
    rendered,
)
from elt_redshift.asl.language.states import Call, Catch, Task, Wait
from elt_redshift.asl.patterns import passing
from elt_redshift.asl.patterns.looking import refused
from elt_redshift.asl.patterns.source import Source
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import statements
from elt_redshift.protocol.fence import REFUSED
from elt_redshift.protocol.limits import LONG_POLL
from elt_redshift.protocol.messages import CANCELLED, FENCED

#: Longest pause between two polls, in seconds.
MAX_PAUSE = 60

#: In the console, at a state that raises an error to tell that a statement runs.
NO_FAILURE = "An error here is no failure."
UNFINISHED = "Not finished."
NOT_FINISHED = f"$error('{UNFINISHED}')"

#: The statement in the state's input is past the task's timeout, and was not cancelled for that yet.
LATE = f"($not($exists({INPUT}.error)) and $millis() > {INPUT}.deadline)"

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
class WaitingPattern:
    """Builds the states that wait for a statement.

    :param source: where the task's values come from.
    :param next: the state behind the task; None: it ends its branch.
    """

    job: EltJob
    source: Source
    target: Target
    next: str | None

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

    def _first_poll(self) -> dict[str, Value]:
        """The same, as that call's argument."""
        timeout = self.source.timeout
        first: Value = LONG_POLL
        if isinstance(timeout, Code):
            first = Code(f"$min([{LONG_POLL}, {timeout}])")
        elif timeout is not None:
            first = min(LONG_POLL, int(timeout))
        return self._long_poll(first)

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

    def _finished(self) -> dict[str, Any] | None:
        """What the next task gets; None: all of it, for the report."""
        return None if self.source.reports else passing.finish(self.source.task, f"{INPUT}.Id", passing.ROWS)

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
        late = f" and $not({LATE})" if self.source.timeout is not None else ""
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
