"""Models of protocols: every world that any interleaving of their steps leads to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

World = TypeVar("World", bound=Hashable)


def reachable(first: World, following: Callable[[World], Iterable[World]]) -> Iterator[tuple[World, bool]]:
    """Each world that steps lead to from ``first``, once, and whether it is an end: no step leads on from there.

    :param following: the worlds that one step leads to.
    """
    seen, waiting = {first}, [first]
    while waiting:
        world = waiting.pop()
        after = list(following(world))
        yield world, not after
        new = [one for one in dict.fromkeys(after) if one not in seen]
        seen.update(new)
        waiting += new
