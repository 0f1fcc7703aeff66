"""What an execution's history says about each task.

Events are dictionaries as ``GetExecutionHistory`` returns them
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html). Only entered and exited
states are looked at, so retries inside a state do not show; and of a task that waits for an event, what its submission
was answered, which is known before the state is left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from elt_redshift.asl.language import names
from elt_redshift.asl.language.names import StateName
from elt_redshift.asl.patterns.passing import end_of
from elt_redshift.protocol import executions, parts
from elt_redshift.protocol.joins import RunItems
from elt_redshift.protocol.messages import UNSEEN
from elt_redshift.runs.progress import Report

TaskStatus = Literal["waiting", "running", "succeeded", "failed", "aborted"]


@dataclass(frozen=True)
class TaskRun:
    """One task of one execution.

    :param statement_id: of the newest submission; of a failed batch, the id of the part that failed.
    :param attempt: number of the newest submission, from 1.
    :param started: of the newest submission, or the redrive that goes on with it.
    :param since: when the newest submission may have been made first.
    :param message: why it failed, in the database's words.
    :param rows: how many rows the statement has changed or returned; None: it is not known.
    :param kept_from: the execution that has done it before, so that this one did not run it.
    :param part: the ARN of the part's execution whose history tells of it; None: the run's own does.
    """

    name: str
    status: TaskStatus = "waiting"
    started: datetime | None = None
    ended: datetime | None = None
    statement_id: str | None = None
    attempt: int = 0
    message: str | None = None
    kept_from: str | None = None
    since: datetime | None = None
    rows: int | None = None
    part: str | None = None

    @property
    def unseen(self) -> bool:
        """Whether it failed because nobody could see how its statement went."""
        return self.status == "failed" and (self.message or "").startswith(UNSEEN)

    @property
    def seconds(self) -> float | None:
        """How long its last attempt took, once it has ended: from :attr:`started` on, so that neither earlier attempts
        nor the hours between a failure and its redrive count."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


