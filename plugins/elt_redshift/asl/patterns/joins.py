"""Joins: how a task waits for upstreams that stand in other branches, without polling.

Each waiting task has one *join item* per run, in a DynamoDB table of the job's own. It holds the set ``Done`` of the
awaited upstreams that have ended, and the ``TaskToken`` of the waiting state. Both sides write it once::

    upstream a                          join item of w               waiting task w
    ─────────────────────               ─────────────────            ───────────────────────────────────────
    a: announce   ADD a to Done, if     Done, TaskToken <──────────  w: join   store the token, if and only if
        │         and only if that ───>                                  │     Done is not complete
        │         need wake nobody                                       │ the condition failed: all are done
        v the condition failed                                           v
    a: announce last   ADD a to Done    (answers with both)              w
        v
    a: wake       send the token ─────────────────────────────────>  w

DynamoDB puts the writes of one item into an order. Either the token is stored before the set is completed: then
whoever completes it is refused at first, then answered with the token, and sends it. Or it is not: then the waiter's
condition fails, and the task goes on at once. So no task starts early, none waits for ever. A repeated write changes
nothing, since ``Done`` is a set, and a token sent twice, or one of a wait that a redrive has replaced, is refused by
Step Functions without harm.

Where tasks are known when the job is compiled, there is an attribute for each awaited upstream in place of the set, up
to a hundred of them (:meth:`.Seat.marked`): the same holds of these marks.

There is one exception: a write that its caller has given up and repeated may arrive behind its repetition, and puts
back the older token, which then is sent in vain. So a waiter asks again every :data:`LONGEST_WAIT` seconds.

A redriven execution goes on with the same items: what was done stays in ``Done``; an aborted wait begins anew with a
new token and the same condition.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    EXECUTION_NAME,
    INPUT,
    Code,
    Value,
    code,
    expression,
    fields,
    rendered,
)
from elt_redshift.asl.language.roles import Awaits
from elt_redshift.asl.language.states import Call, Catch, State, Task
from elt_redshift.asl.patterns import passing
from elt_redshift.asl.patterns.source import Source
from elt_redshift.asl.target import Target
from elt_redshift.protocol import dynamodb
from elt_redshift.protocol import joins as items
from elt_redshift.protocol.joins import Seat
from elt_redshift.protocol.writes import Write

#: The variable that holds the run in the keys of its items, and what it is set to when the run takes the lock. A
#: variable, because a redrive keeps it; with the time, because an execution's name is free again after 90 days.
VARIABLE = "run"
RUN = f"{EXECUTION_NAME} & '/' & $states.context.Execution.StartTime"

#: Who waits for a token asks again after this many seconds, should nobody have sent it: one billed transition an hour.
LONGEST_WAIT = 3600

#: The token of a state that waits, and when its item may go.
MINE = "$states.context.Task.Token"
EXPIRES = f"$string($floor($millis() / 1000) + {items.DAYS_KEPT * 86_400})"


def variables() -> dict[str, str]:
    """What a job with joins assigns when it takes the lock."""
    return {VARIABLE: expression(RUN)}


def update(
    target: Target, run: Value, task: Value, write: Write, values: Mapping[str, Any], **how: Any
) -> dict[str, Any]:
    """The request that makes ``write``, which moves the expiry on, to the item of ``task`` in ``run``.

    :param values: the other values of the write.
    :param how: ``names``, ``condition``, ``answered`` and ``change`` of :func:`elt_redshift.protocol.dynamodb.update`.
    """
    key = items.key(rendered(run), rendered(task))
    return dynamodb.update(target.join_table, key, write, {**values, "expiry": expression(EXPIRES)}, **how)


def writer(target: Target, name: str, call: Call, arguments: Mapping[str, Any], **more: Any) -> Task:
    return Task(name, call, arguments, partition=target.partition, **more)


@dataclass(frozen=True)
class WaitPattern:
    """The state in which a task waits for the upstreams that stand in other branches; one that has none, for its turn,
    where it has one: a wait that nobody ends, so that the state is entered once more.

    It leads to the task's submission, where after a redrive the lock comes first. A task that has to know whether the
    run holds its lock still looks at another item here (:mod:`.any_task`).

    :param awaited: how many upstreams it waits for.
    :param comment: for whoever looks at the definition.
    """

    source: Source
    awaited: Value
    target: Target
    comment: str

    def states(self) -> Iterator[State]:
        go_on = {**passing.begin(str(self.source.redrives)), "Status": passing.NEW}
        following = self.source.begins or self.source.name("status")
        yield writer(
            self.target,
            self.source.name("join"),
            calls.UPDATE_JOIN_ITEM_AND_WAIT,
            self._request(),
            next=following,
            output=go_on,
            comment=self.comment[:200],
            retry=calls.JOIN_RETRY,
            catch=(
                Catch((calls.NOTHING_TO_WAIT_FOR,), following, go_on),
                Catch((calls.TIMEOUT,), self.source.name("join"), self._again()),
                *([Catch((calls.NOT_EVALUATED,), self.source.name("reclaim"), go_on)] if self.source.unsure else ()),
            ),
            timeout=self._patience(),
            role=Awaits(self.awaited),
        )

    def _request(self) -> dict[str, Any]:
        where, given = (self.target, self.source.run, self._item), {"token": expression(MINE)}
        if not isinstance(self.awaited, Code) and Seat(0, int(self.awaited)).marked:
            return update(*where, items.store(int(self.awaited)), given)
        counted = {**given, "awaited": rendered(_digits(self._bound))}
        return update(*where, items.STORE, counted, condition=self._condition())

    @property
    def _item(self) -> Value:
        """The task whose item it is; an error where the lock is to be taken first."""
        if self.source.unsure is None:
            return self.source.task
        lock = f"{self.source.unsure} ? {code(items.LOCK_ITEM)} : {code(self.source.task)}"
        return Code(f"$exists({INPUT}.unseen) ? $error('The lock comes first.') : {lock}")

    @property
    def _bound(self) -> Value:
        """What the item's attribute is compared with."""
        if self.source.unsure is None:
            return self.awaited
        return Code(f"({self.source.unsure} ? {self.source.sure_since} : {code(self.awaited)})")

    def _again(self) -> str:
        """The input of another entry. Of a task that was to see the lock held, nobody has."""
        if self.source.unsure is None:
            return expression(INPUT)
        return expression(f"{self.source.unsure} ? $merge([{INPUT}, {{'unseen': true}}]) : {INPUT}")

    def _condition(self) -> str | None:
        """What stands for the write's own demand: whether any upstream is awaited may be known at run time only."""
        if not isinstance(self.awaited, Code):
            return None
        some, none = (code(dynamodb.demanded(one)) for one in (items.NOT_COMPLETE, items.NOTHING_AWAITED))
        waits = f"{self.awaited} > 0" + (f" or {self.source.turn} > 0" if self.source.turn else "")
        unseen = code(dynamodb.demanded(items.NOT_SEEN_HELD))
        looks = f"{self.source.unsure} ? {unseen} : " if self.source.unsure else ""
        return expression(f"{looks}{waits} ? {some} : {none}")

    def _patience(self) -> int | str:
        if self.source.turn is None:
            return LONGEST_WAIT
        looks = f"{self.source.unsure} ? 1 : " if self.source.unsure else ""
        return expression(f"{looks}{self.awaited} > 0 ? {LONGEST_WAIT} : $max([1, {self.source.turn}])")


