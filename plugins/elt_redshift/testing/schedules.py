"""One schedule: a job, a seed, and everything that follows from the two."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from elt_redshift.testing.aftermath import Aftermath
from elt_redshift.testing.aims import aimed
from elt_redshift.testing.histories import Finding, findings
from elt_redshift.testing.moves import KINDS, PAUSES, Kind, Move, Mover, draw
from elt_redshift.testing.network import Faults
from elt_redshift.testing.redshift_data import Behaviour
from elt_redshift.testing.subject import Subject
from elt_redshift.testing.world import World

#: The Data API's memory of ClientTokens, in seconds, which AWS does not state: schedules have one of these.
MEMORIES = (600.0, 8 * 3600.0, 24 * 3600.0)

#: How long statements of a schedule take, in seconds, on average.
PACES = (0.5, 5.0, 60.0, 600.0)

#: The last digits of the seeds of schedules in which moves are aimed at states, and in which items are edited by hand.
AIMED, EDITED = 1, 6

#: Of five hundred schedules, one hundred have statements that end at the same moments, and often fail together.
IN_STEP = 3

#: Calls of these are under way for so many seconds at most, so that what follows may come in any order.
SPREAD = 1.0

#: DescribeExecution is at most so many seconds out of date.
LONGEST_LAG = 5.0

_NO_FAULTS = Faults()


@dataclass(frozen=True)
class Chances:
    """What may happen in a schedule.

    :param kinds: of moves.
    :param pauses: between them, in seconds, where they do not follow each other at once.
    :param faults: of calls, at most.
    :param ends: whether statements fail, and conflict.
    :param conflicts_in_parts: whether statements conflict of which parts may have committed.
    :param lost_events: the share of events that are never delivered.
    :param aims: whether the moves of one schedule in ten are aimed at states.
    :param in_step: whether statements of one schedule in five end at the same moments.
    :param edits: whether the audit item is edited by hand in one schedule of ten.
    :param stale: the share of looks at executions that are answered out of date, where moves are aimed; in half of
        them with the newest count of redrives.
    :param memories: the Data API's memory of ClientTokens, in seconds, of which each schedule has one.
    """

    kinds: tuple[Kind, ...] = KINDS
    pauses: tuple[float, ...] = PAUSES
    faults: Faults = field(
        default_factory=lambda: Faults(throttled=0.06, refused=0.03, unanswered=0.04, delayed=0.03, slow=0.04)
    )
    ends: bool = True
    conflicts_in_parts: bool = True
    lost_events: float = 0.3
    aims: bool = True
    edits: bool = True
    in_step: bool = True
    stale: float = 0.2
    memories: tuple[float, ...] = MEMORIES


@dataclass(frozen=True)
class Outcome:
    """What a schedule came to.

    :param held: runs that are held because nobody can know how a statement ended.
    :param trace: what happened, where it was asked for.
    """

    seed: int
    job: str
    moves: tuple[Move, ...]
    findings: tuple[Finding, ...]
    held: int
    trace: tuple[str, ...] = ()


def run(subject: Subject, seed: int, chances: Chances | None = None, traced: bool = False) -> Outcome:
    """Simulate the schedule of a seed, which is the same each time."""
    return Schedule(subject, seed, chances or Chances(), traced).outcome()


class Schedule:
    """The same for whoever looks at the ``world`` behind it, too."""

    def __init__(self, subject: Subject, seed: int, chances: Chances, traced: bool = False) -> None:
        random = Random(f"{seed} plan")
        self.seed, self._chances, self._more = seed, chances, Random(f"{seed} more")
        self.moves = self._drawn(draw(random, chances.kinds, chances.pauses))
        troubled = random.random() < 0.7
        self._warehouse = Random(f"{seed} warehouse")
        self._troubled, self._pace = chances.ends and random.random() < 0.6, random.choice(PACES)
        faults = chances.faults if troubled else _NO_FAULTS
        self.world = World(subject, seed, self._behave, faults, random.choice(chances.memories), traced)
        self.world.lost_events = chances.lost_events
        self._in_step = chances.in_step and seed // 100 % 5 == IN_STEP
        if self._in_step:
            self.world.network.spread = SPREAD
        if any(move.at for move in self.moves):
            self._widen_windows()
        self.mover = Mover(self.world)
        self._calm = False

    def _drawn(self, moves: tuple[Move, ...]) -> tuple[Move, ...]:
        """These, or others where the seed is of another kind of schedule."""
        chances, last = self._chances, self.seed % 10
        if last == AIMED and chances.aims:
            return aimed(self._more)
        if last == EDITED and chances.edits:
            return draw(self._more, (*chances.kinds, "edit"), chances.pauses)
        return moves

    def _widen_windows(self) -> None:
        """Events are lost, and what Step Functions tells of an execution is out of date."""
        self.world.lost_events = self._more.choice((self._chances.lost_events, 1.0))
        self.world.step_functions.lag = self._lag
        self.world.step_functions.mixed = lambda: self._more.random() < 0.5

    def _lag(self) -> float:
        late = self.world.network.faults.any and self._more.random() < self._chances.stale
        return min(LONGEST_LAG, self._more.expovariate(1.0)) if late else 0.0

    def outcome(self) -> Outcome:
        """Make it."""
        self.mover.start()
        for move in self.moves:
            self._until(move)
            self.mover.make(move.kind)
        self._calm = True
        stuck = list(Aftermath(self.world, self.mover).findings())
        found = [*findings(self.world), *stuck]
        return Outcome(
            self.seed, self.world.subject.name, self.moves, tuple(found), self.world.held, tuple(self.world.trace or ())
        )

    def _behave(self, name: str, parts: int) -> Behaviour:
        random = self._warehouse
        seconds = self._to_the_next_end() if self._in_step else random.expovariate(1 / self._pace)
        if self._calm:
            seconds = min(seconds, self.world.subject.patience)
        failing, conflicting = (0.6, 0.2) if self._in_step else (0.3, 0.5)
        if self._calm or not self._troubled or random.random() > failing:
            return Behaviour(seconds, late=random.random() * 3)
        conflicts = random.random() < conflicting and (parts == 1 or self._chances.conflicts_in_parts)
        part = random.randint(0, 1)
        return Behaviour(seconds, "conflicts" if conflicts else "fails", part, late=random.random() * 3)

    def _to_the_next_end(self) -> float:
        """Statements end at the same moments, whenever they began."""
        return self._pace - self.world.clock.now % self._pace

    def _until(self, move: Move) -> None:
        """Until it is time for a move."""
        world, left = self.world, move.states

        def entered(state: str) -> None:
            nonlocal left
            left -= move.counts(state)

        world.on_entered = entered
        latest = world.clock.now + move.seconds
        world.clock.run_while(lambda: left > 0, latest)
        world.clock.run(world.clock.now + move.pause if left <= 0 else latest)
        world.on_entered = lambda state: None
