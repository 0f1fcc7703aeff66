"""Jobs whose statements are followed by executions of their own, which die, are doubled and outlive their runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from elt_redshift.testing import samples
from elt_redshift.testing.schedules import run
from elt_redshift.testing.subject import Subject, with_tasks

from .plays import Stop
from .test_every_state import SUBJECTS, broken

JOBS = ("one_task", "diamond", "joined", "woven", "auto_commit", "procedure", "waiting", "released", "polling", "late")


@cache
def _followed(name: str, short: bool = False) -> Subject:
    """:param short: its statements are expected to end with their submissions, whether they do or not."""
    (job,) = (one for one in (*samples.jobs(), *samples.combinations()) if one.name == name)
    if short:
        brief = timedelta(seconds=1)
        job = with_tasks(job, {task.name: replace(task, expected=brief) for task in job.tasks})
    return Subject.of(job, f"{name}, followed{', short' if short else ''}", follows=True)


def _findings(seeds: range) -> list[str]:
    subjects = [_followed(name, short) for name in JOBS for short in (False, True)]
    outcomes = (run(subjects[seed % len(subjects)], seed) for seed in seeds)
    return [f"{one.seed} {one.job}: {finding}" for one in outcomes for finding in one.findings]


def test_nothing_is_lost_or_done_twice() -> None:
    """Whatever is stopped, redriven, resumed, refused or late, and whichever follower dies."""
    assert _findings(range(40)) == []


@pytest.mark.exhaustive
def test_nothing_is_lost_or_done_twice_in_many_schedules() -> None:
    """The same, more often."""
    assert _findings(range(60, 260)) == []


@pytest.mark.parametrize(
    ("state", "phase"),
    [(name, phase) for name in ("a: follow", "b: status", "c: finish") for phase in ("entered",)]
    + [("a: follow", "under way"), ("a: follow", "arrived")],
)
def test_a_stop_while_a_statement_is_followed_leaves_a_job_that_goes_on(
    state: str, phase: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without the event of the end, and by a redrive."""
    monkeypatch.setitem(SUBJECTS, "followed", _followed("joined"))
    for stop in (Stop(state, phase, told=False), Stop(state, phase, told=True), Stop(state, phase, then="redrive")):
        assert broken("followed", stop) == []
