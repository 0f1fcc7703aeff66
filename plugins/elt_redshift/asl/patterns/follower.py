"""The machine that follows statements for the tasks of a job: one execution for one statement, at most an hour long.

::

    follow (Parallel, whose branch gets what the task was given)
    ┌──────────────────────────────────────────────────────────────────────────────────┐
    │ task: status ──> find, describe, cancel, retry, reclaim ──> task: status         │
    │    ├─ finished, kept ─────────> task: answer           SendTaskSuccess           │
    │    ├─ to be submitted ────────> task: anew             SendTaskFailure, Submit   │
    │    ├─ the hour is over ───────> task: relieve          SendTaskFailure, Again    │
    │    └─ failed, refused ──> task: still awaited ──> task: record ──> task: failed  │
    │            (of a job in parts, task: count redrives comes first, and what        │
    │            holds the failure back)                                               │
    └──────────────────────────────────────────────────────────────────────────────────┘
        │ an error that no state foresees
        v
    answer error

The states are those of a task in a small job (:mod:`.statement`), with the task's values from the execution's input. It
submits nothing, and runs as the role of the job's own machine: Redshift shows a statement to that role alone.

Its answer may be refused, since nobody waits for it any more: the run was stopped or redriven, or another follower has
answered. Then it ends, and has changed nothing: before it records a failure it asks whether its token is still waited
for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    INPUT,
    REDRIVE_COUNT,
    REDRIVE_TIME,
    Code,
    expression,
    fields,
    keep,
)
from elt_redshift.asl.language.names import Step
from elt_redshift.asl.language.states import Call, Catch, Flow, Parallel, Rule, State, Succeed, Task
from elt_redshift.asl.patterns import abroad, passing, repeating
from elt_redshift.asl.patterns.any_task import AnyTask
from elt_redshift.asl.patterns.failing import FailurePattern
from elt_redshift.asl.patterns.followed_event import OF_ATTEMPT, AwaitAgain
from elt_redshift.asl.patterns.following import USUAL
from elt_redshift.asl.patterns.held_back import HoldPattern
from elt_redshift.asl.patterns.looking import LookingPattern
from elt_redshift.asl.patterns.redrives_of_parts import PartFailurePattern
from elt_redshift.asl.patterns.statement import StatementPattern
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import followers
from elt_redshift.protocol.limits import MAX_MESSAGE

_RUN = "$states.context.Execution.Input.run"
_MINE = "$states.context.Execution.Input.token"
_END_MILLIS = f"$toMillis($states.context.Execution.StartTime) + {followers.LONGEST * 1000}"
_OVER = f"$millis() > {_END_MILLIS}"
_LEFT = f"$ceil(({_END_MILLIS} - $millis()) / 1000)"
#: What the run had been redriven when the execution began that has started this one, which counts its own redrives.
_BASE = f"$sum([0, {_RUN}.base])"
_TASK = "$states.context.Execution.Input.task"
_ANSWER, _END = "answer error", "end"

#: The steps that answer with an error.
_ERRORS: Mapping[Step, str] = {"anew": followers.SUBMIT, "failed": followers.FAILED, "relieve": followers.AGAIN}


def _rule(name: str) -> str:
    """A member of the task; where it was not told, that of most tasks."""
    return f"($exists({_TASK}.{name}) ? {_TASK}.{name} : {json.dumps(USUAL[name])})"


@dataclass(frozen=True)
class FollowedTask(AnyTask):
    """The values of the task that the execution was started for, as :class:`.following.FollowedPattern` told them."""

    reports: bool = False
    asks: bool = False
    recording: Step = "still awaited"
    least_redrives = Code(REDRIVE_COUNT)
    failed_at = known_redrives = Code(f"{INPUT}.redrives")
    allowed = Code(f"$lookup({_rule('retries')}, {repeating.KIND})")
    pause = repeating.pause(Code(_rule("pause")))
    timeout = Code(_rule("timeout"))


@dataclass(frozen=True)
class FollowedInPart(FollowedTask):
    """The same of a job in parts: what its run counts is read, and is at least what the part was told."""

    asks: bool = True
    recording: Step = "count redrives"
    least_redrives = Code(_BASE)
    known_redrives = Code(f"$max([{INPUT}.owned, {_BASE}])")


@dataclass(frozen=True)
class FollowerPattern(StatementPattern):
    """Builds the machine.

    :param hold: what it does for tasks whose failures may be held back; None: there are none of these.
    :param await_again: the same for tasks that wait for events.
    :param invoking: puts functions between its states and the audit item; None: there are none.
    """

    hold: HoldPattern | None = None
    await_again: AwaitAgain | None = None
    invoking: Callable[[Flow], Flow] | None = None

    @classmethod
    def of(cls, job: EltJob, target: Target, parts: bool) -> FollowerPattern:
        """For the tasks of ``job``.

        :param parts: whether it is cut into parts, whose executions have counts of redrives of their own.
        """
        polls = not target.long_polling or any(task.wait == "poll" for task in job.tasks)
        values = FollowedInPart if parts else FollowedTask
        source = values(polls=polls, batches=None, fence=job.fence_table)
        hold = HoldPattern(source, target, _TASK, _OVER, _LEFT) if parts else None
        told = job.waits_for_events
        events = AwaitAgain(source, target, _TASK, _LEFT) if parts and told else None
        return cls(job, source, target, source.name("answer"), source.recording, hold, events)

    def flow(self) -> Flow:
        """The machine's states, in which the redrives are those of the execution itself; see :meth:`definition`."""
        lost = f"$states.errorOutput.Error = '{calls.CONDITION_FAILED}' ? '{calls.CONDITION_FAILED}'"
        caught = fields(
            error=f"{lost} : '{followers.UNFORESEEN}'",
            cause=f"$substring($states.errorOutput.Cause, 0, {MAX_MESSAGE})",
        )
        follow = Parallel(
            "follow",
            (Flow(tuple(self.states())),),
            None,
            {},
            arguments=expression(f"{INPUT}.given"),
            catch=(Catch((calls.ANY_ERROR,), _ANSWER, caught),),
        )
        error = self._send(_ANSWER, calls.SEND_TASK_FAILURE, _END, Error=f"{INPUT}.error", Cause=f"{INPUT}.cause")
        made = Flow((follow, error, Succeed(_END, {})))
        made = self.invoking(made) if self.invoking else made
        return abroad.as_role(made, self.target.warehouse_role) if self.target.other_account else made

    def definition(self) -> dict[str, Any]:
        """The machine as the States Language's JSON object."""
        made = {
            "Comment": f"Follows the statements of job {self.job.job_id}. Generated by elt-redshift.",
            "QueryLanguage": "JSONata",
            **self.flow().render(),
        }
        # What the states ask of the execution is told of the run, which has started this one.
        text = json.dumps(made, ensure_ascii=False)
        text = text.replace(REDRIVE_COUNT, f"{_RUN}.redrives").replace(REDRIVE_TIME, f"{_RUN}.redriven")
        told: dict[str, Any] = json.loads(text)
        return told

    def states(self) -> Iterator[State]:
        """The states of the branch."""
        yield self._status()
        yield self._find()
        yield from self._waits()
        if self.await_again:
            yield self.await_again.state(self._unseen()[-1])
        yield self._describe()
        yield self._cancel(self.source.timeout or 0)
        yield self._retry()
        pattern = PartFailurePattern if self.hold else FailurePattern
        failure = pattern(self.job, self.source, self.target, self.failing, counted="still awaited")
        yield from (state for state in failure.states() if state.name != self.source.name("failed"))
        yield from self._answers()

    def _answers(self) -> Iterator[State]:
        name, told, gone = self.source.name, f"$string({INPUT})", self.source.name("unawaited")
        yield self._send(name("still awaited"), calls.SEND_TASK_HEARTBEAT, gone, next=name("record"))
        if self.hold:
            yield self._send(name("still held"), calls.SEND_TASK_HEARTBEAT, gone, next=name("block"))
            yield from self.hold.states()
        yield self._send(name("answer"), calls.SEND_TASK_SUCCESS, gone, Output=told)
        for step, error in _ERRORS.items():
            yield self._send(name(step), calls.SEND_TASK_FAILURE, gone, Error=f"'{error}'", Cause=told)
        yield Succeed(gone, {})

    def _send(self, name: str, call: Call, gone: str, next: str | None = None, **members: str) -> Task:
        """Ask for, or answer, the token.

        :param gone: the state behind it where nobody waits for the token.
        """
        return Task(
            name,
            call,
            fields(TaskToken=_MINE, **members),
            next=next,
            output=expression(INPUT) if next else {},
            retry=calls.TOKEN_RETRY,
            catch=(Catch(calls.STALE_TOKEN, gone, {}),),
            partition=self.target.partition,
        )

    def _rules(self) -> tuple[Rule, ...]:
        over, usual = Rule(expression(_OVER), self.source.name("relieve")), super()._rules()
        if self.await_again:
            usual = (*usual, self.await_again.rule())
        return tuple(self.hold.rules(over, usual)) if self.hold else (over, *usual)

    def _new(self) -> Iterator[Rule]:
        yield Rule(expression(f"{INPUT}.Status = '{passing.UNKNOWN}'"), self.source.name("find"), verdict="unknown")
        told: Any = keep("attempt", "failures", "redrives", "since", "Status")
        new = f"{INPUT}.Status = '{passing.NEW}'"
        if self.hold and self.job.fence:
            # Of a part that was redriven, the claim of the fence needs the count of its run.
            unread = f"{new} and {REDRIVE_COUNT} > 0 and $not($exists({INPUT}.owned))"
            yield Rule(expression(unread), self.source.name("reclaim"), verdict="redriven")
            told = expression(f"$sift({INPUT}, function($v, $k) {{$k in {[*told, 'owned']}}})")
        yield Rule(expression(new), self.source.name("anew"), told, verdict="new")

    def _running(self) -> str:
        waits = f"$not({self.await_again.waits}) and " if self.await_again else ""
        return f"{waits}$not({_OVER}) and {super()._running()}"

    @property
    def _looking(self) -> LookingPattern:
        looking = super()._looking
        # A task may have waited for an event, though none does where this machine was deployed with.
        return replace(looking, which=OF_ATTEMPT) if self.hold else looking

    def _finished(self) -> dict[str, Any]:
        return {**passing.finish("", f"{INPUT}.Id", passing.ROWS), "finished": expression(str(self.source.task))}

    def _kept(self) -> Any:
        return {**passing.keep(""), "finished": expression(str(self.source.task))}
