"""The jobs that chaos is tried on: each protocol of the state machine, and what differs between policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from elt_redshift.job.model import EltJob, LockPolicy, SqlStatement, SqlTask
from elt_redshift.protocol.audit import RELEASED
from elt_redshift.testing.subject import Mutation, Subject


def _job(name: str, tasks: Mapping[str, Mapping[str, Any]], **more: Any) -> EltJob:
    return EltJob(job_id="101", name=name, tasks=[_task(task, **options) for task, options in tasks.items()], **more)


def _task(name: str, sql: tuple[str, ...] = ("insert into t select 1",), **more: Any) -> SqlTask:
    return SqlTask(name=name, statements=tuple(SqlStatement(text=text) for text in sql), **more)


def _diamond(**more: Any) -> dict[str, dict[str, Any]]:
    return {
        "a": more,
        "b": {"upstream": ("a",), **more},
        "c": {"upstream": ("a",), **more},
        "d": {"upstream": ["b", "c"]},
    }


def _joined(**more: Any) -> dict[str, dict[str, Any]]:
    """Two branches, one of which waits for a task in the other."""
    return {"a": more, "b": more, "c": {"upstream": ("a", "b"), **more}, "d": {"upstream": ("b",), **more}}


def _woven() -> dict[str, dict[str, Any]]:
    """A task that waits for two others which stand in other branches."""
    return {
        "a": {},
        "b": {},
        "c": {},
        "d": {"upstream": ("a", "b", "c")},
        "e": {"upstream": ("b",)},
        "f": {"upstream": ("c",)},
    }


def jobs() -> tuple[EltJob, ...]:
    """The jobs, each valid."""
    return (
        _job("one_task", {"a": {}}),
        _job("diamond", _diamond(retries=1)),
        _job("joined", _joined()),
        _job("woven", _woven()),
        _job("polling", _joined(wait="poll", timeout=timedelta(hours=2))),
        _job("events", _joined(wait="event")),
        _job("settling", {**_joined(), "e": {"upstream": ("c", "d")}}, on_task_failure="finish_independent"),
        _job("auto_commit", {"a": {"sql": ("vacuum t", "analyze t"), "transaction": False}, "b": {"upstream": ("a",)}}),
        _job("procedure", {"a": {"sql": ("call sp_load()",)}, "b": {"upstream": ("a",), "sql": ("call sp_more()",)}}),
        _job("waiting", {"a": {}, "b": {"upstream": ("a",)}}, lock=LockPolicy(when_locked="wait")),
        _job("released", _diamond(), lock=LockPolicy(after_failure=RELEASED, when_locked="fail")),
    )


def subjects(mutate: Mutation | None = None) -> list[Subject]:
    """The same, compiled."""
    return [Subject.of(job, mutate=mutate) for job in jobs()]
