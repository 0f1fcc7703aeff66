"""The states of a task whose statement is followed by an execution of its own, once it is more than healthy and short.

::

    load_fact ──> load_fact: finish ──FINISHED──> next task, or the end of the branch
       │ refused, redriven, kept    │ anything else
       v                            v
    load_fact: status ──────> load_fact: follow     starts a *follower*, and waits for its answer by a token
       │   ^                        ├─ success ──> next task, or the end of the branch
       │   └──────── Failed ────────┤
       │                            ├─ Submit ───> load_fact
       │                            └─ Again, or no answer ──> load_fact: follow
       ├─ the gate: it fails the execution with Redshift's message, and a redrive lets it pass
       └─ next task, load_fact: kept

A task that is known to be short has no ``finish``: its submission waits for the statement's end, and raises an error
where that has not come within half a minute, which leads by way of ``status`` to a follower. The answer to a submission
does not tell how many rows there were.

The follower (:mod:`.follower`) is an execution of a Standard machine that serves all tasks of the job. So a task has
few states, and adds as much to the run's history, however long its statement runs. ``docs/adr/0025`` says when tasks
are followed, and why it does not matter how many followers a statement has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    INPUT,
    Code,
    Value,
    code_object,
    expression,
    fields,
    gate,
    joined,
    keep,
)
from elt_redshift.asl.language.names import StateName, Step
from elt_redshift.asl.language.roles import Submits
from elt_redshift.asl.language.states import Catch, Choice, Retry, Rule, State, Succeed, Task
from elt_redshift.asl.patterns import joins, passing, repeating
from elt_redshift.asl.patterns.looking import refused
from elt_redshift.asl.patterns.source import NEVER, OneTask, SubmitCall, seconds
from elt_redshift.asl.patterns.statement import StatementPattern
from elt_redshift.asl.patterns.waiting import NOT_FINISHED, UNFINISHED
from elt_redshift.asl.patterns.words import CAUSE
from elt_redshift.job.parts import SqlStatement, SqlTask
from elt_redshift.job.repeating import times
from elt_redshift.protocol import followers, messages, statements

#: A statement that is expected to take no longer is likely to end within its submission, which waits half a minute.
SHORT = timedelta(seconds=20)
#: What is no failure of the start.
_ANSWERS = (*followers.ANSWERS, calls.CONDITION_FAILED, calls.NOT_EVALUATED)


@dataclass(frozen=True)
class FollowedPattern(StatementPattern):
    """Builds the states of a task whose statement is followed elsewhere."""

    source: OneTask

    def states(self) -> Iterator[State]:
        for submission in self._submissions():
            yield self._submit(submission)
        if self._finishes:
            yield replace(self._finish(), catch=(Catch((calls.ANY_ERROR,), self._following, expression(INPUT)),))
        yield self._status()
        yield self._follow()
        if self.next is None:
            yield Succeed(self.source.name("kept"), self._kept())

    @property
    def _behind_all(self) -> str | None:
        """The state behind a task whose follower has answered that it is done."""
        return self.next

    @property
    def _short(self) -> bool:
        """Whether the task ends with its submission, as a rule."""
        expected = self.source.of.expected
        return not self.source.polls and expected is not None and expected <= SHORT

    @property
    def _finishes(self) -> bool:
        return not (self.source.polls or self._short)

    @property
    def _behind(self) -> Step:
        return "follow" if self.source.polls else "finish"

    def _submit(self, submission: SubmitCall) -> Task:
        made = super()._submit(submission)
        if not self._short:
            return made
        ended = f"$states.result.Status = '{statements.FINISHED}' ? $states.result.Id : {NOT_FINISHED}"
        output = {**passing.finish(self.source.task, ended, ""), "rows": passing.NO_ROWS}
        return replace(made, next=self.next, output=output, role=Submits(self._first_wait, ends=True))

    def _caught(self) -> Catch:
        """The task is kept; or the lock comes first, the statement is not over, or the submission was refused."""
        status = f"{{'Status': {self.source.kept} ? '{passing.KEPT}' : '{passing.UNKNOWN}'}}"
        first = self.source.goes_first
        known = f"{first} or $contains({CAUSE}, '{UNFINISHED}')" if self._short else first
        return Catch((calls.ANY_ERROR,), self.source.name("status"), refused(status, unless=f"({known})"))

    @property
    def _following(self) -> StateName:
        return self.source.name("follow")

    @property
    def _failed(self) -> Value:
        """The task whose failure fails the run."""
        return self.source.task

    def _status(self) -> Choice:
        again = {**keep("attempt", "redrives", "since"), "failures": 0, "Status": passing.UNKNOWN}
        cause = joined(*messages.task_failed(self._failed, Code(f"{INPUT}.cause")))
        failed = Rule(gate(cause, f"$exists({INPUT}.cause)"), self._following, again)
        return Choice(self.source.name("status"), (self._done_already(), failed), default=self._following)

    def _follow(self) -> Task:
        parsed = "$parse($states.errorOutput.Cause)"
        told = expression(parsed)
        again = expression(f"$states.errorOutput.Error = '{followers.AGAIN}' ? {parsed} : {INPUT}")
        return self._call(
            self._following,
            calls.START_FOLLOWER,
            {"StateMachineArn": self.target.follower, **fields(Input=f"$string({self._told()})")},
            next=self._behind_all,
            output=expression("$states.result"),
            retry=(Retry(_ANSWERS, max_attempts=0), Retry(("States.TaskFailed",), max_attempts=12)),
            catch=(
                Catch((followers.SUBMIT,), self.source.begins, told),
                Catch((followers.FAILED,), self.source.name("status"), told),
                Catch((followers.AGAIN, calls.TIMEOUT, calls.NO_HEARTBEAT), self._following, again),
            ),
            timeout=followers.PATIENCE,
            # So that a heartbeat may be sent, by which a follower asks whether it is still waited for.
            heartbeat=followers.PATIENCE - 1,
        )

    def _told(self) -> str:
        """The follower's input, JSONata: the token, of the task what a job file has, and of the run how it is now. What
        most tasks have in common the follower knows by itself."""
        return code_object(
            token=joins.MINE,
            given=INPUT,
            task=json.dumps(self._task(), ensure_ascii=False),
            run=self.source.told,
        )

    def _task(self) -> dict[str, Any]:
        of = self.source.of
        return {"name": of.name, **{key: value for key, value in rules(of).items() if value != USUAL[key]}}


def rules(of: SqlTask) -> dict[str, Any]:
    """What a follower must know of a task besides its name, as the job file has it."""
    return {
        "retries": dict(times(of)),
        "pause": dict(repeating.pauses(of)),
        "timeout": NEVER if of.timeout is None else seconds(of.timeout),
    }


#: … of a task that says nothing of these.
USUAL = rules(SqlTask(name="any", statements=(SqlStatement(text="select 1"),)))
