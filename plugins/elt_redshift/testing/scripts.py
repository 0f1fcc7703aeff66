"""Scripts: schedules that can be played on an emulator, or on AWS, as well.

A script moves only when everything is at rest - each execution has ended, or waits for a statement that hangs - so that
no race decides what comes of it. It says after each move what must be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from elt_redshift.protocol import audit, executions
from elt_redshift.protocol.statements import OPEN
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.moves import Mover
from elt_redshift.testing.network import Faults
from elt_redshift.testing.redshift_data import Behaviour, Statement
from elt_redshift.testing.subject import Subject
from elt_redshift.testing.world import World

Step = Literal["start", "stop", "redrive", "resume", "unlock", "hang", "open", "break", "mend"]

#: Everything is at rest so many seconds after a move.
REST = 300.0

#: The embedded AWS remembers ClientTokens for so many seconds.
_MEMORY = 8 * 3600.0

_FOREVER = 1e9


@dataclass(frozen=True)
class Snapshot:
    """What is there.

    :param executions: by their names, ``e1``, ``e2``, …, their statuses.
    :param statements: by their names, ``e1/a/1``, their statuses; ``OPEN`` of one that has not ended.
    :param item: the audit item's state, its owner's name, and what becomes of the lock after a failure.
    """

    executions: Mapping[str, str]
    statements: Mapping[str, str]
    item: tuple[str, str, str]


@dataclass(frozen=True)
class Scene:
    """A move, and what is there once everything is at rest again.

    :param execution: that it is about; or that it starts.
    """

    step: Step
    execution: str
    after: Snapshot


def script(subject: Subject, seed: int, task: str) -> Iterator[Scene]:
    """The script of a seed.

    :param task: whose statements hang and fail when the script says so.
    """
    return _Script(subject, seed, task).scenes()


def shown(status: str) -> str:
    """A statement's status in a snapshot."""
    return "OPEN" if status in OPEN else status


class _Script:
    def __init__(self, subject: Subject, seed: int, task: str) -> None:
        self._task, self._random = task, Random(f"{seed} script")
        self._hangs = self._breaks = False
        self._world = World(subject, seed, self._behave, Faults(), _MEMORY)
        self._mover = Mover(self._world)

    def scenes(self) -> Iterator[Scene]:
        """The moves, the last of them a start that meets a sound warehouse."""
        yield self._make("start")
        for _ in range(self._random.randint(2, 7)):
            yield self._make(self._random.choice(list(self._possible())))
        for step in ("open", "mend", "start"):
            if step in self._possible():
                yield self._make(step)

    def _possible(self) -> Iterator[Step]:
        running, ended = self._running(), self._ended_badly()
        for step in get_args(Step):
            if {
                "start": True,
                "stop": running is not None,
                "redrive": running is None and ended is not None,
                "resume": running is None and ended is not None,
                "unlock": self._world.item().get(audit.AFTER_FAILURE) == audit.HOLD,
                "hang": not self._hangs,
                "open": self._hangs,
                "break": not self._hangs and not self._breaks,
                "mend": not self._hangs and self._breaks,
            }[step]:
                yield step

    def _make(self, step: Step) -> Scene:
        world, service = self._world, self._world.step_functions
        about = self._running() if step == "stop" else self._ended_badly()
        deeds: Mapping[Step, Callable[[], object]] = {
            "start": self._mover.start,
            "stop": lambda: service.stop(about.arn if about else ""),
            "redrive": lambda: service.redrive(about.arn if about else ""),
            "resume": self._mover.resume,
            "unlock": self._mover.unlock,
            "hang": lambda: self._set(hangs=True),
            "open": self._open,
            "break": lambda: self._set(breaks=True),
            "mend": lambda: self._set(breaks=False),
        }
        deeds[step]()
        world.clock.run(world.clock.now + REST)
        new = next(reversed(service.executions)).rpartition(":")[2]
        return Scene(step, about.name if about and step in ("stop", "redrive") else new, self._snapshot())

    def _set(self, hangs: bool | None = None, breaks: bool | None = None) -> None:
        self._hangs = self._hangs if hangs is None else hangs
        self._breaks = self._breaks if breaks is None else breaks

    def _open(self) -> None:
        self._hangs = False
        for statement in list(self._world.data.statements.values()):
            if statement.ended is None:
                self._world.data.finish(statement)

    def _behave(self, name: str, parts: int) -> Behaviour:
        if f"/{self._task}/" not in name:
            return Behaviour(0.2)
        return Behaviour(_FOREVER if self._hangs else 0.2, "fails" if self._breaks else "commits")

    def _running(self) -> Execution | None:
        return next(self._world.step_functions.running(), None)

    def _ended_badly(self) -> Execution | None:
        runs = self._world.step_functions.executions.values()
        return next((one for one in reversed(runs) if one.status in _BAD), None)

    def _snapshot(self) -> Snapshot:
        item, runs = self._world.item(), self._world.step_functions.executions.values()
        owner = item.get(audit.OWNER, "").rpartition(":")[2]
        return Snapshot(
            {run.name: run.status for run in runs},
            {_short(one): shown(one.status) for one in self._world.data.statements.values()},
            (item.get(audit.JOB_STATE, ""), owner, item.get(audit.AFTER_FAILURE, "")),
        )


_BAD = (executions.FAILED, executions.ABORTED, executions.TIMED_OUT)


def _short(statement: Statement) -> str:
    return f"{statement.owner}/{statement.task}/{statement.attempt}"
