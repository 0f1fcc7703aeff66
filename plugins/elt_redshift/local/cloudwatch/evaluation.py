"""Whether the values of a metric ring an alarm.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

#: CloudWatch looks at so many periods more than it was told, in case that values are missing: five for three in its
#: guide, which says no number.
FURTHER_PERIODS = 2

#: How a value compares that breaches, and how CloudWatch puts that in words.
BREACHES: Final[Mapping[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Rule:
    """What an alarm demands of its metric.

    :param periods: so many values are looked at.
    :param to_alarm: so many of them ring it.
    :param missing: what stands for a value that is not there: ``breaching``, ``notBreaching``, ``ignore`` or
        ``missing``.
    """

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    missing: str

    def judge(self, values: Sequence[float | None], current: State) -> tuple[State, str]:
        """The state that an alarm is in then, and why.

        :param values: of the latest periods, the newest first; None where there is none. As many as
            :attr:`looked_at`.
        """
        there = [value for value in values if value is not None][: self.periods]
        lacking = self.periods - len(there)
        compare, words = BREACHES[self.comparison]
        breaching = sum(compare(value, self.threshold) for value in there)
        if not there and self.missing == "missing":
            return "INSUFFICIENT_DATA", f"Insufficient Data: {lacking} datapoints were unknown."
        at_most, at_least = breaching + lacking >= self.to_alarm, breaching >= self.to_alarm
        if self.missing == "ignore" and at_most != at_least:
            return current, "Missing datapoints leave the state as it is."
        of_those = breaching >= min(self.to_alarm, len(there))
        rings = {"breaching": at_most, "missing": of_those}.get(self.missing, at_least)
        if not there:
            why = f"no datapoints were received for {self.periods} periods, which is treated as [{self.missing}]"
        else:
            crossed = breaching if rings else len(there) - breaching
            compared = f"{'was' if rings else 'was not'} {words} the threshold ({float(self.threshold)})"
            why = f"{crossed} out of the last {self.periods} datapoints {there} {compared}"
        return ("ALARM" if rings else "OK"), f"Threshold Crossed: {why}."

    @property
    def looked_at(self) -> int:
        return self.periods + FURTHER_PERIODS
