"""How a task that has ended tells several tasks that wait for it: by one transaction for all of them.

::

    a: announce   mark a on the items of all, if and only if nobody need be woken ──────────────────────────> …
        v a condition failed, or another transaction was in the way                                            ^
    a: announce last   mark a on the items of all                                                              │
        v                                                                                                      │
    a: find waiting   read the items: who has all its marks, and a token there? ──> a: wake all (Map of wakes) ┘

A transaction happens wholly or not at all, and stands in one order with the other writes of each of its items. So each
item is written as by :mod:`.announcing`, but for the answer: a transaction has none. So the items are read, in a state
of its own behind the write. Of all that mark an item, whoever completes it reads it complete. Had the token been stored
before, it is found there; otherwise the waiter's condition fails, and it goes on by itself. Several may find the same
token: Step Functions takes it once.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, Code, code_of, expression, literal, rendered
from elt_redshift.asl.language.roles import TellsAll
from elt_redshift.asl.language.states import Catch, Flow, Map, State, Succeed
from elt_redshift.asl.patterns import joins
from elt_redshift.asl.patterns.source import Source
from elt_redshift.asl.target import Target
from elt_redshift.protocol import dynamodb
from elt_redshift.protocol import joins as items
from elt_redshift.protocol.joins import Seat

#: So many waiters are told, and woken, at once, and they may await so many upstreams together: all their items are in
#: one answer, and a state may have 256 KiB.
_MAX_WAITERS, _MAX_MARKS = 40, 500


def possible(waiters: Mapping[str, Seat]) -> bool:
    """Whether one transaction may tell all of them."""
    marks = sum(seat.awaited for seat in waiters.values())
    return len(waiters) <= _MAX_WAITERS and marks <= _MAX_MARKS and all(seat.marked for seat in waiters.values())


@dataclass(frozen=True)
class TellAllPattern:
    """
    :param waiters: the tasks that wait, two or more, and the upstream's place among those that each awaits.
    :param next: the state behind; None: nothing follows.
    """

    source: Source
    waiters: Mapping[str, Seat]
    target: Target
    next: str | None

    def states(self) -> Iterator[State]:
        named = self.source.name
        first, last, find, wake = (named(step) for step in ("announce", "announce last", "find waiting", "wake all"))
        yield joins.writer(
            self.target,
            first,
            calls.UPDATE_JOIN_ITEMS,
            self._each("Update", self._mark("$w.unless"), mark=_mark, unless=_unless),
            next=self.next,
            output=expression(INPUT),
            retry=calls.CONDITIONAL_TRANSACTION_RETRY,
            catch=(Catch((calls.ANY_ERROR,), last, expression(INPUT)),),
            role=TellsAll(tuple(self.waiters)),
        )
        yield joins.writer(
            self.target,
            last,
            calls.UPDATE_JOIN_ITEMS,
            self._each("Update", self._mark(None), mark=_mark),
            next=find,
            output=expression(INPUT),
            retry=calls.TRANSACTION_RETRY,
        )
        yield joins.writer(
            self.target,
            find,
            calls.GET_JOIN_ITEMS,
            self._each("Get", self._key()),
            next=wake,
            output={"waiting": self._waiting(), "given": expression(INPUT)},
            retry=calls.TRANSACTION_RETRY,
        )
        yield self._wakes(wake)

    def _wakes(self, name: str) -> Map:
        told = self.source.name("told")
        woken = joins.wake(self.target, self.source.name("wake"), None, told)
        return Map(
            name,
            items=expression(f"{INPUT}.waiting"),
            processor=Flow((woken, Succeed(told, {}))),
            next=self.next,
            output=expression(f"{INPUT}.given"),
        )

    @property
    def _table(self) -> str:
        """The table's name inside JSONata, which deployment fills in."""
        return expression(literal(self.target.join_table, (self.target.join_table,)))

    def _each(self, action: str, request: Mapping[str, Any], **said: Callable[[Seat], str]) -> dict[str, Any]:
        """A request that takes ``action`` for each waiter.

        :param request: may ask ``$w`` for the waiter's ``task``, and for what else is ``said`` of its seat.
        """
        rows = [
            {"task": waiter, **{name: say(seat) for name, say in said.items()}} for waiter, seat in self.waiters.items()
        ]
        one = code_of({action: dict(request)})
        return {"TransactItems": expression(f"$map({code_of(rows)}, function($w) {{({one})}})")}

    def _mark(self, condition: str | None) -> dict[str, Any]:
        request = joins.update(
            self.target,
            self.source.run,
            Code("$w.task"),
            items.MARK,
            {"task": rendered(self.source.task)},
            names={items.DONE: expression("$w.mark")},
            condition=condition and expression(condition),
        )
        return {**request, "TableName": self._table}

    def _key(self) -> dict[str, Any]:
        got = dynamodb.get(self._table, items.key(rendered(self.source.run), rendered(Code("$w.task"))))
        return {name: value for name, value in got.items() if name != "ConsistentRead"}

    def _waiting(self) -> str:
        """What each has to be given that is to be woken, in a list."""
        awaited = [seat.awaited for seat in self.waiters.values()]
        item = "$states.result.Responses[$i].Item"
        found = f"{joins.complete(item, '$n')} ? {{'token': {item}.{items.TOKEN}.S, 'given': {{}}}}"
        return expression(f"[$map({awaited}, function($n, $i) {{({found})}})]")


def _mark(seat: Seat) -> str:
    return seat.mark


def _unless(seat: Seat) -> str:
    """The condition under which nobody is to be woken."""
    demand = items.mark_if_not_last(seat).demands
    assert demand is not None
    return dynamodb.demanded(demand)
