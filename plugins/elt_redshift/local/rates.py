"""How often AWS lets its calls be made: a token bucket for each operation of an account and region."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from elt_redshift.local.errors import LocalAwsError

#: Calls of the Redshift Data API that AWS takes in a second, of an account and region.
#: https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
DATA_API: Mapping[str, float] = {
    "ExecuteStatement": 30,
    "BatchExecuteStatement": 20,
    "DescribeStatement": 100,
    "GetStatementResult": 20,
    "CancelStatement": 3,
    "ListStatements": 3,
    "ListDatabases": 3,
    "ListSchemas": 3,
    "ListTables": 3,
    "DescribeTable": 3,
}


class TokenBucket:
    """Lets ``burst`` calls through at once, and ``per_second`` from then on.

    :param clock: seconds that pass evenly.
    """

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._tokens, self._since = burst, clock()

    def take(self) -> bool:
        """Whether a call may pass now; one that may not takes nothing."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._since) * self._per_second)
        self._since = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def given(texts: list[str]) -> dict[str, float]:
    """The rates that a user gives: ``aws`` for AWS's, or ``OPERATION=CALLS_A_SECOND``; what comes later counts.

    :raises LocalAwsError: a text is neither.
    """
    rates: dict[str, float] = {}
    for text in texts:
        operation, _, number = text.partition("=")
        if text == "aws":
            rates |= DATA_API
            continue
        try:
            rates[operation] = float(number)
        except ValueError:
            rates[operation] = 0.0
        if operation not in DATA_API or not 0 < rates[operation] < float("inf"):
            known = ", ".join(DATA_API)
            raise LocalAwsError(f"{text} is no rate. Give aws, or such as ExecuteStatement=2, of {known}.")
    return rates
