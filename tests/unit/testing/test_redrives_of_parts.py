"""A stop that comes late: one redrive of a run then redrives a part twice, and the part counts more than its run.

::

    run     ──── stopped ──── redrive (1) ──────────────────────────────── redrive (2) ──>
    others  ──── stopped ──── redrive (1) ────────────────────────────────
    part 2  ──── stopped ──── redrive (1) ──── stopped ── redrive (2) ────
                                                  ^
                  the second of two stops ────────┘

Step Functions stops a part with its run, and so do the machine that follows the ends of runs, and Airflow.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from elt_redshift.job.model import EltJob, SqlStatement, SqlTask
from elt_redshift.job.parts import OnTaskFailure
from elt_redshift.protocol import audit, executions
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.histories import findings
from elt_redshift.testing.redshift_data import Behaviour
from elt_redshift.testing.subject import Subject

from .plays import QUICKLY, Play

#: Seconds from the run's end to its redrive, and to the second stop of part 2.
SOON, LATE = 8.0, 30.0


def _play(tasks: str, on_task_failure: OnTaskFailure) -> Play:
    """Of tasks that need nothing of each other, each in a part of its own."""
    statement = SqlStatement(text="insert into t select 1")
    made = [SqlTask(name=name, statements=(statement,)) for name in tasks]
    job = EltJob(job_id="101", name="late", tasks=made, on_task_failure=on_task_failure)
    return Play(Subject.of(job, cut_at=1))


def _redriven(play: Play, behaviours: Mapping[str, list[Behaviour]]) -> Execution:
    """The run when it has ended again.

    :param behaviours: of each task's statements. The first ones outlive the stop.
    """
    play.behaves = lambda task, before: behaviours[task][before]
    service = play.world.step_functions
    play.start(2)
    play.halt()
    (part,) = (one for arn, one in service.executions_of_parts.items() if ":part2:" in arn)
    play.world.clock.after(LATE, service.stop_part, part)
    play.go_on_for(SOON)
    play.redrive()
    (run,) = service.executions.values()
    assert (run.redrives, part.redrives) == (1, 2)
    return run


def _ends_well(play: Play, run: Execution) -> None:
    """Another redrive goes well, and nothing was lost, done twice or left unrecorded."""
    play.behaves = lambda task, before: QUICKLY
    play.redrive()
    assert run.status == executions.SUCCEEDED
    assert [*map(str, findings(play.world))] == []


@pytest.mark.parametrize("on_task_failure", ["stop", "finish_independent"])
@pytest.mark.parametrize("failing", ["a", "b"])
def test_a_failure_is_recorded_with_the_count_of_the_run(failing: str, on_task_failure: OnTaskFailure) -> None:
    """Whichever part it is in: that of ``b`` has taken the lock once more than the run was redriven."""
    play = _play("ab", on_task_failure)
    run = _redriven(play, {name: [Behaviour(90, "fails" if name == failing else "commits")] for name in "ab"})
    assert run.status == executions.FAILED
    item = play.world.item()
    assert (item[audit.JOB_STATE], item[audit.FAILED_TASK], item[audit.REDRIVES]) == (audit.FAILED, failing, "1")
    _ends_well(play, run)


def test_a_failure_that_is_held_back_stays_so_until_the_run_is_redriven() -> None:
    """A part that goes on behind a late stop does not try the task again: it would be done and blocked at once, and
    others would be taken for settled that run."""
    play = _play("abc", "finish_independent")
    run = _redriven(
        play, {"a": [Behaviour(400)], "b": [Behaviour(20, "fails"), QUICKLY], "c": [Behaviour(90, "fails")]}
    )
    statements = {one.task: one for one in play.world.data.statements.values()}
    assert run.ended
    assert statements["a"].ended
    assert statements["a"].ended < run.ended
    assert play.world.item()[audit.FAILED_TASK] == "b"
    _ends_well(play, run)
