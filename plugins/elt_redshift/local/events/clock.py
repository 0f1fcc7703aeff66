"""The clock that schedules go by. It can be set forward; all else of the embedded AWS keeps the machine's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ScheduleClock:
    """The machine's time, and how far this clock is ahead of it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    @property
    def ahead(self) -> timedelta:
        return self._ahead

    def set(self, moment: datetime) -> None:
        """Make it ``moment`` now, unless it is later already."""
        self._ahead = max(self._ahead, moment - datetime.now(UTC))


#: Of this process.
CLOCK = ScheduleClock()
