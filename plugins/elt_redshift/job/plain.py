"""A job as plain JSON data, its SQL included, and back: what packages and job files hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import timedelta
from typing import Any, cast

from elt_redshift.job.parts import (
    DURATIONS,
    RETRY_DURATIONS,
    JobSpec,
    LockPolicy,
    Notify,
    Parameter,
    Retries,
    Schedule,
    SqlStatement,
    SqlTask,
)

#: What is made of parts, and the default that tasks have taken over by now. Whatever else a job says is kept as it is.
_PARTS = ("tags", "parameters", "tasks", "lock", "schedule", "notify", "wait")
_SAME = tuple(one.name for one in fields(JobSpec) if one.name not in _PARTS)


def to_dict(job: JobSpec) -> dict[str, Any]:
    """Plain JSON data: the job with its statements; ``timeout`` and ``expected`` in seconds."""
    return {
        **{name: getattr(job, name) for name in _SAME},
        "tags": list(job.tags),
        "parameters": [_parameter_to_dict(parameter) for parameter in job.parameters],
        "tasks": [_task_to_dict(task) for task in job.tasks],
        "lock": asdict(job.lock),
        "schedule": asdict(job.schedule) if job.schedule else None,
        "notify": asdict(job.notify) | {"on": list(job.notify.on)} if job.notify else None,
    }


def from_dict(data: Mapping[str, Any]) -> JobSpec:
    """The job that :func:`to_dict` wrote."""
    return JobSpec(
        **{name: data[name] for name in _SAME},
        tags=tuple(data["tags"]),
        parameters=tuple(_parameter_from_dict(parameter) for parameter in data["parameters"]),
        tasks=tuple(_task_from_dict(task) for task in data["tasks"]),
        lock=LockPolicy(**data["lock"]),
        schedule=Schedule(**data["schedule"]) if data["schedule"] else None,
        notify=Notify(**{**data["notify"], "on": tuple(data["notify"]["on"])}) if data["notify"] else None,
    )


def _parameter_to_dict(parameter: Parameter) -> dict[str, Any]:
    return asdict(parameter) | {"choices": list(parameter.choices) if parameter.choices else None}


def _parameter_from_dict(data: Mapping[str, Any]) -> Parameter:
    return Parameter(**{**data, "choices": tuple(data["choices"]) if data["choices"] else None})


def _task_to_dict(task: SqlTask) -> dict[str, Any]:
    statements = [{"text": s.text, "parameters": list(s.parameters), "place": s.place} for s in task.statements]
    durations = {key: _seconds(getattr(task, key)) for key in DURATIONS}
    changed = {"statements": statements, "retries": _retries_to_dict(task.retries), **durations}
    return asdict(replace(task, statements=())) | changed


def _retries_to_dict(retries: int | Retries) -> Any:
    if not isinstance(retries, Retries):
        return retries
    return asdict(retries) | {name: _seconds(getattr(retries, name)) for name in RETRY_DURATIONS}


def _retries_from_dict(data: Any) -> int | Retries:
    if not isinstance(data, Mapping):
        return cast(int, data)
    durations = {name: timedelta(seconds=data[name]) for name in RETRY_DURATIONS}
    return Retries(**cast(dict[str, Any], {**data, "on": tuple(data["on"]), **durations}))


def _seconds(duration: timedelta | None) -> float | None:
    return duration.total_seconds() if duration else None


def _task_from_dict(data: Mapping[str, Any]) -> SqlTask:
    statements = tuple(_statement_from_dict(one) for one in data["statements"])
    durations = {key: timedelta(seconds=data[key]) if data[key] else None for key in DURATIONS}
    retries = _retries_from_dict(data["retries"])
    changed = {"statements": statements, "upstream": tuple(data["upstream"]), "retries": retries, **durations}
    return SqlTask(**cast(dict[str, Any], {**data, **changed}))


def _statement_from_dict(data: Mapping[str, Any]) -> SqlStatement:
    make = SqlStatement.kept if "stored" in data else SqlStatement
    return make(**{**data, "parameters": tuple(data["parameters"])})
