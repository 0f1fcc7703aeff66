"""Past runs, as the history table keeps them (:mod:`elt_redshift.protocol.records`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from elt_redshift.protocol import audit, records
from elt_redshift.protocol.owners import Owner
from elt_redshift.protocol.records import Outcome


@dataclass(frozen=True)
class PastRun:
    """A run that has ended.

    :param execution: its ARN.
    :param ended: for the last time, if it was redriven.
    :param redrives: how often it was.
    :param task: the task that failed; None: none did, or it is not known.
    :param statement: the id of the statement that failed; of a failed batch, that of the part.
    :param message: why it failed, or did nothing.
    :param parameters: what it was started with.
    :param started_by: who or what started it; None: it was not told.
    :param resumed_from: the ARN of the execution whose work it went on with.
    """

    execution: str
    outcome: Outcome
    started: datetime
    ended: datetime
    redrives: int = 0
    task: str | None = None
    statement: str | None = None
    message: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    started_by: str | None = None
    resumed_from: str | None = None

    @property
    def name(self) -> str:
        """Of its execution."""
        return Owner(self.execution).short

    @property
    def seconds(self) -> float:
        """From its start to its last end."""
        return (self.ended - self.started).total_seconds()

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> PastRun:
        """Read a run's item, in DynamoDB's JSON."""

        def text(name: str) -> str | None:
            return item.get(name, {}).get("S") or None

        return cls(
            execution=item[records.EXECUTION]["S"],
            outcome=item[records.OUTCOME]["S"],
            started=datetime.fromisoformat(item[records.STARTED]["S"]),
            ended=datetime.fromisoformat(item[records.ENDED]["S"]),
            redrives=int(item[audit.REDRIVES]["N"]),
            task=text(audit.FAILED_TASK),
            statement=text(audit.FAILED_STATEMENT),
            message=text(audit.MESSAGE),
            parameters=_object(text(records.PARAMETERS)),
            started_by=text(records.STARTED_BY),
            resumed_from=text(records.RESUMED_FROM),
        )


def _object(text: str | None) -> dict[str, Any]:
    value = json.loads(text) if text else {}
    return value if isinstance(value, dict) else {}
