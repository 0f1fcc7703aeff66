"""The states that take the audit lock before the tasks and release it behind them.

::

    acquire lock ──free──> tasks ──> release lock
        │ taken                          │ lost response?
        v                                └─> check release, judge release ──> lock is released
    read lock, judge lock, ask for owner, judge owner ──> skip run | wait for lock | refuse run
                                        │ dead, and its lock not held
                                        v
                  find left statements <──> cancel left statements, wait for statements
                                        │ none left
                                        v
                                  take over lock ──> find finished statements ──> tasks

A job with a fence writes it before the lock is taken over (:mod:`.fencing`), and takes no lock twice: ``keep lock``
goes on with one whose answer was lost. Runs that wait for one at work take turns (:mod:`.queueing`).
An execution is dead when Step Functions says so: no clock decides. An Airflow DAG run, which cannot be asked about, is
dead when its lease has run out (docs/adr/0006-leases.md). The lock of a failed run that does not run any more is held:
``when_held`` says what becomes of a run that meets it (:mod:`.judging`). A healthy run enters two of these states. An
execution that resumes the work of another one may take more of them (:mod:`.resumption`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.jsonata import (
    EXECUTION_ARN,
    INPUT,
    REDRIVE_COUNT,
    Code,
    expression,
    fields,
    gate,
    joined,
    keep,
)
from elt_redshift.asl.language.jsonata import literal as text
from elt_redshift.asl.language.states import Call, Catch, Choice, Rule, State, Succeed, Task, Wait
from elt_redshift.asl.patterns import fencing, passing, queueing, resumption, values
from elt_redshift.asl.patterns.fencing import FencePattern
from elt_redshift.asl.patterns.judging import FAILED, PROBLEM, JudgePattern, get_item, read
from elt_redshift.asl.patterns.left_parts import LeftPartsPattern
from elt_redshift.asl.patterns.leftovers import LeftoversPattern
from elt_redshift.asl.patterns.queueing import QueuePattern
from elt_redshift.asl.patterns.resumption import ResumptionPattern
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import WhenHeld, WhenLocked
from elt_redshift.protocol import audit, dynamodb, messages
from elt_redshift.protocol.writes import Write

#: A run that waits for a failure alone asks again after 1, 2, 4 … and at most this many seconds.
LONGEST_WAIT = 120

#: The states that one look enters at most: 21 history events of the 25,000 that an execution may have.
LOOK = (names.ACQUIRE, "read lock", "judge lock", "ask for owner", "judge owner", names.WAITING)

#: What the first task gets.
FIRST = passing.begin(REDRIVE_COUNT)


@dataclass(frozen=True)
class LockPattern:
    """Builds the lock's states around the tasks.

    :param first: the first state of the tasks.
    :param variables: what to assign when the lock is taken, besides the job's parameters.
    :param given: what ``first`` gets besides :data:`FIRST`.
    :param comment: of the last state: what the definition says of its tasks.
    :param parts: how many parts a run has that are executions of their own.
    """

    job: EltJob
    target: Target
    first: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    comment: str | None = None
    parts: int = 0

    def before(self) -> Iterator[State]:
        """The states up to the tasks, the first one first."""
        yield self._acquire()
        yield self._acquire_to_resume()
        yield from self._judging().states()
        behind = names.JUDGE_FENCE if self.job.fence_table else names.TAKE_OVER
        if self.parts:
            yield from LeftPartsPattern(self.job, self.target, self.parts).states()
        yield from LeftoversPattern(self.job, self.target, behind).states()
        if self.job.fence_table:
            yield from FencePattern(self.job.job_id, self.job.fence_table, self.target).states()
        yield self._take_over()
        if self.job.fence_table:
            yield self._keep()
        # The claim is that of the state that took the lock: this one may be entered again by a redrive.
        given = {**self._given_to_first, **keep("redrives")}
        yield from ResumptionPattern(self.job, self.target, self.first, given).states()
        yield from self._when_locked()

    def _judging(self) -> JudgePattern:
        ends = {"locked": self._locked, "held": self._held, "unclear": self._unclear, "given_up": names.REFUSED}
        queue = QueuePattern(self.job.job_id, self.target) if self._queued else None
        dead = names.FIND_LEFT_PARTS if self.parts else names.FIND_LEFT
        return JudgePattern(self.job.job_id, self.target, **ends, fence=self.job.fence_table, queue=queue, dead=dead)

    @property
    def _queued(self) -> bool:
        return self.job.lock.when_locked == "wait"

    def behind(self) -> Iterator[State]:
        """The states after the tasks, the first one first."""
        yield self._release()
        yield self._check_release()
        yield Choice(
            "judge release",
            (
                Rule(expression(f"{INPUT}.lastOwner = {EXECUTION_ARN}"), names.RELEASED, {}),
                Rule(
                    gate(text(f"The lock of job {self.job.job_id} was taken away from this execution.")), names.RELEASE
                ),
            ),
        )
        yield Succeed(names.RELEASED, comment=self.comment)

    def _task(
        self, name: str, call: Call, arguments: Mapping[str, Any], next: str | None, output: Any, **more: Any
    ) -> Task:
        return Task(name, call, arguments, next, output, partition=self.target.partition, **more)

    def _write(self, write: Write, **values: Any) -> dict[str, Any]:
        return dynamodb.update(self.target.audit_table, audit.key(self.job.job_id), write, values)

    def _taking(self, write: Write, fenced: Write, claim: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """The request that takes the lock.

        :param more: what the write of a job with a fence is given besides.
        """
        if not self.job.fence_table:
            in_turn, given = self._in_turn(write, claim)
            return self._write(in_turn, **given)
        return self._answered(fenced, {**claim, **more, "fence": self.job.fence_table})

    def _answered(self, fenced: Write, claim: Mapping[str, Any]) -> dict[str, Any]:
        """The request of a job with a fence: the run learns its number by the answer."""
        in_turn, given = self._in_turn(fenced, claim)
        return dynamodb.update(self.target.audit_table, audit.key(self.job.job_id), in_turn, given, answered=True)

    def _in_turn(self, write: Write, given: Mapping[str, Any]) -> tuple[Write, dict[str, Any]]:
        return (audit.in_turn(write), {**given, **queueing.given()}) if self._queued else (write, dict(given))

    def _assigned(self) -> dict[str, Any]:
        claim = fencing.assigned() if self.job.fence_table else {}
        return {**values.bound(self.job), **self.variables, **resumption.variables(), **claim}

    @property
    def _given_to_first(self) -> dict[str, Any]:
        return {**FIRST, **self.given}

    def _claim(self) -> dict[str, str]:
        return fields(
            owner=EXECUTION_ARN, start="$states.context.Execution.StartTime", redrives=f"$string({REDRIVE_COUNT})"
        )

    def _acquire(self) -> Task:
        """Where there are open tasks, they come first, and the call is made by the next state."""
        owner = Code(f"{resumption.LATER} ? $error('Some tasks are open.') : {EXECUTION_ARN}")
        return self._acquiring(names.ACQUIRE, owner, self.first, to_resume=True)

    def _acquire_to_resume(self) -> Task:
        return self._acquiring("acquire lock to resume", Code(EXECUTION_ARN), resumption.FIND_FINISHED)

    def _acquiring(self, name: str, owner: Code, next: str, to_resume: bool = False) -> Task:
        """What the execution was given is judged before the call is made."""
        claim = {**self._claim(), "owner": expression(values.checked(self.job, owner, resume=not to_resume))}
        looks = {"looks": expression(f"$type({INPUT}) = 'object' and $exists({INPUT}.looks) ? {INPUT}.looks : 0")}
        resumed = (Catch((calls.NOT_EVALUATED,), "acquire lock to resume", looks),) if to_resume else ()
        return self._task(
            name,
            calls.UPDATE_ITEM,
            self._taking(audit.ACQUIRE, audit.ACQUIRE_FENCED, claim),
            next=next,
            output=self._given_to_first,
            assign=self._assigned(),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), "read lock", looks), *resumed),
        )

    def _take_over(self) -> Task:
        seen = fields(dead=f"{INPUT}.owner", seen=f"{INPUT}.state", claim=f"{INPUT}.claim", until=f"{INPUT}.until")
        claim, fence = {**self._claim(), **seen}, fields(number=f"{INPUT}.number", era=f"{INPUT}.era")
        return self._task(
            names.TAKE_OVER,
            calls.UPDATE_ITEM,
            self._taking(audit.TAKE_OVER, audit.TAKE_OVER_FENCED, claim, **fence),
            next=resumption.FIND_FINISHED,
            output=self._given_to_first,
            assign=self._assigned(),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), "read lock", keep("looks")),),
        )

    def _keep(self) -> Task:
        claim = fields(owner=EXECUTION_ARN, redrives=f"$string({REDRIVE_COUNT})")
        return self._task(
            names.KEEP_LOCK,
            calls.UPDATE_ITEM,
            self._answered(audit.KEEP_FENCED, claim),
            next=resumption.FIND_FINISHED,
            output=self._given_to_first,
            assign=self._assigned(),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), "read lock", keep("looks")),),
        )

    @property
    def _locked(self) -> str:
        return _end(self.job.lock.when_locked)

    @property
    def _held(self) -> str:
        return _end(self.job.lock.meeting_a_failure)

    @property
    def _unclear(self) -> str:
        """Nobody can tell whose the lock is: never skipped, since then nobody would hear of it."""
        return names.WAITING if self._held == names.WAITING else names.REFUSED

    def _when_locked(self) -> Iterator[State]:
        ends = {self._locked, self._held, self._unclear}
        unclear, unowned = f"{PROBLEM} != '' ? {self._why_unclear()}", f"{INPUT}.owner = '' ? {self._why_unowned()}"
        why = f"({unclear} : {FAILED} ? {self._why_held()} : {unowned} : {self._why_locked()})"
        if names.SKIPPED in ends:
            yield Succeed(names.SKIPPED, fields(skipped=why))
        if names.WAITING in ends:
            pause = expression(f"$min([{LONGEST_WAIT}, $power(2, {INPUT}.looks - 1)])")
            again = Wait(names.WAITING, pause, names.ACQUIRE, keep("looks"))
            yield queueing.waiting() if self._queued else again
        yield Choice(names.REFUSED, (Rule(gate(why), names.ACQUIRE, {}),))

    def _why_locked(self) -> Code:
        return joined(*messages.running(self.job.job_id, state=Code(f"{INPUT}.state"), owner=Code(f"{INPUT}.owner")))

    def _why_unowned(self) -> Code:
        return joined(messages.unowned(self.job.job_id, self._unlock))

    def _why_unclear(self) -> Code:
        return joined(*messages.unclear(self.job.job_id, problem=Code(PROBLEM), unlock=self._unlock))

    @property
    def _unlock(self) -> str:
        return f"elt-redshift unlock {self.job.name} --reason …"

    def _why_held(self) -> Code:
        return joined(
            *messages.held_by_failure(
                self.job.job_id,
                task=Code(f"{INPUT}.task"),
                since=Code(f"{INPUT}.end"),
                message=Code(f"{INPUT}.message"),
                owner=Code(f"({INPUT}.owner = '' ? '{messages.NO_OWNER}' : {INPUT}.owner)"),
                redrive=f"elt-redshift redrive {self.job.name}",
                unlock=self._unlock,
            )
        )

    def _release(self) -> Task:
        return self._task(
            names.RELEASE,
            calls.UPDATE_ITEM,
            self._write(audit.RELEASE, **fields(owner=EXECUTION_ARN, end="$now()")),
            next=None,
            output={},
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), "check release", {}),),
        )

    def _check_release(self) -> Task:
        seen = fields(lastOwner=read(audit.LAST_OWNER), redrives=REDRIVE_COUNT)
        return get_item("check release", self.job.job_id, self.target, "judge release", seen)


def _end(policy: WhenLocked | WhenHeld) -> str:
    return {"skip": names.SKIPPED, "wait": names.WAITING, "fail": names.REFUSED}[policy]
