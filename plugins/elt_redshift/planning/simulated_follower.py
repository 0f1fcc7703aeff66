"""The executions that follow a statement in a simulated run."""

from __future__ import annotations

import math

from elt_redshift.asl.language.names import ANY_TASK, StateName
from elt_redshift.asl.language.states import Flow
from elt_redshift.asl.patterns.follower import FollowerPattern
from elt_redshift.asl.patterns.source import NEVER
from elt_redshift.planning.counting import Tally
from elt_redshift.planning.simulated_program import Place
from elt_redshift.planning.simulated_statement import SimulatedStatement
from elt_redshift.protocol.followers import LONGEST


class SimulatedFollower:
    """Of a job."""

    def __init__(self, follower: FollowerPattern) -> None:
        (self._around, *_), states = follower.flow().states, tuple(follower.states())
        look = next(place for place, state in enumerate(states) if state.name in _LOOKS)
        self._looking = Flow((*states[look:], *states[:look]))

    def begin(self, task: str, statement: SimulatedStatement, tally: Tally) -> tuple[Place, int]:
        """Where the statement of a task is looked at first, and how often its followers are relieved."""
        relieved = max(0, math.ceil(statement.left / LONGEST) - 1)
        sought = int(statement.lost)
        tally.enter(self._around, relieved + 1)
        for name, times in ((_STATUS, relieved + 1 + sought), (_RELIEVE, relieved), (_FIND, sought)):
            if state := self._looking.find(name):
                tally.enter(state, times)
        item = {"name": task, **({} if statement.timed else {"timeout": NEVER})}
        return Place(self._looking, tally, item), relieved


_STATUS, _RELIEVE, _FIND = (StateName(ANY_TASK, step) for step in ("status", "relieve", "find"))

#: A task that polls pauses first.
_LOOKS = (StateName(ANY_TASK, "wait"), StateName(ANY_TASK, "describe"))
