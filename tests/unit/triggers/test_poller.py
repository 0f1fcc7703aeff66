"""One look at an execution per interval, whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest

from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.execution_status import Snapshot
from elt_redshift.aws.executions import Executions
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers import poller as module
from elt_redshift.triggers.outcome import outcome_of
from elt_redshift.triggers.poller import MAX_FAILURES, MAX_LEFT, MAX_PAUSE, Poller, shared
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions


class FakeSource:
    """Looks without a thread."""

    def __init__(self, client: FakeStepFunctions, arn: str) -> None:
        self._executions, self._arn, self._runs = Executions(client, MACHINE), arn, TaskRuns()

    async def look(self) -> Snapshot:
        return self._executions.look(self._arn, self._runs)


class Clock:
    """Sleeps that end when the test says so."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._ticks = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._ticks.acquire()

    async def tick(self) -> None:
        """Let one sleep end, and everybody do what there is to do."""
        self._ticks.release()
        for _ in range(10):
            await asyncio.sleep(0)


class Bench:
    """An execution with tasks, its client, and listeners over one shared poller."""

    def __init__(self, execution: FakeExecution) -> None:
        self.execution, self.client, self.clock = execution, FakeStepFunctions(execution), Clock()

    def shared(self, key: str = "key") -> AbstractAsyncContextManager[Poller[FakeSource]]:
        return shared(key, self._source, lambda source: Poller(source, 5.0, self.clock.sleep))

    def _source(self) -> FakeSource:
        return FakeSource(self.client, self.execution.arn)

    async def listen(self, task: str) -> Any:
        async with self.shared() as poller:
            return await poller.until(partial(outcome_of, task))


def _run(main: Coroutine[Any, Any, None]) -> None:
    module._left.clear()
    asyncio.run(asyncio.wait_for(main, 30))
    assert not module._pollers


@pytest.mark.parametrize("count", [1, 100])
def test_the_calls_do_not_depend_on_the_number_of_listeners(count: int) -> None:
    """Any number of mirrors costs two calls per interval, and each hears of its own task when that has ended."""

    async def main() -> None:
        execution = FakeExecution("run")
        bench = Bench(execution)
        listeners = [asyncio.create_task(bench.listen(f"task_{number}")) for number in range(count)]
        for _ in range(3):
            await bench.clock.tick()
        assert not any(listener.done() for listener in listeners)
        execution.succeed("task_0", "s-0")
        await bench.clock.tick()
        assert (await listeners[0]).statement_id == "s-0"
        for number in range(1, count):
            execution.succeed(f"task_{number}", f"s-{number}")
        await bench.clock.tick()
        found = [await listener for listener in listeners]
        assert [outcome.statement_id for outcome in found] == [f"s-{number}" for number in range(count)]
        looks = 5 if count == 1 else 6
        assert bench.client.calls["DescribeExecution"] <= looks
        # Of so much news at once, the last look reads a second, larger page.
        assert bench.client.calls["GetExecutionHistory"] <= bench.client.calls["DescribeExecution"] + 1
        assert set(bench.clock.slept) == {5.0}

    _run(main())


