"""What Step Functions tells of an execution, and what its history tells of its tasks.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from elt_redshift.protocol.executions import ENDED, STARTED_BY, SUCCEEDED
from elt_redshift.protocol.limits import MAX_NAME
from elt_redshift.runs.history import TaskRun


@dataclass(frozen=True)
class Execution:
    """An execution as Step Functions describes it. ``status`` is RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or
    PENDING_REDRIVE."""

    arn: str
    name: str
    status: str
    started: datetime
    stopped: datetime | None = None
    error: str | None = None
    cause: str | None = None
    redrive_count: int = 0
    redrive_date: datetime | None = None
    redrive_status: str | None = None
    redrive_reason: str | None = None
    output: str | None = None
    input: str | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def succeeded(self) -> bool:
        return self.status == SUCCEEDED

    @property
    def skipped(self) -> str | None:
        """Why it did nothing: the job was locked. None for a run that did its work."""
        result = json.loads(self.output) if self.output else None
        return result.get("skipped") if isinstance(result, dict) else None

    @property
    def parameters(self) -> dict[str, str]:
        """The values that it was started with."""
        given = self._given.get("parameters")
        return given if isinstance(given, dict) else {}

    @property
    def resumed(self) -> dict[str, Any] | None:
        """What it was told of the earlier execution it goes on with (:mod:`elt_redshift.asl.patterns.resumption`)."""
        given = self._given.get("resume")
        return given if isinstance(given, dict) else None

    @property
    def started_by(self) -> str | None:
        """Who or what started it, if its input tells that."""
        by = self._given.get(STARTED_BY)
        return by if isinstance(by, str) else None

    @property
    def _given(self) -> dict[str, Any]:
        given = json.loads(self.input) if self.input else None
        return given if isinstance(given, dict) else {}

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> Execution:
        """Read the answer of DescribeExecution, or a member of ListExecutions'."""
        return cls(
            arn=answer["executionArn"],
            name=answer["name"],
            status=answer["status"],
            started=answer["startDate"],
            stopped=answer.get("stopDate"),
            error=answer.get("error"),
            cause=answer.get("cause"),
            redrive_count=answer.get("redriveCount", 0),
            redrive_date=answer.get("redriveDate"),
            redrive_status=answer.get("redriveStatus"),
            redrive_reason=answer.get("redriveStatusReason"),
            output=answer.get("output"),
            input=answer.get("input"),
        )


@dataclass(frozen=True)
class Snapshot:
    """An execution and its tasks at one moment.

    :param ends_only: the tasks tell of their ends only, as in the map layout: which of them have begun is not known.
    :param lost: what told of the tasks is gone, and nothing is kept of it: those that wait may have run.
    """

    execution: Execution
    tasks: tuple[TaskRun, ...]
    skipped: bool = False
    refused: bool = False
    ends_only: bool = False
    lost: bool = False

    @property
    def did_nothing(self) -> bool:
        """Whether it met the job locked, and left it alone."""
        return self.skipped or (self.refused and all(run.status == "waiting" for run in self.tasks))


def execution_name(prefix: str, now: datetime) -> str:
    """A new execution's name: at most 80 of the characters that Step Functions allows, unique by the microsecond."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%f")
    return f"{re.sub('[^A-Za-z0-9_.-]', '_', prefix)[: MAX_NAME - 1 - len(stamp)]}-{stamp}"
