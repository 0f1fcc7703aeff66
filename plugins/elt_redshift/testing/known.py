"""What chaos leaves out, because the protocol is known not to stand it yet: each with the reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from elt_redshift.testing.schedules import Chances

Name = Literal["short memory", "hours later", "conflicts in parts", "data outage"]


@dataclass(frozen=True)
class Known:
    """Something that may happen in a schedule and does not, for now.

    :param reason: what would come of it.
    """

    name: Name
    reason: str

    def left_out(self, chances: Chances) -> Chances:
        """The same chances without it."""
        match self.name:
            case "short memory":
                return replace(chances, memories=tuple(one for one in chances.memories if one > 3600.0))
            case "hours later":
                return replace(chances, pauses=tuple(pause for pause in chances.pauses if pause < 3600.0))
            case "conflicts in parts":
                return replace(chances, conflicts_in_parts=False)
            case "data outage":
                return replace(chances, kinds=tuple(kind for kind in chances.kinds if kind != "data outage"))


KNOWN: tuple[Known, ...] = (
    Known("short memory", "A redrive after the ClientToken's memory submits a statement again that has committed."),
    Known("hours later", "A run that goes on when its statements are forgotten runs a task again that has committed."),
    Known("conflicts in parts", "A conflict is tried again although parts of the statement have committed."),
    Known("data outage", "A Data API that refuses for minutes ends a run that then is recorded nowhere."),
)


def without_known(chances: Chances) -> Chances:
    """The chances without all that is known."""
    for known in KNOWN:
        chances = known.left_out(chances)
    return chances
