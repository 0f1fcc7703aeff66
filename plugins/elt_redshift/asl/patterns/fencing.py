"""The states that write the fence of a job before its lock is taken behind somebody who may have calls under way.

::

    find left statements <──> cancel left statements, wait for statements
        │ none left    ^
        v              └─────────────┬─────────────────────┐
    judge fence ──not written──> set fence     look at fence <── wait for fence
        │  │  │                      ^                              ^
        │  │  │ └─no era ─> begin fence                             │
        │  │  └──not there yet, or failed ──────────────────────────┘
        │  └─written, and the lock is free ──> mark fence ──> acquire lock
        └─written ──> take over lock

Between the write and the end of the wait everything that a former owner has under way either has passed its check, and
is waited for or listed and cancelled, or fails by it. Nothing is judged but behind a list that is newer than what is
known of the write. ``docs/adr/0020-the-fence.md`` has the windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.jsonata import (
    EXECUTION_ARN,
    EXECUTION_NAME,
    INPUT,
    Code,
    code,
    expression,
    fields,
    gate,
    joined,
    keep,
    padded,
)
from elt_redshift.asl.language.states import Catch, Choice, Rule, State, Task, Wait
from elt_redshift.asl.patterns import passing
from elt_redshift.asl.patterns.repeating import shows
from elt_redshift.asl.target import Target
from elt_redshift.protocol import audit, dynamodb, fence, messages, statements
from elt_redshift.protocol.limits import LONG_POLL
from elt_redshift.protocol.writes import Write

#: The write is looked at so often, up to 30 s apart, and submitted so often, before the run gives up.
MAX_LOOKS = 120
MAX_TRIES = 10

#: The variable that holds the era and the number of the run's claim.
VARIABLE = "fence"

_ATTRIBUTES = "$states.result.Attributes"

#: A free lock has nobody whose statements could be listed by all their statuses.
_LOOK = f"({INPUT}.state = '{audit.READY}' ? {len(statements.OPEN) - 1} : 0)"


def claimed(redrives: str, run: str = f"${VARIABLE}") -> Code:
    """The claim of a run that takes ``redrives``, JSONata, for its redrive count."""
    return Code(f"{run} & ' ' & {padded(Code(f'$string({redrives})'), fence.REDRIVE_DIGITS)}")


def parameters(lock: str, claim: Code) -> list[dict[str, Any]]:
    """What the statements of :mod:`elt_redshift.protocol.fence` are given.

    :param lock: the audit table.
    """
    return [{"Name": fence.LOCK, "Value": lock}, {"Name": fence.CLAIM, "Value": expression(claim)}]


def parameters_code(lock: str, claim: Code) -> str:
    """The same as the members of an array inside JSONata; both values are JSONata."""
    given = {fence.LOCK: lock, fence.CLAIM: claim}
    return ", ".join(f"{{'Name': '{name}', 'Value': {value}}}" for name, value in given.items())


def assigned() -> dict[str, str]:
    """What the states assign that take the lock, by the answer to their write."""
    number = padded(f"{_ATTRIBUTES}.{audit.FENCE}.N", fence.NUMBER_DIGITS)
    return {VARIABLE: expression(f"{_ATTRIBUTES}.{audit.FENCE_ERA}.S & ' ' & {number}")}


def read(item: str) -> dict[str, str]:
    """What ``read lock`` reads besides, of the item ``item``: JSONata by name. ``last`` is the last claim that may be
    out, behind the era."""
    number, redrives = f"{item}.{audit.FENCE}.N", f"{item}.{audit.REDRIVES}.N"
    count = f"($exists({number}) ? {number} : '0')"
    redriven = f"($exists({redrives}) ? {padded(redrives, fence.REDRIVE_DIGITS)} : '{fence.ANY_REDRIVE}')"
    texts = {name: f"{item}.{name}.S" for name in (audit.FENCE_ERA, audit.FENCE_TABLE)}
    era, table = (f"($exists({text}) ? {text} : '')" for text in texts.values())
    return {
        "number": count,
        "last": f"{padded(count, fence.NUMBER_DIGITS)} & ' ' & {redriven}",
        "era": era,
        "fenced": table,
        "fence": f"'{passing.NEW}'",
        "why": "''",
        "tries": "0",
        "pauses": "0",
        "make": "false",
    }


@dataclass(frozen=True)
class FencePattern:
    """Builds these states.

    :param table: the job's.
    """

    job_id: str
    table: str
    target: Target

    def states(self) -> Iterator[State]:
        yield self._judge()
        yield self._begin()
        yield self._set()
        yield Wait("wait for fence", expression(f"$min([30, {INPUT}.pauses])"), "look at fence")
        yield self._look()
        yield self._mark()

    def _judge(self) -> Choice:
        ended_badly = f"{INPUT}.fence in {list(statements.UNSUCCESSFUL)}"
        failed = f"{ended_badly} and {INPUT}.why != ''"
        few = f"{failed} and {INPUT}.tries < {MAX_TRIES}"
        missing = f"$not({INPUT}.make) and $contains({INPUT}.why, '{fence.NO_TABLE}')"
        passes = f"({shows(f'{INPUT}.why', 'throttled', 'connection', 'conflict')} or {_made_meanwhile()})"
        written = f"{INPUT}.fence = '{statements.FINISHED}'"
        why = Code(f"({ended_badly} ? {INPUT}.why : {code(messages.HELD_UP)})")
        refused = joined(*messages.fence_unwritten(self.job_id, table=self.table, why=why))
        return Choice(
            names.JUDGE_FENCE,
            (
                Rule(expression(f"{INPUT}.era = ''"), "begin fence"),
                Rule(expression(f"{INPUT}.fence = '{passing.NEW}'"), "set fence"),
                Rule(expression(f"{written} and {INPUT}.state = '{audit.READY}'"), "mark fence"),
                Rule(expression(written), names.TAKE_OVER),
                Rule(expression(f"{few} and {missing}"), "set fence", _more("tries", "'make': true")),
                Rule(expression(f"{few} and {passes}"), "set fence", _more("tries", "'make': false")),
                Rule(expression(f"$not({failed}) and {INPUT}.pauses < {MAX_LOOKS}"), "wait for fence", _more("pauses")),
                Rule(gate(refused), names.ACQUIRE, {}),
            ),
        )

    def _begin(self) -> Task:
        return self._update(
            "begin fence",
            audit.BEGIN_ERA,
            fields(era="$now()"),
            next="set fence",
            output=expression(f"$merge([{INPUT}, {{'era': {_ATTRIBUTES}.{audit.FENCE_ERA}.S}}])"),
            answered=True,
        )

    def _set(self) -> Task:
        make, write = fence.creating(self.table), fence.writing(self.table)
        statement = statements.name(self.job_id, Code(EXECUTION_NAME), fence.WRITES, Code(f"$string({INPUT}.tries)"))
        last = Code(f"{INPUT}.era & ' ' & {INPUT}.last")
        token = joined(Code(EXECUTION_ARN), "/", last, "/", Code(f"$string({INPUT}.tries)"))
        return Task(
            "set fence",
            calls.BATCH_EXECUTE_STATEMENT,
            {
                "Sqls": expression(f"{INPUT}.make ? {_array(make, *write)} : {_array(*write)}"),
                **self.target.connection,
                "Parameters": parameters(self.target.audit_table, last),
                **fields(StatementName=joined(*statement), ClientToken=f"$hash({token}, 'SHA-256')"),
                **self._waiting,
            },
            next=names.FIND_LEFT,
            output=expression(
                f"($r := $states.result; $status := $exists($r.Status) ? $r.Status : '{statements.SUBMITTED}'; "
                f"$merge([{INPUT}, {{'look': {_LOOK}, 'why': '', 'id': $r.Id, 'fence': $status}}]))"
            ),
            retry=calls.submit_retry(calls.BATCH_EXECUTE_STATEMENT),
            partition=self.target.partition,
            comment="What a former owner of the lock may still send fails from here on.",
        )

    def _look(self) -> Task:
        result = "$states.result"
        why = f"$exists({result}.Error) ? {result}.Error : '{messages.CANCELLED}'"
        ended = f"{result}.Status in {list(statements.UNSUCCESSFUL)} ? {{'why': {why}}} : {{}}"
        return Task(
            "look at fence",
            calls.DESCRIBE_STATEMENT,
            {**fields(Id=f"{INPUT}.id"), **self._waiting},
            next=names.FIND_LEFT,
            output=expression(f"$merge([{INPUT}, {{'look': {_LOOK}, 'fence': {result}.Status}}, {ended}])"),
            retry=calls.DATA_API_RETRY,
            partition=self.target.partition,
        )

    @property
    def _waiting(self) -> dict[str, Any]:
        return {"WaitTimeSeconds": LONG_POLL} if self.target.long_polling else {}

    def _mark(self) -> Task:
        values = {**fields(number=f"{INPUT}.number", era=f"{INPUT}.era"), "fence": self.table}
        refused = Catch((calls.CONDITION_FAILED,), "read lock", keep("looks"))
        return self._update("mark fence", audit.FENCE_OFF, values, names.ACQUIRE, keep("looks"), catch=(refused,))

    def _update(
        self,
        name: str,
        write: Write,
        values: Mapping[str, Any],
        next: str,
        output: Any,
        answered: bool = False,
        catch: tuple[Catch, ...] = (),
    ) -> Task:
        request = dynamodb.update(self.target.audit_table, audit.key(self.job_id), write, values, answered=answered)
        retry, partition = calls.DYNAMODB_RETRY, self.target.partition
        return Task(name, calls.UPDATE_ITEM, request, next, output, retry=retry, catch=catch, partition=partition)


def _more(counter: str, *members: str) -> str:
    changed = ", ".join([f"'{counter}': {INPUT}.{counter} + 1", *members])
    return expression(f"$merge([{INPUT}, {{{changed}}}])")


def _made_meanwhile() -> str:
    """Two have made the table at once."""
    return f"$contains({INPUT}.why, /already exists|duplicate key/)"


def _array(*texts: str) -> str:
    """Texts as an array inside JSONata."""
    return f"[{', '.join(code(text) for text in texts)}]"
