"""The executions of the parts of a run that has ended: they go on where Step Functions did not stop them with it.

The state machine deals with them alike (:mod:`elt_redshift.asl.patterns.left_parts`).
"""

from __future__ import annotations

import json
import logging
from typing import Any

from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.protocol import executions, parts
from elt_redshift.protocol.owners import Owner

log = logging.getLogger(__name__)

#: The run is forgotten, and its parts were so before it; or their machine was removed, and they with it.
_GONE = ("ExecutionDoesNotExist", "StateMachineDoesNotExist")


def stop_left(client: Any, run: Owner) -> bool:
    """Stop those that run; gives whether there were any. What these have under way may still take effect.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineForExecution.html

    :param client: a boto3 client of ``stepfunctions``.
    :param run: the run, whose definition names its parts.
    :raises AwsError: AWS refused a call, so that nobody can tell what goes on.
    """
    return sum(_stopped(client, arn) for arn in _of_run(client, run)) > 0  # all of them, not the first one only


def _of_run(client: Any, run: Owner) -> list[str]:
    try:
        with aws_errors(f"execution {run}"):
            told = client.describe_state_machine_for_execution(executionArn=run)
    except AwsError as error:
        if error.code in _GONE:
            return []
        raise
    return [*parts.executions(json.loads(told["definition"]), run.short).values()]


def _stopped(client: Any, arn: str) -> bool:
    try:
        with aws_errors(f"execution {arn}"):
            if client.describe_execution(executionArn=arn)["status"] not in executions.ALIVE:
                return False
            client.stop_execution(executionArn=arn, error="Stopped", cause="Its run has ended.")
    except AwsError as error:
        if error.code in _GONE:
            return False
        raise
    log.info("Stopped %s, which its run had left", arn)
    return True
