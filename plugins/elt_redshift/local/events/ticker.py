"""Time passes: rules with a schedule and schedules of EventBridge Scheduler fire when they are due.

Only enabled ones fire. Changing a schedule, or disabling and enabling it, starts it anew. What fell due while the
machine slept fires once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from elt_redshift.local.events import expression

TICK_SECONDS = 1.0

Identity = tuple[str, str, str, datetime | None]

log = logging.getLogger("elt_redshift.local.events")


@dataclass(frozen=True)
class Timed:
    """Something with a schedule.

    :param name: its ARN.
    :param schedule: the expression.
    :param zone: time zone of the expression.
    :param since: from when it counts, if known; else from when the ticker first sees it.
    :param start: it does not fire before, if given.
    :param end: nor after.
    :param fire: what to do, given the moment that was due.
    """

    name: str
    schedule: str
    fire: Callable[[datetime], None]
    zone: str = "UTC"
    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None

    @property
    def identity(self) -> Identity:
        return self.name, self.schedule, self.zone, self.since


class Ticker:
    """Looks once a second at what is scheduled and fires what is due.

    :param source: what is scheduled and enabled right now.
    :param clock: the time, UTC.
    """

    def __init__(
        self,
        source: Callable[[], Iterable[Timed]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._clock = clock
        self._due: dict[Identity, datetime | None] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Fire nothing more. Does not wait for what was fired."""
        self._stopping.set()
        self._thread.join(TICK_SECONDS * 2)

    def _run(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self.tick()

    def tick(self) -> None:
        """Fire what is due now. One that fails, or whose expression is not valid, does not hold up the others."""
        now = self._clock()
        timed = {item.identity: item for item in self._source()}
        self._due = {identity: due for identity, due in self._due.items() if identity in timed}
        for identity, item in timed.items():
            try:
                self._consider(identity, item, now)
            except Exception:
                self._due[identity] = None
                log.exception("the schedule %s of %s did not fire", item.schedule, item.name)

    def _consider(self, identity: Identity, item: Timed, now: datetime) -> None:
        schedule = expression.parse(item.schedule, item.zone)
        if identity not in self._due:
            since = item.since or now
            self._due[identity] = schedule.next_after(max(since, item.start or since))
        due = self._due[identity]
        if due is None or due > now:
            return
        self._due[identity] = schedule.next_after(now)
        if item.end is None or due <= item.end:
            item.fire(due)
