"""What clearing a mirror leads to: at most one redrive, whoever of the cleared mirrors comes first.

::

    latest attempt of the DAG run ── runs ─────────────────────────────> follow it
                    │ has ended
                    ├── this mirror's task has succeeded in it, or it succeeded ──> show that, and say so
                    └── otherwise: redrive ── ok, or another mirror was first ──> follow it
                                      └───── impossible ──> start the next attempt, and follow that
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elt_redshift.asl.history import TaskRuns
from elt_redshift.aws.attempts import execution_arn, latest_attempt
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.calls import AwsError
from elt_redshift.aws.executions import Execution, Executions, NotRedrivableError


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
class Redriver:
    """How a DAG run's executions go on after a clear.

    :param executions: of the job's state machine.
    :param name: gives the name of the n-th attempt.
    :param parameters: of a new attempt, should there be need for one.
    :param audit: finds the audit table, or gives None.
    :param token: the same for all tasks that were cleared together: Step Functions takes redrives with one token for
        one.
    """

    executions: Executions
    name: Callable[[int], str]
    parameters: Mapping[str, str]
    audit: Callable[[], AuditStore | None]
    job_id: str
    token: str

    def start(self, repeated: bool, cleared: bool) -> Pursued:
        """What the start task stands for.

        :param repeated: this try repeats one that was interrupted: what has ended may be its work.
        :param cleared: somebody cleared the task, so that an unsuccessful execution is to go on.
        :raises AwsError: AWS refused a call.
        """
        attempt, latest = latest_attempt(self.executions, self.name)
        if latest and cleared and latest.ended and latest.status != "SUCCEEDED":
            return self.redrive(attempt, latest)  # also when repeated: the token makes it one redrive
        if latest and (repeated or not latest.ended):
            note = f"Attached to execution {latest.arn}, which is {latest.status}"
            return Pursued(latest.arn, latest.redrive_count, (note,))
        arn = self.executions.start(self.name(attempt + 1), self.parameters)
        return Pursued(arn, notes=(f"Started execution {arn}",))

    def mirror(self, task: str, cleared: bool, started: str = "") -> Pursued:
        """What the mirror of ``task`` follows.

        :param started: the execution that the start task pushed.
        :raises AwsError: AWS refused a call, or there is no execution.
        """
        attempt, latest = latest_attempt(self.executions, self.name, started)
        if latest is None:
            return self._anew(attempt + 1, "The DAG run's execution is not there any more.")
        if not cleared or not latest.ended:
            return Pursued(latest.arn, latest.redrive_count)
        runs = TaskRuns((task,))
        self.executions.look(latest.arn, runs)
        if runs[task].status == "succeeded":
            note = (
                f"Nothing to redrive: task {task} succeeded in execution {latest.name} (statement "
                f"{runs[task].statement_id}). To run it again, clear the whole run once it has succeeded."
            )
            return Pursued(latest.arn, latest.redrive_count, (note,))
        if latest.status == "SUCCEEDED":
            note = f"Nothing to redrive: execution {latest.name} succeeded. To run the job again, clear the whole run."
            return Pursued(latest.arn, latest.redrive_count, (note,))
        return self.redrive(attempt, latest)

    def redrive(self, attempt: int, latest: Execution) -> Pursued:
        """Let attempt number ``attempt`` go on, which ended unsuccessfully; or start the next one.

        :raises AwsError: AWS refused a call.
        """
        try:
            redrives = self.executions.redrive(latest.arn, self.audit(), self.job_id, self.token)
        except NotRedrivableError as error:
            now = self.executions.describe(latest.arn)
            if not now.ended or now.status == "SUCCEEDED" or now.redrive_count > latest.redrive_count:
                note = f"Execution {latest.name} was redriven by somebody else meanwhile."
                return Pursued(latest.arn, now.redrive_count, (note,))
            return self._anew(attempt + 1, str(error))
        if redrives == latest.redrive_count:
            note = f"Execution {latest.name} was redriven for this clear already, and has ended again."
        else:
            unsuccessful = self._unsuccessful(latest)
            note = (
                f"Redrove execution {latest.name}, for the {redrives}. time. It goes on with everything that has not "
                f"succeeded: {unsuccessful}. Mirrors of these that stay failed show the time before; clear them too."
            )
        return Pursued(latest.arn, redrives, (note,))

    def _unsuccessful(self, execution: Execution) -> str:
        runs = TaskRuns()
        self.executions.look(execution.arn, runs)
        return ", ".join(run.name for run in runs.all() if run.status != "succeeded") or "its lock"

    def _anew(self, attempt: int, why: str) -> Pursued:
        name = self.name(attempt)
        note = f"{why} So attempt {attempt} of this DAG run takes its place and runs all tasks from the start: {name}"
        try:
            return Pursued(self.executions.start(name, self.parameters), notes=(note,))
        except AwsError as error:
            if error.code != "ExecutionAlreadyExists":
                raise
            return Pursued(execution_arn(self.executions.state_machine_arn, name), notes=(note,))


def clear_token(dag_id: str, run_id: str, clear_number: int) -> str:
    """The client token of the redrive that one clear leads to: 1 to 64 of printable ASCII's characters."""
    return hashlib.sha256(f"{dag_id}\n{run_id}\n{clear_number}".encode()).hexdigest()
