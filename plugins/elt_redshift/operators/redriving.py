"""What clearing a mirror leads to: the run goes on once, whoever of the cleared mirrors comes first.

::

    latest attempt of the DAG run ── runs, or was started for this clear ──> follow it
            │ has ended
            │  nothing that has succeeded in it was cleared, and the deployed definition is still its own
            ├─────────────────> redrive ── ok, or another mirror was first ──> follow it
            │                      └ impossible
            v                      v
         resume: the next attempt keeps what is done and unchanged and was not cleared ──> follow that

A redrive runs the definition that the execution began with, so that a mended job is resumed
(:mod:`elt_redshift.aws.resuming`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elt_redshift.aws.attempts import latest_attempt
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.execution_status import Execution
from elt_redshift.aws.executions import Executions, NotRedrivableError
from elt_redshift.aws.resuming import Resumer
from elt_redshift.protocol.executions import execution_arn
from elt_redshift.runs.causes import named
from elt_redshift.runs.history import TaskRuns


@dataclass(frozen=True)
class Pursued:
    """The execution to follow.

    :param redrives: older news than those after this many redrives is out of date.
    :param notes: what was done and why, for the log.
    """

    arn: str
    redrives: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cleared:
    """What was cleared.

    :param mirrors: the tasks of each mirror that does not show a success now.
    :param whole: every mirror was cleared, as with the whole DAG run.
    """

    mirrors: tuple[frozenset[str], ...] = ()
    whole: bool = False

    @property
    def everything(self) -> frozenset[str]:
        """All tasks of these mirrors."""
        return frozenset().union(*self.mirrors)

    def open(self, succeeded: frozenset[str], *more: frozenset[str]) -> frozenset[str]:
        """The tasks that are to run: of each mirror those that have not succeeded, or all where all have.

        :param more: the tasks of a mirror that was cleared too.
        """
        return frozenset().union(*(tasks - succeeded or tasks for tasks in (*self.mirrors, *more)))


@dataclass(frozen=True)
class Redriver:
    """How a DAG run's executions go on after a clear.

    :param executions: of the job's state machine.
    :param name: gives the name of the n-th attempt.
    :param parameters: of a new attempt that keeps nothing, should there be need for one.
    :param audit: finds the audit table, or gives None.
    :param token: the same for all tasks that were cleared together: Step Functions takes redrives with one token for
        one, and a resumed execution is told it.
    :param cleared: tells what was cleared; asked once it matters.
    :param redriving: leaves word of a redrive, which an execution does not know the reason of.
    :param redriven: whether somebody has left that word for the same clear.
    """

    executions: Executions
    name: Callable[[int], str]
    parameters: Mapping[str, str]
    audit: Callable[[], AuditStore | None]
    job_id: str
    token: str
    definitions: Definitions
    cleared: Callable[[], Cleared] = Cleared
    redriving: Callable[[], None] = lambda: None
    redriven: Callable[[], bool] = bool

    def start(self, repeated: bool, cleared: bool) -> Pursued:
        """What the start task stands for.

        :param repeated: this try repeats one that was interrupted: what has ended may be its work.
        :param cleared: somebody cleared the task, so that an unsuccessful execution is to go on.
        :raises AwsError: AWS refused a call.
        """
        attempt, latest = latest_attempt(self.executions, self.name)
        if latest and cleared and latest.ended and not self._fulfilled(latest):
            if not latest.succeeded:
                return self._go_on(attempt, latest)  # also when repeated: the token makes it one redrive
            if not repeated and (wanted := self._again(latest)):
                why = f"Tasks of execution {latest.name}, which succeeded, were cleared."
                return self._resume(attempt, latest, why, wanted)
        if latest and (repeated or not latest.ended or (cleared and self._fulfilled(latest))):
            note = f"Attached to execution {latest.arn}, which is {latest.status}"
            return Pursued(latest.arn, latest.redrive_count, (note,))
        arn = self.executions.start(self.name(attempt + 1), self.parameters)
        return Pursued(arn, notes=(f"Started execution {arn}",))

    def mirror(self, tasks: frozenset[str], cleared: bool, started: str = "") -> Pursued:
        """What the mirror of ``tasks`` follows.

        :param started: the execution that the start task pushed.
        :raises AwsError: AWS refused a call, or there is no execution.
        """
        attempt, latest = latest_attempt(self.executions, self.name, started)
        if latest is None:
            return self._anew(attempt + 1, "The DAG run's execution is not there any more.")
        if not cleared or self._fulfilled(latest):
            return Pursued(latest.arn, latest.redrive_count)
        if not latest.ended:
            note = (
                f"Execution {latest.name} still runs. A task that has succeeded in it can run again once it has ended."
            )
            return Pursued(latest.arn, latest.redrive_count, (note,))
        if tasks <= self._succeeded(latest) and self.redriven():
            note = f"Execution {latest.name} was redriven for this clear, and {_told(tasks)} has succeeded in it."
            return Pursued(latest.arn, latest.redrive_count, (note,))
        return self._go_on(attempt, latest, tasks)

    def _fulfilled(self, latest: Execution) -> bool:
        """Whether the execution was started for this clear."""
        return (latest.resumed or {}).get("asked") == self.token

    def _succeeded(self, execution: Execution) -> frozenset[str]:
        runs = TaskRuns()
        self.executions.look(execution.arn, runs)
        return frozenset(run.name for run in runs.all() if run.status == "succeeded")

    def _again(self, latest: Execution) -> frozenset[str]:
        """What is to run where some of the tasks that have succeeded were cleared, but not others; else nothing."""
        succeeded = self._succeeded(latest)
        wanted = self.cleared().open(succeeded)
        return wanted if wanted & succeeded and succeeded - wanted else frozenset()

    def _go_on(self, attempt: int, latest: Execution, tasks: frozenset[str] = frozenset()) -> Pursued:
        """Let attempt number ``attempt`` go on, which has ended.

        :param tasks: those of a mirror that was cleared; none: it is the start task that was.
        :raises AwsError: AWS refused a call.
        """
        cleared, succeeded = self.cleared(), self._succeeded(latest)
        wanted = cleared.everything if cleared.whole and not tasks else cleared.open(succeeded, tasks)
        if again := sorted(wanted & succeeded):
            return self._resume(attempt, latest, f"Cleared although done: {named(again)}.", wanted)
        if latest.skipped:
            return self._resume(attempt, latest, f"Execution {latest.name} met the job locked.", wanted)
        differs, notes = self._differs(latest)
        if differs:
            why = f"The job was deployed anew since execution {latest.name} began, which a redrive would not see."
            return self._resume(attempt, latest, why, wanted)
        if latest.succeeded:
            note = f"Nothing is left to do: execution {latest.name} succeeded without {_told(tasks)}."
            return Pursued(latest.arn, latest.redrive_count, (note,))
        try:
            return self._redrive(latest, notes)
        except NotRedrivableError as error:
            now = self.executions.describe(latest.arn)
            if not now.ended or now.succeeded or now.redrive_count > latest.redrive_count:
                followed = f"Execution {latest.name} was redriven by somebody else meanwhile."
                return Pursued(latest.arn, now.redrive_count, (followed,))
            return self._resume(attempt, latest, str(error), wanted)

    def _differs(self, latest: Execution) -> tuple[bool, tuple[str, ...]]:
        """Whether another definition is deployed now; and what to say where nobody may look."""
        try:
            return self._resumer.differs(latest), ()
        except AwsError as error:
            return False, (f"Whether the job was deployed anew since cannot be told: {error}",)

    def _redrive(self, latest: Execution, notes: tuple[str, ...]) -> Pursued:
        """
        :raises NotRedrivableError: it cannot be redriven.
        """
        self.redriving()
        redrives = self.executions.redrive(latest.arn, self.audit(), self.job_id, self.token)
        if redrives == latest.redrive_count:
            note = f"Execution {latest.name} was redriven for this clear already, and has ended again."
        else:
            note = (
                f"Execution {latest.name} was redriven (redrive {redrives}). It goes on with everything that has not "
                f"succeeded: {self._unsuccessful(latest)}. Mirrors of these that stay failed show the attempt before; "
                "clear them too."
            )
        return Pursued(latest.arn, redrives, (*notes, note))

    def _unsuccessful(self, execution: Execution) -> str:
        runs = TaskRuns()
        self.executions.look(execution.arn, runs)
        return named([run.name for run in runs.all() if run.status != "succeeded"]) or "its lock"

    def _resume(self, attempt: int, latest: Execution, why: str, wanted: frozenset[str]) -> Pursued:
        name = self.name(attempt + 1)
        arn, resumption = self._resumer.resume(latest, name, self.token, wanted, self.parameters)
        begins = f"{why} So attempt {attempt + 1} of this DAG run goes on with its work: execution {name}"
        return Pursued(arn, notes=(begins, *resumption.told()))

    @property
    def _resumer(self) -> Resumer:
        return Resumer(self.executions, self.definitions, self.audit, self.job_id)

    def _anew(self, attempt: int, why: str) -> Pursued:
        name = self.name(attempt)
        note = f"{why} So attempt {attempt} of this DAG run takes its place and runs all tasks from the start: {name}"
        try:
            return Pursued(self.executions.start(name, self.parameters), notes=(note,))
        except AwsError as error:
            if error.code != "ExecutionAlreadyExists":
                raise
            return Pursued(execution_arn(self.executions.state_machine_arn, name), notes=(note,))


def _told(tasks: frozenset[str]) -> str:
    """The tasks of a mirror, for people."""
    if len(tasks) == 1:
        return f"task {next(iter(tasks))}"
    return f"each of {len(tasks)} tasks" if tasks else "more tasks"


def clear_token(dag_id: str, run_id: str, clear_number: int) -> str:
    """The client token of the redrive that one clear leads to: 1 to 64 of printable ASCII's characters."""
    return hashlib.sha256(f"{dag_id}\n{run_id}\n{clear_number}".encode()).hexdigest()
