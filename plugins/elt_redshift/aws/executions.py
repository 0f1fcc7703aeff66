"""Executions of a job's state machine: start, follow, stop, redrive.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from elt_redshift.asl import fingerprints
from elt_redshift.aws import children
from elt_redshift.aws.errors import GONE, AwsError, aws_errors
from elt_redshift.aws.execution_status import Execution, Snapshot
from elt_redshift.aws.run_items import items_of
from elt_redshift.aws.waiting import Clock, Sleep, looks
from elt_redshift.exceptions import EltError
from elt_redshift.protocol.executions import FAILED, MAX_FOLLOW, STARTED_BY, execution_arn
from elt_redshift.protocol.joins import RunItems
from elt_redshift.runs.history import TaskRun, TaskRuns
from elt_redshift.runs.progress import reports

if TYPE_CHECKING:
    from elt_redshift.aws.audit import AuditStore

#: How many events of a history a look asks for: few; or, the first time and while much happens, all that AWS gives.
SMALL_PAGE, LARGE_PAGE = 100, 1000

#: Seconds between two looks at a running execution.
POLL_INTERVAL = 1.0


class NotRedrivableError(EltError):
    """The execution cannot be redriven; ``reason`` says why and what to do instead."""

    def __init__(self, execution_arn: str, reason: str) -> None:
        self.execution_arn, self.reason = execution_arn, reason
        super().__init__(f"Execution {execution_arn} cannot be redriven: {reason}")


class FollowTimeoutError(EltError):
    """An execution was followed until the deadline and still runs."""

    def __init__(self, execution_arn: str, seconds: float) -> None:
        self.execution_arn, self.seconds = execution_arn, seconds
        super().__init__(
            f"Execution {execution_arn} still runs after {seconds:.0f} s. Look again with `elt-redshift status`."
        )


class Executions:
    """The executions of one state machine.

    :param client: a boto3 Step Functions client.
    :param state_machine_arn: the machine.
    :param sleep: how to wait, in seconds.
    :param clock: a monotonic clock, in seconds.
    :param tables: gives a boto3 DynamoDB client, which is asked for by the tasks of the map layout; without it, what
        these tell is not read.
    :param kept: gives what is kept of the tasks of an execution that has ended, of which these names are known; None:
        nothing.
    """

    def __init__(
        self,
        client: Any,
        state_machine_arn: str,
        sleep: Sleep = time.sleep,
        clock: Clock = time.monotonic,
        tables: Callable[[], Any] | None = None,
        kept: Callable[[Execution, Iterable[str]], Iterable[TaskRun] | None] = lambda *_: None,
    ) -> None:
        self._client, self.state_machine_arn, self._tables, self._kept = client, state_machine_arn, tables, kept
        self._starter: Callable[[], str] = str
        self._sleep, self._clock = sleep, clock

    def started_by(self, starter: Callable[[], str]) -> Executions:
        """The same; whatever is started by them is told who or what did so, for the history."""
        made = copy(self)
        made._starter = starter
        return made

    def start(self, name: str, parameters: Mapping[str, str], resume: Mapping[str, Any] | None = None) -> str:
        """Start an execution and give its ARN; starting a running one again, with the same parameters, gives the same
        ARN, whoever started it.

        :param resume: which work it goes on with, see :mod:`elt_redshift.asl.patterns.resumption`.
        :raises AwsError: ``ExecutionAlreadyExists`` when an execution of that name has ended or had other parameters.
        """
        told = {"resume": resume, STARTED_BY: self._starter()}
        given = {"parameters": dict(parameters), **{key: value for key, value in told.items() if value}}
        try:
            with aws_errors(f"state machine {self.state_machine_arn}"):
                answer = self._client.start_execution(
                    stateMachineArn=self.state_machine_arn, name=name, input=json.dumps(given, sort_keys=True)
                )
        except AwsError as error:
            there = execution_arn(self.state_machine_arn, name)
            if error.code != "ExecutionAlreadyExists" or not self._is_same(there, given):
                raise
            return there
        return str(answer["executionArn"])

    def _is_same(self, arn: str, given: Mapping[str, Any]) -> bool:
        """Whether an execution runs that was given the same, by whomever."""
        there = self.describe(arn)
        return not there.ended and (there.parameters, there.resumed) == (given["parameters"], given.get("resume"))

    def describe(self, execution_arn: str) -> Execution:
        with aws_errors(f"execution {execution_arn}"):
            return Execution.parse(self._client.describe_execution(executionArn=execution_arn))

    def named(self, run: str, job_name: str) -> Execution:
        """The execution that a person means.

        :param run: its name, or the ARN.
        :raises EltError: there is none, or the state machine is gone.
        """
        try:
            return self.describe(run if run.startswith("arn:") else execution_arn(self.state_machine_arn, run))
        except AwsError as error:
            if error.code not in ("ExecutionDoesNotExist", "InvalidArn"):
                raise
            self.check_there()
            where = f"`elt-redshift history {job_name}` lists its runs"
            raise EltError(f"Job {job_name} has no run {run}, or Step Functions has forgotten it. {where}.") from error

    def running(self) -> list[Execution]:
        """The executions that have not ended."""
        with aws_errors(f"state machine {self.state_machine_arn}"):
            pages = self._client.get_paginator("list_executions").paginate(
                stateMachineArn=self.state_machine_arn, statusFilter="RUNNING"
            )
            return [Execution.parse(one) for page in pages for one in page["executions"]]

    def recent(self, limit: int = 20) -> list[Execution]:
        """The newest executions first."""
        with aws_errors(f"state machine {self.state_machine_arn}"):
            answer = self._client.list_executions(stateMachineArn=self.state_machine_arn, maxResults=limit)
        return [Execution.parse(one) for one in answer["executions"]]

    def check_there(self) -> None:
        """:raises AwsError: the state machine is gone. Whether it is, not everybody may ask: they are not told."""
        try:
            self.recent(1)
        except AwsError as error:
            if error.code in GONE:
                raise

    def stop(self, execution_arn: str, cause: str) -> None:
        """Stop an execution; its statements go on until the next run or :meth:`redrive` deals with them."""
        with aws_errors(f"execution {execution_arn}"):
            self._client.stop_execution(executionArn=execution_arn, error="Stopped", cause=cause)

    def new_events(self, execution_arn: str, after: int, many: bool = True) -> list[dict[str, Any]]:
        """The history's events behind event number ``after``, oldest first.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html

        :param many: read the largest pages from the start; otherwise a small one, if that holds all that is new.
        """
        if not many:
            page = self._history(execution_arn, SMALL_PAGE)
            if len(fresh := _behind(after, page)) < SMALL_PAGE:
                return fresh[::-1]
        found: list[dict[str, Any]] = []
        page = self._history(execution_arn, LARGE_PAGE)
        while True:
            found += (fresh := _behind(after, page))
            if len(fresh) < len(page["events"]) or "nextToken" not in page:
                return found[::-1]
            page = self._history(execution_arn, LARGE_PAGE, page["nextToken"])

    def _history(self, execution_arn: str, size: int, token: str | None = None) -> Mapping[str, Any]:
        """A page of the history, newest first."""
        more = {"nextToken": token} if token else {}
        with aws_errors(f"execution {execution_arn}"):
            page: Mapping[str, Any] = self._client.get_execution_history(
                executionArn=execution_arn, reverseOrder=True, maxResults=size, **more
            )
        return page

    def look(self, execution_arn: str, runs: TaskRuns) -> Snapshot:
        """Bring ``runs`` up to date, by the histories of the run and its parts, and in the map layout by what the tasks
        have told. A deployment of another layout removes these: then what is kept of the run tells.

        The status is read first, so that what is read of an ended execution is complete.
        """
        execution = self.describe(execution_arn)
        self._read(execution_arn, runs)
        for arn, part in runs.parts.items():
            self._read_part(arn, part)
        if runs.items and self._tables:
            self._read_items(self._tables(), runs.items, runs)
        if execution.ended and runs.lost and (kept := self._kept(execution, [run.name for run in runs.all()])):
            runs.recall(kept)
        if runs.shortened:
            runs.know(self._tasks_of(execution_arn))
        if runs.map_run and execution.status == FAILED and not any(run.status == "failed" for run in runs.all()):
            runs.report(children.failed(self._client, runs.map_run))
        runs.finish(execution.status)
        ends_only, lost = runs.items is not None, execution.ended and runs.lost
        return Snapshot(execution, runs.all(), runs.skipped, runs.refused, ends_only, lost)

    def _read(self, execution_arn: str, runs: TaskRuns) -> None:
        many = runs.last_event == 0 or runs.news >= SMALL_PAGE
        runs.apply(self.new_events(execution_arn, runs.last_event, many))

    def _read_part(self, execution_arn: str, runs: TaskRuns) -> None:
        """Unless nothing more can come; a part that has not been started has told nothing yet."""
        if runs.succeeded:
            return
        try:
            self._read(execution_arn, runs)
            runs.absent = False
        except AwsError as error:
            if error.code != "ExecutionDoesNotExist":
                raise
            runs.absent = True

    def _read_items(self, tables: Any, items: RunItems, runs: TaskRuns) -> None:
        """Unless their table is gone, since the stack has got another layout."""
        try:
            runs.report(reports(items_of(tables, items)))
        except AwsError as error:
            if error.code not in GONE:
                raise
            runs.absent = True

    def _tasks_of(self, execution_arn: str) -> Iterable[str]:
        """The names of the tasks in the definition that an execution runs, which is asked for where states bear shorter
        ones."""
        with aws_errors(f"execution {execution_arn}"):
            answer = self._client.describe_state_machine_for_execution(executionArn=execution_arn)
        return fingerprints.of_definition(json.loads(answer["definition"])) or ()

    def follow(
        self,
        execution_arn: str,
        tasks: Iterable[str] | None,
        interval: float = POLL_INTERVAL,
        timeout: timedelta = MAX_FOLLOW,
        redrives: int = 0,
    ) -> Iterator[Snapshot]:
        """Look every ``interval`` seconds until the execution has ended; the last snapshot is that of its end.

        :param tasks: of the job, as :class:`~elt_redshift.runs.history.TaskRuns` takes them.
        :param redrives: what shows fewer redrives than these is out of date (DescribeExecution is eventually
            consistent) and is not given.
        :raises FollowTimeoutError: it still runs after ``timeout``.
        """
        runs = TaskRuns(tasks)
        for _ in looks(timeout.total_seconds(), interval, self._clock, self._sleep):
            snapshot = self.look(execution_arn, runs)
            if snapshot.execution.redrive_count >= redrives:
                yield snapshot
                if snapshot.execution.ended:
                    return
        raise FollowTimeoutError(execution_arn, timeout.total_seconds())

    def redrive(
        self, execution_arn: str, audit: AuditStore | None, job_id: str, client_token: str | None = None
    ) -> int:
        """Let an unsuccessful execution go on where it failed.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html

        :param audit: where to see who has the job's lock; without it only the redriven execution itself looks there.
        :param client_token: redrives with the same token, within 15 minutes, are one, even when the execution has
            failed again meanwhile.
        :return: how often the execution has been redriven now.
        :raises NotRedrivableError: it runs, succeeded, is too old, or another run has, or has had, the job's lock.
        """
        execution = self.describe(execution_arn)
        if not execution.ended or execution.succeeded:
            raise NotRedrivableError(execution_arn, f"it is {execution.status}.")
        if execution.redrive_status not in (None, "REDRIVABLE"):
            reason = execution.redrive_reason or execution.redrive_status
            raise NotRedrivableError(execution_arn, f"{reason} Start a new one with `elt-redshift run`.")
        self._check_lock(execution_arn, audit, job_id)
        try:
            with aws_errors(f"execution {execution_arn}"):
                token = {"clientToken": client_token} if client_token else {}
                answer = self._client.redrive_execution(executionArn=execution_arn, **token)
        except AwsError as error:
            if error.code in ("ExecutionNotRedrivable", "ExecutionDoesNotExist", "StateMachineDoesNotExist"):
                raise NotRedrivableError(execution_arn, error.message) from error
            raise
        # A token that was used before is answered with the date of that redrive.
        return execution.redrive_count + int(answer["redriveDate"] != execution.redrive_date)

    def _check_lock(self, execution_arn: str, audit: AuditStore | None, job_id: str) -> None:
        item = audit.read(job_id) if audit else None
        if item is None or item.owner == execution_arn:
            return
        if not item.free:
            owner = item.owner or "a run that its audit item does not name"
            raise NotRedrivableError(execution_arn, f"the lock of job {job_id} is held by {owner}.")
        later = item.last_owner not in (None, execution_arn)
        if later and not self.look(execution_arn, TaskRuns()).did_nothing:
            reason = f"another run has had the lock of job {job_id} since: {item.last_owner}."
            raise NotRedrivableError(execution_arn, reason)


def _behind(after: int, page: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [event for event in page["events"] if event["id"] > after]
