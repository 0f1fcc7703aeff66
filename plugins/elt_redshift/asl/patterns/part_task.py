"""The values of a task in a part of a large job: known now, as in a small one, but for those of the run, which owns the
lock. The execution of the part has these in its input, and in variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language.jsonata import (
    EXECUTION,
    INPUT,
    REDRIVE_COUNT,
    REDRIVEN,
    Code,
    code_object,
    code_of,
    expression,
    literal,
)
from elt_redshift.asl.patterns import fencing
from elt_redshift.asl.patterns.source import OneTask
from elt_redshift.asl.target import ROLE_PLACEHOLDER
from elt_redshift.protocol import parts

#: The variables that hold the run, and how requests to the Data API say where.
OF, WHERE = "of", "where"

#: The part was redriven, and how often its run was then has not been read for this attempt.
_UNCLAIMED = f"({REDRIVE_COUNT} > 0 and $not($exists({INPUT}.owned)))"


@dataclass(frozen=True)
class PartTask(OneTask):
    """The values of ``of``. ``redrives`` in the inputs of its states counts those of the part's execution."""

    owner = Code(f"${OF}.{parts.OWNER}")
    execution = Code(f"${OF}.{parts.NAME}")

    @property
    def goes_first(self) -> str:
        """When something else comes before the submission, JSONata: the lock; and of a part that was redriven, the
        count of its run, which the claim of a fence has, and a follower reads."""
        return f"({REDRIVEN} or {_UNCLAIMED})" if self.job.fence_table else super().goes_first

    @property
    def _fencing(self) -> list[Any]:
        count = f"{_UNCLAIMED} ? $error('Claim first.') : $max([{INPUT}.owned, ${OF}.{parts.REDRIVES}])"
        claim = fencing.claimed(f"({count})", f"${OF}.{parts.FENCE}")
        return fencing.parameters(expression(f"${OF}.{parts.LOCK}"), claim)

    @property
    def told(self) -> str:
        run = code_object(
            owner=self.owner,
            name=self.execution,
            key=self.run,
            base=f"${OF}.{parts.REDRIVES}",
            redrives=f"{EXECUTION}.RedriveCount",
            redriven=f"{EXECUTION}.RedriveTime",
        )
        return f"({run})"

    def _request(self, members: Mapping[str, Any]) -> str:
        # Deployment fills in texts here, and no members: those that say where differ by the stack's parameters.
        own = {name: _as_literals(value) for name, value in members.items() if name not in self.target.connection}
        return expression(f"$merge([${WHERE}, {code_of(own)}])")


def _as_literals(value: Any) -> Any:
    """Plain texts as JSON literals, in which readers find the SQL and deployment the role."""
    if isinstance(value, list):
        return [_as_literals(one) for one in value]
    plain = isinstance(value, str) and not value.startswith("{% ")
    return expression(literal(value, (ROLE_PLACEHOLDER,))) if plain else value
