"""The operator that starts an execution, as Airflow's real class, over a Step Functions in memory."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.airflow_compat import (
    AirflowFailException,
)
from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.job.model import EltJob, LockPolicy
from elt_redshift.links.console import EXECUTION_ARN
from elt_redshift.triggers.execution import ExecutionTrigger
from tests.unit.airflow_names import TaskDeferred
from tests.unit.fake_step_functions import MACHINE, FakeExecution
from tests.unit.operators.stand_ins import FakeHook, FakeTaskInstance, execute, make_start


def test_start_looks_the_state_machine_up_and_pushes_the_execution(hook: FakeHook, job: EltJob) -> None:
    """The state machine is found by the job's stack when the task runs, and the ARN is an XCom."""
    ti = FakeTaskInstance()
    arn = execute(make_start(job, stack="Sales"), ti)
    assert hook.looked_up == [("sales", "Sales")]
    job_ref = {"job_id": "7", "name": "sales", "stack": "Sales", "state_machine_arn": None}
    assert ti.xcoms == {EXECUTION_ARN: arn, "run": {"job": job_ref, "parameters": {"year": "1998"}}}
    assert list(hook.client.executions) == [arn]


def test_start_takes_a_given_state_machine(hook: FakeHook, job: EltJob) -> None:
    """With an ARN, no stack is looked up."""
    execute(make_start(job, state_machine_arn=MACHINE), FakeTaskInstance())
    assert hook.looked_up == []


class Ordered(FakeTaskInstance):
    """A task instance of a run behind another one."""

    def __init__(self, before: str | None) -> None:
        super().__init__()
        self.before = before

    def get_previous_dagrun(self, state: str) -> Any:
        assert state == "running"
        return SimpleNamespace(run_id=self.before) if self.before else None


@pytest.mark.parametrize("begun", [True, False])
def test_start_of_a_job_that_waits_is_in_turn(hook: FakeHook, begun: bool) -> None:
    """While a run with an earlier date is under way, whether it has come to start its execution or not, the start waits
    in the triggerer; then it starts."""
    job = EltJob(job_id="7", name="sales", lock=LockPolicy(when_locked="wait"))
    job.task("load", statement="select 1")
    earlier = FakeExecution(run_execution_name("sales", "earlier", "start_execution", 1))
    if begun:
        hook.client.executions[earlier.arn] = earlier
    start, ti = make_start(job, aws_conn_id="etl", poll_interval=2.0), Ordered("earlier")
    with pytest.raises(TaskDeferred) as deferred:
        execute(start, ti)
    wanted = ExecutionTrigger(
        MACHINE, None, "sales", "earlier", "start_execution", 120.0, aws_conn_id="etl", poll_interval=2.0
    )
    assert deferred.value.trigger.serialize() == wanted.serialize()
    hook.client.executions[earlier.arn] = earlier.end("FAILED")
    context: Any = {"ti": ti}
    assert start.execute_complete(context, None) in hook.client.executions


@pytest.mark.parametrize(("when_locked", "before"), [("skip", "earlier"), ("wait", None)])
def test_start_waits_for_nobody_else(hook: FakeHook, when_locked: Any, before: str | None) -> None:
    """A job that does not wait for its lock, and the first of all runs, start at once."""
    job = EltJob(job_id="7", name="sales", lock=LockPolicy(when_locked=when_locked))
    job.task("load", statement="select 1")
    assert execute(make_start(job), Ordered(before)) in hook.client.executions


def test_start_that_has_begun_waits_no_more(hook: FakeHook) -> None:
    """A run that has its execution attaches to it, whatever other runs do."""
    job = EltJob(job_id="7", name="sales", lock=LockPolicy(when_locked="wait"))
    job.task("load", statement="select 1")
    arn = execute(make_start(job), Ordered(None))
    assert execute(make_start(job), Ordered("earlier")) == arn


@pytest.mark.parametrize(("given", "value"), [({}, "1998"), ({"year": "1997"}, "1997"), ({"year": 1996}, "1996")])
def test_start_gives_every_parameter_as_text(hook: FakeHook, job: EltJob, given: Any, value: str) -> None:
    """Defaults fill in what is not given, and numbers made by native templates become text; who starts it is told."""
    ti = FakeTaskInstance()
    arn = execute(make_start(job, parameters=given), ti)
    by = f"Airflow DAG {ti.dag_id}, run {ti.run_id}"
    assert json.loads(hook.client.executions[arn].given) == {"parameters": {"year": value}, "started_by": by}


@pytest.mark.parametrize(
    ("options", "message"),
    [({"stack": "missing"}, "not deployed"), ({"parameters": {"month": "1"}}, "month")],
)
def test_start_does_not_try_again_what_cannot_work(
    hook: FakeHook, job: EltJob, options: dict[str, Any], message: str
) -> None:
    """A job that is not deployed and a parameter that it does not have fail for good, with the reason."""
    with pytest.raises(AirflowFailException, match=message):
        execute(make_start(job, **options), FakeTaskInstance())


@pytest.mark.parametrize(
    ("try_number", "max_tries", "redrives"),
    [
        (2, 2, 0),  # the second of three tries: the first one was interrupted
        (2, 3, 1),  # cleared after the first try, which raised max_tries from 2 to 3
        (3, 3, 1),  # the second try since it was cleared: the first one may not have come as far
    ],
)
def test_start_tells_a_repeated_try_from_a_cleared_task(
    hook: FakeHook, job: EltJob, try_number: int, max_tries: int, redrives: int
) -> None:
    """With two retries: a repeated try takes the execution that has ended; the first try after a clear redrives it."""
    start = make_start(job, retries=2)
    first = execute(start, FakeTaskInstance(1, 2))
    hook.client.executions[first].end("FAILED")
    execute(start, FakeTaskInstance(try_number, max_tries))
    assert len(hook.client.executions) == 1
    assert hook.client.calls["RedriveExecution"] == redrives
