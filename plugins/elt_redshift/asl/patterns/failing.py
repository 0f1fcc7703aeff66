"""The states by which a task fails in a way that a redrive can mend, and takes the lock again after one.

::

    load_fact: record    the audit item becomes Failed …
        └─> load_fact: failed     … and the gate fails the execution with Redshift's message; a redrive lets it pass
             load_fact: status ──> load_fact: find …

``docs/adr/0004`` says why a task fails there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    INPUT,
    REDRIVE_COUNT,
    Code,
    Value,
    code,
    code_object,
    expression,
    fields,
    gate,
    joined,
    keep,
    locked,
    rendered,
)
from elt_redshift.asl.language.names import StateName, Step
from elt_redshift.asl.language.states import Catch, Choice, Rule, State, Task
from elt_redshift.asl.patterns import joins, passing
from elt_redshift.asl.patterns.holding import hold_or_release
from elt_redshift.asl.patterns.source import Source
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import audit, dynamodb, messages
from elt_redshift.protocol import joins as items
from elt_redshift.protocol.writes import Write

#: The input without what is known of a failure: the statement is looked at anew, since the redrive may be to mend it.
_UNSEEN = f"$sift({INPUT}, function($v, $k) {{$k != 'error'}})"


@dataclass(frozen=True)
class FailurePattern:
    """Builds these states of a task.

    :param source: where its values come from.
    :param failing: the state that a failure leads to: the record, or what comes before that and says in ``task`` which
        failure is to be recorded.
    :param counted: the state behind the one that asks how often the owner of the lock has been redriven.
    """

    job: EltJob
    source: Source
    target: Target
    failing: Step
    counted: Step = "record"

    def states(self) -> Iterator[State]:
        if self.source.asks:
            record, owner = self.source.name(self.counted), locked(self.source.owner)
            # Unless AWS tells, or when a redrive enters this state again, it goes by what the child knows of its own.
            yield self._ask(
                "count redrives", record, owner, catch=(Catch((calls.ANY_ERROR,), record, expression(INPUT)),)
            )
        yield self._record()
        yield self._gate()
        yield from self._reclaim()

    @property
    def _own(self) -> bool:
        """Whether the failure that is recorded is always the task's own."""
        return self.failing == self.source.recording

    @property
    def _failed(self) -> Value:
        """The name of the task whose failure is recorded."""
        return self.source.task if self._own else Code(f"{INPUT}.task")

    def _record(self) -> Task:
        following = self.source.name("report failure" if self.source.reports and self._own else "failed")
        return Task(
            self.source.name("record"),
            calls.UPDATE_ITEM,
            self._write(
                audit.RECORD,
                task=rendered(self._failed),
                after=rendered(hold_or_release(self.job, f"{INPUT}.statement")),
                **fields(
                    owner=self.source.owner,
                    redrives=f"$string({self.source.known_redrives})",
                    end="$now()",
                    statement=f"{INPUT}.statement",
                    message=f"{INPUT}.cause",
                ),
            ),
            next=following,
            output=expression(INPUT),
            retry=calls.DYNAMODB_RETRY,
            partition=self.target.partition,
            # The lock was taken away (an operator unlocked it), or this state was entered again by a redrive, and the
            # lock is claimed for that already: the task has failed all the same, and the gate knows what is to follow.
            catch=(Catch((calls.CONDITION_FAILED,), following, expression(INPUT)),),
        )

    def _answered(self, write: Write, **values: Any) -> dict[str, Any]:
        return dynamodb.update(self.target.audit_table, audit.key(self.job.job_id), write, values, answered=True)

    def _write(self, write: Write, **values: Any) -> dict[str, Any]:
        return dynamodb.update(self.target.audit_table, audit.key(self.job.job_id), write, values)

    def _gate(self) -> Choice:
        again = {**keep("attempt", "redrives", "since"), "failures": 0, "Status": passing.UNKNOWN}
        cause = joined(*messages.task_failed(self._failed, Code(f"{INPUT}.cause")))
        return Choice(
            self.source.name("failed"),
            (Rule(gate(cause), self.source.name("status"), again),),
            comment="A redrive goes on from here.",
        )

    def _reclaim(self) -> Iterator[Task]:
        """Take the lock again, with the number of redrives of the execution that owns it."""
        if not self.source.asks:
            yield self._claim("reclaim", REDRIVE_COUNT, self.source.owner)
            return
        yield self._ask("reclaim", self.source.name("claim"), self.source.owner)
        # A redrive that enters the second state again is one more than was asked for: then it is asked for anew.
        again = f"{REDRIVE_COUNT} > {INPUT}.asked ? $error('It was redriven.')"
        outdated = Catch((calls.NOT_EVALUATED,), self.source.name("reclaim"), expression(INPUT))
        count = f"$max([{INPUT}.owned, {self.source.least_redrives}])"
        shares = self.source.unsure is not None
        claiming = Code(f"{again} : {code(self.source.owner)}")
        yield self._claim("claim", count, claiming, outdated, next="tell held" if shares else "status")
        if shares:
            yield self._tell_held()

    def _tell_held(self) -> Task:
        """Others need not ask for a while. It was so when it was asked for, or later."""
        status, passed = self.source.name("status"), expression(INPUT)
        return Task(
            self.source.name("tell held"),
            calls.UPDATE_JOIN_ITEM,
            joins.update(
                self.target,
                self.source.run,
                items.LOCK_ITEM,
                items.SEE_HELD,
                {"held": expression(f"$string({INPUT}.at)")},
            ),
            next=status,
            output=passed,
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.ANY_ERROR,), status, passed),),
            partition=self.target.partition,
        )

    def _claim(self, step: Step, count: str, owner: Code, *catch: Catch, next: Step = "status") -> Task:
        return Task(
            self.source.name(step),
            calls.UPDATE_ITEM,
            self._answered(audit.RECLAIM, **fields(owner=owner, redrives=f"$string({count})")),
            next=self.source.name(next),
            output=expression(f"$merge([{_UNSEEN}, {{'redrives': {REDRIVE_COUNT}{self._assumed(count)}}}])"),
            retry=calls.DYNAMODB_RETRY,
            catch=catch,
            partition=self.target.partition,
        )

    def _assumed(self, count: str) -> str:
        """What somebody has said to take the task's statement for, should its outcome be unknowable."""
        key = joined(*audit.assumed_in(self.source.execution, Code(f"$string({count})"), self.source.task))
        return f", 'assumed': $lookup($states.result.Attributes.{audit.ASSUMED}.M, {key}).S"

    def _ask(self, name: Step, following: StateName, owner: Code, **more: Any) -> Task:
        """It is asked how often the owner of the lock has been redriven. DescribeExecution is eventually consistent,
        but a child was redriven no more often than its parent since it was started, which ``claim`` looks at."""
        at = {"at": "$toMillis($states.context.State.EnteredTime)"} if self.source.unsure else {}
        told = code_object(owned="$states.result.RedriveCount", asked=REDRIVE_COUNT, **at)
        return Task(
            self.source.name(name),
            calls.DESCRIBE_EXECUTION,
            fields(ExecutionArn=owner),
            next=following,
            output=expression(f"$merge([{INPUT}, {told}])"),
            retry=calls.DESCRIBE_EXECUTION_RETRY,
            partition=self.target.partition,
            **more,
        )
