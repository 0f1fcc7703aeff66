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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl import calls
from elt_redshift.asl.jsonata import (
    EXECUTION_NAME,
    INPUT,
    REDRIVE_COUNT,
    Code,
    Value,
    code,
    expression,
    fields,
    rendered,
)
from elt_redshift.asl.names import Step
from elt_redshift.asl.source import Source
from elt_redshift.asl.states import Call, Catch, Choice, Flow, Map, Rule, State, Succeed, Task
from elt_redshift.asl.target import Target

#: The table's key - which run, which task of it - and the attribute by which DynamoDB removes old items.
RUN_KEY, TASK_KEY = "Run", "Task"
EXPIRY = "ExpiresAt"

#: Join items live this long after their last write: an execution lasts at most a year, and no wait may lose its item.
DAYS_KEPT = 400

#: The variable that holds the run in the keys of its items, and what it is set to when the run takes the lock. A
#: variable, because a redrive keeps it; with the time, because an execution's name is free again after 90 days.
VARIABLE = "run"
RUN = f"{EXECUTION_NAME} & '/' & $states.context.Execution.StartTime"

ANNOUNCE = f"ADD Done :task SET {EXPIRY} = :expiry"
STORE = f"SET TaskToken = :token, {EXPIRY} = :expiry"
NOT_COMPLETE = "attribute_not_exists(Done) OR size(Done) < :awaited"
#: The condition of a task that awaits nobody, where that is known at run time only: never true.
NOBODY = "attribute_exists(Done) AND size(Done) < :awaited"

EXPIRES = f"$string($floor($millis() / 1000) + {DAYS_KEPT * 86_400})"


def variables() -> dict[str, str]:
    """What a job with joins assigns when it takes the lock."""
    return {VARIABLE: expression(RUN)}


def item(target: Target, source: Source, task: Value) -> dict[str, Any]:
    """The members of a request that name the item of ``task``, in the run of ``source``."""
    key = {RUN_KEY: {"S": rendered(source.run)}, TASK_KEY: {"S": rendered(task)}}
    return {"TableName": target.join_table, "Key": key}


def _writer(target: Target, name: str, call: Call, arguments: Mapping[str, Any], **more: Any) -> Task:
    return Task(name, call, arguments, partition=target.partition, **more)


@dataclass(frozen=True)
class WaitPattern:
    """The state in which a task waits for the upstreams that stand in other branches.

    It leads to the task's status, not to its submission: after a redrive the lock comes first.

    :param awaited: how many upstreams it waits for.
    :param comment: for whoever looks at the definition.
    """

    source: Source
    awaited: Value
    target: Target
    comment: str

    def states(self) -> Iterator[State]:
        go_on = {"attempt": 1, "failures": 0, **fields(redrives=str(self.source.redrives)), "Status": "NEW"}
        values = {":token": {"S": expression("$states.context.Task.Token")}, ":expiry": {"N": expression(EXPIRES)}}
        status = self.source.name("status")
        yield _writer(
            self.target,
            self.source.name("join"),
            calls.UPDATE_ITEM_AND_WAIT,
            {
                **item(self.target, self.source, self.source.task),
                "UpdateExpression": STORE,
                "ConditionExpression": self._condition(),
                "ExpressionAttributeValues": {**values, ":awaited": {"N": rendered(_digits(self.awaited))}},
            },
            next=status,
            output=go_on,
            comment=self.comment[:200],
            retry=calls.JOIN_RETRY,
            catch=(Catch((calls.NOTHING_TO_WAIT_FOR,), status, go_on),),
        )

    def _condition(self) -> Value:
        if not isinstance(self.awaited, Code):
            return NOT_COMPLETE
        return expression(f"{self.awaited} > 0 ? {code(NOT_COMPLETE)} : {code(NOBODY)}")


def _digits(number: Value) -> Value:
    """A number as DynamoDB wants it."""
    return Code(f"$string({number})") if isinstance(number, Code) else str(number)


