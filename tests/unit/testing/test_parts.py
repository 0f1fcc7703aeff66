"""Jobs that are cut into parts, whose executions are not always stopped with their run, fail, and are started late."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any

import pytest

from elt_redshift.asl.language import names
from elt_redshift.job.model import EltJob, SqlStatement, SqlTask
from elt_redshift.protocol import executions
from elt_redshift.testing import samples
from elt_redshift.testing.errors import StateError
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.network import Faults
from elt_redshift.testing.schedules import Chances, Outcome, Schedule, run
from elt_redshift.testing.subject import Subject, with_tasks

from .plays import Stop
from .test_every_state import SUBJECTS, broken

JOBS = ("diamond", "joined", "woven", "auto_commit", "procedure", "waiting", "released", "polling", "late")


@cache
def _cut(name: str, most: int) -> Subject:
    """A sample in parts of so many tasks at most."""
    (job,) = (one for one in (*samples.jobs(), *samples.combinations()) if one.name == name)
    return Subject.of(job, f"{name}, in parts", cut_at=most)


def _random(seed: int, **more: Any) -> Subject:
    """Any graph of up to seven tasks, cut anywhere, of a job that has ``more``."""
    random = Random(f"{seed} graph")
    count = random.randint(3, 7)

    def task(number: int) -> SqlTask:
        ups = sorted(random.sample(range(number), min(number, random.choice((0, 1, 1, 2, 3)))))
        return SqlTask(
            name=f"t{number}",
            statements=(SqlStatement(text="insert into t select 1"),),
            upstream=tuple(f"t{up}" for up in ups),
            retries=random.choice((0, 0, 1)),
        )

    job = EltJob(job_id="101", name=f"random{seed}", tasks=[task(number) for number in range(count)], **more)
    return Subject.of(job, cut_at=random.randint(1, count - 1))


def _findings(outcomes: Any) -> list[str]:
    return [f"{one.seed} {one.job}: {finding}" for one in outcomes for finding in one.findings]


def _outcome(seed: int) -> Outcome:
    return run(_random(seed), seed)


def test_nothing_is_lost_or_done_twice() -> None:
    """Whatever is stopped, redriven, resumed, refused or late, in whatever graph, wherever that is cut."""
    assert _findings(map(_outcome, range(40))) == []


@pytest.mark.exhaustive
def test_nothing_is_lost_or_done_twice_in_many_schedules() -> None:
    """The same, more often."""
    assert _findings(map(_outcome, range(40, 300))) == []


@pytest.mark.exhaustive
def test_every_protocol_holds_in_parts() -> None:
    """Those of the samples, in parts of one task and of two."""
    subjects = [_cut(name, most) for name in JOBS for most in (1, 2)]
    assert _findings(run(subjects[seed % len(subjects)], seed) for seed in range(180)) == []


def _in_lanes(seed: int) -> list[str]:
    """What is wrong where a run may have only some statements at once: what is wrong anyway, and that it had more."""
    lanes = 1 + seed % 3
    schedule = Schedule(_random(seed, max_active_statements=lanes), seed, Chances())
    found = _findings([schedule.outcome()])
    moments: dict[str, list[tuple[float, int]]] = {}
    for one in schedule.world.data.statements.values():
        ended = schedule.world.clock.now if one.ended is None else one.ended
        moments.setdefault(one.owner, []).extend(((one.created, 1), (ended, -1)))
    most = max((max(accumulate(change for _, change in sorted(run))) for run in moments.values()), default=0)
    return found if most <= lanes else [*found, f"{seed}: a run had {most} statements at once, not {lanes}"]


def test_lanes_lead_through_all_parts() -> None:
    """A task waits for the one before it on its lane in whichever part that is, whatever is stopped and redriven."""
    assert [one for seed in range(30) for one in _in_lanes(seed)] == []


@pytest.mark.exhaustive
def test_lanes_lead_through_all_parts_in_many_schedules() -> None:
    """The same, more often."""
    assert [one for seed in range(30, 330) for one in _in_lanes(seed)] == []


class _Promised:
    """Watches that a run which fails because of a task has nothing left that it could do."""

    def __init__(self, schedule: Schedule) -> None:
        self._world, self.broken = schedule.world, list[str]()
        self._ended = schedule.world.step_functions._ended
        schedule.world.step_functions._ended = self.ended

    def ended(self, run: Execution) -> None:
        self._ended(run)
        if run.status != executions.FAILED or not (run.error or StateError("", "")).cause.startswith("Task "):
            return
        own = [one for one in self._world.data.statements.values() if one.owner == run.name]
        done = {name for name, how in run.tasks.items() if how in ("succeeded", "kept")}
        tasks = self._world.subject.versions[run.version].tasks
        left = [name for name, task in tasks.items() if done.issuperset(task.upstream) and name not in run.tasks]
        left += [one.task for one in own if one.ended is None]
        if left:
            self.broken.append(f"{run.name} failed ({run.error}) before {left}: {run.tasks}")


def _held_back(seed: int, chances: Chances) -> list[str]:
    """What is wrong where failures are held back: what is wrong anyway, and what was not done."""
    schedule = Schedule(_random(seed, on_task_failure="finish_independent"), seed, chances)
    promised = _Promised(schedule)
    return [*_findings([schedule.outcome()]), *(f"{seed}: {one}" for one in promised.broken)]


#: What is stopped, redriven and resumed, where no call is refused or lost.
_CALM = Chances(faults=Faults())


def test_what_does_not_depend_on_a_failed_task_ends_in_all_parts() -> None:
    """Then the run fails with that failure, and a redrive goes on; whatever happens besides."""
    assert [one for seed in range(30) for one in _held_back(seed, Chances() if seed % 3 else _CALM)] == []


@pytest.mark.exhaustive
def test_what_does_not_depend_on_a_failed_task_ends_in_all_parts_in_many_schedules() -> None:
    """The same, more often."""
    assert [one for seed in range(30, 330) for one in _held_back(seed, Chances() if seed % 3 else _CALM)] == []


def _eventful(seed: int) -> Outcome:
    """Of a job of whose tasks some wait for events; in every second one failures are held back."""
    random = Random(f"{seed} events")
    made = _random(seed, **({"on_task_failure": "finish_independent"} if seed % 2 else {})).versions[0]
    tasks = {name: replace(task, wait="event") for name, task in made.tasks.items() if random.random() < 0.6}
    return run(Subject.of(with_tasks(made.job, {**made.tasks, **tasks}), cut_at=made.cut_at), seed)


def test_tasks_wait_for_events_in_parts() -> None:
    """Which may come late, twice or never."""
    assert _findings(map(_eventful, range(30))) == []


@pytest.mark.exhaustive
def test_tasks_wait_for_events_in_parts_in_many_schedules() -> None:
    """The same, more often."""
    assert _findings(map(_eventful, range(30, 330))) == []


def _fenced(seed: int) -> Outcome:
    """Of a job with a fence; in every second one failures are held back."""
    return run(_random(seed, fence=True, **({"on_task_failure": "finish_independent"} if seed % 2 else {})), seed)


def test_a_fence_keeps_out_what_parts_send_late() -> None:
    """And nothing that they send in time, however often the run and its parts were redriven."""
    assert _findings(map(_fenced, range(30))) == []


@pytest.mark.exhaustive
def test_a_fence_keeps_out_what_parts_send_late_in_many_schedules() -> None:
    """The same, more often."""
    assert _findings(map(_fenced, range(30, 330))) == []


def test_a_job_that_is_one_part_takes_over_from_a_dead_owner() -> None:
    """Its only part is looked for as many are."""
    subject = _cut("procedure", 2)
    assert len(subject.versions[0].parts) == 1
    assert _findings([run(subject, 9)]) == []


@pytest.mark.parametrize("phase", ["entered", "under way", "arrived"])
def test_a_stop_as_a_part_is_started_leaves_a_job_that_goes_on(phase: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the event of the end, and by a redrive."""
    monkeypatch.setitem(SUBJECTS, "in parts", _cut("joined", 1))
    stops = (Stop("part 1", phase, told=told, then=then) for told in (True, False) for then in ("start", "redrive"))
    for stop in stops:
        assert broken("in parts", stop) == []


def _orphans(definition: dict[str, Any]) -> None:
    """The next run takes the lock over without looking for parts of the dead owner."""
    states = definition["States"]
    for state in states.values():
        if state.get("Default") == names.FIND_LEFT_PARTS:
            state["Default"] = names.FIND_LEFT
    del states[names.FIND_LEFT_PARTS], states["judge left parts"]


@pytest.mark.parametrize("seed", [73, 128, 232])
def test_parts_that_are_left_are_ended_before_the_lock_is_taken_over(seed: int) -> None:
    """Without that they go on submitting beside the next run: the simulation sees it."""
    subject = _random(seed)
    mutated = replace(subject, versions=tuple(replace(one, mutate=_orphans) for one in subject.versions))
    assert "double owner" in {one.rule for one in run(mutated, seed).findings}
    assert _findings([run(subject, seed)]) == []
