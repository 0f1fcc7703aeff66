"""What is done to a job and to what it runs on, by operators, Airflow, other starters and misfortune."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, get_args

from elt_redshift.aws.audit import NotOwnerError
from elt_redshift.aws.audit_item import LockedError
from elt_redshift.aws.resumption import UnknowableError
from elt_redshift.protocol import audit, executions, statements
from elt_redshift.protocol.statements import is_forgotten
from elt_redshift.testing.edits import edited
from elt_redshift.testing.errors import ServiceError
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.resuming import resumption
from elt_redshift.testing.world import SETTLED, World

Kind = Literal[
    "start",  # a start, competing where something runs
    "stop",  # StopExecution, by whoever may
    "crash",  # the execution times out, or fails in a way that nobody foresaw
    "stop by airflow",  # the execution stopped, its statements cancelled, its lock let go
    "redrive",  # of an execution that ended badly
    "resume",  # by a new execution, which keeps what is done
    "unlock",  # by an operator, of a held lock
    "redeploy",  # of a definition with a task's SQL changed
    "data outage",  # the Data API refuses everything for a while
    "edit",  # of the audit item, to anything, while nothing of the job runs
]

_WEIGHTS: Mapping[Kind, int] = {
    "start": 5,
    "stop": 6,
    "crash": 2,
    "stop by airflow": 2,
    "redrive": 6,
    "resume": 3,
    "unlock": 2,
    "redeploy": 1,
    "data outage": 1,
    "edit": 4,
}

#: What happens in a schedule unless something else is asked for.
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "edit")


@dataclass(frozen=True)
class Move:
    """One thing that is done, when so many states more have been entered or so many seconds have passed.

    :param pause: seconds between that moment and the deed, so that it hits calls under way.
    :param at: only this state counts, or the step of that name of any task.
    """

    kind: Kind
    states: int
    seconds: float
    pause: float
    at: str = ""

    def __str__(self) -> str:
        states = f"{self.at!r}" if self.at else f"{self.states} states"
        return f"{self.kind} after {states} or {self.seconds:.1f} s, and {self.pause:.2f} s"

    def counts(self, state: str) -> bool:
        """Whether the state is one that it waits for."""
        return not self.at or state == self.at or state.endswith(f": {self.at}")


#: Seconds after which no call of an execution that has ended is under way, and its end has been recorded.
QUIET = SETTLED + 120.0

#: Seconds between two moves that do not follow each other at once.
PAUSES = (30.0, 120.0, 900.0, 9 * 3600.0, 25 * 3600.0)


def draw(
    random: Random, kinds: tuple[Kind, ...] = KINDS, pauses: tuple[float, ...] = PAUSES, most: int = 6
) -> tuple[Move, ...]:
    """Some moves, one after the other."""
    weights = [_WEIGHTS[kind] for kind in kinds]
    return tuple(_move(random, kind, pauses) for kind in random.choices(kinds, weights, k=random.randint(1, most)))


def _move(random: Random, kind: Kind, pauses: tuple[float, ...]) -> Move:
    quick = random.random() < 0.7
    seconds = random.expovariate(1 / 3) if quick else random.choice(pauses)
    states = random.randint(1, 25) if quick else 10_000
    return Move(kind, states, seconds if kind != "stop" else seconds + 1, random.random() ** 2)


class Mover:
    """Makes moves in a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._deeds: Mapping[Kind, Callable[[], None]] = {
            "start": lambda: _done(self.start()),
            "stop": lambda: self._stop(executions.ABORTED),
            "crash": lambda: self._stop(executions.TIMED_OUT),
            "stop by airflow": self._stop_by_airflow,
            "redrive": self._redrive,
            "resume": self.resume,
            "unlock": self.unlock,
            "redeploy": self._redeploy,
            "data outage": self._outage,
            "edit": self._edit,
        }
        self._people = Random(f"{world.seed} people")

    def make(self, kind: Kind) -> None:
        """Make a move; where there is nothing to move, nothing happens."""
        self._world.say(f"== {kind}")
        self._deeds[kind]()

    def start(self, **given: Any) -> Execution:
        """A new execution."""
        service = self._world.step_functions
        return service.start(f"e{len(service.executions) + 1}", given)

    def unlock(self) -> None:
        """Let go of a lock that is held after a failure."""
        store = self._world.audit_store()
        item = store.read(self._world.subject.job_id)
        if item is not None and item.failed:
            store.unlock(item, by="operator", reason="simulated")

    def unlock_anything(self) -> bool:
        """Let go of a lock whatever its item says, by force where that needs it; False: it is free."""
        store = self._world.audit_store()
        item = store.read(self._world.subject.job_id)
        if item is None or item.free:
            return False
        store.unlock(item, by="operator", reason="simulated", known=self._world.step_functions.tells_of(item.owner))
        return True

    def assume(self) -> bool:
        """Say of the task whose outcome is unknowable what the database shows, and redrive its run; False: there is no
        such run."""
        world, store = self._world, self._world.audit_store()
        item, run = store.read(world.subject.job_id), self._owner()
        if item is None or run is None or not self.unknowable():
            return False
        said = self._looked_up(str(item.failed_statement))
        world.say(f"operator: {item.failed_task} is {said}")
        store.assume(item, run.name, run.redrives + 1, {str(item.failed_task): said}, by="operator")
        world.step_functions.redrive(run.arn)
        return True

    def unknowable(self) -> bool:
        """Whether the job is held because nobody can know how a statement ended."""
        item = self._world.audit_store().read(self._world.subject.job_id)
        return item is not None and item.failed and is_forgotten(item.failed_statement)

    def redrive_owner(self) -> Execution | None:
        """Redrive the run whose failure the item names; None: that cannot be, or nobody could know what it has done."""
        run = self._owner()
        if run is None or self._world.edited or self.unknowable():
            return None
        try:
            self._world.step_functions.redrive(run.arn)
        except ServiceError as error:
            self._world.say(str(error))
            return None
        return run

    def _owner(self) -> Execution | None:
        """The execution that the item names, if it does not run."""
        item = self._world.audit_store().read(self._world.subject.job_id)
        run = self._world.step_functions.executions.get(item.owner or "") if item else None
        return None if run is None or run.running else run

    def _looked_up(self, name: str) -> audit.Assumption:
        """What somebody finds who looks in the database whether the work of a statement, or of one whose name begins
        so, is there."""
        found = (one for one in self._world.data.statements.values() if one.name.startswith(name))
        return "done" if any(len(one.commits) == one.parts for one in found) else "not-done"

    def _running(self) -> Execution | None:
        running = list(self._world.step_functions.running())
        return self._world.random.choice(running) if running else None

    def _stop(self, status: str) -> None:
        if run := self._running():
            self._world.step_functions.stop(run.arn, status)

    def _stop_by_airflow(self) -> None:
        run, world = self._running(), self._world
        if run is None:
            return
        world.step_functions.stop(run.arn)
        for statement in list(world.data.statements.values()):
            if statement.owner == run.name and statement.ended is None:
                world.data.cancel_statement({"Id": statement.id})
        at_work = next((task for task, how in run.tasks.items() if how == "running"), audit.NO_TASK)
        with suppress(NotOwnerError):
            world.audit_store().record_failure(
                world.subject.job_id,
                run.arn,
                task=at_work,
                statement=statements.NO_STATEMENT,
                message="Airflow ended it.",
                after=audit.RELEASED,
            )

    def _ended_badly(self) -> list[Execution]:
        """The newest last."""
        runs = self._world.step_functions.executions.values()
        return [run for run in runs if not run.running and run.status != executions.SUCCEEDED]

    def _redrive(self) -> None:
        ended = self._ended_badly()
        if ended and not (self._people.random() < 0.5 and self.assume()):
            run = ended[-1] if self._world.random.random() < 0.8 else self._world.random.choice(ended)
            try:
                self._world.step_functions.redrive(run.arn)
            except ServiceError as error:
                self._world.say(str(error))

    def resume(self) -> None:
        """A new execution that goes on with the work of the newest that ended badly."""
        world, ended = self._world, self._ended_badly()
        if not ended:
            return
        origin, service = ended[-1], world.step_functions
        store = world.audit_store()
        item = store.read(world.subject.job_id)
        told = self._resumption(origin)
        if told is None:
            return
        if item is not None and item.owner == origin.arn:
            with suppress(LockedError):
                store.reserve(item, service.arn(f"e{len(service.executions) + 1}"))
        self.start(resume=told)

    def _resumption(self, origin: Execution) -> dict[str, Any] | None:
        """None: nobody can know what is done, and nobody says it."""
        try:
            return resumption(self._world, origin)
        except UnknowableError as error:
            self._world.say(str(error))
            self._world.held += 1
            if self._people.random() < 0.5:
                return None
            return resumption(self._world, origin, {task: self._found(origin, task) for task in error.tasks})

    def _found(self, run: Execution, task: str) -> audit.Assumption:
        """The same of a task of a run, or of one that this resumes."""
        begin = "".join(statements.beginning(self._world.subject.job_id, run.name))
        earlier = self._world.step_functions.executions.get((run.input.get("resume") or {}).get("from", ""))
        said = self._looked_up(f"{begin}{task}/")
        return self._found(earlier, task) if said == "not-done" and earlier else said

    def _redeploy(self) -> None:
        self._world.deploy(self._world.random.randrange(len(self._world.subject.versions)))

    def _outage(self) -> None:
        world = self._world
        world.network.outages["redshiftdata"] = world.clock.now + world.random.choice((5.0, 60.0, 900.0))

    def _edit(self) -> None:
        """Once nothing of the job runs, nothing is under way any more, and the item has been seen to."""
        world = self._world
        world.clock.run(world.clock.now + QUIET)
        statements_open = any(one.ended is None for one in world.data.statements.values())
        if statements_open or any(world.step_functions.running()):
            return
        arns = [*world.step_functions.executions, world.step_functions.arn("unknown")]
        world.edit(lambda item: edited(item, arns, self._people))


def _done(_: object) -> None:
    """What a deed gives is for its callers, not for who makes a move."""
