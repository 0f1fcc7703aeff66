"""How a run of a large job runs its parts (:mod:`.part`), side by side.

::

    run parts (Parallel, a branch for each part)
    ┌─────────────────────────────────────────────────────────────────────────────────────┐
    │ part 1 ──> the end of the branch            starts an execution, waits for its end  │
    │   │ ^ any error: it failed; it was started already, before a redrive; it is refused │
    │   v └─────────── there is none ────┐                                                │
    │ part 1: ask ──> part 1: judge ─────┴ succeeded ──> part 1: done                     │
    │   ^                ├─ it ended badly ──> part 1: record ──> part 1: failed, the gate │
    │   │                ├─ … before a redrive of the run ──> part 1: redrive ─┐          │
    │   └─ part 1: wait <┴─ it runs <──────────────────────────────────────────┘         │
    └─────────────────────────────────────────────────────────────────────────────────────┘

A healthy run enters the first state. A failure of a part fails the run in the gate, and that aborts the first states of
the other parts, which stops these parts, if all goes well. A redrive enters the gate again, and those first states: a
start under a name that is taken is refused. Then the branch looks how its part is, whatever has become of it: one that
was not stopped goes on, one that has ended badly is redriven. What Step Functions tells of it may be out of date, so
an end counts only behind the redrive that was asked for, and is looked at more than once where it does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    EXECUTION_ARN,
    EXECUTION_NAME,
    INPUT,
    REDRIVE_COUNT,
    REDRIVE_TIME,
    REDRIVEN,
    Code,
    described_date,
    expression,
    fields,
    gate,
    joined,
    keep,
)
from elt_redshift.asl.language.jsonata import literal as text
from elt_redshift.asl.language.states import Catch, Choice, Flow, Parallel, Rule, State, Succeed, Task, Wait
from elt_redshift.asl.patterns import fencing, joins, redrives_of_parts, resumption
from elt_redshift.asl.patterns.part import PartMachine
from elt_redshift.asl.patterns.words import WHY, end_in_plain_words, in_plain_words
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import audit, dynamodb, executions, messages, owners, parts
from elt_redshift.protocol.limits import MAX_MESSAGE
from elt_redshift.protocol.statements import NO_STATEMENT

#: A part that goes on behind a redrive of its run is looked at when a tenth more of that time has passed, and at least
#: and at most so many seconds apart: its end is noticed that late, and no history is filled by looks.
_SHORTEST, _LONGEST, _SHARE = 2, 300, 10

#: What does not fit, or is refused, is looked at so often.
_LOOKS = 6

#: There is no execution of a part.
_NONE, _UNTOLD = "NONE", "UNTOLD"

_FOUND = "$states.result"

#: What a service says that has refused a call.
_SAID = f"$substring({in_plain_words(WHY)}, 0, {MAX_MESSAGE})"

#: What was refused before is no news any more.
_UNREFUSED = f"$sift({INPUT}, function($v, $k) {{$k != 'refused'}})"
_STATUS, _STOPPED = f"{INPUT}.status", f"{INPUT}.stopped"

#: It ended before the run was redriven last; where it was stopped because of the failure before, that may come late.
_BEFORE = (
    f"($exists({REDRIVE_TIME}) and {_STOPPED} < $toMillis({REDRIVE_TIME}) + "
    f"({_STATUS} = '{executions.ABORTED}' ? {owners.GRACE * 1000} : 0))"
)


@dataclass(frozen=True)
class RunPartsPattern:
    """Builds these states.

    :param next: the state behind all parts.
    """

    job: EltJob
    parts: Sequence[PartMachine]
    target: Target
    next: str

    def state(self) -> Parallel:
        """All parts."""
        branches = (Flow(tuple(_PartPattern(self.job, part, self.target).states())) for part in self.parts)
        return Parallel(parts.RUN_PARTS, tuple(branches), self.next, {})


@dataclass(frozen=True)
class _PartPattern:
    """The branch of one part. What its states pass on:

    ======== =======================================================================================
    redrives of the run, when the part was started or last let go on
    since    when the run took the lock, in epoch milliseconds
    acted    when the part was let go on, the same
    expected how often the part has been redriven by then, at least
    looks    how often what does not fit was looked at
    refused  whether a redrive was refused
    counted  the redrive of the run that its item is known to count
    why      what Step Functions said when it refused a call
    status   of the part, as Step Functions told it last; its ``stopped``, ``redriven`` and ``words``
    ======== =======================================================================================
    """

    job: EltJob
    part: PartMachine
    target: Target

    def states(self) -> Iterator[State]:
        yield self._start()
        yield self._ask()
        yield self._judge()
        yield self._go_on()
        yield self._record()
        yield self._gate()
        yield self._redrive()
        yield self._wait()
        yield Succeed(self._name("done"), {})

    def _name(self, step: str = "") -> str:
        return f"{self.part.name}: {step}" if step else self.part.name

    @property
    def _arn(self) -> str:
        """Of the part's execution, JSONata."""
        return f"{execution_of(self.target, self.part.number)} & {EXECUTION_NAME}"

    def _start(self) -> Task:
        run = {
            parts.OWNER: EXECUTION_ARN,
            parts.NAME: EXECUTION_NAME,
            parts.KEY: f"${joins.VARIABLE}",
            parts.REDRIVES: REDRIVE_COUNT,
            parts.REDRIVEN: REDRIVEN,
            parts.SINCE: f"{INPUT}.since",
            **({parts.FENCE: f"${fencing.VARIABLE}"} if self.job.fence else {}),
        }
        given = {
            parts.RUN: {**fields(**run), **({parts.LOCK: self.target.audit_table} if self.job.fence else {})},
            parts.CONNECTION: dict(self.target.connection),
            parts.PARAMETERS: expression("$parameters") if self.job.parameters else {},
            parts.KEPT: expression(f"${resumption.VARIABLE}"),
            parts.PRINT: self.part.print,
            parts.STARTED_BY_EXECUTION: expression(EXECUTION_ARN),
        }
        refused = f"$merge([{INPUT}, {{'why': {_SAID}}}])"
        return Task(
            self._name(),
            calls.START_PART,
            {"StateMachineArn": self.target.part(self.part.number), **fields(Name=EXECUTION_NAME), "Input": given},
            next=None,
            output={},
            comment=f"{len(self.part.arrangement.joins)} of its tasks wait for others.",
            catch=(Catch((calls.ANY_ERROR,), self._name("ask"), expression(refused)),),
            partition=self.target.partition,
        )

    def _ask(self) -> Task:
        words = (
            f"($e := {_text('Error')}; $c := {_text('Cause')}; {_FOUND}.Status = '{executions.FAILED}' ? "
            f"{end_in_plain_words('$e', '$c')} : '')"
        )
        told = {
            "status": f"{_FOUND}.Status",
            "stopped": described_date(f"{_FOUND}.StopDate", otherwise="$millis()"),
            # An end that is older than the redrive beside which it is told.
            "old": f"({described_date(f'{_FOUND}.StopDate', '1')}) < ({described_date(f'{_FOUND}.RedriveDate', '0')})",
            "redriven": f"$sum([0, {_FOUND}.RedriveCount])",
            "words": f"$substring({words}, 0, {MAX_MESSAGE})",
        }
        looked = f"'looks': $sum([1, {INPUT}.looks])"
        members = ", ".join(f"'{name}': {value}" for name, value in told.items())

        def otherwise(status: str, more: str = "") -> str:
            return expression(f"$merge([{INPUT}, {{'status': '{status}', {looked}{more}}}])")

        return Task(
            self._name("ask"),
            calls.DESCRIBE_PART,
            fields(ExecutionArn=self._arn),
            next=self._name("judge"),
            output=expression(f"$merge([{INPUT}, {{{members}, {looked}}}])"),
            retry=calls.DESCRIBE_EXECUTION_RETRY,
            catch=(
                Catch((calls.NO_SUCH_EXECUTION,), self._name("judge"), otherwise(_NONE)),
                Catch((calls.ANY_ERROR,), self._name("judge"), otherwise(_UNTOLD, f", 'why': {_SAID}")),
            ),
            partition=self.target.partition,
        )

    def _judge(self) -> Choice:
        refused, few = f"$exists({INPUT}.refused)", f"{INPUT}.looks < {_LOOKS}"
        wait, redrive = self._name("wait"), self._name("redrive")
        bad = f"{_STATUS} in {sorted(executions.ENDED - {executions.SUCCEEDED})}"
        # Told of before the redrive that was asked for.
        stale = f"({INPUT}.old or {INPUT}.redriven < $sum([0, {INPUT}.expected]))"
        goes_on = expression(
            f"$merge([{_UNREFUSED}, {{'redrives': {REDRIVE_COUNT}, 'looks': 0, "
            f"'acted': $exists({INPUT}.acted) ? {INPUT}.acted : $millis()}}])"
        )
        told = expression(f"$merge([{INPUT}, {{'words': $substring({self._cause()}, 0, {MAX_MESSAGE})}}])")
        first = f"{REDRIVE_COUNT} > $sum([0, {INPUT}.counted])"
        return Choice(
            self._name("judge"),
            (
                Rule(expression(f"{_STATUS} = '{executions.SUCCEEDED}'"), self._name("done")),
                Rule(expression(first), self._name("go on")),
                Rule(expression(f"{_STATUS} in {list(executions.ALIVE)}"), wait, goes_on),
                Rule(expression(f"{bad} and {REDRIVEN}"), redrive),
                Rule(expression(f"{bad} and {stale} and {few}"), wait),
                Rule(expression(f"{bad} and {_BEFORE} and $not({refused})"), redrive),
                Rule(expression(f"{bad} and {_BEFORE} and {few}"), wait),
                Rule(expression(f"{_STATUS} = '{_NONE}' and {few}"), self._name(), keep("redrives", "since", "looks")),
                Rule(expression(f"{_STATUS} = '{_UNTOLD}' and {few}"), wait),
                Rule(expression("true"), self._name("record"), told),
            ),
        )

    def _go_on(self) -> Task:
        return redrives_of_parts.go_on(self.target, self._name("go on"), self._name("judge"))

    def _cause(self) -> Code:
        name = self.part.name
        why = joined(*messages.part_refused(name, Code(f"{INPUT}.why")))
        stopped, late = (text(messages.part_ended(name, how)) for how in (messages.PART_STOPPED, messages.PART_LATE))
        return Code(
            f"($exists({INPUT}.refused) and {_BEFORE} ? {why} : {_STATUS} = '{executions.FAILED}' ? {INPUT}.words : "
            f"{_STATUS} = '{executions.TIMED_OUT}' ? {late} : {_STATUS} = '{executions.ABORTED}' ? {stopped} : {why})"
        )

    def _record(self) -> Task:
        """Unless the part has said so itself: it was stopped, cannot be started, or failed unforeseen. As of a run that
        was stopped, the lock is let go."""
        values = {
            "task": audit.NO_TASK,
            "statement": NO_STATEMENT,
            **fields(
                owner=EXECUTION_ARN,
                redrives=f"$string({INPUT}.redrives)",
                end="$now()",
                message=f"{INPUT}.words",
            ),
        }
        failed = self._name("failed")
        return Task(
            self._name("record"),
            calls.UPDATE_ITEM,
            dynamodb.update(self.target.audit_table, audit.key(self.job.job_id), audit.SETTLE, values),
            next=failed,
            output=expression(INPUT),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), failed, expression(INPUT)),),
            partition=self.target.partition,
        )

    def _gate(self) -> Choice:
        again = expression(f"$merge([{_UNREFUSED}, {{'looks': 0}}])")
        return Choice(
            self._name("failed"),
            (Rule(gate(Code(f"{INPUT}.words")), self._name("judge"), again),),
            comment="A redrive goes on from here.",
        )

    def _redrive(self) -> Task:
        next_count = f"{INPUT}.redriven + 1"
        acted = f"'redrives': {REDRIVE_COUNT}, 'acted': $millis(), 'looks': 0"
        refused = f"'refused': true, 'why': {_SAID}"
        return Task(
            self._name("redrive"),
            calls.REDRIVE_PART,
            fields(ExecutionArn=self._arn, ClientToken=f"$hash({self._arn} & '/' & $string({next_count}), 'MD5')"),
            next=self._name("wait"),
            output=expression(f"$merge([{_UNREFUSED}, {{{acted}, 'expected': {next_count}}}])"),
            retry=calls.REDRIVE_RETRY,
            catch=(
                Catch((calls.ANY_ERROR,), self._name("wait"), expression(f"$merge([{INPUT}, {{{acted}, {refused}}}])")),
            ),
            partition=self.target.partition,
        )

    def _wait(self) -> Wait:
        passed = f"$exists({INPUT}.acted) ? $floor(($millis() - {INPUT}.acted) / {_SHARE * 1000}) : 0"
        return Wait(
            self._name("wait"),
            expression(f"$min([{_LONGEST}, $max([{_SHORTEST}, {passed}])])"),
            self._name("ask"),
            expression(INPUT),
        )


def execution_of(target: Target, number: int) -> str:
    """The ARN of an execution of a part up to its name, JSONata."""
    return f"$replace('{target.part(number)}', ':stateMachine:', ':execution:') & ':'"


def _text(member: str) -> str:
    return f"$type({_FOUND}.{member}) = 'string' ? {_FOUND}.{member} : ''"
