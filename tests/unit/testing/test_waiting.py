"""Runs that wait for the lock take it in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from elt_redshift.job.model import LockPolicy
from elt_redshift.protocol import audit
from elt_redshift.testing import Faults
from elt_redshift.testing.moves import Mover
from elt_redshift.testing.redshift_data import Behaviour
from elt_redshift.testing.subject import AUDIT_TABLE, Mutation, Subject
from elt_redshift.testing.world import World
from tests.unit.asl.jobs import job, task

from .broken import replaced

#: How long the job takes, whose runs wait for the lock.
SECONDS = 60.0


class Queue:
    """Runs of a job, started one after the other."""

    def __init__(self, mutate: Mutation | None = None, fails: Iterable[int] = ()) -> None:
        subject = Subject.of(job(task("a"), lock=LockPolicy(when_locked="wait")), mutate=mutate)
        self._fails = {f"e{number}" for number in fails}
        self.world = World(subject, 0, self._behave, Faults(), 600.0)
        self.world.lost_events = 1.0
        self.mover = Mover(self.world)

    def _behave(self, name: str, parts: int) -> Behaviour:
        return Behaviour(SECONDS, "fails" if name.split("/")[1] in self._fails else "commits")

    def start(self, runs: int = 1, apart: float = 1.0) -> None:
        for _ in range(runs):
            self.mover.start()
            self.world.clock.run(self.world.clock.now + apart)

    def stop(self, number: int) -> None:
        service = self.world.step_functions
        service.stop(service.arn(f"e{number}"))

    def edit(self, attribute: str, value: Mapping[str, object]) -> None:
        for (table, _), item in self.world.dynamodb.items.items():
            if table == AUDIT_TABLE:
                item[attribute] = value

    def until_free(self) -> None:
        """The one at work releases the lock."""
        self.world.clock.run_while(lambda: self.world.item()[audit.JOB_STATE] == audit.RUNNING, float("inf"))

    def order(self) -> list[int]:
        """Who had the lock, once nobody runs any more."""
        running = self.world.step_functions.running
        self.world.clock.run_while(lambda: any(running()), self.world.clock.now + 86_400)
        assert not any(running())
        assert audit.WAITING not in self.world.item()
        return [int(claim.owner.rpartition("e")[2]) for claim in self.world.claims]


def test_who_comes_first_runs_first() -> None:
    """Ten runs that come while one is at work; the lock is free for a fifth of the time at most."""
    queue = Queue()
    queue.start(10)
    assert queue.order() == [*range(1, 11)]
    assert queue.world.claims[-1].since - queue.world.claims[0].since < 9 * SECONDS * 1.2


def test_who_waits_is_not_overtaken() -> None:
    """A run that is started when the lock is free has to wait behind one that has not seen it yet. Without the demand
    of the writes it would not."""
    orders = []
    for mutate in (None, replaced("acquire lock", r" AND \(attribute_not_exists\(Waiting\).*?:ticket\)\)\)", "")):
        queue = Queue(mutate=mutate)
        queue.start(2)
        queue.until_free()
        queue.start()
        orders.append(queue.order())
    assert orders == [[1, 2, 3], [1, 3, 2]]


@pytest.mark.parametrize("stopped", [(2,), (2, 3), (1,), (1, 2, 4), (6,)])
def test_nobody_waits_for_the_dead(stopped: tuple[int, ...]) -> None:
    """Who was stopped while it waited, or at work, is passed by."""
    queue = Queue()
    queue.start(6)
    for number in stopped:
        queue.stop(number)
    queue.start(2)
    assert [one for one in queue.order() if one != 1] == [one for one in range(2, 9) if one not in stopped]


def test_who_goes_on_with_a_failed_run_comes_before_those_that_wait_for_it() -> None:
    """The lock is reserved for it."""
    queue = Queue(fails=[1])
    queue.start(3, apart=40)
    queue.world.clock.run(queue.world.clock.now + 600)
    queue.mover.resume()
    assert queue.order() == [1, 4, 2, 3]


@pytest.mark.parametrize("value", [{"S": "x"}, {"N": "3"}, {"SS": ["0 b", "1"]}, {"M": {}}, {"NULL": True}])
def test_tickets_that_somebody_has_edited_stop_nobody(value: Mapping[str, object]) -> None:
    """Whoever waits comes back when it looks next, and what is no run's ticket goes."""
    queue = Queue()
    queue.start(3)
    queue.edit(audit.WAITING, value)
    queue.start(2)
    assert sorted(queue.order()) == [1, 2, 3, 4, 5]


def test_a_healthy_run_pays_nothing_for_it() -> None:
    """It enters the states of a run that would not wait."""
    entered: list[str] = []
    queue = Queue()
    queue.world.on_entered = entered.append
    queue.start()
    assert queue.order() == [1]
    assert entered[:2] == ["acquire lock", "a"]
    assert entered[-1] == "release lock"
