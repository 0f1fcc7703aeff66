"""The job that is simulated: its definitions as they are deployed, one after the other."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from elt_redshift.asl import fingerprints, jobfile
from elt_redshift.asl.compiler import PASSES, compile_job
from elt_redshift.asl.fingerprints import Fingerprints
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.target import Target
from elt_redshift.graph.parts import cut
from elt_redshift.job.model import EltJob, SqlTask
from elt_redshift.testing.parts import machine_of_part
from elt_redshift.testing.program import Program, program

#: The tables' names, which stand for those that a deployment fills in.
AUDIT_TABLE, JOIN_TABLE = Target.audit_table, Target.join_table

Mutation = Callable[[dict[str, Any]], None]
"""Breaks a definition, in place."""


@dataclass(frozen=True)
class Version:
    """One compiled definition of a job.

    :param mutate: breaks the definition, to see that the simulation notices.
    :param mutate_ending: the same of the small machine that follows the ends of runs.
    :param follows: its statements are followed by executions of their own, small as it is.
    :param cut_at: it is cut into parts of so many tasks at most.
    """

    job: EltJob
    mutate: Mutation | None = None
    mutate_ending: Mutation | None = None
    follows: bool = False
    cut_at: int | None = None

    @cached_property
    def machine(self) -> StateMachine:
        if not (self.follows or self.cut_at):
            return compile_job(self.job)
        reading = PASSES.read(self.job)
        made = cut(reading.graph, dict.fromkeys(reading.graph, 1.0), self.cut_at) if self.cut_at else None
        arranged = replace(PASSES.arrange(reading), follows=True, measured=None, cut=made)
        return PASSES.check(PASSES.assemble(arranged, Target()))

    @cached_property
    def parts(self) -> tuple[Program, ...]:
        """The machines of its parts."""
        return tuple(program(part.definition()) for part in self.machine.parts)

    @cached_property
    def follower(self) -> Program | None:
        """The machine that follows statements."""
        return program(self.machine.following()) if self.machine.follows else None

    @cached_property
    def program(self) -> Program:
        definition = self.machine.definition()
        if self.machine.parts:
            text = json.dumps(definition)
            for part in self.machine.parts:
                text = text.replace(Target.part(part.number), machine_of_part(part.number))
            definition = json.loads(text)
        if self.machine.job_file is not None:
            definition = json.loads(json.dumps(definition).replace(Target.job_file_key, self.job_file_key))
        return program(_mutated(definition, self.mutate))

    @cached_property
    def job_file_key(self) -> str:
        """Under which the job file of the map layout lies: a hash of what is in it."""
        return hashlib.sha256(jobfile.dump(self.machine.job_file or [])).hexdigest()

    @cached_property
    def answering(self) -> Program | None:
        """The small machine that answers to the events of statements."""
        return program(self.machine.answering()) if self.machine.events else None

    @cached_property
    def ending(self) -> Program:
        """The small machine that follows the ends of runs."""
        return program(_mutated(self.machine.ending(), self.mutate_ending))

    @cached_property
    def prints(self) -> Fingerprints:
        return fingerprints.of_job(self.job)

    @cached_property
    def tasks(self) -> Mapping[str, SqlTask]:
        return {task.name: task for task in self.job.tasks}


@dataclass(frozen=True)
class Subject:
    """A job and what is deployed of it in the course of a schedule."""

    name: str
    versions: tuple[Version, ...]

    @classmethod
    def of(
        cls,
        job: EltJob,
        name: str = "",
        mutate: Mutation | None = None,
        mutate_ending: Mutation | None = None,
        follows: bool = False,
        cut_at: int | None = None,
    ) -> Subject:
        """The job as it is, and as it is after a fix of the SQL of each task in turn."""
        versions = (Version(one, mutate, mutate_ending, follows, cut_at) for one in (job, *_fixed(job)))
        return cls(name or job.name, tuple(versions))

    @property
    def patience(self) -> float:
        """So many seconds any statement of it may take without being cancelled."""
        timeouts = (task.timeout for task in self.versions[0].job.tasks)
        return min((timeout.total_seconds() / 2 for timeout in timeouts if timeout), default=float("inf"))

    def job_file(self, key: str) -> list[jobfile.Item]:
        """The file that lies under a key."""
        return next(one.machine.job_file or [] for one in self.versions if one.job_file_key == key)

    @property
    def job_id(self) -> str:
        return self.versions[0].job.job_id


def _mutated(definition: dict[str, Any], mutate: Mutation | None) -> dict[str, Any]:
    if mutate:
        definition = json.loads(json.dumps(definition))
        mutate(definition)
    return definition


def with_tasks(job: EltJob, tasks: Mapping[str, SqlTask]) -> EltJob:
    """The job with other tasks."""
    another = copy.copy(job)
    another._tasks = dict(tasks)
    return another


def _fixed(job: EltJob) -> Iterator[EltJob]:
    """The job with one task's SQL changed; at most two of them."""
    for changed in job.tasks[:: max(1, len(job.tasks) - 1)][:2]:
        texts = tuple(replace(one, text=f"{one.text} /* fixed */") for one in changed.statements)
        fixed = replace(changed, statements=texts)
        yield with_tasks(job, {task.name: fixed if task is changed else task for task in job.tasks})


def transactions(request: Mapping[str, Any]) -> int:
    """How many transactions a submission makes: a batch one, unless it commits each statement. A procedure may commit
    by itself, so a call counts as two."""
    if "Sqls" in request:
        return len(request["Sqls"]) if request.get("ExecutionMode") == "AUTO_COMMIT" else 1
    return 2 if request["Sql"].lstrip().lower().startswith("call ") else 1