def _digits(number: Value) -> Value:
    """A number as DynamoDB wants it."""
    return Code(f"$string({number})") if isinstance(number, Code) else str(number)


def complete(item: str, awaited: str) -> str:
    """Whether all have ended that somebody waits for whose token is there; all are JSONata. Integrations differ in how
    they write the type of a set (SS or Ss), so whichever is there is counted."""
    ended = f"$sift($j, function($v, $k) {{$contains($k, '{items.DONE}')}})"
    return f"($j := {item}; $exists($j.{items.TOKEN}) and $count({ended}.*.*) >= {awaited})"


def token_if(complete: str, token: str) -> str:
    """The output of a write behind which somebody may have to be woken: his token beside the input, or an error raised
    that leads past :func:`wake`. Both parameters are JSONata."""
    return expression(f"{complete} ? {{'token': {token}, 'given': {INPUT}}} : $error('Nobody is to be woken.')")


def wake(target: Target, name: str, next: str | None, otherwise: str) -> Task:
    """The state that sends the token in its input, and goes on with what :func:`token_if` was given.

    :param otherwise: what follows where the token is stale; for a catcher, which cannot end a branch.
    """
    sent = expression(f"{INPUT}.given")
    return writer(
        target,
        name,
        calls.SEND_TASK_SUCCESS,
        {**fields(TaskToken=f"{INPUT}.token"), "Output": "{}"},
        next=next,
        output=sent,
        retry=calls.TOKEN_RETRY,
        # It was sent before, or the wait ended and will ask anew: either way the waiter needs no token any more.
        catch=(Catch(calls.STALE_TOKEN, otherwise, sent),),
    )
