"""Where the states of a task take the task's values from.

In an unrolled definition each task has states of its own, and its values stand in them (:class:`OneTask`). In the map
layout one set of states serves every task, and reads the values from the input of the child execution
(:class:`AnyTask`). The patterns of states are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    EXECUTION_ARN,
    EXECUTION_NAME,
    INPUT,
    REDRIVE_COUNT,
    Code,
    Value,
    as_it_is,
    code,
    expression,
    literal,
    rendered,
)
from elt_redshift.asl.language.names import ANY_TASK, StateName, Step
from elt_redshift.asl.language.states import Call
from elt_redshift.asl.patterns import fencing, repeating, resumption
from elt_redshift.asl.target import ROLE_PLACEHOLDER, Target
from elt_redshift.job.model import EltJob, SqlTask
from elt_redshift.job.repeating import times
from elt_redshift.protocol import fence

#: In the map layout a task without a timeout has this one, in seconds, which it never reaches: the Data API ends every
#: statement after 24 hours.
NEVER = 7 * 86_400


@dataclass(frozen=True)
class SubmitCall:
    """One way to submit a task's SQL.

    :param state: the name of the state.
    :param arguments: of the call.
    :param when: JSONata that tells whether it is this task's way; None: it always is.
    """

    state: StateName
    call: Call
    arguments: Mapping[str, Any] | str
    when: str | None = None


class Source(Protocol):
    """What the patterns need to know of a task; :class:`Code` where it is known only when the state runs."""

    @property
    def task(self) -> Value:
        """Its name."""

    @property
    def owner(self) -> Code:
        """The ARN of the execution that owns the lock."""

    @property
    def execution(self) -> Code:
        """The name of that execution."""

    @property
    def run(self) -> Code:
        """The key that the run's items have in the table of joins."""

    @property
    def redrives(self) -> Value:
        """How often the execution had been redriven when it took the lock, for a task that waits first."""

    @property
    def least_redrives(self) -> Code:
        """How often the owner of the lock has been redriven at least."""

    @property
    def failed_at(self) -> Code:
        """How often the owner of the lock had been redriven when the task failed."""

    @property
    def known_redrives(self) -> Code:
        """How often, for all that a failed task knows: in the map layout it has asked."""

    @property
    def recording(self) -> Step:
        """The state that leads to the record of a failure."""

    @property
    def allowed(self) -> Value:
        """How often a failure such as the one in the state's input may be followed by another attempt."""

    @property
    def pause(self) -> Code:
        """Seconds before the next attempt at least."""

    @property
    def timeout(self) -> Value | None:
        """In seconds."""

    @property
    def kept(self) -> Code:
        """Whether it was done by an earlier execution and need not run."""

    @property
    def polls(self) -> bool:
        """Whether it follows its statement with Wait states."""

    @property
    def batches(self) -> bool | None:
        """Whether it submits several statements at once; None: that differs by task."""

    @property
    def comment(self) -> str | None: ...

    @property
    def begins(self) -> StateName | None:
        """The state that submits; None where that is to be chosen by the task's status."""

    @property
    def reports(self) -> bool:
        """Whether it tells of its end in an item of its own, because its states are in no history that is read."""

    def name(self, name: Step) -> StateName:
        """The name of one of its states."""

    def submissions(self, members: Mapping[str, Value]) -> tuple[SubmitCall, ...]:
        """The states that submit; ``members`` are those of the request that do not come from the task."""


@dataclass(frozen=True)
class OneTask:
    """The values of ``of``, known now.

    :param fingerprint: of the task, see :mod:`elt_redshift.asl.fingerprints`.
    """

    job: EltJob
    of: SqlTask
    target: Target
    fingerprint: str

    owner = Code(EXECUTION_ARN)
    execution = Code(EXECUTION_NAME)
    run = Code("$run")
    redrives = Code(f"{INPUT}.redrives")
    least_redrives = Code(REDRIVE_COUNT)
    failed_at = known_redrives = Code(f"{INPUT}.redrives")
    recording: Step = "record"
    reports = False

    @property
    def task(self) -> str:
        return self.of.name

    @property
    def allowed(self) -> Value:
        return repeating.allowed(times(self.of))

    @property
    def pause(self) -> Code:
        return repeating.pause(repeating.pauses(self.of))

    @property
    def timeout(self) -> int | None:
        return None if self.of.timeout is None else seconds(self.of.timeout)

    @property
    def kept(self) -> Code:
        return Code(resumption.is_kept(f"'{self.fingerprint}'"))

    @property
    def polls(self) -> bool:
        return self.of.wait == "poll" or not self.target.long_polling

    @property
    def batches(self) -> bool:
        return len(self.of.statements) > 1 or self.job.fence_table is not None

    @property
    def comment(self) -> str | None:
        return self.of.source or None

    @property
    def begins(self) -> StateName:
        return self.name("")

    def name(self, name: Step) -> StateName:
        return StateName(self.of.name, name)

    def submissions(self, members: Mapping[str, Value]) -> tuple[SubmitCall, ...]:
        given = {key: rendered(value) for key, value in members.items()}
        body = self._sql()
        call = calls.EXECUTE_STATEMENT if "Sql" in body else calls.BATCH_EXECUTE_STATEMENT
        return (SubmitCall(self.begins, call, {**body, **self.target.connection, **given}),)

    def _sql(self) -> dict[str, Any]:
        table = self.job.fence_table
        texts = [as_it_is(statement.text, kept=(ROLE_PLACEHOLDER,)) for statement in self.of.statements]
        texts = [fence.check(table), *texts] if table else texts
        body: dict[str, Any] = {"Sql": texts[0]} if len(texts) == 1 else {"Sqls": texts}
        if len(texts) > 1 and not self.of.transaction:
            body["ExecutionMode"] = "AUTO_COMMIT"
        bound = [{"Name": name, "Value": expression(f"$parameters.{name}")} for name in self.of.parameters]
        claim = fencing.claimed(f"{INPUT}.redrives")
        fenced = fencing.parameters(self.target.audit_table, claim) if table else []
        return {**body, **({"Parameters": [*fenced, *bound]} if fenced or bound else {})}


