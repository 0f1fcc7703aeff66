"""What a list of statements does not tell is not guessed: neither by a run that goes on with another one's work, nor by
one that takes a lock over."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.job.model import LockPolicy
from elt_redshift.protocol import audit, executions, messages
from elt_redshift.testing import samples
from elt_redshift.testing.errors import StateError
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.histories import findings
from elt_redshift.testing.moves import resumption
from elt_redshift.testing.redshift_data import Behaviour
from elt_redshift.testing.subject import Subject

from .plays import Play

DENIED = StateError("RedshiftData.AccessDeniedException", "You may not. (Service: RedshiftData, Status Code: 400)")
INVALID = StateError("RedshiftData.ValidationException", "No (Service: RedshiftData, Status Code: 400)")
HOUR = 3600.0


def _play(job: str = "one_task") -> Play:
    return Play(next(one for one in samples.subjects()[0] if one.name == job))


def _left(play: Play) -> dict[str, Any]:
    """A run that was stopped while a statement of ``a`` ran, which went on to its end; gives what a resumption of it is
    told then."""
    play.world.lost_events = 1.0
    play.behaves = lambda task, before: Behaviour(60)
    play.start(20)
    play.halt()
    told = resumption(play.world, _runs(play)[0])
    play.go_on_for(100)
    return told


def _runs(play: Play) -> list[Execution]:
    return [*play.world.step_functions.executions.values()]


def _resumed(play: Play, told: dict[str, Any]) -> Execution:
    play.mover.start(resume=told)
    play.go_on_for(2 * HOUR)
    return _runs(play)[-1]


def _failure(play: Play) -> tuple[str, str, str, str]:
    item = play.world.item()
    names = (audit.JOB_STATE, audit.FAILED_TASK, audit.AFTER_FAILURE, audit.MESSAGE)
    state, task, after, message = (item[name] for name in names)
    return state, task, after, message


def test_a_statement_that_has_finished_is_kept() -> None:
    """As long as the Data API remembers it."""
    play = _play()
    run = _resumed(play, _left(play))
    assert (run.status, run.tasks, len(play.world.data.statements)) == (executions.SUCCEEDED, {"a": "kept"}, 1)


@pytest.mark.parametrize("job", ["one_task", "released"])
def test_a_statement_that_was_forgotten_meanwhile_holds_the_job(job: str) -> None:
    """The resumption was planned in time and looked too late: it does not guess, whatever the policy is."""
    play = _play(job)
    told = _left(play)
    play.go_on_for(25 * HOUR)
    run = _resumed(play, told)
    assert run.status == executions.FAILED
    state, task, after, message = _failure(play)
    assert (state, task, after) == (audit.FAILED, "a", audit.HOLD)
    assert message.startswith(f"{messages.UNSEEN}it has forgotten statement 101/e1/a/")
    assert "--assume done a`" in message
    assert len(play.world.data.statements) == 1


@pytest.mark.parametrize(("said", "submitted"), [("done", 1), ("not-done", 2)])
def test_it_goes_on_as_somebody_says(said: audit.Assumption, submitted: int) -> None:
    """After a redrive that nobody has said anything for, it is held again."""
    play = _play()
    told = _left(play)
    play.go_on_for(25 * HOUR)
    run = _resumed(play, told)
    play.behaves = lambda task, before: Behaviour(1)
    play.redrive(HOUR)
    assert run.status == executions.FAILED
    store = play.world.audit_store()
    item = store.read("101")
    assert item
    store.assume(item, run.name, run.redrives + 1, {"a": said}, by="Ann")
    play.redrive(HOUR)
    assert (run.status, len(play.world.data.statements)) == (executions.SUCCEEDED, submitted)
    assert play.world.item()[audit.JOB_STATE] == audit.READY


def test_what_was_said_before_an_earlier_redrive_counts() -> None:
    """Of two such tasks somebody says one after the other what to take them for, as the item names them."""
    play = _play("joined")
    told = _left(play)
    assert [one["task"] for one in told["open"]] == ["a", "b"]
    play.go_on_for(25 * HOUR)
    run = _resumed(play, told)
    play.behaves = lambda task, before: Behaviour(1)
    for task in ("a", "b"):
        assert _failure(play)[1] == task
        assert play.mover.assume()
        play.go_on_for(HOUR)
    assert (run.status, run.tasks["a"], run.tasks["b"]) == (executions.SUCCEEDED, "kept", "kept")
    assert [*findings(play.world)] == []


def test_a_refused_submission_is_not_the_last_word_while_nobody_may_look() -> None:
    """An earlier try of it arrived, and its answer was lost; the list is throttled for a while."""
    play = _play()
    play.fares("a", "unanswered", INVALID)
    play.fares("a: find", *["throttled"] * 3)
    play.start()
    (run,) = _runs(play)
    assert (run.status, len(play.world.data.statements)) == (executions.SUCCEEDED, 1)


@pytest.mark.parametrize(("job", "after"), [("one_task", "hold"), ("released", "release")])
def test_an_error_that_nobody_foresaw_is_recorded(job: str, after: str) -> None:
    """With the task and the service's words; a redrive asks again."""
    play = _play(job)
    told = _left(play)
    play.fares("find finished statement", *[DENIED] * 13)
    run = _resumed(play, told)
    assert run.status == executions.FAILED
    assert _failure(play) == (audit.FAILED, "a", after, f"{messages.UNSEEN}You may not.")
    assert run.error
    assert run.error.cause == f"Task a failed: {messages.UNSEEN}You may not."
    play.redrive(HOUR)
    assert run.status == executions.SUCCEEDED
    assert len(play.world.data.statements) == (1 if job == "one_task" else 4)
    assert [*findings(play.world)] == []


def test_a_take_over_that_may_not_look_says_so() -> None:
    """The lock stays with the dead owner, and the next run asks again; so does a redrive."""
    play = _play()
    _left(play)
    play.fares("find left statements", *[DENIED] * 13)
    play.start()
    refused = _runs(play)[-1]
    assert refused.status == executions.FAILED
    assert refused.error
    owner = play.world.item()[audit.OWNER]
    assert refused.error.cause == "".join(messages.left_untold("101", owner, "You may not."))
    play.redrive()
    assert refused.status == executions.SUCCEEDED


@pytest.mark.parametrize("late", ["a", "b"])
def test_of_several_failures_the_one_that_nobody_knows_of_holds_the_job(late: str) -> None:
    """Whichever came first, and although the policy lets other failures go."""
    settling = next(one for one in samples.jobs() if one.name == "settling")
    settling.lock = LockPolicy(after_failure="release")
    play = Play(Subject.of(settling))
    play.world.lost_events = 1.0
    play.behaves = lambda task, before: Behaviour(0.2, "fails") if task == "a" else Behaviour(60)
    play.start(20)  # a has failed, and b runs
    play.halt()
    play.go_on_for(30 * HOUR)
    play.fares(f"{late}: reclaim", *["throttled"] * 4)
    play.redrive(HOUR)
    state, task, after, message = _failure(play)
    assert (state, task, after) == (audit.FAILED, "b", audit.HOLD)
    assert message.startswith(f"{messages.UNSEEN}it has forgotten statement 101/e1/b/1")
