"""History events and billed transitions, counted as Step Functions counts them.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from elt_redshift.asl.language.states import Choice, DistributedMap, Map, Parallel, Pass, State, Succeed, Task, Wait

#: History events of one pass through a state: entered, exited and what lies between.
EVENTS: Mapping[type[State], int] = {
    Task: 5,
    Parallel: 4,
    Map: 4,
    DistributedMap: 4,
    Choice: 2,
    Pass: 2,
    Wait: 2,
    Succeed: 2,
}

#: … and one more where the state's Output raises an error that is caught.
CAUGHT_EVENTS = 1

#: What an execution's history holds beside its states: started, succeeded.
EXECUTION_EVENTS = 2

#: Of one iteration of an inline Map, beside its states: started, succeeded.
ITERATION_EVENTS = 2

#: Of a Map that starts child executions, beyond those of an inline one: run started, run succeeded.
MAP_RUN_EVENTS = 2


@dataclass
class Tally:
    """What one execution, or one child execution of a Map, adds up to."""

    transitions: int = 0
    events: int = EXECUTION_EVENTS

    def enter(self, state: State, times: int = 1) -> None:
        self.transitions += times
        self.events += times * EVENTS[type(state)]


def most_within_a_second(moments: Iterable[float]) -> int:
    """The most of these moments, in seconds, that lie within one second."""
    starts = sorted(moments)
    first = most = 0
    for last, start in enumerate(starts):
        while starts[first] <= start - 1:
            first += 1
        most = max(most, last - first + 1)
    return most
