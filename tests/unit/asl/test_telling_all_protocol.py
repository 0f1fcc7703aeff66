"""Two upstreams that tell the same two waiting tasks by transactions, in every order in which the steps can happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from elt_redshift.protocol import joins
from elt_redshift.protocol.dynamodb import demanded
from elt_redshift.protocol.joins import Seat
from tests.unit.asl.worlds import reachable

#: The upstreams, who are the places of their marks, and the waiting tasks.
UPSTREAMS = WAITERS = (0, 1)


@dataclass(frozen=True)
class Waiter:
    """A waiting task and its item.

    :param marks: of those that have ended.
    :param token: the stored one; ``newest`` the last that was drawn, the only one that is taken, while it is ``live``.
    :param starts: how often the task has gone on.
    :param late: the token of a write that was given up and is still under way; 0: none.
    """

    marks: frozenset[int] = frozenset()
    token: int = 0
    newest: int = 0
    live: bool = False
    waits: bool = False
    starts: int = 0
    late: int = 0

    @property
    def complete(self) -> bool:
        return len(self.marks) == len(UPSTREAMS)

    def unwoken(self, upstream: int) -> bool:
        """The condition under which a mark wakes nobody."""
        return not self.token or any(other not in self.marks for other in UPSTREAMS if other != upstream)

    def stored(self, token: int) -> Waiter:
        return self if self.complete else replace(self, token=token)

    def asked(self, lost: int) -> Iterator[tuple[Waiter, int]]:
        """It asks with a new token; its answer may be lost, and so may its request, until later."""
        fresh = replace(self, newest=self.newest + 1, live=True, waits=False)
        after = fresh.stored(fresh.newest)
        yield (replace(after, starts=after.starts + 1, live=False) if after.complete else replace(after, waits=True)), 0
        if lost:
            yield after, 1
            yield replace(fresh, late=fresh.newest), 1

    def woken(self, token: int) -> Waiter:
        taken = self.live and token == self.newest
        return replace(self, starts=self.starts + 1, live=False, waits=False) if taken else self


@dataclass(frozen=True)
class World:
    """:param steps: what each upstream is about to do, and the tokens that it is about to send.
    :param lost: how many answers may still be lost; ``late``: whether a write has come late.
    """

    lost: int
    waiters: tuple[Waiter, ...] = (Waiter(), Waiter())
    steps: tuple[tuple[str, tuple[int, ...]], ...] = (("if nobody waits", ()), ("if nobody waits", ()))
    redrives: int = 1
    late: bool = False

    def going(self, upstream: int, step: str, tokens: tuple[int, ...] = ()) -> World:
        return replace(self, steps=_with(self.steps, upstream, (step, tokens)))


def _with(values: tuple, place: int, value: object) -> tuple:  # type: ignore[type-arg]
    return (*values[:place], value, *values[place + 1 :])


def told(world: World, upstream: int) -> Iterator[World]:
    """The next step of an upstream. A call whose answer is lost is made again."""
    step, tokens = world.steps[upstream]
    if step == "if nobody waits" and not all(one.unwoken(upstream) for one in world.waiters):
        yield world.going(upstream, "in any case")
    elif step in ("if nobody waits", "in any case"):
        marked = tuple(replace(one, marks=one.marks | {upstream}) for one in world.waiters)
        after = replace(world, waiters=marked)
        yield after.going(upstream, "end" if step == "if nobody waits" else "find")
        if world.lost:
            yield replace(after, lost=world.lost - 1)
    elif step == "find":
        yield world.going(upstream, "send", tuple(one.token if one.complete else 0 for one in world.waiters))
    elif step == "send":
        after = world
        for place, token in enumerate(tokens):
            sent = replace(after, waiters=_with(after.waiters, place, after.waiters[place].woken(token)))
            yield sent.going(upstream, "send", _with(tokens, place, 0)) if any(tokens) else sent
        if not any(tokens):
            yield world.going(upstream, "end")


def following(world: World) -> Iterator[World]:
    """Every world that one step can lead to."""
    ended = all(step == "end" for step, _ in world.steps)
    for place, one in enumerate(world.waiters):
        if one.starts == 0 and (not one.waits or (ended and world.late)):  # LONGEST_WAIT is over
            for after, lost in one.asked(world.lost):
                yield replace(world, waiters=_with(world.waiters, place, after), lost=world.lost - lost)
        if one.late:
            after = replace(one.stored(one.late), late=0)
            yield replace(world, waiters=_with(world.waiters, place, after), late=True)
    for upstream in UPSTREAMS:
        yield from told(world, upstream)
    if world.redrives and any(one.starts == 0 for one in world.waiters):
        stopped = tuple(replace(one, live=False, waits=False) if one.starts == 0 else one for one in world.waiters)
        yield replace(world, waiters=stopped, redrives=world.redrives - 1)


@pytest.mark.parametrize("lost", [1, pytest.param(2, marks=pytest.mark.exhaustive)])
def test_no_interleaving_starts_early_twice_or_never(lost: int) -> None:
    """With one or two lost answers, and one redrive: each task starts when all its upstreams have ended, never twice,
    and in the end always; nobody has to wait for his patience, unless a write that was given up came later."""
    ends = 0
    for world, ended in reachable(World(lost=lost), lambda world: (one for one in following(world) if one != world)):
        for one in world.waiters:
            assert one.starts <= 1, f"started twice: {world}"
            assert one.starts == 0 or one.complete, f"started early: {world}"
        if ended:
            ends += 1
            assert all(one.starts == 1 for one in world.waiters), f"waits for ever: {world}"
    assert ends


def test_the_writes_are_those_of_the_model() -> None:
    """A wait stores its token while a mark is missing; a mark is made where no token is, or another mark is missing."""
    no = "attribute_not_exists({})".format
    assert demanded(joins.store(2).demands) == f"{no('Done0')} OR {no('Done1')}"  # type: ignore[arg-type]
    assert demanded(joins.mark_if_not_last(Seat(1, 3)).demands) == (  # type: ignore[arg-type]
        f"{no('TaskToken')} OR {no('Done0')} OR {no('Done2')}"
    )
    assert joins.mark_last(Seat(1, 3)).demands is joins.MARK.demands is None


def test_marks_fit_an_expression() -> None:
    """DynamoDB takes expressions of 4 KB, and up to 300 functions and operators in one."""
    for seat in (Seat(0, joins.MAX_MARKS), Seat(joins.MAX_MARKS - 1, joins.MAX_MARKS)):
        assert seat.marked
        text = demanded(joins.mark_if_not_last(seat).demands)  # type: ignore[arg-type]
        assert len(text) <= 4096
        assert text.count("attribute") + text.count(" OR ") <= 300
    assert not Seat(0, joins.MAX_MARKS + 1).marked
