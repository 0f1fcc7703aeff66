"""A model of a job's fence in the warehouse (:mod:`elt_redshift.protocol.fence`).

Every transaction's snapshot is as old as its check, so that one which begins while a claim is being written does not
see it: the worst that Redshift's isolation levels allow. The write waits for those that have begun before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.protocol import fence, statements


def claimed(request: Mapping[str, Any]) -> str | None:
    """The claim that a request is given."""
    given = {one["Name"]: one["Value"] for one in request.get("Parameters", ())}
    return given.get(fence.CLAIM)


def writes(name: str) -> bool:
    """Whether a statement writes a claim, and is none of a task."""
    return f"{statements.SLASH}{fence.WRITES}{statements.SLASH}" in name


class Fence:
    """The table.

    :ivar there: whether somebody has made it.
    """

    def __init__(self) -> None:
        self.there, self._claims = False, [""]

    def passes(self, claim: str) -> bool:
        return max(self._claims) < claim

    def write(self, claim: str) -> None:
        self._claims.append(claim)
