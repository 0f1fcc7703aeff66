"""What states are there for, beside what Step Functions is told of them: for those who walk a definition without AWS.

What a state of a task does is its name's step (:mod:`.names`); here is what else must be known of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from elt_redshift.asl.language.jsonata import Value

#: What a rule finds out about a task's statement: it is to be submitted, has finished, is past its timeout; has failed
#: and is submitted again, or not; AWS refused a call about it, which is made again later, or not; it is to be looked
#: for; its message is to be fetched. Or the lock comes first; or an earlier execution has done the task.
Verdict = Literal[
    "new", "finished", "late", "retry", "failed", "ask again", "refused", "unknown", "ended", "redriven", "kept"
]


@dataclass(frozen=True)
class Submits:
    """It submits the SQL of a task; the call itself waits for the statement's end, at most for so many seconds.

    :param ends: the state is left only where the statement has ended well by then; otherwise its error is caught.
    """

    seconds: int = 0
    ends: bool = False


@dataclass(frozen=True)
class Awaits:
    """It waits for so many upstreams."""

    number: Value


@dataclass(frozen=True)
class Tells:
    """It tells a task that waits of an upstream's end."""

    waiter: Value


@dataclass(frozen=True)
class TellsAll:
    """The same of several, whether in one call or each by itself."""

    waiters: tuple[str, ...]


Role = Submits | Awaits | Tells | TellsAll
