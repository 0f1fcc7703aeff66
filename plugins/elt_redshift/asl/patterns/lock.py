"""The states that take the audit lock before the tasks and release it behind them.

::

    acquire lock ──free──> tasks ──> release lock
        │ taken                          │ lost response?
        v                                └─> check release, judge release ──> lock is released
    read lock ──> judge lock ──alive or held──> skip run | wait for lock | refuse run
                      │ │ owner may be dead
                      │ v
                      │ ask for owner ──> judge owner ──RUNNING or held──> skip run | wait for lock | refuse run
                      │ lease               │ dead, and its lock not held
                      │ has run out         │
                      └──────────┐          │
                                 v          v
                  find left statements <──> cancel left statements, wait for statements
                                        │ none left
                                        v
                                  take over lock ──> find finished statements ──> tasks

An execution is dead when Step Functions says so: no clock decides. An Airflow DAG run, which cannot be asked about, is
dead when its lease has run out (docs/adr/0006-leases.md). The lock of a failed run that does not run any more is held:
``when_held`` says what becomes of a run that meets it. A healthy run enters two of these states. An execution that
resumes the work of another one may take more of them (:mod:`.resumption`).
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
from elt_redshift.asl.patterns import passing, resumption
from elt_redshift.asl.patterns.leftovers import OF_DAG_RUN, LeftoversPattern
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import WhenHeld, WhenLocked
from elt_redshift.protocol import audit, dynamodb, executions, owners
from elt_redshift.protocol.messages import NO_MESSAGE, UNKNOWN, held_by_failure
from elt_redshift.protocol.writes import Write

#: ``when_locked: wait`` asks again after 1, 2, 4 … and at most this many seconds.
LONGEST_WAIT = 120

#: The lock is looked at this often, about 24 hours of waiting, before the run gives up.
MAX_LOOKS = 720

#: The states that one look enters at most: 21 history events of the 25,000 that an execution may have.
LOOK = (names.ACQUIRE, "read lock", "judge lock", "ask for owner", "judge owner", names.WAITING)

#: What the first task gets.
FIRST = passing.begin(REDRIVE_COUNT)

_FAILED = f"{INPUT}.state = '{audit.FAILED}'"

#: The failed run's lock was let go, or is reserved for this execution.
_FREE_TO_ME = f"({INPUT}.after = '{audit.RELEASED}' or {INPUT}.reserved = {EXECUTION_ARN})"

_EXECUTION = f"$contains({INPUT}.owner, '{owners.IN_EXECUTION}')"


@dataclass(frozen=True)
class LockPattern:
    """Builds the lock's states around the tasks.

    :param first: the first state of the tasks.
    :param variables: what to assign when the lock is taken, besides the job's parameters.
    :param given: what ``first`` gets besides :data:`FIRST`.
    :param comment: of the last state: what the definition says of its tasks.
    """

    job: EltJob
    target: Target
    first: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    comment: str | None = None

    def before(self) -> Iterator[State]:
        """The states up to the tasks, the first one first."""
        if required := [parameter.name for parameter in self.job.parameters if parameter.default is None]:
            yield self._check_parameters(required)
        yield self._acquire()
        yield self._acquire_to_resume()
        yield self._read()
        yield self._judge_lock()
        yield self._ask()
        yield self._judge_owner()
        yield from LeftoversPattern(self.job.job_id, self.target, "take over lock").states()
        yield self._take_over()
        yield resumption.find_finished(self.job.job_id, self.target, self.first, self._given_to_first)
        yield from self._when_locked()

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

    def _check_parameters(self, required: list[str]) -> Choice:
        given = "$states.context.Execution.Input.parameters"
        missing = [f"$exists({given}.{name})" for name in required]
        message = (
            f"Job {self.job.name} needs the parameter(s) {', '.join(required)}: start it with "
            f'{{"parameters": {{"{required[0]}": "…"}}}}.'
        )
        return Choice(
            "check parameters",
            (Rule(expression(f"{' and '.join(missing)} ? true : $error({text(message)})"), names.ACQUIRE),),
        )

    def _parameters(self) -> dict[str, Any]:
        """The variable ``$parameters``: each declared parameter as given at the start, or its default."""
        values = {}
        for parameter in self.job.parameters:
            given = f"$states.context.Execution.Input.parameters.{parameter.name}"
            default = "" if parameter.default is None else f" : {text(parameter.default)}"
            values[parameter.name] = (
                expression(f"$exists({given}) ? $string({given}){default}")
                if default
                else expression(f"$string({given})")
            )
        return {"parameters": values} if values else {}

    def _assigned(self) -> dict[str, Any]:
        return {**self._parameters(), **self.variables, **resumption.variables()}

    @property
    def _given_to_first(self) -> dict[str, Any]:
        return {**FIRST, **self.given}

    def _claim(self) -> dict[str, str]:
        return fields(
            owner=EXECUTION_ARN, start="$states.context.Execution.StartTime", redrives=f"$string({REDRIVE_COUNT})"
        )

    def _acquire(self) -> Task:
        """Where there are open tasks, they come first, and the call is made by the next state."""
        owner = expression(f"{resumption.OPEN} ? $error('Some tasks are open.') : {EXECUTION_ARN}")
        return self._acquiring(names.ACQUIRE, {**self._claim(), "owner": owner}, self.first, to_resume=True)

    def _acquire_to_resume(self) -> Task:
        return self._acquiring("acquire lock to resume", self._claim(), resumption.FIND_FINISHED)

    def _acquiring(self, name: str, claim: Mapping[str, str], next: str, to_resume: bool = False) -> Task:
        looks = {"looks": expression(f"$type({INPUT}) = 'object' and $exists({INPUT}.looks) ? {INPUT}.looks : 0")}
        resumed = (Catch((calls.NOT_EVALUATED,), "acquire lock to resume", looks),) if to_resume else ()
        return self._task(
            name,
            calls.UPDATE_ITEM,
            self._write(audit.ACQUIRE, **claim),
            next=next,
            output=self._given_to_first,
            assign=self._assigned(),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), "read lock", looks), *resumed),
        )

    def _get_item(self, name: str, next: str, output: Any) -> Task:
        return self._task(
            name,
            calls.GET_ITEM,
            dynamodb.get(self.target.audit_table, audit.key(self.job.job_id)),
            next=next,
            output=output,
            retry=calls.DYNAMODB_RETRY,
        )

    def _read(self) -> Task:
        return self._get_item(
            "read lock",
            "judge lock",
            {
                **fields(
                    looks=f"{INPUT}.looks + 1",
                    redrives=REDRIVE_COUNT,
                    state=_read(audit.JOB_STATE),
                    owner=_read(audit.OWNER),
                    after=_read(audit.AFTER_FAILURE),
                    claim=_read(audit.REDRIVES, "0", "N"),
                    until=_read(audit.LEASE_UNTIL, owners.NO_LEASE),
                    reserved=_read(audit.RESERVED_FOR),
                    task=_read(audit.FAILED_TASK, UNKNOWN),
                    end=_read(audit.JOB_END, UNKNOWN),
                    message=_read(audit.MESSAGE, NO_MESSAGE),
                ),
                "look": 0,
                "passes": 0,
            },
        )

    def _judge_lock(self) -> Choice:
        let_go = f"({_FAILED} and {_FREE_TO_ME})"
        running = f"{INPUT}.state = '{audit.RUNNING}'"
        # Both are ISO 8601 in UTC with milliseconds, which sort as text; NO_LEASE sorts behind them all.
        expired = f"{INPUT}.until < $fromMillis($millis() - {owners.LEASE_TOLERANCE * 1000})"
        return Choice(
            "judge lock",
            (
                Rule(expression(f"{INPUT}.looks > {MAX_LOOKS}"), self._given_up),
                # It was freed between the two calls.
                Rule(expression(f"{INPUT}.state in ['', '{audit.READY}']"), names.ACQUIRE),
                Rule(expression(f"{OF_DAG_RUN} and ({let_go} or ({running} and {expired}))"), names.FIND_LEFT),
                Rule(expression(f"{_EXECUTION} and ({running} or {_FAILED})"), "ask for owner"),
                Rule(expression(_FAILED), self._held),
            ),
            default=self._locked,
        )

    def _ask(self) -> Task:
        def status(code: str) -> str:
            return expression(f"$merge([{INPUT}, {{'status': {code}}}])")

        return self._task(
            "ask for owner",
            calls.DESCRIBE_EXECUTION,
            fields(ExecutionArn=f"{INPUT}.owner"),
            next="judge owner",
            output=status("$states.result.Status"),
            retry=calls.DESCRIBE_EXECUTION_RETRY,
            catch=(Catch((calls.NO_SUCH_EXECUTION,), "judge owner", status("'GONE'")),),
        )

    def _judge_owner(self) -> Choice:
        # A task of it has failed, and others have not ended yet, or it has been redriven: it runs.
        runs = expression(f"$merge([{INPUT}, {{'state': '{audit.RUNNING}'}}])")
        alive = Rule(expression(f"{INPUT}.status in {list(executions.ALIVE)}"), self._locked, runs)
        held = Rule(expression(f"{_FAILED} and $not({_FREE_TO_ME})"), self._held)
        return Choice("judge owner", (alive, held), default=names.FIND_LEFT)

    def _take_over(self) -> Task:
        return self._task(
            "take over lock",
            calls.UPDATE_ITEM,
            self._write(
                audit.TAKE_OVER,
                **self._claim(),
                **fields(dead=f"{INPUT}.owner", seen=f"{INPUT}.state", claim=f"{INPUT}.claim", until=f"{INPUT}.until"),
            ),
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
    def _given_up(self) -> str:
        return names.REFUSED if names.WAITING in (self._locked, self._held) else self._locked

    def _when_locked(self) -> Iterator[State]:
        ends = {self._locked, self._held, self._given_up}
        why = f"({_FAILED} ? {self._why_held()} : {self._why_locked()})"
        if names.SKIPPED in ends:
            yield Succeed(names.SKIPPED, fields(skipped=why))
        if names.WAITING in ends:
            pause = expression(f"$min([{LONGEST_WAIT}, $power(2, {INPUT}.looks - 1)])")
            yield Wait(names.WAITING, pause, names.ACQUIRE, keep("looks"))
        if names.REFUSED in ends:
            yield Choice(names.REFUSED, (Rule(gate(why), names.ACQUIRE, {}),))

    def _why_locked(self) -> Code:
        owner = Code(f"({INPUT}.owner = '' ? 'another program' : {INPUT}.owner)")
        return joined(f"Job {self.job.job_id} is ", Code(f"{INPUT}.state"), ", held by ", owner)

    def _why_held(self) -> Code:
        return joined(
            *held_by_failure(
                self.job.job_id,
                task=Code(f"{INPUT}.task"),
                since=Code(f"{INPUT}.end"),
                message=Code(f"{INPUT}.message"),
                owner=Code(f"{INPUT}.owner"),
                redrive=f"elt-redshift redrive {self.job.name}",
                unlock=f"elt-redshift unlock {self.job.name} --reason …",
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
        read = fields(lastOwner=_read(audit.LAST_OWNER), redrives=REDRIVE_COUNT)
        return self._get_item("check release", "judge release", read)


def _read(attribute: str, default: str = "", kind: str = "S") -> str:
    """An attribute of the item that was got, or what stands for one that is not there."""
    path = f"$states.result.Item.{attribute}.{kind}"
    return f"$exists({path}) ? {path} : '{default}'"


def _end(policy: WhenLocked | WhenHeld) -> str:
    return {"skip": names.SKIPPED, "wait": names.WAITING, "fail": names.REFUSED}[policy]
