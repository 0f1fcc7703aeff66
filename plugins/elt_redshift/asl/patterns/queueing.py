"""The states by which runs that wait for the lock take it in the order in which they came.

::

    acquire lock ──taken, or others wait──> read lock ──> judge lock ──the first of them──> (whose is the lock?)
                                              ^  │ ^          │                                   │ at work
                          mend queue <────────┘  │ │          └──> ask for first ──> judge first  v
                          (was no set)           │ └─── drop ticket <──────ended──────┘   └──> wait for lock
                                                 └───────────────────────────────────────────────┘

A run that meets the lock taken, or others that wait for it, leaves a ticket in the audit item, by the write that reads
it. Only who has the first ticket asks for the owner and takes the lock; the others ask whether the first one waits
still. A run that was stopped while it waited cannot take its ticket back: whoever comes behind it does. So nobody waits
for the dead, and no ticket runs out. The order is all that rests on tickets: whose the lock is, the writes that take it
demand as ever. A lost, doubled or late write of a ticket moves a run by a place, or makes somebody ask once more.
``docs/adr/0021-waiting-in-order.md`` has the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.jsonata import EXECUTION_ARN, INPUT, Code, expression, fields, joined, keep
from elt_redshift.asl.language.states import Catch, Choice, Rule, State, Task, Wait
from elt_redshift.asl.target import Target
from elt_redshift.protocol import audit, dynamodb, executions
from elt_redshift.protocol.writes import Write

#: The looks of who is next grow apart by this factor, and begin anew with each owner: so that the lock is free for at
#: most a fifth of the time for which it was held. Those of the others, who need only see it before that one is done,
#: grow apart twice as much each. Nobody waits for more than so many seconds.
GROWTH, OTHERS_GROWTH = 1.25, 2
LONGEST_PAUSE = 120

_TICKET = joined(*audit.ticket(Code("$states.context.Execution.StartTime"), Code(EXECUTION_ARN)))


def read(item: str) -> dict[str, str]:
    """What ``read lock`` reads besides, of the item ``item``: JSONata by name."""
    number = f"{item}.{audit.FENCE}.N"
    taken = f"($exists({number}) ? {number} : '')"
    return {
        "first": f"$sort([{item}.{audit.WAITING}.*])[0]",  # SS, or Ss: Step Functions recases names
        "taken": taken,
        "pause": f"$exists({INPUT}.pause) and {INPUT}.taken = {taken} ? {INPUT}.pause : 1",
    }


def waiting() -> Wait:
    """The state in which a run waits; what it keeps has its next pause."""
    growth = f"({INPUT}.first = {_TICKET} ? {GROWTH} : {OTHERS_GROWTH})"
    longer = expression(f"$min([{LONGEST_PAUSE}, $ceil({growth} * {INPUT}.pause)])")
    kept = {**keep("looks", "taken"), "pause": longer}
    return Wait(names.WAITING, expression(f"{INPUT}.pause"), "read lock", kept)


def given() -> dict[str, Any]:
    """What the writes are given that take the lock in turn."""
    return {"ticket": expression(_TICKET), "tickets": [expression(_TICKET)]}


@dataclass(frozen=True)
class QueuePattern:
    """Builds these states, and the call by which ``read lock`` leaves a ticket."""

    job_id: str
    target: Target

    def states(self) -> Iterator[State]:
        yield self._ask()
        yield Choice(
            "judge first",
            (Rule(expression(f"{INPUT}.turn in {list(executions.ALIVE)}"), names.WAITING),),
            default="drop ticket",
        )
        yield self._update("drop ticket", audit.UNQUEUE, tickets=[expression(f"{INPUT}.first")])
        yield self._update("mend queue", audit.END_QUEUE)

    def rule(self) -> Rule:
        """Others are before this run: it takes no lock, unless it has it by a write that was given up, or the lock is
        reserved for it."""
        mine = f"{INPUT}.first = {_TICKET} or {EXECUTION_ARN} in [{INPUT}.owner, {INPUT}.reserved]"
        return Rule(expression(f"$not({mine})"), "ask for first")

    def reading(self, output: Any) -> Task:
        """``read lock``."""
        return Task(
            "read lock",
            calls.UPDATE_ITEM,
            self._request(audit.QUEUE, tickets=[expression(_TICKET)], answered=True),
            next="judge lock",
            output=output,
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), "mend queue", keep("looks")),),
            partition=self.target.partition,
        )

    def _ask(self) -> Task:
        def turn(status: str) -> str:
            return expression(f"$merge([{INPUT}, {{'turn': {status}}}])")

        return Task(
            "ask for first",
            calls.DESCRIBE_EXECUTION,
            fields(ExecutionArn=f"$substringAfter({INPUT}.first, ' ')"),
            next="judge first",
            output=turn("$states.result.Status"),
            retry=calls.DESCRIBE_EXECUTION_RETRY,
            # Of which nobody can tell, it is not waited for either: it comes back when it looks next.
            catch=(Catch((calls.ANY_ERROR,), "judge first", turn("'GONE'")),),
            partition=self.target.partition,
        )

    def _update(self, name: str, write: Write, **values: Any) -> Task:
        refused = (Catch((calls.CONDITION_FAILED,), "read lock", keep("looks")),) if write.demands else ()
        return Task(
            name,
            calls.UPDATE_ITEM,
            self._request(write, **values),
            next="read lock",
            output=keep("looks"),
            retry=calls.DYNAMODB_RETRY,
            catch=refused,
            partition=self.target.partition,
        )

    def _request(self, write: Write, answered: bool = False, **values: Any) -> dict[str, Any]:
        return dynamodb.update(self.target.audit_table, audit.key(self.job_id), write, values, answered=answered)
