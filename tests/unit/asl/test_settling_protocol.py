"""``finish_independent``: the run item's protocol, in every order in which its steps can happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from elt_redshift.asl.patterns.settling import Settling
from elt_redshift.graph.order import Order, bits
from elt_redshift.protocol import joins
from elt_redshift.protocol.dynamodb import demanded
from elt_redshift.protocol.writes import Absent

GRAPHS: dict[str, Mapping[str, tuple[str, ...]]] = {
    "apart": {"a": (), "b": ()},
    "one behind": {"a": (), "b": (), "c": ("b",)},
    "n": {"a": (), "b": (), "c": ("a", "b"), "d": ("b",)},
}


@dataclass(frozen=True)
class Walk:
    """Where a task is.

    :param step: ``waiting`` for its upstreams; ``runs``; after success ``settle``, ``late``, ``unpark``, ``over``;
        after a failure ``block``, ``park``, ``parked``, ``gate``.
    :param redrives: the execution's count when it last took the lock.
    :param seen: the sizes of the sets as ``block`` found them; the token that ``unpark`` sends.
    :param token: the newest token that its wait has drawn; Step Functions takes no other, and this one while it waits.
    """

    step: str = "waiting"
    redrives: int = 0
    seen: tuple[object, ...] = ()
    token: int = 0


@dataclass(frozen=True)
class World:
    """The item, the tasks, and what may still go wrong: failing tasks, lost answers, redrives."""

    done: frozenset[int]
    blocked: tuple[frozenset[int], ...]
    parked: tuple[tuple[object, ...], ...]
    walks: tuple[Walk, ...]
    failures: int
    lost: int
    left: int
    redrives: int = 0
    failed: bool = False

    def to(self, task: int, step: str, **changes: object) -> World:
        walk = replace(self.walks[task], step=step, **changes)  # type: ignore[arg-type]
        return replace(self, walks=(*self.walks[:task], walk, *self.walks[task + 1 :]))


class Protocol:
    """What each step does, as the states of :mod:`elt_redshift.asl.patterns.settling` say."""

    def __init__(self, graph: Mapping[str, tuple[str, ...]]) -> None:
        self.order, self.all = Order(graph), frozenset(range(len(graph)))
        self.behind = [frozenset(bits(after | 1 << task)) for task, after in enumerate(self.order.after)]

    def settled(self, world: World, redrives: int) -> bool:
        return len(world.done) + len(world.blocked[redrives]) >= len(self.all)

    def following(self, world: World) -> Iterator[World]:
        """Every world that one step can lead to, while the execution runs."""
        for task, walk in enumerate(world.walks):
            if step := getattr(self, f"_{walk.step}", None):
                yield from step(world, task, walk)

    def _answered(self, world: World, before: World, after: World) -> Iterator[World]:
        """A write that was made: its answer comes, or is lost and the state makes the write again."""
        yield after
        if before.lost:
            yield replace(world, lost=before.lost - 1)

    def _waiting(self, world: World, task: int, walk: Walk) -> Iterator[World]:
        if all(world.walks[up].step == "over" for up in bits(self.order.before[task])):
            yield world.to(task, "runs", redrives=world.redrives)

    def _runs(self, world: World, task: int, walk: Walk) -> Iterator[World]:
        assert not any(world.walks[up].step != "over" for up in bits(self.order.before[task]))
        yield world.to(task, "settle")
        if world.failures:
            yield replace(world, failures=world.failures - 1).to(task, "block")

    def _settle(self, world: World, task: int, walk: Walk) -> Iterator[World]:
        if world.blocked[world.redrives]:
            yield world.to(task, "late")
        else:
            added = replace(world, done=world.done | {task})
            yield from self._answered(added, world, added.to(task, "over"))

    def _late(self, world: World, task: int, walk: Walk) -> Iterator[World]:
        added = replace(world, done=world.done | {task})
        token = added.parked[world.redrives]
        if self.settled(added, world.redrives) and token:
            after = added.to(task, "unpark", seen=token)
        else:
            after = added.to(task, "over")
        yield from self._answered(added, world, after)

    def _unpark(self, world: World, task: int, walk: Walk) -> Iterator[World]:
        sleeper, token = walk.seen
        assert isinstance(sleeper, int)
        other = world.walks[sleeper]
        if other.token == token and other.step in ("parked", "park"):
            woken = world.to(sleeper, "block")
            yield from self._answered(woken, world, woken.to(task, "over"))
        # Before the answer to the write that stored it, a token may be taken or refused.
        if other.token != token or other.step != "parked":
            yield world.to(task, "over")

    def _block(self, world: World, task: int, walk: Walk) -> Iterator[World]:
        sets = list(world.blocked)
        sets[walk.redrives] |= self.behind[task]
        added = replace(world, blocked=tuple(sets))
        if world.redrives > walk.redrives:
            after = added.to(task, "runs", redrives=world.redrives)
        elif self.settled(added, walk.redrives):
            after = added.to(task, "gate")
        else:
            after = added.to(task, "park", seen=(len(added.done), len(added.blocked[walk.redrives])))
        yield from self._answered(added, world, after)

    def _park(self, world: World, task: int, walk: Walk) -> Iterator[World]:
        drawn = world.to(task, "park", token=walk.token + 1)
        sizes = (len(world.done), len(world.blocked[walk.redrives]))
        if world.redrives > walk.redrives or sizes != walk.seen:
            yield drawn.to(task, "block")
            return
        tokens = list(world.parked)
        tokens[walk.redrives] = (task, walk.token + 1)
        stored = replace(drawn, parked=tuple(tokens))
        yield from self._answered(stored, world, stored.to(task, "parked"))

    def redriven(self, world: World) -> World:
        """The execution had ended, by a gate or because somebody stopped it, and goes on: what was under way begins
        anew, gates and waits lead to another attempt."""
        again = replace(world, redrives=world.redrives + 1, left=world.left - 1, failed=False)
        for task, walk in enumerate(world.walks):
            match walk.step:
                case "gate" | "runs":
                    again = again.to(task, "runs", redrives=again.redrives)
                case "parked":
                    again = again.to(task, "park")
        return again


def start(protocol: Protocol, failures: int, lost: int, redrives: int) -> World:
    rounds = redrives + 1
    none: frozenset[int] = frozenset()
    walks = tuple(Walk() for _ in protocol.all)
    return World(none, (none,) * rounds, ((),) * rounds, walks, failures, lost, left=redrives)


def check(protocol: Protocol, world: World, goes_on: bool) -> None:
    """What must hold in every world."""
    steps = [walk.step for walk in world.walks]
    if not goes_on and not world.failed:
        assert set(steps) == {"over"}, f"waits for ever: {world}"
    if world.failed:
        for task, step in enumerate(steps):
            failed = any(steps[up] in ("gate", "park", "parked", "block") for up in bits(protocol.order.before[task]))
            assert step != "runs", f"failed while a task runs: {world}"
            assert step != "waiting" or failed, f"failed although a task could still start: {world}"


@pytest.mark.parametrize(
    ("graph", "failures", "lost", "redrives"),
    [
        ("apart", 3, 2, 2),
        ("one behind", 2, 2, 1),
        ("n", 2, 1, 1),
    ],
)
def test_no_interleaving_fails_early_or_never(graph: str, failures: int, lost: int, redrives: int) -> None:
    """With failing tasks, lost answers and redrives (after a failure, or a stop at any moment): the run fails only when
    all that does not depend on a failed task is done, and then always; otherwise all tasks end."""
    protocol = Protocol(GRAPHS[graph])
    first = start(protocol, failures, lost, redrives)
    seen, waiting, ends = {first}, [first], [0, 0]
    while waiting:
        world = waiting.pop()
        gates = any(walk.step == "gate" for walk in world.walks) and not world.failed
        after = [replace(world, failed=True)] if gates else []
        if not world.failed:
            after += [one for one in protocol.following(world) if one != world]
        check(protocol, world, goes_on=bool(after))
        ends[world.failed] += not after
        if world.left:
            after.append(protocol.redriven(world))
        for one in after:
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    assert all(ends)


def test_the_writes_are_what_the_protocol_rests_on() -> None:
    """Tasks are added to sets and never taken out; a token is stored only while the sets are as they were seen."""
    for write, sets in ((joins.SETTLE, ["Done"]), (joins.SETTLE_LATE, ["Done"]), (joins.BLOCK, ["Done", "Blocked"])):
        assert (list(write.adds), list(write.sets), write.removes) == (sets, ["ExpiresAt"], ())
    assert list(joins.BLOCK.once) == ["Failure"]
    unknowable = joins.BLOCK_UNKNOWABLE
    assert (unknowable.adds, [*unknowable.sets], unknowable.once) == (joins.BLOCK.adds, ["ExpiresAt", "Failure"], {})
    assert list(joins.PARK.sets) == ["Parked", "ExpiresAt"]
    assert joins.SETTLE.demands == Absent("Blocked")
    assert demanded(joins.NOT_GROWN, {"Blocked": "'Blocked' & 2"}) == "size(Done) = :done AND size(#blocked) = :blocked"


def test_what_a_failure_blocks() -> None:
    """A task's own number and those of all behind it, in ranges; tasks that never run beside others are not counted."""
    graph = {"first": (), "a": ("first",), "b": ("first",), "c": ("a",), "d": ("a", "b"), "last": ("c", "d")}
    numbers = {"a": 1, "c": 2, "d": 3, "b": 4}
    assert Settling.of(graph) == Settling(numbers, {"a": ((1, 3),), "c": ((2, 2),), "d": ((3, 3),), "b": ((3, 4),)})
    assert Settling.of({"a": (), "b": ("a",)}) == Settling({}, {})
    every = Settling.of({"a": (), "b": (), "c": ("a",)}, every=True)
    assert [every.in_job_file(task) for task in ("a", "b", "c")] == [
        {"number": "1", "blocks": "1-2"},
        {"number": "3", "blocks": "3-3"},
        {"number": "2", "blocks": "2-2"},
    ]
