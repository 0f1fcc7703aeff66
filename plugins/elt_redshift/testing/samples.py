"""The jobs that chaos is tried on: each protocol of the state machine, and what differs between policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from elt_redshift.job.model import EltJob, LockPolicy, SqlStatement, SqlTask
from elt_redshift.protocol.audit import RELEASED
from elt_redshift.testing.subject import Subject


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


def _crossed() -> dict[str, dict[str, Any]]:
    """Two tasks that tell the same two others of their ends."""
    return {
        "a": {},
        "b": {},
        "c": {},
        "d": {"upstream": ("c",)},
        "e": {"upstream": ("c",)},
        "f": {"upstream": ("a", "b", "d")},
        "g": {"upstream": ("a", "b", "e")},
    }


def _settled() -> dict[str, dict[str, Any]]:
    return {**_joined(), "e": {"upstream": ("c", "d")}}


def jobs() -> tuple[EltJob, ...]:
    """One job for each protocol, each valid."""
    return (
        _job("one_task", {"a": {}}),
        _job("diamond", _diamond(retries=1)),
        _job("joined", _joined()),
        _job("woven", _woven()),
        _job("crossed", _crossed()),
        _job("polling", _joined(wait="poll", timeout=timedelta(hours=2))),
        _job("events", _joined(wait="event")),
        _job("settling", _settled(), on_task_failure="finish_independent"),
        _job("auto_commit", {"a": {"sql": ("vacuum t", "analyze t"), "transaction": False}, "b": {"upstream": ("a",)}}),
        _job("procedure", {"a": {"sql": ("call sp_load()",)}, "b": {"upstream": ("a",), "sql": ("call sp_more()",)}}),
        _job("waiting", {"a": {}, "b": {"upstream": ("a",)}}, lock=LockPolicy(when_locked="wait")),
        _job("released", _diamond(), lock=LockPolicy(after_failure=RELEASED, when_locked="fail")),
    )


def combinations() -> tuple[EltJob, ...]:
    """Jobs in which these meet, and with timeouts that statements run into."""
    late = timedelta(seconds=20)
    return (
        _job("late", _joined(timeout=late)),
        _job("late_events", _diamond(wait="event", timeout=late, retries=1)),
        _job("late_polling", _diamond(wait="poll", timeout=late)),
        _job("settling_events", {**_settled(), "f": {"wait": "event"}}, on_task_failure="finish_independent"),
        _job("settling_polling", {**_woven(), "g": {"wait": "poll"}}, on_task_failure="finish_independent"),
        _job("held_runs_fail", _diamond(), lock=LockPolicy(when_locked="wait", when_held="fail")),
        _job("held_runs_skip", _joined(), lock=LockPolicy(when_held="skip")),
        _job("fenced", _diamond(retries=1), fence=True),
    )


def capped() -> tuple[EltJob, ...]:
    """Jobs with fewer lanes than tasks that could run side by side: a task waits for one that it needs nothing of."""
    return (
        _job("capped", _woven(), max_active_statements=2),
        _job("map_capped", _woven(), layout="map", max_active_statements=2),
    )


def with_functions() -> tuple[EltJob, ...]:
    """Jobs whose calls Lambda functions make: each task has a timeout, which some run into."""

    def made(name: str, tasks: dict[str, dict[str, Any]], seconds: int, **more: Any) -> EltJob:
        timed = {task: {**options, "timeout": timedelta(seconds=seconds)} for task, options in tasks.items()}
        return _job(name, timed, runtime="lambda", **more)

    return (
        made("functions", _joined(retries=1), 840),
        made("late_functions", _diamond(), 20, lock=LockPolicy(when_locked="wait")),
        made("settling_functions", _settled(), 840, on_task_failure="finish_independent"),
        made("fenced_functions", _diamond(retries=1), 840, fence=True),
        made("map_functions", _joined(), 840, layout="map"),
    )


def with_audit_in_redshift() -> tuple[EltJob, ...]:
    """Jobs whose audit item functions read and write; that it is a row changes nothing of what a write means, and calls
    that arrive late do so for as long as any others."""
    return (
        _job("row", _joined(retries=1), lock=LockPolicy(when_locked="wait"), audit_store="redshift"),
        _job("released_row", _diamond(), lock=LockPolicy(after_failure=RELEASED), audit_store="redshift"),
        _job("fenced_row", _diamond(retries=1), fence=True, audit_store="redshift"),
        _job("map_row", _woven(), layout="map", audit_store="redshift"),
    )


def mapped() -> tuple[EltJob, ...]:
    """Jobs in the map layout, which otherwise only those of some eighty tasks have."""
    batches: dict[str, dict[str, Any]] = {
        "a": {"sql": ("vacuum t", "analyze t"), "transaction": False},
        "b": {"upstream": ("a",), "sql": ("call sp_load()",)},
        "c": {"sql": ("insert into t select 1", "insert into t select 2"), "timeout": timedelta(seconds=20)},
    }
    return (
        _job("map_joined", _joined(), layout="map"),
        _job("map_woven", _woven(), layout="map"),
        _job("map_settling", _settled(), layout="map", on_task_failure="finish_independent"),
        _job("map_polling", _diamond(wait="poll", retries=1), layout="map"),
        _job("map_batches", batches, layout="map"),
        _job("map_fenced", _joined(), layout="map", fence=True, lock=LockPolicy(when_locked="wait")),
        _job("map_released", _diamond(), layout="map", lock=LockPolicy(after_failure=RELEASED, when_locked="wait")),
    )


@cache
def subjects() -> tuple[tuple[Subject, ...], ...]:
    """The same three groups, compiled."""
    return tuple(tuple(map(Subject.of, group)) for group in (jobs(), combinations(), mapped()))


#: By the last digits of their seeds, schedules are of the second and third group.
_GROUPS = {4: 1, 9: 2}


def of_seed(seed: int) -> Subject:
    """The job of a schedule: of ten schedules one is of a combination, and one in the map layout."""
    tens, last = divmod(seed, 10)
    group, number = (_GROUPS[last], tens) if last in _GROUPS else (0, seed)
    found = subjects()[group]
    return found[number % len(found)]
