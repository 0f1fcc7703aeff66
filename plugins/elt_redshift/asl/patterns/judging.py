"""The states that tell whose a lock is that is not free, and whether it may be taken over.

::

    read lock ──> judge lock ──free, or ours by now──> acquire lock
                    │  │  ├─ at work ───────> locked
                    │  │  ├─ failed ────────> held
                    │  │  └─ cannot be told ─> unclear
                    │  └─ lease has run out, or let go ──> dead
                    v
              ask for owner ──> judge owner ──> locked | held | unclear | dead
                                    │ dead for less than two minutes
                                    └──> wait for late calls ──> read lock

What each audit item is taken for, Python (:mod:`elt_redshift.aws.healing`) finds alike, and
``tests/unit/protocol/items.json`` holds both to one table. An item is never passed over in silence because it was
edited: where nobody can tell whose the lock is, the run says so.

A dead owner's lock is taken over :data:`~elt_redshift.protocol.owners.GRACE` seconds after its end at the earliest,
since a call that it had under way may submit a statement until then. Afterwards everything is looked at anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.jsonata import (
    EXECUTION_ARN,
    INPUT,
    REDRIVE_COUNT,
    Code,
    code_object,
    described_date,
    expression,
    fields,
    joined,
    keep,
)
from elt_redshift.asl.language.jsonata import literal as text
from elt_redshift.asl.language.states import Catch, Choice, Rule, State, Task, Wait
from elt_redshift.asl.patterns import fencing, queueing
from elt_redshift.asl.patterns.queueing import QueuePattern
from elt_redshift.asl.patterns.words import WHY, in_plain_words
from elt_redshift.asl.target import Target
from elt_redshift.protocol import audit, dynamodb, executions, messages, owners

#: The lock is looked at this often, about 24 hours of waiting, before the run gives up.
MAX_LOOKS = 720

#: The owner in the state's input is an execution.
IS_EXECUTION = f"$contains({INPUT}.owner, /{owners.EXECUTION}/)"

#: The item in the state's input is a failed run's.
FAILED = f"{INPUT}.state = '{audit.FAILED}'"

#: Why nobody can tell whose the lock is; empty where that can be told.
PROBLEM = f"{INPUT}.problem"

#: The failed run's lock was let go, or is reserved for this execution.
_FREE_TO_ME = f"({INPUT}.after = '{audit.RELEASED}' or {INPUT}.reserved = {EXECUTION_ARN})"

#: Whose late calls were waited for: an owner as it claimed the lock last. Another claim is of one that has gone on.
_CLAIM = f"{INPUT}.owner & ' ' & {INPUT}.claim"

#: The item in the state that reads it.
_ITEM = "$i"


@dataclass(frozen=True)
class JudgePattern:
    """Builds these states; ``read lock``, the first one, is given ``looks``.

    :param locked: the state that deals with a lock whose owner is at work, or may be.
    :param held: … of a failed run that does not run any more.
    :param unclear: … of which nobody can tell.
    :param given_up: … that was looked at too often.
    :param fence: the table of the job's fence, if it has one.
    :param dead: the state that deals with a dead execution's lock.
    :param queue: the states of runs that wait in order, if they do; of a job that waits for a lock at work.
    """

    job_id: str
    target: Target
    locked: str
    held: str
    unclear: str
    given_up: str
    fence: str | None = None
    queue: QueuePattern | None = None
    dead: str = names.FIND_LEFT

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        yield self._read()
        yield self._judge_lock()
        yield from self.queue.states() if self.queue else ()
        yield self._ask()
        yield self._judge_owner()
        yield self._wait_for_late_calls()

    def _read(self) -> Task:
        seen = {
            "looks": f"{INPUT}.looks + 1",
            "waited": f"{INPUT}.waited",
            "redrives": REDRIVE_COUNT,
            "state": _state(),
            "owner": _seen(audit.OWNER),
            "problem": _problem(),
            "after": _seen(audit.AFTER_FAILURE),
            "claim": _seen(audit.REDRIVES, "0", "N"),
            "until": _seen(audit.LEASE_UNTIL, owners.NO_LEASE),
            "reserved": _seen(audit.RESERVED_FOR),
            "task": _seen(audit.FAILED_TASK, messages.UNKNOWN),
            "end": _seen(audit.JOB_END, messages.UNKNOWN),
            "message": _seen(audit.MESSAGE, messages.NO_MESSAGE),
            # The owner's end, in epoch milliseconds: of an execution, Step Functions tells it.
            "ended": _failed_at(),
            "look": "0",
            "passes": "0",
            **(fencing.read(_ITEM) if self.fence else {}),
            **(queueing.read(_ITEM) if self.queue else {}),
        }
        # One expression, in which the item has a short name: definitions have a limit.
        found = "Attributes" if self.queue else "Item"
        output = expression(f"({_ITEM} := $states.result.{found}; {code_object(**seen)})")
        if self.queue:
            return self.queue.reading(output)
        return get_item("read lock", self.job_id, self.target, "judge lock", output)

    def _judge_lock(self) -> Choice:
        let_go = f"({FAILED} and {_FREE_TO_ME})"
        # Both are ISO 8601 in UTC with milliseconds, which sort as text; NO_LEASE sorts behind them all.
        expired = f"{INPUT}.until < $fromMillis($millis() - {owners.LEASE_TOLERANCE * 1000})"
        dead = f"{let_go} or ({INPUT}.state = '{audit.RUNNING}' and {expired})"
        return Choice(
            "judge lock",
            (
                Rule(expression(f"{INPUT}.looks > {MAX_LOOKS}"), self.given_up),
                Rule(expression(f"{PROBLEM} != ''"), self.unclear),
                *([self.queue.rule()] if self.queue else ()),
                *self._unfenced(),
                *self._ours(),
                Rule(expression(IS_EXECUTION), "ask for owner"),
                Rule(expression(f"$trim({INPUT}.owner) != '' and ({let_go}) and {_late()}"), names.LATE_CALLS),
                Rule(expression(f"$trim({INPUT}.owner) != '' and ({dead})"), names.FIND_LEFT),
                Rule(expression(FAILED), self.held),
            ),
            default=self.locked,
        )

    def _ours(self) -> Iterator[Rule]:
        """It was freed between the two calls, or one that was given up has taken it."""
        free, mine = f"{INPUT}.state = '{audit.READY}'", f"{INPUT}.owner = {EXECUTION_ARN}"
        if self.fence:
            yield Rule(expression(free), names.ACQUIRE)
            yield Rule(expression(mine), names.KEEP_LOCK)
        else:
            yield Rule(expression(f"{free} or {mine}"), names.ACQUIRE)

    def _unfenced(self) -> Iterator[Rule]:
        """The free lock of a job whose fence must be written first."""
        if self.fence:
            free = f"{INPUT}.state = '{audit.READY}'"
            stands = f"{INPUT}.fenced = '{self.fence}' and {INPUT}.era != ''"
            yield Rule(expression(f"{free} and $not({stands})"), names.JUDGE_FENCE)

    def _ask(self) -> Task:
        def status(code: str, more: str = "") -> str:
            return expression(f"$merge([{INPUT}, {{'status': {code}{more}}}])")

        why = joined(*messages.not_told(Code(f"{INPUT}.owner"), Code(in_plain_words(WHY))))
        return Task(
            "ask for owner",
            calls.DESCRIBE_EXECUTION,
            fields(ExecutionArn=f"{INPUT}.owner"),
            next="judge owner",
            output=status("$states.result.Status", f", 'ended': {_stopped_at()}"),
            retry=calls.DESCRIBE_EXECUTION_RETRY,
            catch=(
                Catch((calls.NO_SUCH_EXECUTION,), "judge owner", status("'GONE'", ", 'ended': 0")),
                Catch((calls.ANY_ERROR,), "judge owner", status("'UNKNOWN'", f", 'problem': {why}")),
            ),
            partition=self.target.partition,
        )

    def _judge_owner(self) -> Choice:
        # A task of it has failed, and others have not ended yet, or it has been redriven: it runs.
        runs = expression(f"$merge([{INPUT}, {{'state': '{audit.RUNNING}'}}])")
        mine, its = (f"$substringBefore({arn}, ':execution:')" for arn in (EXECUTION_ARN, f"{INPUT}.owner"))
        why = joined(*messages.not_told(Code(f"{INPUT}.owner"), messages.ELSEWHERE))
        elsewhere = expression(f"$merge([{INPUT}, {{'problem': {why}}}])")
        return Choice(
            "judge owner",
            (
                Rule(expression(f"{INPUT}.status in {list(executions.ALIVE)}"), self.locked, runs),
                Rule(expression(f"{PROBLEM} != ''"), self.unclear),
                Rule(expression(f"{INPUT}.status = 'GONE' and {its} != {mine}"), self.unclear, elsewhere),
                Rule(expression(f"{FAILED} and $not({_FREE_TO_ME})"), self.held),
                Rule(expression(_late()), names.LATE_CALLS),
            ),
            default=self.dead,
        )

    def _wait_for_late_calls(self) -> Wait:
        left = f"$ceil(({INPUT}.ended - $millis()) / 1000) + {owners.GRACE}"
        pause = expression(f"$max([1, $min([{owners.GRACE}, {left}])])")
        return Wait(names.LATE_CALLS, pause, "read lock", {**keep("looks"), "waited": expression(_CLAIM)})


def get_item(name: str, job_id: str, target: Target, next: str, output: Any) -> Task:
    """A state that reads the audit item."""
    return Task(
        name,
        calls.GET_ITEM,
        dynamodb.get(target.audit_table, audit.key(job_id)),
        next=next,
        output=output,
        retry=calls.DYNAMODB_RETRY,
        partition=target.partition,
    )


def read(attribute: str) -> str:
    """A text of the item that was got; empty where it is not there."""
    path = f"$states.result.Item.{attribute}.S"
    return f"$exists({path}) ? {path} : ''"


def _seen(attribute: str, default: str = "", kind: str = "S") -> str:
    """An attribute of the item, or what stands for one that is not there."""
    path = f"{_ITEM}.{attribute}.{kind}"
    return f"$exists({path}) ? {path} : '{default}'"


def _late() -> str:
    """The owner has ended, but so lately that a call of it may still be under way."""
    return f"$millis() < {INPUT}.ended + {owners.GRACE * 1000}"


def _failed_at() -> str:
    """When the item was recorded as failed, in epoch milliseconds, as far as that can be read."""
    end = f"{_ITEM}.{audit.JOB_END}.S"
    return f"$exists({end}) and $contains({end}, /{owners.LEASE}/) ? $toMillis({end}) : 0"


def _stopped_at() -> str:
    """When the execution ended. It counts as now, the first time, where the date has another form than that of the
    documentation; and where a redrive of it has claimed the lock and not ended, by the item: DescribeExecution is
    eventually consistent, and may tell of the end before that, be it with the newest count of redrives."""
    now = f"({INPUT}.waited = {_CLAIM} ? 0 : $millis())"
    date = described_date("$states.result.StopDate", otherwise=now)
    outdated = f"$states.result.RedriveCount < $number({INPUT}.claim)"
    running = f"{INPUT}.state = '{audit.RUNNING}'"
    redriven = f"{running} or {outdated} ? {now} : $max([{INPUT}.ended, {date}])"
    return f"$states.result.Status = '{executions.SUCCEEDED}' ? 0 : {INPUT}.claim = '0' ? {date} : {redriven}"


def _state() -> str:
    """The item's state; without one it is free."""
    path = f"{_ITEM}.{audit.JOB_STATE}"
    return f"$exists({path}.S) ? {path}.S : $exists({path}) ? '{audit.NO_TEXT}' : '{audit.READY}'"


