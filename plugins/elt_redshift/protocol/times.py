"""Times as items and state machines have them: ISO 8601 in UTC with milliseconds, which sort as text."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_time(moment: datetime) -> str:
    """
    >>> iso_time(datetime(2026, 11, 26, 12, tzinfo=UTC))
    '2026-11-26T12:00:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