@dataclass(frozen=True)
class AnnouncePattern:
    """The states by which a task, having ended, tells those that wait for it.

    :param waiters: for each task that waits, how many upstreams it awaits in all; JSONata gives a list of objects with
        the members ``waiter`` and ``awaited``.
    :param next: the state behind, which needs the same fields as the one behind a task; None ends the execution.

    A single waiter is told by three states, several by a Map over the same states, so that all are told at once and
    the definition does not grow. After a redrive the lock comes first: ``reclaim`` leads to the task's status, from
    there here again, and what was announced already is announced once more, which changes nothing.
    """

    source: Source
    waiters: Mapping[str, int] | Code
    target: Target
    next: str | None

    def states(self) -> Iterator[State]:
        if isinstance(self.waiters, Code) or self.next is None:
            yield self._each(expression(str(self.waiters)), None)
            return
        redriven = Rule(expression(f"{REDRIVE_COUNT} > {INPUT}.redrives"), self.source.name("reclaim"))
        announced = self.source.name("announced")
        if len(self.waiters) == 1:
            ((waiter, awaited),) = self.waiters.items()
            yield self._add("announce", waiter, awaited, "announced")
            yield Choice(announced, (redriven, self._complete()), default=self.next)
            yield self._wake(announced, announced)
        else:
            items = [{"waiter": waiter, "awaited": awaited} for waiter, awaited in self.waiters.items()]
            yield self._each(items, announced)
            yield Choice(announced, (redriven,), default=self.next)

    def _each(self, items: list[Any] | str, following: str | None) -> Map:
        done = self.source.name("done telling")
        tell = (
            self._add("tell", Code(f"{INPUT}.waiter"), Code(f"{INPUT}.awaited"), "told"),
            Choice(self.source.name("told"), (self._complete(),), default=done),
            self._wake(None, done),
            Succeed(done, {}),
        )
        return Map(
            self.source.name("announce"),
            items=items,
            processor=Flow(tell),
            next=following,
            output=expression(INPUT) if following else {},
        )

    def _add(self, name: Step, waiter: Value, awaited: Value, next: Step) -> Task:
        """What comes out holds the ``token`` if there is one to be sent."""
        found = "$states.result.Attributes"
        # Integrations differ in how they write the type of a set (SS or Ss), so whichever is there is counted.
        complete = f"$count({found}.Done.*) >= {awaited} and $exists({found}.TaskToken)"
        return _writer(
            self.target,
            self.source.name(name),
            calls.UPDATE_ITEM,
            {
                **item(self.target, self.source, waiter),
                "UpdateExpression": ANNOUNCE,
                "ExpressionAttributeValues": {
                    ":task": {"SS": [rendered(self.source.task)]},
                    ":expiry": {"N": expression(EXPIRES)},
                },
                "ReturnValues": "ALL_NEW",
            },
            next=self.source.name(next),
            output=expression(f"$merge([{INPUT}, {complete} ? {{'token': {found}.TaskToken.S}} : {{}}])"),
            retry=calls.DYNAMODB_RETRY,
        )

    def _complete(self) -> Rule:
        return Rule(expression(f"$exists({INPUT}.token)"), self.source.name("wake"))

    def _wake(self, next: str | None, refused: str) -> Task:
        sent = expression(f"$sift({INPUT}, function($value, $key) {{$key != 'token'}})")
        return _writer(
            self.target,
            self.source.name("wake"),
            calls.SEND_TASK_SUCCESS,
            {**fields(TaskToken=f"{INPUT}.token"), "Output": "{}"},
            next=next,
            output=sent,
            retry=calls.TOKEN_RETRY,
            # It was sent before, or the wait ended and will ask anew: either way the waiter needs no token any more.
            catch=(Catch(calls.STALE_TOKEN, refused, sent),),
        )
