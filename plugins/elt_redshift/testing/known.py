"""What chaos leaves out, because the protocol is known not to stand it yet: each with the reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from elt_redshift.testing.schedules import Chances

Name = Literal["resumed resumptions"]


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
            case "resumed resumptions":
                return replace(chances, chains=False)


KNOWN: tuple[Known, ...] = (
    Known(
        "resumed resumptions",
        "A run that resumes a resumption, which was stopped before it had looked for the statements of the first run, "
        "does not look for those and runs their tasks again.",
    ),
)


def without_known(chances: Chances) -> Chances:
    """The chances without all that is known."""
    for known in KNOWN:
        chances = known.left_out(chances)
    return chances
