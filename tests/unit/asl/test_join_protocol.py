"""The protocol of join items, in every order in which its steps can happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from elt_redshift.protocol import joins
from elt_redshift.protocol.dynamodb import demanded
from tests.unit.asl.worlds import reachable


@dataclass(frozen=True)
class World:
    """All that matters: the item, the waiting state, and what each upstream is about to do.

    :param done: the item's set; ``token`` the stored one; ``newest`` the last one that the waiter has drawn, which is
        the only one that Step Functions takes, as long as it is ``live``.
    :param starts: how often the waiting task has gone on.
    :param steps: per upstream: ``add``, ``last``, ``send:<token>`` or ``end``.
    :param late: the token of a write that was given up and is still under way; 0: none.
    :param lost: how many more lost answers, and ``redrives`` how many more redrives, may happen.
    """

    done: frozenset[str]
    token: int
    newest: int
    live: bool
    waits: bool
    starts: int
    steps: tuple[tuple[str, str], ...]
    lost: int
    redrives: int
    late: int = 0

    @property
    def complete(self) -> bool:
        return len(self.done) >= len(self.steps)

    @property
    def wakes_nobody(self) -> bool:
        """The condition under which an upstream announces its end by a single write."""
        not_last = "attribute_not_exists(TaskToken) OR attribute_not_exists(Done) OR size(Done) < :others"
        assert demanded(joins.NOT_LAST) == not_last
        others = len(self.steps) - 1
        return not self.token or (others > 0 and not self.done) or (bool(self.done) and len(self.done) < others)


def stored(world: World) -> World:
    """The waiter's conditional write, as its expression says."""
    assert joins.STORE.demands == joins.NOT_COMPLETE
    assert demanded(joins.NOT_COMPLETE) == "attribute_not_exists(Done) OR size(Done) < :awaited"
    return world if world.complete else replace(world, token=world.newest)


def asked(world: World) -> Iterator[World]:
    """The waiter's write: a token of its own; its answer may be lost, and the state asks again with another token."""
    fresh = replace(world, newest=world.newest + 1, live=True)
    after = stored(fresh)
    yield replace(after, starts=after.starts + 1, live=False) if after.complete else replace(after, waits=True)
    if world.lost:
        yield replace(after, lost=world.lost - 1)
        yield replace(fresh, lost=world.lost - 1, late=fresh.newest)


def told(world: World, name: str, step: str) -> Iterator[World]:
    """One step of an upstream."""

    def going(to: str, base: World) -> World:
        return replace(base, steps=tuple((one, to if one == name else was) for one, was in base.steps))

    if step == "add":
        if not world.wakes_nobody:
            yield going("last", world)
            return
        after = replace(world, done=world.done | {name})
        yield going("end", after)
        if world.lost:
            yield replace(after, lost=world.lost - 1)  # the answer is lost: it is about to add once more
    elif step == "last":
        after = replace(world, done=world.done | {name})
        yield going(f"send:{after.token}" if after.complete and after.token else "end", after)
        if world.lost:
            yield replace(after, lost=world.lost - 1)  # the answer is lost: it is about to add once more
    elif step.startswith("send:"):
        token = int(step.partition(":")[2])
        woken = (
            world.live and token == world.newest
        )  # a token of another attempt is refused, one may come before the write's answer
        after = replace(world, starts=world.starts + 1, live=False, waits=False) if woken else world
        yield going("end", after)
        if world.lost:
            yield replace(after, lost=world.lost - 1)  # the answer is lost: it is about to send once more


def redriven(world: World) -> World:
    """The execution failed and goes on: the wait is over, its token dead; every step under way begins anew."""
    return replace(world, live=False, waits=False, redrives=world.redrives - 1)


def following(world: World) -> Iterator[World]:
    """Every world that one step can lead to."""
    if world.starts == 0 and not world.waits:
        yield from asked(world)
    for name, step in world.steps:
        if step != "end":
            yield from told(world, name, step)
    if world.redrives and world.starts == 0:
        yield redriven(world)
    if world.late:
        yield replace(world if world.complete else replace(world, token=world.late), late=0)
    if world.waits and all(step == "end" for _, step in world.steps):
        yield from asked(replace(world, waits=False))  # LONGEST_WAIT is over


@pytest.mark.parametrize("upstreams", [1, 2, 3])
def test_no_interleaving_starts_early_twice_or_never(upstreams: int) -> None:
    """With up to two lost answers and one redrive: the task starts only when all upstreams are done, never twice,
    and in the end always."""
    steps = tuple((f"u{number}", "add") for number in range(upstreams))
    first = World(frozenset(), 0, 0, live=False, waits=False, starts=0, steps=steps, lost=2, redrives=1)
    ends = 0
    for world, ended in reachable(first, following):
        assert world.starts <= 1, f"started twice: {world}"
        assert world.starts == 0 or world.complete, f"started early: {world}"
        if ended:
            ends += 1
            assert world.starts == 1, f"waits for ever: {world}"
    assert ends


def test_the_writes_are_idempotent() -> None:
    """An announcement adds to a set and stores nothing else but the expiry; a wait touches no set."""
    for write in (joins.ANNOUNCE, joins.ANNOUNCE_LAST):
        assert (*write.adds, *write.sets, *write.removes) == ("Done", "ExpiresAt")
    assert (*joins.STORE.sets, *joins.STORE.adds, *joins.STORE.removes) == ("TaskToken", "ExpiresAt")
