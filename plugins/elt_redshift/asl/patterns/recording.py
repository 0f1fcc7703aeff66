"""The states that keep what is known of a run that has ended: in the history table, whose items are those of
:mod:`elt_redshift.protocol.records`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, Code, expression, fields, joined, rendered
from elt_redshift.asl.language.states import Catch, State, Task
from elt_redshift.asl.patterns import outcomes
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import dynamodb, records

#: Seconds of a day.
DAY = 86_400


@dataclass(frozen=True)
class RecordPattern:
    """Builds these states, which are given what :mod:`.outcomes` has found out.

    :param next: the state behind them.
    :param done: the state behind them for an end that has been taken up before.
    """

    job: EltJob
    target: Target
    next: str
    done: str

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        yield self._take_up()

    def _take_up(self) -> Task:
        started = f"$fromMillis({INPUT}.startDate)"
        at = joined(*records.run_at(Code(started), Code(f"{INPUT}.name")))
        values = {
            **fields(
                execution=f"{INPUT}.executionArn",
                started=started,
                ended=f"$fromMillis({INPUT}.stopDate)",
                redrives=f"$string({outcomes.REDRIVES})",
                before=f"$string({outcomes.REDRIVES} - 1)",
                expiry=expiry(self.job),
            ),
            **{
                name: expression(f"{INPUT}.{name}")
                for name in ("outcome", "task", "statement", "message", "parameters", "by", "resumed")
            },
            "of_outcome": rendered(joined(*records.of_outcome(self.job.job_id, Code(f"{INPUT}.outcome")))),
        }
        return Task(
            "record run",
            calls.UPDATE_HISTORY,
            dynamodb.update(
                self.target.history_table,
                {records.OF: self.job.job_id, records.AT: rendered(at)},
                records.TAKE_UP,
                values,
            ),
            next=self.next,
            output=expression(INPUT),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), self.done, expression(INPUT)),),
            partition=self.target.partition,
        )


def expiry(job: EltJob) -> str:
    """JSONata that gives when what is kept now may go, in epoch seconds, as text."""
    return f"$string($floor($millis() / 1000) + {job.history_days * DAY})"
