"""What a killed operator does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.aws.job_ref import JobRef
from elt_redshift.operators import killing
from elt_redshift.operators.killing import stop_if_failed

TI = SimpleNamespace(dag_id="sales", run_id="r", task_id="load")


class FakeHook:
    """Takes down what is stopped."""

    def __init__(self) -> None:
        self.stopped: list[str] = []

    def stop(self, job: JobRef, execution_arn: str, cause: str) -> None:
        self.stopped.append(execution_arn)


@pytest.mark.parametrize("failed", [True, False])
def test_only_what_was_failed_is_stopped(monkeypatch: pytest.MonkeyPatch, failed: bool) -> None:
    """A worker that goes down and a cleared task leave the execution running."""
    hook: Any = FakeHook()
    monkeypatch.setattr(killing, "ended_by_user", lambda _: failed)
    stop_if_failed(hook, TI, JobRef("7", "sales"), "arn")
    assert hook.stopped == (["arn"] if failed else [])


def test_without_an_answer_nothing_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """When Airflow does not tell the task's state, the execution goes on."""

    def lost(_: Any) -> bool:
        raise ConnectionError("no API server")

    hook: Any = FakeHook()
    monkeypatch.setattr(killing, "ended_by_user", lost)
    stop_if_failed(hook, TI, JobRef("7", "sales"), "arn")
    assert hook.stopped == []


@pytest.mark.parametrize(("job", "arn"), [(None, "arn"), (JobRef("7", "sales"), None)])
def test_before_anything_was_started_nothing_is_stopped(job: JobRef | None, arn: str | None) -> None:
    """A task that is killed before it knows its execution has nothing to stop."""
    hook: Any = FakeHook()
    stop_if_failed(hook, TI, job, arn)
    assert hook.stopped == []
