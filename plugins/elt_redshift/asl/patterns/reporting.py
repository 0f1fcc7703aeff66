"""The map layout's tasks tell in items of their own how they ended, since their states are in histories of their own.

The items are those of the joins (:mod:`.joins`), one for each task of a run, so that one Query reads
the whole run. Where to look is in the execution's own history: in the input of the state that runs the tasks. So
whoever knows an execution's ARN can read its tasks, whichever version of the job was deployed when it started.

=============== ===========================================================================
TaskStatus      ``succeeded``, ``kept`` (an earlier execution had done it) or ``failed``
StatementId     of the last submission; of a failed batch, the id of the part that failed
SubmittedAt     of the last submission, ISO 8601; of a task that succeeded
EndedAt         ISO 8601
AttemptNumber   of the last submission; of a task that succeeded
FailureMessage  Redshift's message; of a task that failed
ResultRows      how many rows the statement has changed or returned; of a task that succeeded
=============== ===========================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, Code, expression, fields, locked, rendered
from elt_redshift.asl.language.names import Step
from elt_redshift.asl.language.states import Catch, State, Task
from elt_redshift.asl.patterns import joins, passing
from elt_redshift.asl.patterns.any_task import AnyTask
from elt_redshift.asl.target import Target
from elt_redshift.protocol import joins as items
from elt_redshift.protocol.writes import Write

NOW = Code("$now()")


@dataclass(frozen=True)
class ReportPattern:
    """The states by which a task tells of its end. Each repeats without harm: a task ends once per redrive.

    :param next: the state behind a task that succeeded.
    :param failing: the one behind a task that failed.
    """

    source: AnyTask
    target: Target
    next: str
    failing: Step = "failed"

    def states(self) -> Iterator[State]:
        attempt = fields(
            attempt=f"$string({INPUT}.attempt)", submitted=f"{INPUT}.submitted", rows=f"$string({passing.ROWS})"
        )
        ended = expression(f"{INPUT}.Status = '{passing.KEPT}' ? 'kept' : 'succeeded'")
        succeeded = {"status": ended, **fields(statement=f"{INPUT}.Id"), **attempt}
        yield self._report("report", items.REPORT_SUCCESS, succeeded, self.next, {})
        failed = {"status": "failed", **fields(statement=f"{INPUT}.statement", message=f"{INPUT}.cause")}
        following = self.source.name(self.failing)
        # Entered again after a redrive, the task is on its way to another attempt, of whose failure nothing is known.
        redriven = Catch((calls.NOT_EVALUATED,), following, expression(INPUT))
        before = {**failed, "ended": rendered(locked(NOW))}
        yield self._report("report failure", items.REPORT_FAILURE, before, following, expression(INPUT), redriven)

    def _report(
        self, name: Step, write: Write, given: Mapping[str, Any], next: str, output: Any, *catch: Catch
    ) -> Task:
        values = {"ended": rendered(NOW), **given}
        return Task(
            self.source.name(name),
            calls.UPDATE_JOIN_ITEM,
            joins.update(self.target, self.source.run, self.source.task, write, values),
            next,
            output,
            retry=calls.DYNAMODB_RETRY,
            catch=catch,
            partition=self.target.partition,
        )


def input_of_run(target: Target) -> dict[str, Any]:
    """What the state that runs the tasks is given besides what every first state is, for readers of the history."""
    return items.RunItems(target.join_table, expression(joins.RUN)).told()
