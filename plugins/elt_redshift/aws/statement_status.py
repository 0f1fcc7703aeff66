"""What the Data API tells of a statement.

https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from elt_redshift.protocol import fence, messages
from elt_redshift.protocol.statements import FAILED, OPEN, UNSUCCESSFUL


@dataclass(frozen=True)
class SubStatement:
    """One statement of a submission: its id, whether it gave a result that can be fetched, even an empty one, and its
    text, with the names of its parameters."""

    id: str
    has_result: bool
    sql: str = ""


@dataclass(frozen=True)
class StatementStatus:
    """A statement as it was looked at.

    :param id: its id; of a failed batch, that of the part that failed.
    :param error: Redshift's message, of one that failed or was cancelled.
    :param rows: how many rows it returned or changed, where that is known.
    :param seconds: how long Redshift ran it.
    :param parts: a batch's statements, or it alone; without that by which it begins with a check of its job's fence.
    :param session_id: of the session that it ran in, if it is one that is kept.
    :param updated: when its status last changed.
    :param warehouse: the cluster or the workgroup that ran it, as ``database``.
    """

    id: str
    status: str
    error: str | None = None
    rows: int | None = None
    seconds: float | None = None
    parts: tuple[SubStatement, ...] = ()
    session_id: str | None = None
    updated: datetime | None = None
    warehouse: str | None = None
    database: str | None = None

    @property
    def ended(self) -> bool:
        return self.status not in OPEN

    @property
    def xcoms(self) -> dict[str, Any]:
        """What Airflow shows of it, as far as it is known."""
        shown = {
            "statement_id": self.id,
            "seconds": self.seconds,
            "rows": self.rows,
            "session_id": self.session_id,
        }
        return {key: value for key, value in shown.items() if value is not None}

    @property
    def summary(self) -> str:
        """One line for a log: the statement, how it ended, rows, and Redshift's own times, as far as they are known."""
        rows = [] if self.rows is None else [f"{self.rows} row{'' if self.rows == 1 else 's'}"]
        times = []
        if self.seconds is not None:
            times.append(f"{self.seconds:.3f} s in Redshift")
        if self.seconds is not None and self.updated is not None:
            start = self.updated - timedelta(seconds=self.seconds)
            times.append(f"from {_clock(start)} to {_clock(self.updated)}")
        return ", ".join([f"Statement {self.id} {self.status}", *rows, *times])

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> StatementStatus:
        """Read what ``DescribeStatement`` answered."""
        all_subs = answer.get("SubStatements") or [answer]
        failed = next((part["Id"] for part in all_subs if part["Status"] == FAILED), answer["Id"])
        subs = [part for part in all_subs if not fence.is_check(part.get("QueryString", ""))]
        known = [part["ResultRows"] for part in subs if part.get("ResultRows", -1) >= 0]
        unsuccessful = answer["Status"] in UNSUCCESSFUL
        return cls(
            id=failed if unsuccessful else answer["Id"],
            status=answer["Status"],
            error=_error(answer, all_subs) if unsuccessful else None,
            rows=sum(known) if known else None,
            seconds=answer["Duration"] / 1e9 if answer.get("Duration", -1) >= 0 else None,
            parts=tuple(
                SubStatement(part["Id"], bool(part.get("HasResultSet")), part.get("QueryString", "")) for part in subs
            ),
            session_id=answer.get("SessionId"),
            updated=answer.get("UpdatedAt"),
            warehouse=answer.get("ClusterIdentifier") or answer.get("WorkgroupName"),
            database=answer.get("Database"),
        )


def _error(answer: Mapping[str, Any], subs: Sequence[Mapping[str, Any]]) -> str:
    """Why a statement ended badly; ours where its fence has held it back."""
    error = answer.get("Error") or messages.CANCELLED
    checked = fence.is_check(subs[0].get("QueryString", "")) and subs[0]["Status"] == FAILED
    return messages.FENCED if checked and fence.REFUSED in error else str(error)


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