#: What a child execution of the map layout was given: the task as the job file has it, and its run.
_ITEM = "$states.context.Execution.Input.task"
_RUN = "$states.context.Execution.Input.run"

#: A child that starts later than so many seconds after its run took the lock takes it again before it submits: the run
#: may have been redriven meanwhile, which AWS does not promise to tell it. Nobody takes over sooner than
#: :data:`~elt_redshift.protocol.owners.GRACE` after a run has ended, which is later.
LATE = 60
_STARTED_LATE = f"$toMillis($states.context.Execution.StartTime) > {_RUN}.since + {LATE * 1000}"


@dataclass(frozen=True)
class AnyTask:
    """The values of whichever task the execution was started for, as :func:`elt_redshift.asl.jobfile.item` wrote them.

    :param polls: of every task of the job.
    :param batches: whether every task of the job has several statements; None: some have.
    :param fence: the table of the job's fence, if it has one. Then every task has several statements.
    """

    polls: bool
    batches: bool | None
    fence: str | None = None

    task = Code(f"{_ITEM}.name")
    owner = Code(f"{_RUN}.owner")
    execution = Code(f"{_RUN}.name")
    run = Code(f"{_RUN}.key")
    allowed = Code(f"$lookup({_ITEM}.retries, {repeating.KIND})")
    pause = repeating.pause(Code(f"{_ITEM}.pause"))
    timeout = Code(f"{_ITEM}.timeout")
    awaited = Code(f"{_ITEM}.awaited")
    waiters = Code(f"{_ITEM}.waiters")
    # The child's own count begins at 0; below it where the run has, or may have, been redriven since it took the lock.
    redrives = Code(f"({_RUN}.redriven or {_STARTED_LATE} ? -1 : 0)")
    least_redrives = Code(f"({_RUN}.redrives + {REDRIVE_COUNT})")
    failed_at = Code(f"({_RUN}.redrives + {INPUT}.redrives)")
    known_redrives = Code(f"$max([{INPUT}.owned, {_RUN}.redrives + {INPUT}.redrives])")
    recording: Step = "count redrives"
    kept = Code("$states.context.Execution.Input.kept")
    number = Code(f"{_ITEM}.number")
    blocks = Code(f"{_ITEM}.blocks")
    comment = None
    reports = True

    @property
    def begins(self) -> StateName | None:
        return None if self.batches is None else self.name("submit batch" if self.batches else "submit")

    def name(self, name: Step) -> StateName:
        return StateName(ANY_TASK, name)

    def submissions(self, members: Mapping[str, Value]) -> tuple[SubmitCall, ...]:
        # A function, since the warehouse's role is known to the deployed state machine only.
        texts = f"$map({_ITEM}.statements, function($text) {{$replace($text, {_ITEM}.role, {_RUN}.role)}})"
        mode = f"{_ITEM}.auto_commit ? {{'ExecutionMode': 'AUTO_COMMIT'}} : {{}}"
        batch = SubmitCall(
            self.name("submit batch"),
            calls.BATCH_EXECUTE_STATEMENT,
            self._request(members, f"{{'Sqls': [{self._check}{texts}]}}, {mode}"),
            when=f"$count({_ITEM}.statements) > 1" if self.batches is None else None,
        )
        single = SubmitCall(self.name("submit"), calls.EXECUTE_STATEMENT, self._request(members, f"{{'Sql': {texts}}}"))
        return {None: (batch, single), True: (batch,), False: (single,)}[self.batches]

    def _request(self, members: Mapping[str, Value], sql: str) -> str:
        given = ", ".join(f"{literal(key)}: {code(value)}" for key, value in members.items())
        value = f"{{'Name': $, 'Value': $lookup({_RUN}.parameters, $)}}"
        bound = f"{_ITEM}.parameters.{value}"
        parameters = f"$count({_ITEM}.parameters) > 0 ? {{'Parameters': [{bound}]}} : {{}}"
        if self.fence:
            # Of the owner's redrives this child knows at least so many, and all when it has taken the lock again.
            claim = fencing.claimed(f"$max([{self.least_redrives}, {INPUT}.owned])", f"{_RUN}.fence")
            parameters = f"{{'Parameters': [{fencing.parameters_code(f'{_RUN}.lock', claim)}, {bound}]}}"
        return expression(f"$merge([{_RUN}.connection, {{{given}}}, {sql}, {parameters}])")

    @property
    def _check(self) -> str:
        return f"{code(fence.check(self.fence))}, " if self.fence else ""


def seconds(duration: timedelta) -> int:
    """``duration`` in whole seconds."""
    return int(duration.total_seconds())
