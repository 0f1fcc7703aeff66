"""Waiting for what happens elsewhere: look, pause, look again, until it is there or time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Found = TypeVar("Found")
Clock = Callable[[], float]
Sleep = Callable[[float], None]


def looks(timeout: float, pause: float, clock: Clock = time.monotonic, sleep: Sleep = time.sleep) -> Iterator[float]:
    """Comes round for each look, at least once, and ends when time is up; gives the seconds that are left.

    :param timeout: seconds from now on.
    :param pause: seconds between two looks; 0 where a look, or who looks, waits by itself.
    :param clock: seconds that only grow.
    :param sleep: how to wait, in seconds.
    """
    end = clock() + timeout
    while True:
        yield end - clock()
        if clock() >= end:
            return
        if pause:
            sleep(pause)


def until(
    look: Callable[[], Found | None],
    timeout: float,
    pause: float,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
) -> Found | None:
    """What ``look`` finds, as soon as it finds something; None when time is up before. See :func:`looks`."""
    return next((found for _ in looks(timeout, pause, clock, sleep) if (found := look())), None)
