"""What a mirror of a group tells and decides, over a Step Functions in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from elt_redshift.aws.executions import Executions
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.hooks import step_functions as hooks
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers import base
from elt_redshift.triggers.group import GroupWatch, decider
from elt_redshift.triggers.outcome import Outcome
from elt_redshift.triggers.step_functions import TaskTrigger
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions

MEND = "Mend it, deploy the job if its SQL has changed, and clear the failed tasks."


class Watched:
    """A group of three tasks, and what its mirror has told."""

    def __init__(self, tasks: Sequence[str] = ("a", "b", "c")) -> None:
        self.execution = FakeExecution("run")
        self.lines: list[str] = []
        self._decide = decider("stage", tasks, self.lines.append)

    def look(self) -> Outcome | None:
        client = FakeStepFunctions(self.execution)
        return self._decide(Executions(client, MACHINE).look(self.execution.arn, TaskRuns()))

    def news(self) -> list[str]:
        told, self.lines[:] = list(self.lines), []
        return told


def test_each_task_is_told_once_as_it_ends() -> None:
    """With its time, its statement and how far the group is; nothing is decided before the last one has ended."""
    watched = Watched()
    watched.execution.succeed("a", "s-a").succeed("elsewhere").submit("b")
    assert watched.look() is None
    assert watched.news() == [
        "Task a succeeded at 2026-01-01 00:00:03 UTC: 2.0 s, statement s-a",
        "1 of 3 tasks of group stage have succeeded.",
    ]
    assert (watched.look(), watched.news()) == (None, [])
    watched.execution.succeed("b").succeed("c")
    outcome = watched.look()
    assert outcome
    assert (outcome.status, outcome.seconds, outcome.execution_arn) == ("succeeded", 13.0, watched.execution.arn)
    assert watched.news()[-1] == "3 of 3 tasks of group stage have succeeded."


def test_the_first_failure_is_the_groups() -> None:
    """It is told at once, and raised when all have ended: with its statement, and what else failed."""
    watched = Watched()
    watched.execution.succeed("a").fail("c", "no such table", "s-c")
    watched.execution.status = "RUNNING"
    assert watched.look() is None
    assert "Task c failed: no such table (statement s-c)." in watched.news()
    watched.execution.fail("b", "no space")
    outcome = watched.look()
    assert outcome
    assert (outcome.status, outcome.task, outcome.message, outcome.statement_id) == (
        "failed",
        "c",
        "no such table",
        "s-c",
    )
    assert outcome.beside == "1 of 3 tasks of group stage have succeeded; b failed too."
    assert Outcome.from_event(outcome.to_event()) == outcome


def test_a_group_that_another_ones_failure_stopped_says_so() -> None:
    """It fails, with how far it came, what was stopped in it and because of what."""
    watched = Watched()
    watched.execution.succeed("a").submit("b").fail("elsewhere", "no such table")
    outcome = watched.look()
    assert outcome
    assert (outcome.status, outcome.task) == ("aborted", None)
    assert outcome.message == (
        "1 of 3 tasks of group stage have succeeded. Task b was stopped, because elsewhere failed: no such table. "
        f"{MEND}"
    )


def test_a_group_of_a_locked_job_is_skipped() -> None:
    """As its tasks would be."""
    watched = Watched()
    watched.execution.skip("Job 7 is Running")
    assert watched.look() == Outcome(
        "skipped", "Nothing was done. Job 7 is Running", execution_arn=watched.execution.arn
    )


def test_a_redriven_failure_is_open_again() -> None:
    """What failed before the redrive decides nothing behind it, and is told again when it has ended again."""
    watched = Watched(["a"])
    watched.execution.fail("a", "no such table")
    assert (watched.look() or Outcome("unknown")).status == "failed"
    watched.news()
    watched.execution.redrive("token")
    assert watched.look() is None
    watched.execution.succeed("a")
    assert (watched.look() or Outcome("unknown")).status == "succeeded"
    assert len(watched.news()) == 2


def test_a_mirror_without_a_group_shows_its_task() -> None:
    """The trigger of one task is that of a group without tasks."""
    assert not isinstance(decider("a", (), print), GroupWatch)


def test_the_trigger_of_a_group_ends_once_all_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its event tells of the failure that was first, with what Redshift says of that statement only."""
    execution = FakeExecution("run").succeed("a").fail("b", "no such table", "s-b")
    looked: list[str] = []

    class Hook:
        def __init__(self, **_: Any) -> None: ...

        def executions(self) -> Executions:
            return Executions(FakeStepFunctions(execution), MACHINE)

        def statements(self) -> None: ...

        def statement(self, statement_id: str) -> StatementStatus:
            looked.append(statement_id)
            return StatementStatus(statement_id, "FAILED")

    monkeypatch.setattr(hooks, "EltHook", Hook)
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)

    async def first() -> Any:
        return await anext(TaskTrigger(execution.arn, "stage", tasks=["a", "b", "c"]).run())

    payload = asyncio.run(first()).payload
    assert (payload["status"], payload["task"], looked) == ("failed", "b", ["s-b"])
