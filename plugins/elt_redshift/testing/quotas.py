"""How often a simulated account may ask the Data API, and how many statements its warehouse may have active."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from elt_redshift.protocol.limits import DATA_API_RATES, MAX_ACTIVE_STATEMENTS
from elt_redshift.testing.clock import Clock
from elt_redshift.testing.errors import ServiceError


@dataclass
class Quotas:
    """Token buckets, one for each action, and the quota of active statements.

    :param rates: calls a second, by the action as Step Functions writes it; what is not there is free.
    :param active: the most statements that may be active.
    :param burst: for how many seconds' calls a bucket has room.
    :ivar throttled: how many calls were refused, by action.
    :ivar refused: the names of the statements whose submissions were.
    """

    clock: Clock
    rates: Mapping[str, float] = field(default_factory=dict)
    active: float = float("inf")
    burst: float = 1.0
    throttled: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of_aws(cls, clock: Clock) -> Quotas:
        """AWS's own."""
        return cls(clock, DATA_API_RATES, MAX_ACTIVE_STATEMENTS)

    def ask(self, action: str, statement: str) -> None:
        """A call arrives.

        :param statement: the name of the one that it submits, or nothing.

        :raises ServiceError: it is throttled.
        """
        if (rate := self.rates.get(action)) is None:
            return
        room, now = max(1.0, rate * self.burst), self.clock.now
        tokens, since = self._buckets.get(action, (room, now))
        tokens = min(room, tokens + (now - since) * rate)
        passes = tokens >= 1
        self._buckets[action] = tokens - passes, now
        if not passes:
            self._refuse(action, statement)
            raise ServiceError("ThrottlingException", "Rate exceeded")

    def submit(self, active: int, statement: str) -> None:
        """A new statement is submitted beside so many active ones.

        :raises ServiceError: it is one too many.
        """
        if active >= self.active:
            self._refuse("active", statement)
            raise ServiceError("ActiveStatementsExceededException", "Active statements exceeded the allowed quota.")

    def _refuse(self, why: str, statement: str) -> None:
        self.throttled[why] += 1
        if statement:
            self.refused.add(statement)
