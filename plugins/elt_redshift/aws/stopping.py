"""Stop an execution for good: the execution, the statements that it left in the database, and the audit item."""

from __future__ import annotations

import logging
from typing import Any

from elt_redshift.asl.history import TaskRuns
from elt_redshift.aws.audit import AuditStore, NotOwnerError
from elt_redshift.aws.calls import AwsError, aws_errors
from elt_redshift.aws.executions import Executions

log = logging.getLogger(__name__)


def stop_and_settle(
    executions: Executions, data_api: Any, audit: AuditStore | None, job_id: str, execution_arn: str, cause: str
) -> bool:
    """Stop a running execution, cancel its statements, and let its lock go, so that the next run starts.

    Only the first step can fail. What the others leave undone is done by the next run of the job, which cancels a
    dead owner's statements and takes its lock over.

    :param data_api: a boto3 client of the Data API; without the right to cancel, statements go on until then.
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
    statements = _cancel(executions, data_api, execution_arn)
    if audit is not None:
        _settle(audit, job_id, execution_arn, statements, cause)
    return True


def _cancel(executions: Executions, data_api: Any, execution_arn: str) -> list[tuple[str, str]]:
    """Cancel what was running; gives task and statement. The history knows the statements: a listing would show a
    caller only those of its own role (https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html).
    """
    try:
        tasks = executions.look(execution_arn, TaskRuns()).tasks
    except AwsError as error:
        log.warning("The statements of %s are not known and left to the next run: %s", execution_arn, error)
        return []
    running = [(run.name, run.statement_id) for run in tasks if run.status in ("running", "aborted")]
    left = [(task, statement) for task, statement in running if statement not in (None, "none")]
    for task, statement in left:
        try:
            with aws_errors(f"statement {statement}"):
                data_api.cancel_statement(Id=statement)
            log.info("Cancelled statement %s of task %s", statement, task)
        except AwsError as error:  # it may have ended by itself, or the right is missing
            log.info("Statement %s of task %s was not cancelled: %s", statement, task, error)
    return [(task, statement or "none") for task, statement in left]


def _settle(audit: AuditStore, job_id: str, execution_arn: str, statements: list[tuple[str, str]], cause: str) -> None:
    task, statement = statements[0] if statements else ("none", "none")
    try:
        audit.record_failure(job_id, execution_arn, task=task, statement=statement, message=cause, after="release")
        log.info("The lock of job %s is free for its next run", job_id)
    except NotOwnerError as error:
        log.info("There is no lock to let go: %s", error)
    except AwsError as error:
        log.warning("The lock of job %s is left to the next run, which takes it over: %s", job_id, error)


def stopped_by(dag_id: str, run_id: str, task_id: str) -> str:
    """Who stopped an execution in Airflow, for consoles and the audit item."""
    return f"Stopped by Airflow: task {task_id} of run {run_id} of DAG {dag_id} was failed."