def test_a_late_listener_hears_at_once() -> None:
    """Who joins later is told from the last look, without another one."""

    async def main() -> None:
        bench = Bench(FakeExecution("run").succeed("a"))
        waiting = asyncio.create_task(bench.listen("b"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        before = bench.client.calls.copy()
        assert (await bench.listen("a")).status == "succeeded"
        assert bench.client.calls == before
        bench.execution.end("FAILED")
        await bench.clock.tick()
        assert (await waiting).status == "aborted"

    _run(main())


def test_looking_ends_with_the_last_listener() -> None:
    """A cancelled listener leaves the others alone; when the last one is gone, nobody looks any more."""

    async def main() -> None:
        bench = Bench(FakeExecution("run"))
        one, two = (asyncio.create_task(bench.listen(task)) for task in "ab")
        await bench.clock.tick()
        one.cancel()
        await bench.clock.tick()
        assert not two.done()
        two.cancel()
        await asyncio.wait([one, two])
        before = bench.client.calls.copy()
        await bench.clock.tick()
        assert bench.client.calls == before

    _run(main())


def test_after_its_end_an_execution_is_looked_at_afresh() -> None:
    """A listener that comes after the end does not get an old picture: the execution may have been redriven."""

    async def main() -> None:
        bench = Bench(FakeExecution("run").end("FAILED"))
        async with bench.shared() as first:
            await first.until(lambda snapshot: snapshot.execution.ended or None)
            async with bench.shared() as second:
                assert second is not first

    _run(main())


def test_the_next_listener_goes_on_where_the_last_one_left() -> None:
    """In a chain of mirrors, each begins when the one before has gone: none reads the history from its start again."""

    async def main() -> None:
        bench = Bench(FakeExecution("run"))
        for number in range(500):
            bench.execution.succeed(f"task_{number}")
        for number in range(500):
            assert (await bench.listen(f"task_{number}")).status == "succeeded"
        # The first look reads 1,500 events; each later one reads one small page.
        assert bench.client.calls["GetExecutionHistory"] == 2 + 499
        bench.execution.succeed("later", "s-2")
        assert (await bench.listen("later")).statement_id == "s-2"

    _run(main())


def test_what_was_left_is_forgotten_in_time() -> None:
    """Only so many executions that nobody waits for any more are remembered, and none that could not be seen."""

    async def main() -> None:
        for number in range(MAX_LEFT + 5):
            bench = Bench(FakeExecution(f"run-{number}").end("FAILED"))
            async with bench.shared(f"run-{number}") as poller:
                await poller.until(lambda snapshot: snapshot.execution.ended or None)
        bench.client.errors = ["AccessDeniedException"]
        with pytest.raises(AwsError):
            async with bench.shared("hidden") as poller:
                await poller.until(lambda _: None)
        assert [key for _, key in module._left] == [f"run-{number}" for number in range(5, MAX_LEFT + 5)]

    _run(main())


def test_passing_errors_are_survived_with_growing_pauses() -> None:
    """Throttling, and an execution that AWS does not know yet, only delay the news."""

    async def main() -> None:
        bench = Bench(FakeExecution("run").succeed("a"))
        bench.client.errors = ["ExecutionDoesNotExist"] * 3 + ["ThrottlingException"] * 3
        waiting = asyncio.create_task(bench.listen("a"))
        for _ in range(6):
            await bench.clock.tick()
        assert (await waiting).status == "succeeded"
        assert bench.clock.slept[:6] == [10.0, 20.0, 40.0, MAX_PAUSE, MAX_PAUSE, MAX_PAUSE]

    _run(main())


@pytest.mark.parametrize(
    ("errors", "looks"),
    [(["AccessDeniedException"], 1), (["ThrottlingException"] * (MAX_FAILURES + 1), MAX_FAILURES + 1)],
)
def test_lasting_errors_reach_every_listener(errors: list[str | None], looks: int) -> None:
    """An error that will not pass, or does not pass, is raised where somebody waits."""

    async def main() -> None:
        bench = Bench(FakeExecution("run"))
        bench.client.errors = errors
        waiting = [asyncio.create_task(bench.listen(task)) for task in "ab"]
        for _ in range(looks):
            await bench.clock.tick()
        for listener in waiting:
            with pytest.raises(AwsError):
                await listener
        assert bench.client.calls["DescribeExecution"] == looks

    _run(main())


def test_a_bug_reaches_the_listeners_too() -> None:
    """Whatever goes wrong in a look, nobody waits for ever."""

    class Broken:
        async def look(self) -> Snapshot:
            raise ZeroDivisionError

    async def main() -> None:
        async with shared("key", Broken, lambda source: Poller(source, 5.0)) as poller:
            with pytest.raises(ZeroDivisionError):
                await poller.until(lambda _: None)

    _run(main())
