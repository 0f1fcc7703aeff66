"""Executions of simulated state machines, and where each of them stands."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from elt_redshift.protocol import executions
from elt_redshift.testing.clock import Process
from elt_redshift.testing.errors import StateError
from elt_redshift.testing.functions import iso
from elt_redshift.testing.program import Program

#: An execution that enters more states than this goes round in circles: far more than any sound schedule needs.
MOST_STATES = 6000


class Children(Protocol):
    """A Map Run, as far as a frame needs to know it."""

    children: list[Execution | None]

    def go(self, select: Callable[[Sequence[Any]], Sequence[Any]]) -> Generator[Any, Any, list[Any]]:
        """Walk on with all that has not succeeded."""

    def cancel(self) -> None:
        """Nobody waits for it any more."""


@dataclass
class Frame:
    """Where one flow stands: the machine's own, a branch's, or an item's.

    :ivar state: the state that it is in, was in when it ended badly, or ended with.
    :ivar children: of the Parallel or inline Map that it is in; ``map_run`` of the Distributed Map.
    :ivar status: ``aborted``: something else ended it. A redrive enters the state again of one that ended badly.
    """

    program: Program
    state: str
    input: Any
    variables: dict[str, Any]
    item: Mapping[str, Any] | None = None
    status: str = "running"
    output: Any = None
    children: list[Frame] | None = None
    map_run: Children | None = None

    def abort(self) -> None:
        """What still ran of it does not any more; children of a Map Run end a little later."""
        for child in self.children or ():
            child.abort()
        if self.map_run:
            self.map_run.cancel()
        if self.status == "running":
            self.status = "aborted"

    def below(self) -> Iterator[Frame]:
        """It and all frames in it, those of children of its Map Run included."""
        yield self
        for child in self.children or ():
            yield from child.below()
        for run in self.map_run.children if self.map_run else ():
            if run:
                yield from run.root.below()


@dataclass
class Execution:
    """:ivar entered: how many states it has entered, and in ``retried`` how many tries it has made again.
    :ivar version: of the definition that it runs.
    :ivar tasks: how each task stands that was begun: ``running``, ``failed``, ``succeeded`` or ``kept``; and in
        ``begun`` when its last attempt began, in ``failed`` the statement and the message of
        its last failure, and in ``found`` when it was first about to record that a statement has failed, by its id.
    :ivar redriven: when it was.
    :ivar parent: whose Map Run, or part, or follower it is.
    """

    arn: str
    input: Mapping[str, Any]
    root: Frame
    started: float
    version: int
    status: str = executions.RUNNING
    redrives: int = 0
    entered: int = 0
    retried: int = 0
    ended: float | None = None
    error: StateError | None = None
    process: Process | None = None
    tasks: dict[str, str] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)
    failed: dict[str, tuple[str, str]] = field(default_factory=dict)
    found: dict[str, float] = field(default_factory=dict)
    redriven: list[float] = field(default_factory=list)
    parent: Execution | None = None

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def running(self) -> bool:
        return self.status in executions.ALIVE

    def context(self) -> dict[str, Any]:
        """Its part of the context object.

        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
        """
        redriven = {"RedriveTime": iso(self.redriven[-1] * 1000)} if self.redriven else {}
        return {
            "Id": self.arn,
            "Name": self.name,
            "Input": self.input,
            "StartTime": iso(self.started * 1000),
            "RedriveCount": self.redrives,
            **redriven,
        }

    def again(self, now: float) -> None:
        """It is redriven."""
        self.redrives += 1
        self.redriven.append(now)
        self.status, self.ended, self.error = executions.RUNNING, None, None