def _problem() -> str:
    """Why nobody can tell whose the lock is, in the order in which :meth:`AuditItem.parse` looks for it."""
    state, owner, lease = (f"{_ITEM}.{name}" for name in (audit.JOB_STATE, audit.OWNER, audit.LEASE_UNTIL))
    known = [audit.RUNNING, audit.FAILED]
    running = f"{state}.S = '{audit.RUNNING}' and $exists({owner}.S)"
    leased = f"$exists({lease}.S) and $contains({lease}.S, /{owners.LEASE}/)"
    askable = f"$contains({owner}.S, /{owners.EXECUTION}/) or {leased}"
    fence, *others = (
        (f"$exists({_ITEM}.{name}) and $not($exists({_ITEM}.{name}.{kind}))", messages.of_another_type(name, kind))
        for name, kind in audit.TYPES.items()
    )
    reasons = [
        fence,  # which is all that matters of a free item
        (f"$not($exists({state})) or {state}.S = '{audit.READY}'", ""),
        *others,
        (f"$exists({state}.S) and $not({state}.S in {known})", joined(*messages.unknown_state(Code(f"{state}.S")))),
        (f"{running} and $trim({owner}.S) = ''", messages.BLANK_OWNER),
        (f"{running} and $not({askable})", joined(*messages.nobody_to_ask(Code(f"{owner}.S")))),
    ]
    return " : ".join(f"{when} ? {why if isinstance(why, Code) else text(why)}" for when, why in reasons) + " : ''"
