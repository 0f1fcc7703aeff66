"""What ``elt-redshift redrive`` does: find the run that is to go on, and let it, by a redrive or by a resumption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.execution_status import Execution, execution_name
from elt_redshift.aws.executions import Executions, NotRedrivableError
from elt_redshift.aws.resuming import Resumer
from elt_redshift.exceptions import EltError
from elt_redshift.job.findings import did_you_mean
from elt_redshift.job.model import EltJob
from elt_redshift.operators.drift import drift
from elt_redshift.protocol.audit import FAILED, Assumption
from elt_redshift.protocol.owners import Owner
from elt_redshift.runs.causes import named
from elt_redshift.runs.history import TaskRuns


@dataclass(frozen=True)
class Continuation:
    """How runs of a job go on.

    :param again: tasks to run again although they are done.
    :param from_start: keep nothing.
    :param assumed: what to take tasks for of which nobody can know whether they are done.
    :param by: who says so.
    """

    job: EltJob
    executions: Executions
    audit: AuditStore
    definitions: Definitions
    again: Sequence[str] = ()
    from_start: bool = False
    assumed: Mapping[str, Assumption] = field(default_factory=dict)
    by: str = ""

    def go_on(self, run: str | None) -> str:
        """Let a run, by its name or its ARN (default: see :meth:`_find`), go on; gives the ARN of the execution that
        does.

        :raises EltError: there is none, or it cannot go on.
        """
        self._check_names()
        origin = self.executions.named(run, self.job.name) if run else self._find()
        if not origin.ended:
            raise EltError(f"Execution {origin.name} is {origin.status}. Stop it, or wait for its end.")
        self._warn_of_drift()
        why = self._why_not_redrive(origin)
        if why is None:
            try:
                self._assume(origin)
                self.executions.redrive(origin.arn, self.audit, self.job.job_id)
            except NotRedrivableError as error:
                why = error.reason
            else:
                print(f"Redriving {origin.arn}")
                return origin.arn
        return self._resume(origin, why)

    def _check_names(self) -> None:
        for option, task in [
            *(("--rerun", task) for task in self.again),
            *(("--assume", task) for task in self.assumed),
        ]:
            if task not in self.job.task_names:
                remedy = did_you_mean(task, self.job.task_names)
                raise EltError(f"{option}: There is no task '{task}' in job '{self.job.name}'. {remedy}")

    def _assume(self, origin: Execution) -> None:
        """Write down what to take tasks for, where the redriven execution sees it."""
        if not self.assumed:
            return
        item = self.audit.read(self.job.job_id)
        if item is None or item.owner != origin.arn or item.state != FAILED:
            state = "has no item" if item is None else f"is {item.state}, held by {item.owner or 'nobody'}"
            raise EltError(f"--assume: Job {self.job.job_id} {state}, so {origin.name} has left nothing to be assumed.")
        self.audit.assume(item, origin.name, origin.redrive_count + 1, self.assumed, by=self.by)

    def _find(self) -> Execution:
        """The execution that holds the lock; without one, the newest that did any work."""
        item = self.audit.read(self.job.job_id)
        if item is not None and not item.free and item.owner:
            if item.owner.is_execution:
                return self.executions.named(item.owner, self.job.name)
            raise EltError(
                f"Job {item.job_id} is {item.state}, held by {item.owner}, which is no execution. "
                f"{_elsewhere(item.owner)}, or name an execution with --execution."
            )
        for one in self.executions.recent():
            described = self.executions.describe(one.arn)
            if not self._did_nothing(described):
                return self._newest(described)
        raise EltError(f"Job {self.job.name} has not run yet. Start it with `elt-redshift run {self.job.name}`.")

    def _newest(self, execution: Execution) -> Execution:
        """A newer run may have replaced what an older one loaded, so that one is let go on only by its name."""
        if execution.succeeded and not (self.again or self.from_start):
            raise EltError(
                f"There is nothing to redrive: the newest run of job {self.job.name}, {execution.name}, succeeded. To "
                "run some of its tasks again, name them with --rerun; to let an older run go on, give --execution."
            )
        return execution

    def _did_nothing(self, execution: Execution) -> bool:
        """Whether it met the job locked."""
        runs = TaskRuns()
        return bool(execution.skipped) or (self.executions.look(execution.arn, runs).did_nothing and execution.ended)

    def _warn_of_drift(self) -> None:
        deployed = self.executions.state_machine_arn
        if found := drift(self.job, self.definitions.deployed(deployed)):
            print(f"The job's files are not what is deployed, and what is deployed runs: {found.words}.")

    def _why_not_redrive(self, origin: Execution) -> str | None:
        if self.from_start:
            return "Nothing is to be kept."
        if self.again:
            return f"{named(self.again)} is to run again."
        if origin.succeeded:
            raise EltError(f"Execution {origin.name} succeeded. Name the tasks that are to run again with --rerun.")
        try:
            differs = self._resumer.differs(origin)
        except AwsError as error:
            print(f"Whether the job was deployed anew since cannot be told: {error}")
            return None
        return (
            f"The job was deployed anew since {origin.name} began, which a redrive would not see." if differs else None
        )

    def _resume(self, origin: Execution, why: str) -> str:
        name = execution_name(f"{self.job.name}-resumed", datetime.now(UTC))
        anew = "--from-start asks for it." if self.from_start else None
        arn, resumption = self._resumer.resume(origin, name, name, self.again, anew=anew)
        print(f"{why} So {origin.name} is not redriven; a new execution goes on with its work:")
        for line in resumption.told():
            print(f"  {line}")
        print(f"Started {arn}")
        return arn

    @property
    def _resumer(self) -> Resumer:
        return Resumer(self.executions, self.definitions, lambda: self.audit, self.job.job_id, self.assumed)


def _elsewhere(owner: Owner) -> str:
    """How the lock of one that is no execution is dealt with."""
    return "Clear the failed tasks of that DAG run" if owner.is_dag_run else "Free it with `elt-redshift unlock`"
