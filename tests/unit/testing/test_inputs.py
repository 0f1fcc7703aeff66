"""What an execution is started with may be anything: it is refused in words before the lock is taken, or the run does
its work."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from elt_redshift.asl.patterns.values import STRANGE_RESUME
from elt_redshift.protocol import audit, executions
from elt_redshift.testing import samples

from .plays import Play

WRITTEN = {
    "from": "arn:aws:states:eu-west-1:123456789012:execution:job:e0",
    "kept": "1234 5678",
    "open": [{"task": "a", "fingerprint": "9abc", "by": "e0", "since": "2026-01-01T00:00:00.000Z"}],
    "asked": "somebody",
}
ANYTHING = (7, -1, 0.5, "", "a", "😀", True, None, [], [7], ["a"], [{}], [[]], {}, {"task": "a"}, {"open": 7})


def _strange(random: Random) -> Any:
    """What a program writes, with one part of it changed or left out; or anything."""
    if random.random() < 0.2:
        return random.choice(ANYTHING)
    told: Any = copy.deepcopy(WRITTEN)
    place = random.choice((told, told, told["open"][0]))
    name = random.choice([*place])
    if random.random() < 0.2:
        del place[name]
    else:
        place[name] = copy.deepcopy(random.choice(ANYTHING))
    if place is not told and random.random() < 0.3:
        told["open"].append(copy.deepcopy(WRITTEN["open"][0]))
    return told


@pytest.mark.parametrize("job", ["joined", "map_joined"])
def test_a_strange_resumption_is_refused_before_the_lock_is_taken(job: str) -> None:
    """Or it is none that the run relies on, and all tasks are done. In no case is the end unrecorded."""
    subject = next(one for group in samples.subjects() for one in group if one.name == job)
    refused = 0
    for seed in range(150):
        play, told = Play(subject), _strange(Random(seed))
        play.mover.start(resume=told)
        play.go_on_for(600)
        (run,) = play.world.step_functions.executions.values()
        assert play.world.unrecorded == [], told
        if run.status == executions.SUCCEEDED:
            assert play.world.item()[audit.JOB_STATE] == audit.READY, told
        elif play.world.item():  # a text that is no time, or no execution: nobody can know how its statement ended
            assert play.world.item()[audit.FAILED_TASK] == "a", told
        else:
            assert run.error is not None
            assert run.error.cause == f"Job {job} cannot start. {STRANGE_RESUME}", told
            refused += 1
    assert 50 < refused < 150
