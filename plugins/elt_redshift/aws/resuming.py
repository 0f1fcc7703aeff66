"""Letting a run go on where a redrive cannot: by a new execution that keeps what the earlier one has done.

The state machine's part is :mod:`elt_redshift.asl.patterns.resumption`, and ``docs/adr/0011-resumption.md`` has the
interleavings. ::

    reserve   the item that the earlier execution holds, for the new one by its name, if it holds it
    read      what the earlier one has done: by then nothing more can come of it without the lock
    start     the new one, which alone takes the lock over

A crash in between leaves the item with its owner, as it was; who repeats this reserves it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from elt_redshift.aws.audit import AuditStore, utc_now
from elt_redshift.aws.audit_item import LockedError
from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.errors import DENIED, AwsError
from elt_redshift.aws.execution_status import Execution
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.resumption import Resumption, plan
from elt_redshift.protocol.audit import Assumption
from elt_redshift.protocol.executions import execution_arn
from elt_redshift.protocol.limits import MAX_PAYLOAD
from elt_redshift.runs.history import TaskRun, TaskRuns

#: Errors that another try would only repeat: the right to read definitions is missing, or the old one is gone.
UNREADABLE = (*DENIED, "ExecutionDoesNotExist", "NoSuchKey")

#: What an input may say of who started it: Airflow's names of a DAG and its run have 250 characters each.
STARTER_BYTES = 4_000


@dataclass(frozen=True)
class Resumer:
    """Starts executions that resume others.

    :param executions: of the job's state machine.
    :param audit: finds the audit table, or gives None; then the new execution gets a held lock only where the job's
        policy lets go of it.
    :param assumed: what to take tasks for of which nobody can know whether they are done.
    :param now: the clock.
    """

    executions: Executions
    definitions: Definitions
    audit: Callable[[], AuditStore | None]
    job_id: str
    assumed: Mapping[str, Assumption] = field(default_factory=dict)
    now: Callable[[], datetime] = utc_now

    def differs(self, origin: Execution) -> bool:
        """Whether another definition is deployed than ``origin`` runs.

        :raises AwsError: AWS refused a call.
        """
        deployed = self.definitions.deployed(self.executions.state_machine_arn)
        return deployed.text != self.definitions.of_run(origin.arn).text

    def resume(
        self,
        origin: Execution,
        name: str,
        asked: str,
        cleared: Collection[str] = (),
        anew_with: Mapping[str, str] | None = None,
        anew: str | None = None,
    ) -> tuple[str, Resumption]:
        """Start the execution ``name``, which goes on with the work of ``origin``; gives its ARN.

        Whoever else starts it meanwhile, under the same name, has the same in mind.

        :param asked: tells this wish from others.
        :param anew_with: the parameters where nothing is kept; otherwise, and by default, they are those of ``origin``.
        :param anew: keep nothing, for this reason.
        :raises AwsError: AWS refused a call.
        :raises UnknowableError: nobody can know, or has said, whether some of its tasks are done.
        """
        arn = execution_arn(self.executions.state_machine_arn, name)
        self._reserve(origin, arn)
        resumption = self._plan(origin, cleared, anew)
        if _size(origin.parameters, resumption.given(asked)) > MAX_PAYLOAD - STARTER_BYTES:
            resumption = Resumption(origin, resumption.prints, anew="there are more tasks than an input can name.")
        values = origin.parameters if anew_with is None or resumption.keeps else anew_with
        try:
            self.executions.start(name, values, resumption.given(asked))
        except AwsError as error:
            if error.code != "ExecutionAlreadyExists":
                raise
        return arn, resumption

    def _reserve(self, origin: Execution, arn: str) -> None:
        store = self.audit()
        item = store.read(self.job_id) if store else None
        if store and item and item.owner == origin.arn:
            with suppress(LockedError):  # somebody else has it now: the new execution meets that as any other does
                store.reserve(item, arn)

    def _plan(self, origin: Execution, cleared: Collection[str], anew: str | None) -> Resumption:
        if anew:
            return Resumption(origin, {}, anew=anew)
        try:
            new = self.definitions.deployed(self.executions.state_machine_arn)
            old = self.definitions.of_run(origin.arn)
        except AwsError as error:
            if error.code not in UNREADABLE:
                raise
            return Resumption(origin, {}, anew=f"what is unchanged cannot be told: {error}.")
        upstream = None if old.prints is None else {name: one.upstream for name, one in old.prints.items()}
        runs = self._runs(origin, TaskRuns(upstream))
        return plan(origin, runs, old, new, cleared).assuming(runs, self.assumed, self.now())

    def _runs(self, origin: Execution, runs: TaskRuns) -> tuple[TaskRun, ...]:
        """The tasks of an execution. Where what tells of them is not there any more, since the stack has got another
        layout - the machine of a part, or in the map layout the table of joins - any task may have run: the new
        execution looks for its statement, as for those that had begun."""
        found = self.executions.look(origin.arn, runs).tasks
        return tuple(
            replace(run, status="aborted", since=origin.started) if runs.lost and run.status == "waiting" else run
            for run in found
        )


def _size(parameters: Mapping[str, str], resume: Mapping[str, Any]) -> int:
    return len(json.dumps({"parameters": dict(parameters), "resume": resume}).encode())
