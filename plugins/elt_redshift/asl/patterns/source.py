"""Where the states of a task take the task's values from.

In an unrolled definition each task has states of its own, and its values stand in them (:class:`OneTask`). In the map
layout one set of states serves every task, and reads the values from the input of the child execution
(:class:`.any_task.AnyTask`). The patterns of states are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    EXECUTION,
    EXECUTION_ARN,
    EXECUTION_NAME,
    INPUT,
    REDRIVE_COUNT,
    REDRIVEN,
    Code,
    Value,
    as_it_is,
    code_object,
    expression,
    rendered,
)
from elt_redshift.asl.language.names import StateName, Step
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
    def turn(self) -> Code | None:
        """In how many whole seconds, at the earliest, its turn comes; None: it has none."""

    @property
    def unsure(self) -> Code | None:
        """Whether it has to know, before it submits, that its run holds the lock still; None: no task has."""

    @property
    def sure_since(self) -> Code:
        """Where it has: since when that must have been seen, in epoch milliseconds."""

    @property
    def interval(self) -> int:
        """Within how many seconds a submission that was throttled is made again."""

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

    @property
    def asks(self) -> bool:
        """Whether another execution owns the lock, which it asks how often it has been redriven."""

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
    interval: int = 1

    owner = Code(EXECUTION_ARN)
    execution = Code(EXECUTION_NAME)
    run = Code("$run")
    redrives = Code(f"{INPUT}.redrives")
    least_redrives = Code(REDRIVE_COUNT)
    failed_at = known_redrives = Code(f"{INPUT}.redrives")
    recording: Step = "record"
    reports = asks = False
    turn = unsure = None
    sure_since = Code("0")

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

    @property
    def goes_first(self) -> str:
        """When something else comes before the submission, JSONata: the lock."""
        return REDRIVEN

    def name(self, name: Step) -> StateName:
        return StateName(self.of.name, name)

    @property
    def told(self) -> str:
        """What a follower is told of the run, JSONata (:mod:`elt_redshift.protocol.followers`)."""
        run = code_object(owner="$e.Id", name="$e.Name", redrives="$e.RedriveCount", redriven="$e.RedriveTime")
        return f"($e := {EXECUTION}; {run})"

    def submissions(self, members: Mapping[str, Value]) -> tuple[SubmitCall, ...]:
        given = {key: rendered(value) for key, value in members.items()}
        body = self._sql()
        call = calls.EXECUTE_STATEMENT if "Sql" in body else calls.BATCH_EXECUTE_STATEMENT
        return (SubmitCall(self.begins, call, self._request({**body, **self.target.connection, **given})),)

    def _request(self, members: Mapping[str, Any]) -> Mapping[str, Any] | str:
        return members

    @property
    def _fencing(self) -> list[Any]:
        """What the check of the fence is given."""
        return fencing.parameters(self.target.audit_table, fencing.claimed(f"{INPUT}.redrives"))

    def _sql(self) -> dict[str, Any]:
        table = self.job.fence_table
        texts = [as_it_is(statement.text, kept=(ROLE_PLACEHOLDER,)) for statement in self.of.statements]
        texts = [fence.check(table), *texts] if table else texts
        body: dict[str, Any] = {"Sql": texts[0]} if len(texts) == 1 else {"Sqls": texts}
        if len(texts) > 1 and not self.of.transaction:
            body["ExecutionMode"] = "AUTO_COMMIT"
        bound = [{"Name": name, "Value": expression(f"$parameters.{name}")} for name in self.of.parameters]
        fenced = self._fencing if table else []
        return {**body, **({"Parameters": [*fenced, *bound]} if fenced or bound else {})}


def seconds(duration: timedelta) -> int:
    """``duration`` in whole seconds."""
    return int(duration.total_seconds())
