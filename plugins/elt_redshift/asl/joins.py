"""Joins: how a task waits for upstreams that stand in other branches, without polling.

Each waiting task has one *join item* per run, in a DynamoDB table of the job's own. It holds the set ``Done`` of the
awaited upstreams that have ended, and the ``TaskToken`` of the waiting state. Both sides write it once::

    upstream a                          join item of w               waiting task w
    ─────────────────────               ─────────────────            ───────────────────────────────────────
    a: announce   ADD a to Done ──────> Done, TaskToken <──────────  w: join   store the token, if and only if
    a: announced  all in Done, and      (answers with both)              │     Done is not complete
        │         a token is there?                                      │ the condition failed: all are done
        v yes                                                            v
    a: wake       send the token ─────────────────────────────────>  w: status ──> w

DynamoDB puts the writes of one item into an order. Either the token is stored before the set is completed: then
whoever completes it is answered with the token, and sends it. Or it is not: then the condition fails, and the task goes
on at once. So no task starts early, none waits for ever. A repeated write changes nothing, since ``Done`` is a set,
and a token sent twice, or one of a wait that a redrive has replaced, is refused by Step Functions without harm.

A redriven execution goes on with the same items: what was done stays in ``Done``; an aborted wait begins anew with a
new token and the same condition.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl import calls
from elt_redshift.asl.jsonata import EXECUTION_NAME, INPUT, REDRIVE_COUNT, expression, fields, keep
from elt_redshift.asl.jsonata import literal as text
from elt_redshift.asl.names import Step, step
from elt_redshift.asl.states import Call, Catch, Choice, Flow, Map, Rule, State, Succeed, Task
from elt_redshift.asl.target import Target

#: The table's key and the attribute by which DynamoDB removes old items.
KEY = "JoinKey"
EXPIRY = "ExpiresAt"

#: Join items live this long after their last write: an execution lasts at most a year, and no wait may lose its item.
DAYS_KEPT = 400

#: The variable that begins the keys of a run's join items, and what it is set to when the run takes the lock. A
#: variable, because a redrive keeps it; with the time, because an execution's name is free again after 90 days.
VARIABLE = "run"
RUN = f"{EXECUTION_NAME} & '/' & $states.context.Execution.StartTime"

ANNOUNCE = f"ADD Done :task SET {EXPIRY} = :expiry"
STORE = f"SET TaskToken = :token, {EXPIRY} = :expiry"
NOT_COMPLETE = "attribute_not_exists(Done) OR size(Done) < :awaited"

#: When an item that is written now may go, in epoch seconds, as DynamoDB's number.
EXPIRES = {"N": expression(f"$string($floor($millis() / 1000) + {DAYS_KEPT * 86_400})")}


def variables() -> dict[str, str]:
    """What a job with joins assigns when it takes the lock."""
    return {VARIABLE: expression(RUN)}


def _item(target: Target, waiter: str) -> dict[str, Any]:
    """``waiter`` is JSONata."""
    return {"TableName": target.join_table, "Key": {KEY: {"S": expression(f"${VARIABLE} & '/' & {waiter}")}}}


def _writer(target: Target, name: str, call: Call, arguments: Mapping[str, Any], **more: Any) -> Task:
    return Task(name, call, arguments, partition=target.partition, **more)


@dataclass(frozen=True)
class WaitPattern:
    """The state in which ``task`` waits for the ``awaited`` upstreams in other branches.

    It leads to the task's status, not to its submission: after a redrive the lock comes first.
    """

    task: str
    awaited: Sequence[str]
    target: Target

    def states(self) -> Iterator[State]:
        go_on = {"attempt": 1, "failures": 0, **keep("redrives"), "Status": "NEW"}
        values = {":token": {"S": expression("$states.context.Task.Token")}, ":expiry": EXPIRES}
        yield _writer(
            self.target,
            step(self.task, "join"),
            calls.UPDATE_ITEM_AND_WAIT,
            {
                **_item(self.target, text(self.task)),
                "UpdateExpression": STORE,
                "ConditionExpression": NOT_COMPLETE,
                "ExpressionAttributeValues": {**values, ":awaited": {"N": str(len(self.awaited))}},
            },
            next=step(self.task, "status"),
            output=go_on,
            comment=f"Waits for {', '.join(self.awaited)}"[:200],
            retry=calls.JOIN_RETRY,
            catch=(Catch((calls.NOTHING_TO_WAIT_FOR,), step(self.task, "status"), go_on),),
        )


@dataclass(frozen=True)
class AnnouncePattern:
    """The states by which ``task``, having ended, tells the ``waiters`` so.

    :param waiters: for each task that waits, how many upstreams it awaits in all.
    :param next: the state behind, which needs the same fields as the one behind a task.

    A single waiter is told by three states, several by a Map over the same states, so that all are told at once and
    the definition does not grow. After a redrive the lock comes first: ``reclaim`` leads to the task's status, from
    there here again, and what was announced already is announced once more, which changes nothing.
    """

    task: str
    waiters: Mapping[str, int]
    target: Target
    next: str

    def states(self) -> Iterator[State]:
        redriven = Rule(expression(f"{REDRIVE_COUNT} > {INPUT}.redrives"), self._name("reclaim"))
        if len(self.waiters) == 1:
            ((waiter, awaited),) = self.waiters.items()
            yield self._add("announce", text(waiter), str(awaited), "announced")
            yield Choice(self._name("announced"), (redriven, self._complete("wake")), default=self.next)
            yield self._wake(self._name("announced"), self._name("announced"))
        else:
            yield self._each()
            yield Choice(self._name("announced"), (redriven,), default=self.next)

    def _name(self, name: Step) -> str:
        return step(self.task, name)

    def _each(self) -> Map:
        tell = (
            self._add("tell", f"{INPUT}.waiter", f"{INPUT}.awaited", "told"),
            Choice(self._name("told"), (self._complete("wake"),), default=self._name("done telling")),
            self._wake(None, self._name("done telling")),
            Succeed(self._name("done telling"), {}),
        )
        return Map(
            self._name("announce"),
            items=[{"waiter": waiter, "awaited": awaited} for waiter, awaited in self.waiters.items()],
            processor=Flow(tell),
            next=self._name("announced"),
            output=expression(INPUT),
        )

    def _add(self, name: Step, waiter: str, awaited: str, next: Step) -> Task:
        """``waiter`` and ``awaited`` are JSONata. What comes out holds the ``token`` if there is one to be sent."""
        found = "$states.result.Attributes"
        # Integrations differ in how they write the type of a set (SS or Ss), so whichever is there is counted.
        complete = f"$count({found}.Done.*) >= {awaited} and $exists({found}.TaskToken)"
        return _writer(
            self.target,
            self._name(name),
            calls.UPDATE_ITEM,
            {
                **_item(self.target, waiter),
                "UpdateExpression": ANNOUNCE,
                "ExpressionAttributeValues": {
                    ":task": {"SS": [self.task]},
                    ":expiry": EXPIRES,
                },
                "ReturnValues": "ALL_NEW",
            },
            next=self._name(next),
            output=expression(f"$merge([{INPUT}, {complete} ? {{'token': {found}.TaskToken.S}} : {{}}])"),
            retry=calls.DYNAMODB_RETRY,
        )

    def _complete(self, name: Step) -> Rule:
        return Rule(expression(f"$exists({INPUT}.token)"), self._name(name))

    def _wake(self, next: str | None, refused: str) -> Task:
        sent = expression(f"$sift({INPUT}, function($value, $key) {{$key != 'token'}})")
        return _writer(
            self.target,
            self._name("wake"),
            calls.SEND_TASK_SUCCESS,
            {**fields(TaskToken=f"{INPUT}.token"), "Output": "{}"},
            next=next,
            output=sent,
            retry=calls.TOKEN_RETRY,
            # It was sent before, or the wait ended and will ask anew: either way the waiter needs no token any more.
            catch=(Catch(calls.STALE_TOKEN, refused, sent),),
        )
