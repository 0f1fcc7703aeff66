"""Moves that are aimed at windows: at the states between a look at something and the write that rests on it.

Moves at random moments hit such a window once in thousands of schedules. Here one waits until an execution enters it.
"""

from __future__ import annotations

from random import Random

from elt_redshift.protocol.owners import GRACE
from elt_redshift.testing.moves import Kind, Move, draw

#: Between finding an owner dead and taking its lock over.
TAKING_OVER = ("ask for owner", "judge owner", "find left statements", "judge left statements", "take over lock")

#: Steps of tasks and states of the lock before or behind which something else may happen.
STEPS = (
    "acquire lock",
    "read lock",
    "release lock",
    "find finished statement",
    "finish",
    "find",
    "status",
    "describe",
    "await",
    "record",
    "failed",
    "reclaim",
    "claim",
    "join",
    "announce",
    "announce last",
    "tell last",
    "find waiting",
    "wake all",
    "wake",
    "block",
    "park",
    "settle late",
    "report",
    "settle item",
)

#: A window that nobody enters within so many seconds is not waited for any longer.
_PATIENCE = 600.0

_AGAIN: tuple[Kind, ...] = ("redrive", "redrive", "resume", "start")


def aimed(random: Random) -> tuple[Move, ...]:
    """Some moves, at least one of them aimed."""
    more = draw(random, most=2)
    return (*random.choice((_taking_over, _stopped, _anywhere, _waiting))(random), *more)


def _taking_over(random: Random) -> tuple[Move, ...]:
    """The owner of the lock goes on, or ends once more, while it is being found dead."""
    long_ago = random.choice((130.0, 900.0))  # nobody takes over sooner than two minutes after an end
    first: Kind = random.choice(("stop", "stop", "crash"))
    then: Kind = random.choice(("start", "start", "resume"))
    return (_quick(random, first), Move(then, 10_000, long_ago, 0.0), _at(random, _AGAIN, TAKING_OVER))


def _waiting(random: Random) -> tuple[Move, ...]:
    """The owner of the lock goes on about when whoever waits for its late calls looks again."""
    since = random.uniform(1.0, GRACE / 2)
    until = GRACE - since - random.uniform(-1.0, 5.0)
    again: Kind = random.choice(("stop", "redrive"))
    first, then = _quick(random, "stop"), Move("start", 10_000, since, 0.0)
    return first, then, Move("redrive", 10_000, until, 0.0), Move(again, 10_000, random.uniform(0.0, 2.0), 0.0)


def _stopped(random: Random) -> tuple[Move, ...]:
    """Something ends in the midst of a step, and goes on."""
    ends: tuple[Kind, ...] = ("stop", "crash", "stop by airflow")
    return _at(random, ends, STEPS), _quick(random, random.choice(_AGAIN))


def _anywhere(random: Random) -> tuple[Move, ...]:
    kinds: tuple[Kind, ...] = ("stop", "redrive", "start", "resume", "unlock", "data outage")
    return tuple(_at(random, kinds, (*STEPS, *TAKING_OVER)) for _ in range(random.randint(2, 4)))


def _quick(random: Random, kind: Kind) -> Move:
    return Move(kind, random.randint(1, 25), 1 + random.expovariate(1 / 3), random.random() ** 2)


def _at(random: Random, kinds: tuple[Kind, ...], states: tuple[str, ...]) -> Move:
    return Move(random.choice(kinds), 1, _PATIENCE, 0.3 * random.random() ** 2, random.choice(states))
