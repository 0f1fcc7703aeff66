"""What ran: the history table of a job's stack, and Step Functions for what that lacks.

A run that has ended is in the table within seconds. It may be missing all the same: EventBridge delivers an event at
least once, as a rule, and the machine behind the ends of runs can break down. Each end looks for such ends before it
(:mod:`elt_redshift.asl.patterns.catching_up`), and so does whoever asks here: the machine is started again, with what
the event would have told it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.aws.execution_status import Execution
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.past_runs import KeptTasks, PastRuns
from elt_redshift.aws.waiting import Sleep, until
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import records
from elt_redshift.protocol.executions import SUCCEEDED, execution_arn
from elt_redshift.protocol.owners import Owner
from elt_redshift.protocol.records import Outcome
from elt_redshift.runs import causes
from elt_redshift.runs.history import TaskRun, TaskRuns

#: ListExecutions gives at most so many.
MAX_LISTED = 1000

#: What is caught up is there within some seconds, as a rule.
CATCH_UP, PAUSE = 15.0, 0.5

#: Runs that had nothing to do say nothing about tasks.
_IDLE = (records.SKIPPED, records.HELD)


class NoHistoryError(EltError):
    """A job's stack has no history table."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        super().__init__(
            f"Stack {deployed.stack} of job {deployed.job} was made by a version that kept no history. "
            f"Deploy it again with `elt-redshift deploy {deployed.job} --stack {deployed.stack}`."
        )


@dataclass(frozen=True)
class RunTasks:
    """A run and its tasks.

    :param status: of its execution, as Step Functions says it.
    :param skipped: why it did nothing; None: it did its work.
    :param kept: whether the tasks were read from the history table.
    :param why: of a run that ended without success, what Step Functions says of that, as a clause; None: it knows
        nothing, or not any more.
    """

    execution: str
    status: str
    tasks: tuple[TaskRun, ...]
    skipped: str | None = None
    kept: bool = False
    why: str | None = None

    @property
    def name(self) -> str:
        """Of its execution."""
        return Owner(self.execution).short


def _why(execution: Execution | None) -> str | None:
    if execution is None or not execution.ended or execution.succeeded:
        return None
    return causes.execution_ended(execution.name, execution.status, execution.error, execution.cause)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Archive:
    """The runs of a deployed job.

    :param steps: a boto3 Step Functions client.
    :param executions: of the job's state machine.
    :param past: the history table of its stack.
    """

    job: EltJob
    deployed: Deployed
    steps: Any
    executions: Executions
    past: PastRuns
    now: Callable[[], datetime] = _utc_now
    sleep: Sleep = field(default=time.sleep, repr=False)

    def catch_up(self, limit: int) -> int:
        """Have the runs that have ended put into the history which it lacks, of the newest ``limit``.

        :return: how many it still lacks.
        :raises AwsError: AWS refused a call.
        """
        newest = self.executions.recent(min(limit, MAX_LISTED))
        if not (missing := self._missing(newest)) or not self.deployed.run_end_machine:
            return len(missing)
        for one in missing:
            self._follow(one)
        there = until(lambda: not self._missing(missing), CATCH_UP, PAUSE, sleep=self.sleep)
        return 0 if there else len(self._missing(missing))

    def _missing(self, newest: Iterable[Execution]) -> list[Execution]:
        """Those that have ended, are not too old to be kept, and are not kept."""
        oldest = self.now() - timedelta(days=self.job.history_days)
        ended = [one for one in newest if one.ended and one.stopped and one.stopped > oldest]
        if not ended:
            return []
        since = min(one.started for one in ended) - timedelta(seconds=1)
        kept = {run.execution: run.redrives for run in self.past.runs(self.job.job_id, since=since, limit=MAX_LISTED)}
        return [one for one in ended if kept.get(one.arn, -1) < one.redrive_count]

    def _follow(self, one: Execution) -> None:
        started = round(one.started.timestamp() * 1000)
        event = {"executionArn": one.arn, "redriveCount": one.redrive_count, "startDate": started, "status": one.status}
        with aws_errors(f"state machine {self.deployed.run_end_machine}"):
            self.steps.start_execution(stateMachineArn=self.deployed.run_end_machine, input=json.dumps(event))

    def tasks(self, run: str | None = None) -> RunTasks:
        """The tasks of a run.

        :param run: the name of its execution, or the ARN; default: the newest.
        :raises EltError: there is no such run.
        """
        arn = self._arn(run)
        execution, graph = self._describe(arn), {task.name: task.upstream for task in self.job.tasks}
        if execution is None or execution.ended:
            redrives = execution.redrive_count if execution else 0
            kept = self.past.tasks(self.job.job_id, Owner(arn).short, redrives, graph)
            if kept and (kept.whole or execution is None):
                skipped = execution.skipped if execution else None
                return RunTasks(arn, kept.status, self._all(kept), skipped, kept=True, why=_why(execution))
        if execution is None:
            self.executions.check_there()
            raise EltError(
                f"Job {self.job.name} has no run {run}. `elt-redshift history {self.job.name}` lists its runs."
            )
        seen = self.executions.look(arn, TaskRuns(graph))
        why = _why(seen.execution)
        if why and seen.lost:
            why = f"{why}; {causes.untold(seen.execution.name)}"
        return RunTasks(arn, seen.execution.status, seen.tasks, seen.execution.skipped, why=why)

    def _arn(self, run: str | None) -> str:
        machine = self.executions.state_machine_arn
        if run is None:
            if newest := self.executions.recent(1):
                return newest[0].arn
            raise EltError(f"Job {self.job.name} has not run yet. Start it with `elt-redshift run {self.job.name}`.")
        if not run.startswith("arn:"):
            return execution_arn(machine, run)
        if not run.startswith(execution_arn(machine, "")):
            raise EltError(f"{run} is no run of job {self.job.name}, whose state machine is {machine}.")
        return run

    def _describe(self, arn: str) -> Execution | None:
        """None: Step Functions does not know it, or has forgotten it."""
        try:
            return self.executions.describe(arn)
        except AwsError as error:
            if error.code in ("ExecutionDoesNotExist", "InvalidArn"):
                return None
            raise

    def _all(self, kept: KeptTasks) -> tuple[TaskRun, ...]:
        """In the order of the job, those that it has no more behind them; and those that the run has not come to."""
        begun = {one.name: one for one in kept.tasks}
        waiting = () if kept.status == SUCCEEDED else self.job.task_names
        order = dict.fromkeys((*(name for name in self.job.task_names if name in {*begun, *waiting}), *begun))
        return tuple(begun.get(name) or TaskRun(name) for name in order)

    def worked(
        self, limit: int, since: datetime | None = None, until: datetime | None = None, succeeded: bool = False
    ) -> Iterator[tuple[TaskRun, ...]]:
        """The tasks of the newest runs that did their work, as far as they are kept; the newest run first.

        :param limit: most runs that are looked at.
        :param succeeded: only those that succeeded.
        :raises AwsError: AWS refused a call.
        """
        outcome: Outcome | None = records.DONE if succeeded else None
        for run in self.past.runs(self.job.job_id, outcome, since, until, limit):
            if run.outcome not in _IDLE and (kept := self.past.tasks(self.job.job_id, run.name, run.redrives)):
                yield kept.tasks
