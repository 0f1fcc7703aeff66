"""What must hold of what happened, whatever that was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from elt_redshift.job.parts import Retries
from elt_redshift.protocol import executions
from elt_redshift.protocol.statements import ABORTED, FINISHED
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.redshift_data import Statement
from elt_redshift.testing.world import World

Rule = Literal["double owner", "stuck", "lost", "twice", "unrecorded"]


@dataclass(frozen=True)
class Finding:
    """A rule that was broken, and by what."""

    rule: Rule
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


def findings(world: World) -> Iterator[Finding]:
    """All that was broken."""
    runs = _Runs(world)
    yield from _owners(world)
    yield from (Finding("double owner", what) for what in world.robbed)
    yield from _twice(world, runs)
    yield from _lost(world, runs)
    yield from _early(world, runs)
    yield from (Finding("unrecorded", what) for what in world.unrecorded)


def _owners(world: World) -> Iterator[Finding]:
    """No statement is open, and none commits, after another owner has taken the lock; what the fence holds back does
    nothing."""
    for statement in (one for one in world.data.statements.values() if not one.fenced):
        own = world.step_functions.arn(statement.owner)
        until = statement.ended if statement.ended is not None else world.clock.now
        for claim in world.claims:
            between = statement.created < claim.since < until
            if claim.owner != own and (between or _owner_at(world, statement.created) not in (own, "")):
                yield Finding(
                    "double owner", f"{statement.name} ran while {claim.owner.rpartition(':')[2]} had the lock"
                )
                break


def _owner_at(world: World, moment: float) -> str:
    owner = ""
    for claim in world.claims:
        if claim.since <= moment:
            owner = claim.owner
    return owner


class _Runs:
    """The statements by their tasks, as fingerprints tell them, and by whose work they are."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._found: dict[tuple[str, str], list[Statement]] = defaultdict(list)
        for statement in world.data.statements.values():
            run = _run_of(world, statement)
            self._found[run.name, _print(world, run, statement.task)].append(statement)

    def of(self, run: Execution, task: str) -> list[Statement]:
        """Those of a run's task, by the run itself and by those whose work it resumes; the oldest first."""
        whole = _print(self._world, run, task)
        found = [one for name in self._line(run) for one in self._found.get((name, whole), ())]
        return sorted(found, key=lambda one: one.created)

    def _line(self, run: Execution) -> Iterator[str]:
        yield run.name
        while origin := (run.input.get("resume") or {}).get("from"):
            run = self._world.step_functions.executions[origin]
            yield run.name


def _run_of(world: World, statement: Statement) -> Execution:
    return world.step_functions.executions[world.step_functions.arn(statement.owner)]


def _print(world: World, run: Execution, task: str) -> str:
    return world.subject.versions[run.version].prints[task].whole


def _twice(world: World, runs: _Runs) -> Iterator[Finding]:
    for run in world.step_functions.executions.values():
        for task in run.tasks:
            committing = [one for one in runs.of(run, task) if one.commits]
            for before, after in pairwise(committing):
                if after.owner == run.name and not _may_follow(world, before, after):
                    yield Finding("twice", f"{after.name} committed after {before.name}, which had committed")


def _may_follow(world: World, before: Statement, after: Statement) -> bool:
    """Whether what was committed in part may be committed again: the task asks for tries, or somebody let the run go on
    after the failure; or after the submission of what was then cancelled, which is whom the stop before that belongs
    to. And whether the run was let go on twice at once: the resumed one went on behind its resumption's back."""
    run = _run_of(world, after)
    if before.owner != after.owner and before.commits[-1] > run.started:
        return True
    if before.status == FINISHED or before.parts == 1:
        return False
    retries = world.subject.versions[run.version].tasks[after.task].retries
    asked = retries.times if isinstance(retries, Retries) else retries
    failed = before.created if before.status == ABORTED else before.ended or 0.0
    return bool(asked) or before.owner != after.owner or any(failed <= at <= after.created for at in run.redriven)


def _lost(world: World, runs: _Runs) -> Iterator[Finding]:
    for run in world.step_functions.executions.values():
        if run.status == executions.SUCCEEDED and run.tasks:
            for task in world.subject.versions[run.version].tasks:
                if _done(runs.of(run, task)) is None:
                    yield Finding("lost", f"{run.name} succeeded, but {task} was not committed")


def _done(found: list[Statement]) -> float | None:
    """When the task was committed as a whole."""
    return min((one.commits[-1] for one in found if len(one.commits) == one.parts), default=None)


def _early(world: World, runs: _Runs) -> Iterator[Finding]:
    """No task begins before what it waits for is committed."""
    for statement in world.data.statements.values():
        run = _run_of(world, statement)
        for up in world.subject.versions[run.version].tasks[statement.task].upstream:
            at = _done(runs.of(run, up))
            if at is None or at > statement.created:
                yield Finding("lost", f"{statement.name} began before {up} was committed")
