"""Waiting for the event of a statement's end, in every order in which its steps can happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from elt_redshift.protocol import joins
from elt_redshift.protocol.writes import Absent
from tests.unit.asl.worlds import reachable

Phase = Literal["waits", "find", "await", "waits again", "describe", "done"]


@dataclass(frozen=True)
class World:
    """All that matters: the statement, the task, the statement's item, and the deliveries of its event.

    :param newest: the last token that the task has drawn, the only one that ends its wait; 1 is in the name.
    :param stored: the item's token, 0 for none; ``marked``: the item says that the statement has ended.
    :param goes_on: how often the task has gone on to what is behind it.
    :param answers: per delivery: ``coming``, ``send``, ``mark``, ``wake:<token>`` or ``end``.
    :param timeouts: how many more waits may time out, and ``lost`` answers and ``redrives`` may happen.
    """

    answers: tuple[str, ...]
    ended: bool = False
    phase: Phase = "waits"
    newest: int = 1
    stored: int = 0
    marked: bool = False
    goes_on: int = 0
    timeouts: int = 2
    lost: int = 1
    redrives: int = 1


def _on(world: World) -> World:
    return replace(world, phase="done", goes_on=world.goes_on + 1)


def _task(world: World) -> Iterator[World]:
    """One step of the task, or of what befalls it."""
    waiting = world.phase in ("waits", "waits again")
    if waiting and world.timeouts:
        late: Phase = "find" if world.phase == "waits" else "describe"
        yield replace(world, phase=late, timeouts=world.timeouts - 1)
    if waiting and world.redrives:
        # The submission raises an error and looks for the statement; the other wait asks for a token anew.
        anew: Phase = "find" if world.phase == "waits" else "await"
        yield replace(world, phase=anew, redrives=world.redrives - 1)
    if world.phase in ("find", "describe"):
        yield _on(world) if world.ended else replace(world, phase="await")
    if world.phase == "await":
        fresh = replace(world, newest=world.newest + 1)
        after = fresh if world.marked else replace(fresh, stored=fresh.newest)
        yield replace(after, phase="describe" if world.marked else "waits again")
        if world.lost:
            yield replace(after, lost=world.lost - 1)  # the answer is lost: it is about to store another token


def _answer(world: World, place: int) -> Iterator[World]:
    """One step of the Express machine that one delivery has started."""

    def going(to: str, base: World) -> World:
        return replace(base, answers=(*base.answers[:place], to, *base.answers[place + 1 :]))

    step = world.answers[place]
    if step == "coming" and world.ended:
        yield going("send", world)
    elif step == "send":
        accepted = world.phase == "waits"
        after = _on(world) if accepted else world
        yield going("end" if accepted else "mark", after)
        if world.lost:
            yield replace(after, lost=world.lost - 1)  # the answer is lost: it is about to send once more
    elif step == "mark":
        yield going(f"wake:{world.stored}" if world.stored else "end", replace(world, marked=True))
    elif step.startswith("wake:"):
        woken = world.phase == "waits again" and step == f"wake:{world.newest}"
        yield going("end", replace(world, phase="describe") if woken else world)


def following(world: World) -> Iterator[World]:
    """Every world that one step can lead to."""
    if not world.ended:
        yield replace(world, ended=True)
    yield from _task(world)
    for place in range(len(world.answers)):
        yield from _answer(world, place)


@pytest.mark.parametrize("deliveries", [0, 1, 2])
def test_no_interleaving_goes_on_early_twice_or_never(deliveries: int) -> None:
    """The event comes not at all, once or twice, at any time; up to two waits time out, an answer is lost, there is a
    redrive: the task goes on only when its statement has ended, never twice, and in the end always, if the event comes
    or a wait still times out."""
    first = World(("coming",) * deliveries)
    ends = 0
    for world, ended in reachable(first, following):
        assert world.goes_on <= 1, f"went on twice: {world}"
        assert world.goes_on == 0 or world.ended, f"went on early: {world}"
        if ended:
            ends += 1
            assert world.goes_on == 1 or deliveries == 0, f"waits for ever: {world}"
    assert ends


def test_the_expressions_are_those_of_the_protocol() -> None:
    """A token is stored unless the end is marked, and marking it leaves the token where it is."""
    assert joins.STORE_UNTIL_ENDED.demands == Absent("Ended")
    assert list(joins.STORE_UNTIL_ENDED.sets) == ["TaskToken", "ExpiresAt"]
    assert (list(joins.MARK_ENDED.sets), joins.MARK_ENDED.removes) == (["Ended", "ExpiresAt"], ())
