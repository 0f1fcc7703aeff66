"""The states of one task: submit its SQL, wait for the end, and fail in a way that a redrive can mend.

::

    load_fact ──> load_fact: status ──FINISHED──> next task
        ^            │   ^
        │            │   └─ load_fact: describe     long poll until the statement ends
        │            ├─ load_fact: cancel           past the task's timeout
        ├────────────┼─ load_fact: retry            FAILED or ABORTED, attempts left
        │            ├─ load_fact: record           FAILED or ABORTED: the audit item becomes Failed …
        │            │      └─ load_fact: failed    … and the gate fails the execution with Redshift's message
        └────────────┴─ load_fact: reclaim          after a redrive: take the lock again

A statement that ends within 30 s costs two billed transitions. What travels from state to state is small:

========= ============================================================================================
attempt   number of the submission; part of its ClientToken and its name
failures  failed submissions since the task, or its redrive, began
redrives  the execution's redrive count when this run of the task took (or kept) the lock
========= ============================================================================================

and, once submitted, ``Id``, ``Status``, ``deadline`` (epoch milliseconds, of a task with a timeout; without one, the
Data API itself ends a statement after 24 hours), ``polls`` (of a polling task), and after a failure ``error`` and
``statement``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from elt_redshift.asl import audit, calls
from elt_redshift.asl.jsonata import EXECUTION_ARN, EXECUTION_NAME, INPUT, REDRIVE_COUNT, expression, fields, gate, keep
from elt_redshift.asl.jsonata import literal as text
from elt_redshift.asl.names import Step, step
from elt_redshift.asl.states import Call, Catch, Choice, Rule, State, Task, Wait
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob, SqlTask

#: The longest long poll of the Data API, in seconds.
LONG_POLL = 30

#: Serialization conflicts are retried this often even where the task has fewer retries of its own.
CONFLICT_RETRIES = 5

#: Longest pause between two submissions or two polls, in seconds.
MAX_PAUSE = 60

#: Redshift's message is cut to this many characters in the audit item and in the execution's cause.
MAX_MESSAGE = 2000

#: The statement in the state's input has ended badly.
UNSUCCESSFUL = f"{INPUT}.Status in ['FAILED', 'ABORTED']"

_CONFLICT = "/^ERROR: 1023|[Ss]erializable isolation violation/"


@dataclass(frozen=True)
class StatementPattern:
    """Builds the states of ``task``.

    :param next: the state behind it.
    :param announces: ``next`` announces the task's end, and may lead back to the status to take the lock again.
    """

    job: EltJob
    task: SqlTask
    target: Target
    next: str
    announces: bool = False

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        yield self._submit()
        yield self._status()
        yield from self._waits()
        yield self._describe()
        if self.task.timeout:
            yield self._cancel(self.task.timeout)
        yield self._retry()
        yield self._record()
        yield self._gate()
        yield self._reclaim()

    def _waits(self) -> Iterator[State]:
        if self._polls:
            yield self._pause()

    @property
    def _polls(self) -> bool:
        return self.task.wait == "poll" or not self.target.long_polling

    @property
    def _look(self) -> str:
        """The state that looks at the statement once more, sooner or later."""
        return self._name("wait" if self._polls else "describe")

    def _long_poll(self, seconds: int | str) -> dict[str, int | str]:
        return {} if self._polls else {"WaitTimeSeconds": seconds}

    def _name(self, name: Step) -> str:
        return step(self.task.name, name)

    def _call(
        self, name: str, call: Call, arguments: Mapping[str, Any], next: str | None, output: Any, **more: Any
    ) -> Task:
        return Task(name, call, arguments, next, output, partition=self.target.partition, **more)

    def _submit(self) -> Task:
        single = len(self.task.statements) == 1
        timeout = self.task.timeout
        first = LONG_POLL if timeout is None else min(LONG_POLL, seconds(timeout))
        return self._call(
            self.task.name,
            calls.EXECUTE_STATEMENT if single else calls.BATCH_EXECUTE_STATEMENT,
            {**self._sql(single), **self._identity(), **self.target.connection, **self._long_poll(first)},
            next=self._name("status"),
            output={
                **keep("attempt", "failures", "redrives"),
                **fields(
                    Id="$states.result.Id",
                    Status="$exists($states.result.Status) ? $states.result.Status : 'SUBMITTED'",
                ),
                **(fields(deadline=f"$millis() + {seconds(timeout) * 1000}") if timeout else {}),
                **({"polls": 0} if self._polls else {}),
            },
            comment=self.task.source or None,
            retry=calls.DATA_API_RETRY,
            catch=(self._caught(),),
        )

    def _sql(self, single: bool) -> dict[str, Any]:
        texts = [statement.text for statement in self.task.statements]
        body: dict[str, Any] = {"Sql": texts[0]} if single else {"Sqls": texts}
        if not single and not self.task.transaction:
            body["ExecutionMode"] = "AUTO_COMMIT"
        if self.task.parameters:
            body["Parameters"] = [
                {"Name": name, "Value": expression(f"$parameters.{name}")} for name in self.task.parameters
            ]
        return body

    def _identity(self) -> dict[str, str]:
        """Name and idempotency token; both end in the attempt, so that a repeated call is the same statement."""
        end = f"{text(f'/{self.task.name}/')} & $string({INPUT}.attempt)"
        return fields(
            StatementName=f"{text(self.job.job_id + '/')} & {EXECUTION_NAME} & {end}",
            ClientToken=f"$hash({EXECUTION_ARN} & {end}, 'SHA-256')",
        )

    def _status(self) -> Choice:
        return Choice(self._name("status"), self._rules(), default=self._look)

    def _rules(self) -> tuple[Rule, ...]:
        ended = f"{UNSUCCESSFUL} and $exists({INPUT}.error)"
        retries = self.task.retries
        allowed = f"($contains({INPUT}.error, {_CONFLICT}) ? {max(retries, CONFLICT_RETRIES)} : {retries})"
        late = expression(f"$not({UNSUCCESSFUL} or $exists({INPUT}.error)) and $millis() > {INPUT}.deadline")
        return (
            Rule(expression(f"{REDRIVE_COUNT} > {INPUT}.redrives"), self._name("reclaim")),
            Rule(expression(f"{INPUT}.Status = 'FINISHED'"), self.next, self._finished()),
            Rule(expression(f"{INPUT}.Status = 'NEW'"), self.task.name),
            Rule(expression(f"{ended} and {INPUT}.failures < {allowed}"), self._name("retry")),
            Rule(expression(ended), self._name("record"), self._failure()),
            *((Rule(late, self._name("cancel")),) if self.task.timeout else ()),
        )

    def _finished(self) -> dict[str, Any]:
        """What the next task gets; ``finished`` and ``statement`` tell readers of the history what happened here."""
        return {
            "finished": self.task.name,
            **fields(statement=f"{INPUT}.Id"),
            "attempt": 1,
            "failures": 0,
            **keep("redrives", *(("Id", "Status") if self.announces else ())),
        }

    def _failure(self) -> dict[str, Any]:
        """What ``record`` needs: the statement (of a batch, the part that failed), the message, the next attempt."""
        cause = f"{text(f'Task {self.task.name}: ')} & $substring({INPUT}.error, 0, {MAX_MESSAGE})"
        return {**keep("redrives", "statement"), **fields(attempt=f"{INPUT}.attempt + 1", cause=cause)}

    def _caught(self) -> Catch:
        """A submission that AWS refused: the same attempt is made again after a redrive, under the same ClientToken."""
        message = f"$substring($states.errorOutput.Error & ': ' & $states.errorOutput.Cause, 0, {MAX_MESSAGE})"
        return Catch(
            ("States.ALL",),
            self._name("record"),
            {
                **keep("attempt", "redrives"),
                "statement": "none",
                **fields(cause=f"{text(f'Task {self.task.name}: ')} & {message}"),
            },
        )

    def _describe(self) -> Task:
        result = "$states.result"
        failed = f"{result}.Status in ['FAILED', 'ABORTED']"
        said = f"$exists({result}.Error) ? {result}.Error : 'The statement was cancelled.'"
        left = f"$ceil(({INPUT}.deadline - $millis()) / 1000)"
        until_timeout = expression(f"$exists({INPUT}.error) ? {LONG_POLL} : $max([1, $min([{LONG_POLL}, {left}])])")
        part = f"{result}.SubStatements[Status = 'FAILED'][0].Id"
        return self._call(
            self._name("describe"),
            calls.DESCRIBE_STATEMENT,
            {**keep("Id"), **self._long_poll(LONG_POLL if self.task.timeout is None else until_timeout)},
            next=self._name("status"),
            output=expression(
                f"$merge([{INPUT}, {{'Status': {result}.Status}}, "
                f"{failed} ? {{'error': $exists({INPUT}.error) ? {INPUT}.error : ({said}), "
                f"'statement': $exists({part}) ? {part} : {INPUT}.Id}} : {{}}])"
            ),
            retry=calls.DATA_API_RETRY,
        )

    def _pause(self) -> Wait:
        return Wait(
            self._name("wait"),
            expression(f"$ceil($min([{MAX_PAUSE}, $power(1.5, {INPUT}.polls)]))"),
            self._name("describe"),
            expression(f"$merge([{INPUT}, {{'polls': {INPUT}.polls + 1}}])"),
        )

    def _cancel(self, timeout: timedelta) -> Task:
        message = text(f"The statement ran longer than the task's timeout of {seconds(timeout)} s and was cancelled.")
        overdue = expression(f"$merge([{INPUT}, {{'error': {message}}}])")
        return self._call(
            self._name("cancel"),
            calls.CANCEL_STATEMENT,
            keep("Id"),
            next=self._name("describe"),
            output=overdue,
            retry=calls.DATA_API_RETRY,
            # It ended by itself between the two calls: describe tells how.
            catch=(Catch(("RedshiftData.ValidationException",), self._name("describe"), overdue),),
        )

    def _retry(self) -> Wait:
        return Wait(
            self._name("retry"),
            expression(f"$ceil($random() * $min([{MAX_PAUSE}, $power(2, {INPUT}.failures + 1)]))"),
            self.task.name,
            {**keep("redrives"), **fields(attempt=f"{INPUT}.attempt + 1", failures=f"{INPUT}.failures + 1")},
        )

    def _record(self) -> Task:
        kept = keep("attempt", "redrives", "cause")
        return self._call(
            self._name("record"),
            calls.UPDATE_ITEM,
            audit.RECORD.request(
                self.target.audit_table,
                self.job.job_id,
                task=self.task.name,
                after=self.job.lock.after_failure,
                **fields(owner=EXECUTION_ARN, end="$now()", statement=f"{INPUT}.statement", message=f"{INPUT}.cause"),
            ),
            next=self._name("failed"),
            output=kept,
            retry=calls.DYNAMODB_RETRY,
            # The lock was taken away (an operator unlocked it): the task has failed all the same.
            catch=(Catch((calls.CONDITION_FAILED,), self._name("failed"), kept),),
        )

    def _gate(self) -> Choice:
        again = {**keep("attempt", "redrives"), "failures": 0, "Status": "NEW"}
        return Choice(
            self._name("failed"),
            (Rule(gate(f"{INPUT}.cause"), self._name("status"), again),),
            comment="Fails the execution with Redshift's message; a redrive goes on from here.",
        )

    def _reclaim(self) -> Task:
        return self._call(
            self._name("reclaim"),
            calls.UPDATE_ITEM,
            audit.RECLAIM.request(
                self.target.audit_table,
                self.job.job_id,
                **fields(owner=EXECUTION_ARN, redrives=f"$string({REDRIVE_COUNT})"),
            ),
            next=self._name("status"),
            output=expression(f"$merge([{INPUT}, {{'redrives': {REDRIVE_COUNT}}}])"),
            retry=calls.DYNAMODB_RETRY,
        )


def seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
