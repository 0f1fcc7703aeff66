"""Announcements: how a task that has ended tells those that wait for it by joins (:mod:`.joins`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, Code, Value, code, expression, rendered
from elt_redshift.asl.language.names import Step
from elt_redshift.asl.language.roles import Tells, TellsAll
from elt_redshift.asl.language.states import Catch, Flow, Map, State, Succeed, Task
from elt_redshift.asl.patterns import joins, telling_all
from elt_redshift.asl.patterns.source import Source
from elt_redshift.asl.target import Target
from elt_redshift.protocol import dynamodb
from elt_redshift.protocol import joins as items
from elt_redshift.protocol.joins import Seat


@dataclass(frozen=True)
class AnnouncePattern:
    """The states by which a task, having ended, tells those that wait for it.

    :param waiters: the tasks that wait, and its place among those that each awaits; JSONata gives a list of objects
        with the members ``waiter`` and ``awaited``, and then ends are members of sets.
    :param next: the state behind, which needs the same fields as the one behind a task; None: nothing follows.

    A single waiter is told by one state, or three if it is to be woken; several by a transaction (:mod:`.telling_all`),
    or, where that may not do, by a Map over the states for one.
    """

    source: Source
    waiters: Mapping[str, Seat] | Code
    target: Target
    next: str | None

    def states(self) -> Iterator[State]:
        done = self.source.name("done")
        if isinstance(self.waiters, Code):
            told = _Told.of_item(self.source, self.target)
            yield self._each(expression(self.waiters), told)
        elif len(self.waiters) == 1:
            ((waiter, seat),) = self.waiters.items()
            told = _Told.of(self.source, self.target, waiter, seat)
            yield from self._tell(told, ("announce", "announce last"), self.next, self.next or done)
            if self.next is None:
                yield Succeed(done)
        elif telling_all.possible(self.waiters):
            yield from telling_all.TellAllPattern(self.source, self.waiters, self.target, self.next).states()
        else:
            items = [self._item(waiter, seat) for waiter, seat in self.waiters.items()]
            yield self._each(items, _Told.as_item_says(), TellsAll(tuple(self.waiters)))

    def _item(self, waiter: str, seat: Seat) -> dict[str, Any]:
        told = _Told.of(self.source, self.target, waiter, seat)
        return {"first": dict(told.first), "last": dict(told.last), "awaited": seat.awaited}

    def _each(self, items: str | list[Any], how: _Told, role: TellsAll | None = None) -> Map:
        told = self.source.name("told")
        return Map(
            self.source.name("announce"),
            items=items,
            processor=Flow((*self._tell(how, ("tell", "tell last"), None, told), Succeed(told, {}))),
            next=self.next,
            output=expression(INPUT),
            role=role,
        )

    def _tell(self, told: _Told, steps: tuple[Step, Step], next: str | None, otherwise: str) -> Iterator[Task]:
        """Tell one waiter.

        :param next: what follows; None: nothing.
        :param otherwise: the same for a catcher, which cannot end a branch.
        """
        first, last = (self.source.name(step) for step in steps)
        same: dict[str, Any] = {"retry": calls.DYNAMODB_RETRY, "role": Tells(told.waiter)}
        yield joins.writer(
            self.target,
            first,
            calls.UPDATE_JOIN_ITEM,
            told.first,
            next=next,
            output=expression(INPUT),
            catch=(Catch((calls.CONDITION_FAILED,), last, expression(INPUT)),),
            **same,
        )
        yield joins.writer(
            self.target,
            last,
            calls.UPDATE_JOIN_ITEM,
            told.last,
            next=self.source.name("wake"),
            output=joins.token_if(told.complete, f"{_FOUND}.{items.TOKEN}.S"),
            catch=(Catch((calls.NOT_EVALUATED,), otherwise, expression(INPUT)),),
            **same,
        )
        yield joins.wake(self.target, self.source.name("wake"), next, otherwise)


#: What the last write is answered with.
_FOUND = "$states.result.Attributes"


@dataclass(frozen=True)
class _Told:
    """How one waiter is told.

    :param first: the request that tells it if nobody is to be woken; ``last``: the one that tells it in any case.
    :param complete: JSONata that tells whether it has to be woken then.
    """

    waiter: Value
    first: Any
    last: Any
    complete: str

    @classmethod
    def of(cls, source: Source, target: Target, waiter: str, seat: Seat) -> _Told:
        """A waiter that is known when the job is compiled."""
        if not seat.marked:
            return cls._by_set(source, target, waiter, seat.awaited)
        task = {"task": rendered(source.task)}
        return cls(
            waiter,
            joins.update(target, source.run, waiter, items.mark_if_not_last(seat), task),
            joins.update(target, source.run, waiter, items.mark_last(seat), task, answered=True),
            joins.complete(_FOUND, str(seat.awaited)),
        )

    @classmethod
    def of_item(cls, source: Source, target: Target) -> _Told:
        """One that a Map's item names."""
        return cls._by_set(source, target, Code(f"{INPUT}.waiter"), Code(f"{INPUT}.awaited"))

    @classmethod
    def as_item_says(cls) -> _Told:
        """One whose requests a Map's item holds."""
        first, last = (expression(f"{INPUT}.{name}") for name in ("first", "last"))
        return cls(Code(f"{INPUT}.waiter"), first, last, joins.complete(_FOUND, f"{INPUT}.awaited"))

    @classmethod
    def _by_set(cls, source: Source, target: Target, waiter: Value, awaited: Value) -> _Told:
        task = {"task": [rendered(source.task)]}
        others = Code(f"$string({awaited} - 1)") if isinstance(awaited, Code) else str(int(awaited) - 1)
        given, condition = {**task, "others": rendered(others)}, _not_last(awaited)
        return cls(
            waiter,
            joins.update(target, source.run, waiter, items.ANNOUNCE, given, condition=condition),
            joins.update(target, source.run, waiter, items.ANNOUNCE_LAST, task, answered=True),
            joins.complete(_FOUND, str(awaited)),
        )


def _not_last(awaited: Value) -> str | None:
    """The condition under which telling a waiter of ``awaited`` upstreams wakes nobody; None: the write's own."""
    last, alone = dynamodb.demanded(items.NOT_LAST), dynamodb.demanded(items.NOT_ALONE)
    if isinstance(awaited, Code):
        return expression(f"({awaited} > 1 ? {code(last)} : {code(alone)})")
    return None if int(awaited) > 1 else alone
