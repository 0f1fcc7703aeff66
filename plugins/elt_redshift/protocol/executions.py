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

#: An execution runs for a year at most; a load that takes longer than this is not followed any more.
MAX_FOLLOW = timedelta(days=7)
