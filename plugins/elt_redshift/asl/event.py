"""``wait: event``: a statement's end is told by Redshift's event, so that nobody polls.

One state submits the statement and waits; the task token is the last part of the statement's name. When the statement
ends, EventBridge starts the small Express state machine of :mod:`elt_redshift.asl.answering`, which answers the token::

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
statement's id, by the protocol of joins (:mod:`elt_redshift.asl.joins`): stored unless ``Ended`` is there; whoever
answers a stale token sets ``Ended`` and is told the stored token.

After a redrive nothing is submitted before the lock is taken again: the state's arguments raise an error then, and
the task goes on by looking for its statement.
https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-monitoring-events.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from elt_redshift.asl import calls, joins
from elt_redshift.asl.jsonata import EXECUTION_NAME, INPUT, REDRIVE_COUNT, expression, fields, keep
from elt_redshift.asl.jsonata import literal as text
from elt_redshift.asl.statement import MAX_MESSAGE, UNSUCCESSFUL, StatementPattern, seconds
from elt_redshift.asl.states import Catch, Choice, Rule, State, Task

#: Without an event a statement is looked for after this many seconds, then after 2, 4, 8 … times as many.
NET = 300

#: … and at most so many.
MAX_NET = 3600

STORE = f"SET TaskToken = :token, {joins.EXPIRY} = :expiry"
NOT_ENDED = "attribute_not_exists(Ended)"


@dataclass(frozen=True)
class EventPattern(StatementPattern):
    """Builds the states of a task that waits for the event.

    :param ends: the task ends its branch: the waiting state is the last one, and ``next`` ends the other ways.
    """

    ends: bool = False

    def _submit(self) -> Task:
        single = len(self.task.statements) == 1
        timeout = self.task.timeout
        return self._call(
            self.task.name,
            calls.EXECUTE_STATEMENT_AND_WAIT if single else calls.BATCH_EXECUTE_STATEMENT_AND_WAIT,
            {**self._sql(single), **self._identity(), **self.target.connection, "WithEvent": True},
            next=None if self.ends else self.next,
            output=self._told(),
            comment=self.task.source or None,
            retry=calls.EVENT_RETRY,
            catch=(self._ended_badly(), self._no_answer()),
            timeout=NET if timeout is None else min(NET, seconds(timeout)),
        )

    def _identity(self) -> dict[str, str]:
        # Another token is another request, which the ClientToken may refuse: then the statement is there to be found.
        name = f"{self._prefix()} & $states.context.Task.Token"
        redriven = text("The execution was redriven: the lock comes first.")
        guarded = f"{REDRIVE_COUNT} > {INPUT}.redrives ? $error({redriven}) : {name}"
        return {**super()._identity(), **fields(StatementName=guarded)}

    def _prefix(self) -> str:
        """How the name of this attempt's statement begins, in JSONata."""
        end = f"{text(f'/{self.task.name}/')} & $string({INPUT}.attempt) & '/'"
        return f"{text(self.job.job_id + '/')} & {EXECUTION_NAME} & {end}"

    def _told(self) -> dict[str, Any]:
        """What the next task gets; the same as from the status."""
        return {
            **self._finished(),
            **fields(statement="$states.result.Id"),
            **(fields(Id="$states.result.Id", Status="'FINISHED'") if self.announces else {}),
        }

    def _ended_badly(self) -> Catch:
        return Catch(
            (calls.STATEMENT_FAILED,),
            self._name("describe"),
            {
                **keep("attempt", "failures", "redrives"),
                **fields(Id="$states.errorOutput.Cause"),
                "Status": "FAILED",
                **self._counters,
            },
        )

    def _no_answer(self) -> Catch:
        """The event is late or lost, or the submission was refused, or it was a redrive."""
        message = f"$substring($states.errorOutput.Error & ': ' & $states.errorOutput.Cause, 0, {MAX_MESSAGE})"
        known = f"$states.errorOutput.Error = '{calls.TIMEOUT}' or {REDRIVE_COUNT} > {INPUT}.redrives"
        return Catch(
            ("States.ALL",),
            self._name("find"),
            expression(f"$merge([{INPUT}, {known} ? {{}} : {{'refused': {message}}}])"),
        )

    @property
    def _counters(self) -> dict[str, int]:
        return {"looks": 0, **({"polls": 0} if self._polls else {})}

    def _waits(self) -> Iterator[State]:
        yield self._find()
        yield self._await()
        yield from super()._waits()

    def _find(self) -> Task:
        """Look for the attempt's statement. There is none if it was never submitted; after 24 hours it is forgotten."""
        found, timeout = "$states.result.Statements[0]", self.task.timeout
        deadline = f", 'deadline': $toMillis({found}.CreatedAt) + {seconds(timeout) * 1000}" if timeout else ""
        counters = "".join(f", '{name}': {value}" for name, value in self._counters.items())
        there = f"{{'Id': {found}.Id, 'Status': {found}.Status{counters}{deadline}}}"
        missing = f"{{'Status': $exists({INPUT}.refused) ? 'REFUSED' : 'NEW'}}"
        return self._call(
            self._name("find"),
            calls.LIST_STATEMENTS,
            {
                **self.target.warehouse,
                **fields(StatementName=self._prefix()),
                "Status": "ALL",
                "RoleLevel": True,
                "MaxResults": 100,
            },
            next=self._name("status"),
            output=expression(f"$merge([{INPUT}, $exists({found}) ? {there} : {missing}])"),
            retry=calls.DATA_API_RETRY,
        )

    def _status(self) -> Choice:
        return Choice(self._name("status"), self._rules(), default=self._name("await"))

    def _rules(self) -> tuple[Rule, ...]:
        refused = {
            **keep("attempt", "redrives"),
            "statement": "none",
            **fields(cause=f"{text(f'Task {self.task.name}: ')} & {INPUT}.refused"),
        }
        return (
            *super()._rules(),
            Rule(expression(f"{INPUT}.Status = 'REFUSED'"), self._name("record"), refused),
            # It has ended, or is being cancelled: there is nothing to wait for, but a message to be fetched.
            Rule(expression(f"{UNSUCCESSFUL} or $exists({INPUT}.error)"), self._look),
        )

    def _await(self) -> Task:
        further = expression(f"$merge([{INPUT}, {{'looks': {INPUT}.looks + 1}}])")
        return self._call(
            self._name("await"),
            calls.UPDATE_ITEM_AND_WAIT,
            {
                "TableName": self.target.join_table,
                "Key": {joins.KEY: {"S": expression(f"{INPUT}.Id")}},
                "UpdateExpression": STORE,
                "ConditionExpression": NOT_ENDED,
                "ExpressionAttributeValues": {
                    ":token": {"S": expression("$states.context.Task.Token")},
                    ":expiry": joins.EXPIRES,
                },
            },
            next=self._name("describe"),
            output=further,
            retry=calls.JOIN_RETRY,
            catch=(Catch((calls.NOTHING_TO_WAIT_FOR, calls.TIMEOUT), self._name("describe"), further),),
            timeout=self._patience(self.task.timeout),
        )

    def _patience(self, timeout: timedelta | None) -> str:
        net = f"$min([{MAX_NET}, {NET} * $power(2, {INPUT}.looks + 1)])"
        left = f"$ceil(({INPUT}.deadline - $millis()) / 1000)"
        return expression(net if timeout is None else f"$max([1, $min([{net}, {left}])])")
