"""What a trigger does when it is killed is done to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

#: What goes on: the event loop itself holds tasks only weakly.
_tasks: set[asyncio.Task[None]] = set()


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work``, which goes on when the awaiting is cancelled.

    Airflow's triggerer repeats its request to cancel a trigger every second until that has ended, and so cancels an
    ``on_kill`` that takes longer.
    """
    task = asyncio.create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    await asyncio.shield(task)
