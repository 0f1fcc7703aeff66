"""Time passes: rules with a schedule and schedules of EventBridge Scheduler fire when they are due.

Only enabled ones fire. Changing a schedule, or disabling and enabling it, starts it anew. What fell due while the
machine slept fires once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from elt_redshift.job.schedule_expressions import Rate, parse
from elt_redshift.local.events.clock import ScheduleClock

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
    :param at_once: a rate fires first when it begins to count, and not when it has counted once.
    :param fire: what to do, given the moment that was due.
    """

    name: str
    schedule: str
    fire: Callable[[datetime], None]
    zone: str = "UTC"
    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    at_once: bool = False

    @property
    def identity(self) -> Identity:
        return self.name, self.schedule, self.zone, self.since

    def first(self, seen: datetime) -> datetime | None:
        """When it fires first, once it was seen."""
        since, expression = self.since or seen, parse(self.schedule, self.zone)
        begin = max(since, self.start or since)
        if self.at_once and isinstance(expression, Rate):
            return begin
        return next(expression.moments(begin), None)

    def next(self, now: datetime, due: datetime) -> datetime | None:
        """When it fires next, having been due: a rate keeps its step."""
        expression = parse(self.schedule, self.zone)
        if isinstance(expression, Rate):
            return due + ((now - due) // expression.every + 1) * expression.every
        return next(expression.moments(now), None)


class Ticker:
    """Looks once a second at what is scheduled and fires what is due.

    :param source: what is scheduled and enabled right now.
    :param clock: the time.
    :param settle: waits until what was fired has had its effect, as far as somebody waits for that.
    """

    def __init__(
        self, source: Callable[[], Iterable[Timed]], clock: ScheduleClock, settle: Callable[[], None] = lambda: None
    ) -> None:
        self._source, self._clock, self._settle = source, clock, settle
        self._due: dict[Identity, datetime | None] = {}
        self._ticking = threading.RLock()
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

    def pass_time(self, by: timedelta) -> datetime:
        """Let time pass at once: all that falls due on the way fires, each at its time. Gives the time then."""
        with self._ticking:
            target = self._clock() + by
            self._tick_and_settle()
            while (due := min(filter(None, self._due.values()), default=None)) and due <= target:
                self._clock.set(due)
                self._tick_and_settle()
            self._clock.set(target)
            self._tick_and_settle()
            return self._clock()

    def _tick_and_settle(self) -> None:
        self.tick()
        self._settle()
        self.tick()  # what failed at once is due again later, and is to be seen

    def tick(self) -> None:
        """Fire what is due now. One that fails, or whose expression is not valid, does not hold up the others."""
        with self._ticking:
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
        if identity not in self._due:
            self._due[identity] = item.first(now)
        due = self._due[identity]
        if due is None or due > now:
            return
        self._due[identity] = item.next(now, due)
        if item.end is None or due <= item.end:
            item.fire(due)
