"""What a killed trigger does."""

from __future__ import annotations

import asyncio

import pytest

from elt_redshift.triggers import killing
from elt_redshift.triggers.killing import to_the_end


def test_what_was_begun_is_done_although_the_trigger_is_cancelled_again() -> None:
    """Airflow cancels `on_kill` itself when that takes more than a second; the execution is stopped all the same."""

    async def main() -> None:
        may_end, done = asyncio.Event(), asyncio.Event()

        async def stop() -> None:
            await may_end.wait()
            done.set()

        on_kill = asyncio.create_task(to_the_end(stop()))
        await asyncio.sleep(0)
        on_kill.cancel()
        with pytest.raises(asyncio.CancelledError):
            await on_kill
        may_end.set()
        await done.wait()
        await asyncio.sleep(0)
        assert not killing._tasks

    asyncio.run(asyncio.wait_for(main(), 30))


def test_errors_are_told() -> None:
    """Airflow logs what `on_kill` raises."""

    async def stop() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(to_the_end(stop()))
