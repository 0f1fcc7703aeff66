"""The function that runs SQL: it submits a statement and waits until that has ended, and makes the other calls about
statements that the state machine asks for.

An invocation can come twice, or end at any moment. A submission that is made again has the same ``ClientToken``, so it
is the same statement; and whoever waits has nothing to lose. One that arrives late is refused: its state machine may
have ended, and the next run have looked for what it has left (``docs/adr/0016``).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from elt_redshift.functions.calling import Answer, call, named
from elt_redshift.protocol.limits import LONG_POLL
from elt_redshift.protocol.owners import GRACE
from elt_redshift.protocol.statements import OPEN, SUBMITTED

#: What it does, and nothing else; the first two submit.
SUBMISSIONS = ("ExecuteStatement", "BatchExecuteStatement")
OPERATIONS = (*SUBMISSIONS, "DescribeStatement", "ListStatements", "CancelStatement")
PREFIX = "RedshiftData"

#: A submission that arrives so many seconds after it was sent, or later, is refused.
LATE = GRACE // 2
#: The last seconds of an invocation, in which nothing is waited for any more: a look may take longer than it asks for.
MARGIN = 50.0
#: Looks are at least so far apart, in seconds, should the Data API not wait.
PAUSE = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SqlFunction:
    """The function with what it needs of the world.

    :param data: boto3's client of the Data API.
    :param clock: gives seconds since the epoch.
    """

    data: Any
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def answer(self, event: Mapping[str, Any], seconds: float) -> Answer:
        """Make a call.

        :param event: ``operation``; the ``request`` as the Data API takes it; and of a submission ``sent``, in epoch
            milliseconds, and how many seconds to ``wait`` for the statement's end.
        :param seconds: for which the invocation may go on.
        :raises Exception: the Data API's error, by the name that a state machine knows.
        """
        operation, request = event["operation"], event["request"]
        assert operation in OPERATIONS
        if operation not in SUBMISSIONS:
            return call(self.data, PREFIX, operation, request)
        end = self.clock() + seconds
        if self.clock() - event["sent"] / 1000 >= LATE:
            raise named(f"{PREFIX}.ServiceUnavailableException", f"The submission was under way for {LATE} s or more.")
        submitted = call(self.data, PREFIX, operation, request)
        since = _epoch(submitted.get("CreatedAt")) or self.clock()
        status = self._end_of(submitted, min(end - MARGIN, since + event["wait"]))
        return {**submitted, "Status": status, "SubmittedAt": int(since * 1000)}

    def _end_of(self, submitted: Answer, deadline: float) -> str:
        """The status of a statement when it has ended, or at the deadline. It is there: no error of a look counts."""
        status = str(submitted.get("Status", SUBMITTED))
        while status in OPEN and (left := deadline - self.clock()) > 0:
            begun = self.clock()
            try:
                request = {"Id": submitted["Id"], "WaitTimeSeconds": min(LONG_POLL, math.ceil(left))}
                status = str(call(self.data, PREFIX, "DescribeStatement", request)["Status"])
            except Exception:
                log.warning("the statement %s could not be looked at", submitted["Id"], exc_info=True)
            if status in OPEN:
                self.sleep(max(0.0, PAUSE - (self.clock() - begun)))
        return status


def handler(event: Mapping[str, Any], context: Any) -> Answer:
    """What Lambda calls; see :meth:`SqlFunction.answer`."""
    return of_warehouse().answer(event, context.get_remaining_time_in_millis() / 1000)


@cache
def of_warehouse() -> SqlFunction:
    """The function with AWS's own Data API."""
    import boto3
    from botocore.config import Config

    from elt_redshift.aws.old_botocore import teach_batches, teach_long_polling

    # A call that was sent is not sent again behind the state machine's back: that retries itself, as long as it runs.
    config = Config(connect_timeout=5, read_timeout=LONG_POLL + 10, retries={"total_max_attempts": 1})
    client = boto3.client("redshift-data", config=config)
    teach_batches(client)
    teach_long_polling(client)
    return SqlFunction(client)


def _epoch(text: Any) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
