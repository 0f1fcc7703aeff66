"""What must be true once everything has gone wrong: all comes to rest, and the next run does its work by itself, or is
refused with a reason and does it once the job is unlocked."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from elt_redshift.protocol import audit, executions, messages
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.histories import Finding
from elt_redshift.testing.moves import Mover
from elt_redshift.testing.network import Faults
from elt_redshift.testing.world import World

#: After the last move everything has so long to come to rest, in seconds.
REST = 4 * 86_400.0


@dataclass(frozen=True)
class Aftermath:
    """Ends all faults and looks what comes of it. Statements that are submitted from now on must commit: that is for
    whoever says how they behave."""

    world: World
    mover: Mover

    def findings(self) -> Iterator[Finding]:
        """What stays stuck."""
        self.end_faults()
        yield from self.rest()
        yield from self.start_again()

    def end_faults(self) -> None:
        """Calls and events fare well from now on."""
        self.world.say("== all faults end")
        self.world.network.faults, self.world.lost_events = Faults(), 0.0
        self.world.network.outages.clear()

    def rest(self) -> Iterator[Finding]:
        """Whatever runs comes to an end."""
        world = self.world
        world.clock.run_while(lambda: any(world.step_functions.running()), world.clock.now + REST)
        for execution in list(world.step_functions.running()):
            yield Finding("stuck", f"{execution.name} still runs, in {_place(execution)}")
            world.step_functions.stop(execution.arn)
        world.clock.run(world.clock.now + 60)

    def start_again(self) -> Iterator[Finding]:
        """The next run goes to its end by itself; or it is refused with a reason, and does once the job is unlocked."""
        yield from self._somebody_says()
        first = yield from self._started()
        if did_its_work(first):
            return
        if not (self.is_held(first) or self._is_refused_as_edited(first)):
            yield Finding("stuck", f"the next start ended as {_told(first)}; item {self.world.item()}")
            return
        if self.is_held(first):
            yield from self._redriven()
        self.mover.unlock_anything()
        second = yield from self._started()
        if not did_its_work(second):
            yield Finding("stuck", f"after an unlock a start ended as {_told(second)}; {self.world.item()}")

    def _somebody_says(self) -> Iterator[Finding]:
        """Of what is held as unknowable, in every second schedule, of one task after the other."""
        tasks = len(self.world.version.tasks)
        if self.world.seed % 2:
            for _ in range(tasks):
                if not self.mover.assume():
                    return
                yield from self.rest()
            if self.mover.assume():
                yield Finding(
                    "stuck", f"somebody has said of {tasks} tasks whether they are done, and it is held again"
                )
                yield from self.rest()

    def _redriven(self) -> Iterator[Finding]:
        """A run that holds the job goes on by a redrive, and does its work: nothing goes wrong any more. Where it finds
        that a statement has failed which was submitted before, it says so, and the next redrive goes on from there."""
        for _ in self.world.version.tasks:
            since, run = self.world.clock.now, self.mover.redrive_owner()
            if run is None:
                return
            yield from self.rest()
            if did_its_work(run):
                return
            if not self.may_fail(run, since):
                yield Finding("stuck", f"a redrive ended as {_told(run)}; item {self.world.item()}")
                return

    def may_fail(self, run: Execution, since: float) -> bool:
        """Whether a run that was redriven at some moment, and met no fault, had a reason to fail."""
        return self.mover.unknowable() or self._has_found_a_failure(run, since)

    def _has_found_a_failure(self, run: Execution, since: float) -> bool:
        """Whether it is of an older statement, and was not known at the redrive."""
        name = self.world.item().get(audit.FAILED_STATEMENT, "")
        statement = self.world.data.statements.get(name.partition(":")[0])
        return statement is not None and statement.created <= since <= run.found.get(name, 0.0)

    def _is_refused_as_edited(self, run: Execution) -> bool:
        """Whether an item that nobody but its editor understands has refused the run, or had it skipped, in words."""
        return self.world.edited and f"ob {self.world.subject.job_id} " in _reason(run)

    def is_held(self, run: Execution) -> bool:
        """Whether the run was refused, or skipped, because of a failure that the item named then."""
        anything = dict.fromkeys(("task", "since", "message", "owner", "redrive", "unlock"), "")
        return _reason(run).startswith(messages.held_by_failure(self.world.subject.job_id, **anything)[0])

    def _started(self) -> Generator[Finding, None, Execution]:
        self.world.say("== the next start")
        run = self.mover.start()
        yield from self.rest()
        return run


def did_its_work(run: Execution) -> bool:
    """Whether it succeeded, and was not skipped."""
    return run.status == executions.SUCCEEDED and bool(run.tasks)


def _reason(run: Execution) -> str:
    """Why a run did nothing."""
    return run.error.cause if run.error else str((run.root.output or {}).get("skipped", ""))


def _told(run: Execution) -> str:
    return f"{run.status} in {_place(run)}: {run.error or run.root.output}"


def _place(run: Execution) -> str:
    return ", ".join(frame.state for frame in run.root.below())
