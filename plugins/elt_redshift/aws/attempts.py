"""The executions of a DAG run: attempt 1, attempt 2, … Their names are made of the run's ids, so that everybody who
knows those finds them again, whatever else was lost."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial

from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.execution_status import Execution
from elt_redshift.aws.executions import Executions
from elt_redshift.protocol.executions import execution_arn
from elt_redshift.protocol.limits import MAX_NAME

#: Names are taken for 90 days; a DAG run that was cleared this often within them has other problems.
MAX_ATTEMPTS = 1000


def run_execution_name(dag_id: str, run_id: str, start_task_id: str, attempt: int) -> str:
    """The name of a DAG run's execution: readable, at most 80 of the characters that Step Functions allows, and made
    unique by a hash, because different ids can look alike once they are cut and cleaned.

    :param start_task_id: the task that starts it: a DAG may start one job several times.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    digest = hashlib.sha256(f"{dag_id}\n{run_id}\n{start_task_id}".encode()).hexdigest()[:10]
    end = f"-{digest}-{attempt}"
    return re.sub("[^A-Za-z0-9_.-]", "_", f"{dag_id}-{run_id}")[: MAX_NAME - len(end)] + end


def latest_attempt(
    executions: Executions, name: Callable[[int], str], started: str = ""
) -> tuple[int, Execution | None]:
    """The DAG run's newest execution and its number; 0 and None when there is none.

    :param started: the ARN of one that was started. DescribeExecution is eventually consistent: it may know older ones
        and not yet that.
    :raises AwsError: AWS refused a call, or does not know ``started`` yet.
    """
    latest: Execution | None = None
    for attempt in range(1, MAX_ATTEMPTS + 1):
        found = _find(executions, name(attempt))
        if found is None:
            if latest and started.endswith(f":{name(attempt)}"):
                raise AwsError(f"execution {started}", "ExecutionDoesNotExist", "It does not show yet.")
            return attempt - 1, latest
        latest = found
    return MAX_ATTEMPTS, latest


def latest_of_run(
    executions: Executions, dag_id: str, run_id: str, start_task_id: str, started: str = ""
) -> Execution | None:
    """The newest execution of a DAG run; None when there is none. As :func:`latest_attempt` otherwise."""
    return latest_attempt(executions, partial(run_execution_name, dag_id, run_id, start_task_id), started)[1]


def _find(executions: Executions, name: str) -> Execution | None:
    try:
        return executions.describe(execution_arn(executions.state_machine_arn, name))
    except AwsError as error:
        if error.code == "ExecutionDoesNotExist":
            return None
        raise


def machine_arn(execution: str) -> str:
    """The ARN of the state machine, without version or alias, of an execution's ARN."""
    return execution.rpartition(":")[0].replace(":execution:", ":stateMachine:")
