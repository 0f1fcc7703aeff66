"""Stop an execution for good: the execution, those of its parts, the statements that they left in the database, and the
audit item."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from elt_redshift.aws.audit import AuditStore, NotOwnerError
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.statements import Statements
from elt_redshift.protocol import statements
from elt_redshift.protocol.audit import NO_TASK, RELEASED
from elt_redshift.protocol.owners import Owner
from elt_redshift.runs.history import TaskRun, TaskRuns

log = logging.getLogger(__name__)


def stop_and_settle(
    executions: Executions, data: Statements, audit: AuditStore | None, job_id: str, execution_arn: str, cause: str
) -> bool:
    """Stop a running execution and its parts, cancel their statements, and let its lock go: the next run may start.

    Only the first step can fail. What the others leave undone is done by the next run of the job, which cancels a
    dead owner's statements and takes its lock over.

    :param data: without the right to cancel, statements go on until then.
    :param audit: None: the item stays as it is.
    :param cause: who stopped it and why; shown in consoles and in the audit item.
    :return: whether it was stopped; False: it had ended.
    :raises AwsError: it could not be stopped.
    """
    if executions.describe(execution_arn).ended:
        log.info("Execution %s has ended already", execution_arn)
        return False
    executions.stop(execution_arn, cause)
    log.info("Stopped execution %s: %s", execution_arn, cause)
    running = _running(executions, execution_arn, cause)
    prefix = "".join(statements.beginning(job_id, Owner(execution_arn).label))
    for statement in dict.fromkeys([*filter(None, running.values()), *_listed(data, prefix)]):
        _cancel(data, statement)
    if audit is not None:
        _settle(audit, job_id, execution_arn, running, cause)
    return True


def _running(executions: Executions, execution_arn: str, cause: str) -> dict[str, str | None]:
    """What was running: tasks and, where the history knows it, their statements. It does not while the call that
    submits a statement waits for its end. The run's parts are stopped before that is known: Step Functions does so,
    too, but does not say whether it succeeded."""
    runs = TaskRuns()
    tasks = _tasks(executions, execution_arn, runs)
    if parts := [arn for arn, part in runs.parts.items() if not part.succeeded]:
        for arn in parts:
            _stop_part(executions, arn, cause)
        tasks = _tasks(executions, execution_arn, runs)
    running = [run for run in tasks if run.status in ("running", "aborted")]
    return {run.name: statements.submitted(run.statement_id) for run in running}


def _tasks(executions: Executions, execution_arn: str, runs: TaskRuns) -> tuple[TaskRun, ...]:
    try:
        return executions.look(execution_arn, runs).tasks
    except AwsError as error:
        log.warning("What %s was running is not known: %s", execution_arn, error)
        return ()


def _stop_part(executions: Executions, execution_arn: str, cause: str) -> None:
    try:
        executions.stop(execution_arn, cause)
    except AwsError as error:  # it has not been started, perhaps; or the right is missing
        log.info("Part %s was not stopped: %s", execution_arn, error)


def _listed(data: Statements, prefix: str) -> list[str]:
    """The open statements with names that begin with ``prefix``; none where Airflow's role is another than the state
    machine's."""
    try:
        return data.still_open(prefix)
    except AwsError as error:
        log.info("Statements cannot be listed: %s", error)
        return []


def _cancel(data: Statements, statement: str) -> None:
    try:
        cancelled = data.cancel(statement)
    except AwsError as error:  # the right may be missing
        log.info("Statement %s was not cancelled: %s", statement, error)
        return
    log.info("Cancelled statement %s" if cancelled else "Statement %s had ended, and was not cancelled", statement)


def _settle(audit: AuditStore, job_id: str, execution_arn: str, running: Mapping[str, str | None], cause: str) -> None:
    task, statement = next(iter(running.items()), (NO_TASK, None))
    try:
        audit.record_failure(
            job_id,
            execution_arn,
            task=task,
            statement=statement or statements.NO_STATEMENT,
            message=cause,
            after=RELEASED,
        )
        log.info("The lock of job %s is free for its next run", job_id)
    except NotOwnerError as error:
        log.info("There is no lock to let go: %s", error)
    except AwsError as error:
        log.warning("The lock of job %s is left to the next run, which takes it over: %s", job_id, error)


def stopped_by(
    dag_id: str, run_id: str, task_id: str, why: str = "it, or its run, was marked as failed or ran out of time"
) -> str:
    """Who stopped an execution in Airflow, and why, for consoles and the audit item."""
    return f"Airflow ended task {task_id} of run {run_id} of DAG {dag_id}: {why}."
