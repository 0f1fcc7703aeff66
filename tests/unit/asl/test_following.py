"""Large jobs that are unrolled: their statements are followed by executions of a machine of its own."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from elt_redshift.asl.bounds import size
from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.patterns.following import SHORT
from elt_redshift.aws.stacks import body
from elt_redshift.aws.template.following import MACHINE
from elt_redshift.aws.template.rendering import render
from elt_redshift.planning.estimates import simulate
from elt_redshift.planning.plan import plan_job
from elt_redshift.planning.scenario import Scenario
from elt_redshift.protocol.limits import MAX_DEFINITION, MAX_TEMPLATE

from .jobs import job, task
from .test_map_layout import sized

TASKS = 255


@cache
def _machine() -> StateMachine:
    return compile_job(sized(TASKS, layout="unrolled"))


def _large(seconds: float = 1.0) -> tuple[StateMachine, Any]:
    return _machine(), simulate(_machine(), Scenario({f"t{number}": seconds for number in range(TASKS)}))


def test_a_large_job_fits_one_definition() -> None:
    """With some 3.7 KB for a task, and the follower's machine beside it; a small one has all in its own states."""
    machine, _ = _large()
    assert machine.follows
    assert machine.size < MAX_DEFINITION * 9 // 10
    assert machine.size / TASKS < 3_680
    assert size(machine.following()) < 20_000
    assert not compile_job(sized(80, layout="unrolled")).follows
    assert not compile_job(sized(80)).follows


def test_its_template_fits_cloudformation() -> None:
    """Which takes 1 MB from S3: what the stack's conditions decide stands in a variable, not in each task."""
    assert len(body(render(_machine()).template)) < MAX_TEMPLATE


def test_a_task_adds_the_same_to_the_history_however_long_it_runs() -> None:
    """A healthy short one costs two transitions as ever; a long one a transition for each half a minute."""
    (_, short), (_, long), (_, longer) = _large(1.0), _large(120.0), _large(3600.0)
    assert short.transitions == 3 + 2 * TASKS
    assert long.executions[0].events == longer.executions[0].events == short.executions[0].events + 7 * TASKS
    assert (longer.transitions - long.transitions) / TASKS == 3480 / 30
    assert longer.makespan == 3600


def test_followers_relieve_each_other_once_an_hour() -> None:
    """Each adds as much to its run's history."""
    (_, hour), (_, two) = _large(3660.0), _large(2 * 3600.0)
    assert two.executions[0].events == hour.executions[0].events + 6 * TASKS


def test_retries_are_walked() -> None:
    """A failed attempt is followed, and the task's own state submits the next one."""
    made = job(*(task(f"t{number}", retries=1) for number in range(TASKS)), layout="unrolled")
    machine = compile_job(made)
    seconds = dict.fromkeys(made.task_names, 1.0)
    once = simulate(machine, Scenario(seconds))
    twice = simulate(machine, Scenario(seconds, failures={"t0": 1}))
    # follow; follow, status, describe, status, retry, status, anew; submit, finish
    assert twice.transitions == once.transitions + 1 + 7 + 2


@pytest.mark.parametrize(("wait", "more"), [({}, {"on_task_failure": "finish_independent"}), ({"wait": "event"}, {})])
def test_what_cannot_be_followed_keeps_its_states(
    wait: dict[str, Any], more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks that wait for events, and failures that are held back."""
    monkeypatch.setattr("elt_redshift.asl.bounds._LEAST_STATES", 10**9)
    made = job(*(task(f"t{number}", **wait) for number in range(40)), layout="unrolled", **more)
    assert not compile_job(made).follows


def test_the_stack_has_the_follower_under_the_role_that_submits() -> None:
    """Redshift shows a statement to that role alone, which may start followers and send tokens."""
    machine, _ = _large()
    template = render(machine).template
    follower, own = template["Resources"][MACHINE], template["Resources"]["RedshiftETLStepFunction"]
    assert follower["Properties"]["RoleArn"] == own["Properties"]["RoleArn"]
    assigned = own["Properties"]["Definition"]["States"]["acquire lock"]["Assign"]
    assert {"StateMachineArn": {"Ref": MACHINE}} in assigned.values()
    rights = template["Resources"]["StateMachineRights"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = {action: one["Resource"] for one in rights if "Action" in one for action in one["Action"]}
    assert allowed["states:StartExecution"] == {"Ref": MACHINE}
    assert allowed["states:SendTaskFailure"] == "*"


def test_a_task_that_says_more_tells_its_follower() -> None:
    """Timeout, retries and pauses that are not the usual ones."""
    usual = _machine().definition()
    timed = job(*(task(f"t{n}", timeout=timedelta(hours=1)) for n in range(TASKS)), layout="unrolled")
    told = [_states(one)["t0: follow"]["Arguments"] for one in (usual, compile_job(timed).definition())]
    assert ['"timeout"' in one for one in told] == [False, True]


def _states(definition: dict[str, Any]) -> Any:
    """Of the first branch."""
    (together,) = (state for state in definition["States"].values() if state["Type"] == "Parallel")
    return together["Branches"][0]["States"]


@cache
def _of_short_tasks(wait: str = "long_poll") -> StateMachine:
    tasks = (task(f"t{n}", expected=SHORT, wait=wait) for n in range(TASKS))
    return compile_job(job(*tasks, layout="unrolled"))


def test_a_task_that_is_known_to_be_short_costs_one_transition() -> None:
    """And has one state less; where it takes longer after all, a follower looks for it by its name."""
    machine = _of_short_tasks()
    assert [*_states(machine.definition())] == ["t0", "t0: status", "t0: follow", "t0: kept"]
    assert machine.size < _machine().size - 400 * TASKS
    seconds = dict.fromkeys(machine.job.task_names, 1.0)
    assert simulate(machine, Scenario(seconds)).transitions == 3 + TASKS
    late = simulate(machine, Scenario({**seconds, "t0": 45.0}))
    # status, follow; follow, status, find, status, describe, status, answer
    assert (late.transitions, late.makespan) == (3 + TASKS + 2 + 7, 45)
    assert "t0: finish" not in _states(_of_short_tasks("poll").definition())


def test_the_plan_tells_of_followers() -> None:
    """So that nobody wonders where a long statement's states are."""
    machine, _ = _large()
    assert plan_job(machine).reason == "the job says so; statements of more than a minute have executions of their own"