class TaskRuns:
    """The tasks of one execution, kept up to date by :meth:`apply`.

    :param tasks: the names of the job's tasks, in order; default: whatever states the history tells of. A mapping to
        the tasks' upstreams lets those of the map layout show as running, which tell only how they ended.
    :ivar last_event: the number of the newest event that was taken in.
    :ivar news: how many events the last :meth:`apply` took in.
    :ivar items: where the tasks of the map layout tell of their ends, which the caller reads and gives to
        :meth:`report`; None in the unrolled layout, and before the tasks begin.
    :ivar map_run: the ARN of the Map Run whose children these tasks are; None as for ``items``.
    :ivar parts: the tasks of the run's parts, by the ARNs of their executions, which the caller brings up to date as
        this; none of a job that is not cut into parts, and before it has come to them. An execution of a part may not
        be there yet.
    :ivar succeeded: whether the execution is over for good.
    :ivar absent: whether what tells of tasks is not there: a part's execution, or the map layout's table of items.
    """

    def __init__(self, tasks: Iterable[str] | None = None) -> None:
        self._runs = {name: TaskRun(name) for name in tasks or ()}
        self._any = tasks is None
        self._upstream = tasks if isinstance(tasks, Mapping) else {}
        self._whole = _by_state(self._runs)
        self.items: RunItems | None = None
        self.map_run: str | None = None
        self._begun: datetime | None = None
        self._redriven_at: list[datetime] = []
        self._newest: dict[int, str] = {}  # the newest event of a task's own state, as long as that lasts
        self.last_event = self.news = 0
        self._redrives = 0
        self._resumed: str | None = None  # the execution that this one goes on with
        self.skipped = self.refused = self.succeeded = self.absent = self._over = False
        self.parts: dict[str, TaskRuns] = {}

    def __getitem__(self, task: str) -> TaskRun:
        if (run := self._find(task)) is None:
            raise KeyError(task)
        return next((one for one in self.all() if one.name == run.name), run)

    def all(self) -> tuple[TaskRun, ...]:
        """The runs in the order of the job's tasks."""
        told = {run.name: self._of_part(run, arn) for arn, part in self.parts.items() for run in part.all()}
        return tuple((self._runs | told).values())

    def _of_part(self, run: TaskRun, arn: str) -> TaskRun:
        """What a part tells of a task, and the run of the part: a failure before the run was redriven does not count,
        since the part will be, too."""
        if run.status == "failed" and self._redriven and run.ended and run.ended <= self._redriven:
            run = replace(run, status="running", started=self._redriven, ended=None)
        status: TaskStatus = "aborted" if self._over and run.status == "running" else run.status
        return replace(run, status=status, part=arn)

    @property
    def lost(self) -> bool:
        """Whether some tasks may have done more than is told."""
        return self.absent or any(part.absent for part in self.parts.values())

    @property
    def shortened(self) -> bool:
        """Whether there are tasks of which only the names of their states are known; see :meth:`know`."""
        own = self._any and any(map(names.is_shortened, self._runs))
        return own or any(part.shortened for part in self.parts.values())

    def know(self, tasks: Iterable[str]) -> None:
        """Give tasks their whole names, where their states have shorter ones.

        :param tasks: the names of all tasks of the execution's job; a mapping as of the whole.
        """
        self._whole |= _by_state(tasks)
        self._upstream = tasks if isinstance(tasks, Mapping) else self._upstream
        self._runs = {
            whole: replace(run, name=whole) for run in self._runs.values() for whole in [self._called(run.name)]
        }
        self._newest = {number: self._called(name) for number, name in self._newest.items()}
        for part in self.parts.values():
            part.know(self._whole.values())

    def apply(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take in new events, oldest first; events that were seen already change nothing."""
        self.news = 0
        for event in events:
            if event["id"] > self.last_event:
                self.last_event, self.news = event["id"], self.news + 1
                self._apply(event)

    def report(self, reports: Iterable[Report]) -> None:
        """Take in what the tasks of the map layout have told of their ends."""
        for report in reports:
            if (run := self._find(report.task)) is not None:
                self._runs[run.name] = self._reported(run, report)
        for name, upstream in self._upstream.items() if self.items else ():
            run, ups = self._find(name), [one for up in upstream if (one := self._find(up))]
            if run and run.status == "waiting" and all(up.status == "succeeded" for up in ups):
                begun = max((up.ended for up in ups if up.ended), default=self._begun)
                # A redrive goes on with what may have been submitted long before it.
                self._runs[name] = replace(run, status="running", started=self._since(begun), since=begun)

    def recall(self, kept: Iterable[TaskRun]) -> None:
        """Take in what was kept of the tasks, in place of what does not tell of them any more."""
        self._runs |= {run.name: run for run in kept if self._any or run.name in self._runs}
        self.parts, self.absent = {}, False
        self.report(())  # the tasks of the map layout tell nothing of their begin

    def _reported(self, run: TaskRun, report: Report) -> TaskRun:
        if report.status == "failed" and self._redriven and report.ended <= self._redriven:
            # That was before the redrive. Another attempt may have been made since the first one behind it.
            since = next(when for when in self._redriven_at if when >= report.ended)
            return replace(run, status="running", started=self._redriven, since=since, ended=None, message=None)
        if report.status == "kept":
            return self._kept(run, report.ended)
        return replace(
            run,
            status=report.status,
            started=report.submitted or run.started,
            ended=report.ended,
            statement_id=report.statement_id,
            attempt=report.attempt,
            message=report.message,
            rows=report.rows,
        )

    def _kept(self, run: TaskRun, when: datetime) -> TaskRun:
        return TaskRun(run.name, "succeeded", ended=when, kept_from=self._resumed)

    def finish(self, status: str) -> None:
        """The execution has ended with ``status``: what ran was aborted; in a success, what nobody tells of is done."""
        self._over = status in executions.ENDED
        ends: dict[TaskStatus, TaskStatus] = {"running": "aborted"} if self._over else {}
        if status == executions.SUCCEEDED and self.lost:
            ends["waiting"] = "succeeded"
        for name, run in self._runs.items():
            if run.status in ends:
                self._runs[name] = replace(run, status=ends[run.status])

    def _find(self, task: str) -> TaskRun | None:
        """The run of a task, if it is one of the job's."""
        name = self._called(task)
        return self._runs.get(name) or (TaskRun(name) if self._any else None)

    def _called(self, task: str) -> str:
        """The whole name of a task that is called as its states are, if it is known."""
        return self._whole.get(task, task)

    def _apply(self, event: Mapping[str, Any]) -> None:
        entered, exited = event.get("stateEnteredEventDetails"), event.get("stateExitedEventDetails")
        if begun := event.get("executionStartedEventDetails"):
            self._resumed = (json_object(begun.get("input")).get("resume") or {}).get("from") or self._resumed
        if mapped := event.get("mapRunStartedEventDetails"):
            self.map_run = mapped["mapRunArn"]
        self.succeeded = event["type"] == "ExecutionSucceeded"
        if arn := part_of(event):
            self._begin_part(arn)
        if event["type"] == "ExecutionRedriven":
            self._redriven_at.append(event["timestamp"])
            self._resume()
        elif entered:
            self._entered(entered["name"], json_object(entered.get("input")), event["timestamp"])
            if (own := self._called(entered["name"])) in self._runs:
                self._newest[event["id"]] = own
        elif exited:
            self._exited(exited["name"], json_object(exited.get("output")), event["timestamp"])
            self._newest.pop(event.get("previousEventId", 0), None)
        elif task := self._newest.pop(event.get("previousEventId", 0), None):
            self._newest[event["id"]] = task
            self._submitted(task, json_object(event.get("taskSubmittedEventDetails", {}).get("output")))

    def _begin_part(self, arn: str) -> None:
        if arn not in self.parts:
            self.parts[arn] = part = TaskRuns()
            part._resumed = self._resumed
            part.know(self._whole.values())

    def _resume(self) -> None:
        self._redrives += 1
        for name, run in self._runs.items():
            if run.status in ("running", "aborted", "failed"):
                self._runs[name] = replace(run, status="running", started=self._redriven, ended=None)

    @property
    def _redriven(self) -> datetime | None:
        """When it was last."""
        return self._redriven_at[-1] if self._redriven_at else None

    def _since(self, begun: datetime | None) -> datetime | None:
        """``begun``, unless the execution has been redriven since."""
        return max(begun, self._redriven) if begun and self._redriven else begun

    def _entered(self, state: str, given: dict[str, Any], when: datetime) -> None:
        self.skipped = self.skipped or state == names.SKIPPED
        self.refused = self.refused or state == names.REFUSED
        if state == names.RUN_TASKS:
            self.items, self._begun = RunItems.find(given), self._begun or when
        name = StateName.read(state)
        run = self._find(name.task) if name else None
        if name is None or run is None:
            return
        task = run.name
        if name.step == "":
            attempt = int(given.get("attempt", 1))
            begun = replace(run, status="running", started=when, ended=None, attempt=attempt, message=None)
            self._runs[task] = replace(begun, since=when if attempt != run.attempt else run.since or when)
        elif name.step in ("block", "record") or (name.step in ("status", "follow") and "cause" in given):
            # One that was aborted here and is entered again after a redrive is on its way to another attempt.
            # (Below 0, its first life took the lock before anything else.)
            again = max(0, given.get("redrives", self._redrives)) < self._redrives
            if run.status != "failed" and not again:
                message, statement = given.get("cause"), given.get("statement")
                self._runs[task] = replace(run, status="failed", ended=when, message=message, statement_id=statement)

    def _submitted(self, task: str, answer: dict[str, Any]) -> None:
        if "Id" in answer:
            self._runs[task] = replace(self._runs[task], statement_id=answer["Id"])

    def _exited(self, state: str, result: dict[str, Any], when: datetime) -> None:
        name = StateName.read(state)
        run = self._find(name.task) if name else None
        if name is None or run is None:
            return
        if end := end_of(name, result):
            done = replace(run, status="succeeded", ended=when, statement_id=end.statement, rows=end.rows)
            self._runs[run.name] = self._kept(run, when) if end.kept else done
        elif name.step in ("", "find") and "Id" in result:
            self._runs[run.name] = replace(run, statement_id=result["Id"])
        elif name.step == "failed" or (name.step == "status" and run.status == "failed"):
            self._runs[run.name] = replace(run, status="running", ended=None)


def part_of(event: Mapping[str, Any]) -> str | None:
    """The ARN of the execution that a run is about to start for one of its parts; None: this event tells of none."""
    scheduled = event.get("taskScheduledEventDetails", {})
    if f"{scheduled.get('resourceType')}:{scheduled.get('resource')}" != parts.START:
        return None
    given = json_object(scheduled.get("parameters"))
    return executions.execution_arn(given["StateMachineArn"], given["Name"])


def _by_state(tasks: Iterable[str]) -> dict[str, str]:
    """The tasks whose states have shorter names, by those."""
    return {short: task for task in tasks if (short := names.in_states(task)) != task}


def json_object(text: str | None) -> dict[str, Any]:
    """The object that a text of JSON holds; an empty one where there is another value, or no text."""
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}
