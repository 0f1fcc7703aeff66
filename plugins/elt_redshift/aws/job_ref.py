"""What names a deployed job, small enough for an XCom or a trigger's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class JobRef:
    """A deployed job.

    :param state_machine_arn: only where a user has given it: otherwise it is looked up, as it may change.
    """

    job_id: str
    name: str
    stack: str | None = None
    state_machine_arn: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobRef:
        return cls(**values)
