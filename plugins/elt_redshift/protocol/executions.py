"""The statuses of an execution of a state machine, and how long it is followed.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

RUNNING: Final = "RUNNING"
PENDING_REDRIVE: Final = "PENDING_REDRIVE"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
TIMED_OUT: Final = "TIMED_OUT"
ABORTED: Final = "ABORTED"

#: In these it runs, or is about to go on: it has what it holds.
ALIVE = (RUNNING, PENDING_REDRIVE)

#: In these nothing more happens, unless it is redriven.
ENDED = frozenset({SUCCEEDED, FAILED, TIMED_OUT, ABORTED})

#: The member of an execution's input that says who or what started it.
STARTED_BY = "started_by"

#: An execution runs for a year at most; a load that takes longer than this is not followed any more.
MAX_FOLLOW = timedelta(days=7)


def execution_arn(state_machine_arn: str, name: str) -> str:
    """The ARN of an execution; the state machine's may end in a version or an alias."""
    prefix, _, machine = state_machine_arn.partition(":stateMachine:")
    return f"{prefix}:execution:{machine.partition(':')[0]}:{name}"
