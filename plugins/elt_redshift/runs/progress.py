"""What tasks of the map layout have told of their ends, as :mod:`elt_redshift.asl.patterns.reporting` has them do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elt_redshift.asl.patterns.passing import known_rows
from elt_redshift.protocol import joins as items


@dataclass(frozen=True)
class Report:
    """What a task told of its end; ``submitted`` and ``attempt`` of one that succeeded, ``message`` of one that
    failed."""

    task: str
    status: items.TaskStatus
    statement_id: str
    ended: datetime
    submitted: datetime | None = None
    attempt: int = 0
    message: str | None = None
    rows: int | None = None


def reports(found: Iterable[Mapping[str, Any]]) -> Iterator[Report]:
    """The reports in items as DynamoDB's Query returns them; items of tasks that have not ended hold none."""
    for item in found:
        if items.TASK_STATUS in item:
            yield Report(
                item[items.TASK_KEY]["S"],
                item[items.TASK_STATUS]["S"],
                item[items.STATEMENT_ID]["S"],
                _time(item[items.ENDED_AT]),
                _time(item[items.SUBMITTED_AT]) if items.SUBMITTED_AT in item else None,
                int(item[items.ATTEMPT]["N"]) if items.ATTEMPT in item else 0,
                item[items.MESSAGE]["S"] if items.MESSAGE in item else None,
                known_rows(int(item[items.RESULT_ROWS]["N"])) if items.RESULT_ROWS in item else None,
            )


def _time(text: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(text["S"])
