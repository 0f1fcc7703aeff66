"""Waiting for something that happens in another process: poll with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests import bounds

Found = TypeVar("Found")

POLL_SECONDS = 0.05


def wait_for(
    look: Callable[[], Found], what: str, seconds: float = bounds.ANSWER, pause: float = POLL_SECONDS
) -> Found:
    """The first true value that ``look`` gives.

    :raises AssertionError: there was none within the time.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(pause)
    return found
