"""What is supposed of a run that is simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Scenario:
    """How the statements of a run behave.

    :param seconds: how long each attempt of a task takes.
    :param failures: how many attempts of a task fail before one succeeds; of a task with a timeout, by running into it.
    :param joins: whether a task that waits by joins really has to: as the durations have it, or never, or always.
    """

    seconds: Mapping[str, float]
    failures: Mapping[str, int] = field(default_factory=dict)
    joins: Literal["timed", "never", "always"] = "timed"
