"""The operator that shows a task of an execution, as Airflow's real class, over a Step Functions in memory."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.serialization.serialized_objects import BaseSerialization

from elt_redshift.airflow_compat import (
    DAG,
    STARTS_FROM_TRIGGER,
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)
from elt_redshift.links.console import EXECUTION_ARN, execution_url
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers.mirror import MirrorTrigger
from elt_redshift.triggers.outcome import Outcome, outcome_of
from elt_redshift.triggers.step_functions import TaskTrigger
from tests.unit.airflow_names import TaskDeferred, serialized_and_back
from tests.unit.fake_step_functions import FakeExecution
from tests.unit.operators.stand_ins import FakeHook, FakeTaskInstance, execute, make_mirror, standing

REMEDY = "Mend it, deploy the job if its SQL has changed, and clear the failed tasks."


def test_a_mirror_defers_to_the_shared_trigger() -> None:
    """A deferrable mirror hands the execution, its task and the connection to the trigger, for a bounded time."""
    mirror = make_mirror(
        aws_conn_id="etl", region_name="eu-west-1", verify=False, poll_interval=2, follow_timeout=timedelta(hours=1)
    )
    with pytest.raises(TaskDeferred) as deferred:
        execute(mirror, FakeTaskInstance(execution_arn="arn"))
    assert isinstance(deferred.value.trigger, TaskTrigger)
    trigger = TaskTrigger(
        "arn", "load", end_from_trigger=True, aws_conn_id="etl", region_name="eu-west-1", verify=False, poll_interval=2
    )
    assert deferred.value.trigger.serialize() == trigger.serialize()
    assert (deferred.value.method_name, deferred.value.timeout) == ("execute_complete", timedelta(hours=1))


@pytest.mark.parametrize(
    "options", [{"on_success_callback": print}, {"on_skipped_callback": print}, {"outlets": ["sales"]}]
)
def test_what_follows_a_success_is_left_to_a_worker(options: dict[str, Any]) -> None:
    """A mirror with a callback or an outlet is not ended by its trigger, which has neither."""
    with pytest.raises(TaskDeferred) as deferred:
        execute(make_mirror(**options), FakeTaskInstance(execution_arn="arn"))
    assert not deferred.value.trigger.end_from_trigger


def test_a_repeated_try_looks_before_it_waits(hook: FakeHook) -> None:
    """The scheduler may have taken the end of the deferring worker for that of the resumed one; it cannot again."""
    execution = FakeExecution("run").fail("load", "ERROR: no")
    hook.client.executions[execution.arn] = execution
    with pytest.raises(AirflowFailException, match="ERROR: no"):
        execute(make_mirror(retries=2), FakeTaskInstance(2, 2, execution_arn=execution.arn))


def test_a_repeated_try_waits_for_what_is_open(hook: FakeHook) -> None:
    """When the task has not ended, the trigger goes on watching it."""
    execution = FakeExecution("run").submit("load")
    hook.client.executions[execution.arn] = execution
    with pytest.raises(TaskDeferred):
        execute(make_mirror(retries=2), FakeTaskInstance(2, 2, execution_arn=execution.arn))


def test_a_mirror_that_was_ended_already_looks_by_itself(hook: FakeHook) -> None:
    """`airflow dags test` resumes a task that its trigger has ended, and tells it only the state."""
    execution = FakeExecution("run").succeed("load")
    hook.client.executions[execution.arn] = execution
    ti = FakeTaskInstance(execution_arn=execution.arn)
    make_mirror().execute_complete({"ti": ti}, "success")
    assert (ti.returned["statement_id"], ti.returned["rows"]) == ("s-1", 7)


def test_a_broken_trigger_is_tried_again() -> None:
    """Whatever else failed in the triggerer may pass."""
    with pytest.raises(AirflowException) as failed:
        make_mirror().resume_execution("__fail__", {"error": "Trigger failure"}, {})
    assert not isinstance(failed.value, AirflowFailException)


@pytest.mark.skipif(not STARTS_FROM_TRIGGER, reason="Airflow 3.3 and later")
def test_a_mirror_begins_in_the_triggerer() -> None:
    """The scheduler's copy of a mirror says which trigger to start, with arguments that the trigger takes."""
    with DAG("sales", schedule=None) as dag:
        make_mirror(start_task_id="begin", aws_conn_id="etl", follow_timeout=timedelta(hours=1))
    again = serialized_and_back(dag).get_task("load")
    wanted = MirrorTrigger("load", "begin", aws_conn_id="etl").serialize()
    args = again.start_trigger_args
    assert again.start_from_trigger
    assert args.trigger_cls == wanted[0]
    assert MirrorTrigger(**BaseSerialization.deserialize(args.trigger_kwargs)).serialize() == wanted
    assert (args.next_method, args.timeout) == ("execute_complete", timedelta(hours=1))


def test_a_templated_connection_is_filled_in() -> None:
    """On the worker where such a mirror begins."""
    with DAG("sales", schedule=None):
        mirror = make_mirror(region_name="{{ ti.region }}")
    mirror.render_template_fields({"ti": SimpleNamespace(region="eu-west-1", xcom_pull=lambda **_: None)})  # type: ignore[typeddict-item]
    assert mirror.connection.region_name == "eu-west-1"


@pytest.mark.parametrize(
    "options",
    [{"from_trigger": False}, {"deferrable": False}, {"region_name": "{{ var.value.region }}"}]
    + [{hook: print} for hook in ("pre_execute", "post_execute", "on_execute_callback")],
)
def test_a_mirror_can_begin_on_a_worker(options: dict[str, Any]) -> None:
    """It does when told so, or when a user's own code is to run there. On Airflow before 3.3 it always does."""
    assert not getattr(make_mirror(**options), "start_from_trigger", False)


def test_a_mirror_goes_on_with_a_worker(hook: FakeHook) -> None:
    """When the trigger leaves all to a worker, nothing of an earlier try is left to see, and it begins anew."""
    ti: Any = FakeTaskInstance(return_value={"statement_id": "old", "rows": 1}, execution_arn="older")
    ti.xcom_pull = lambda task_ids, key: "arn" if key == EXECUTION_ARN else None
    with pytest.raises(TaskDeferred):
        make_mirror().execute_complete({"ti": ti}, None)
    assert ti.xcoms == {"return_value": None, "execution_arn": "arn"}


def test_a_mirror_needs_an_execution() -> None:
    """A mirror without an execution says what to do, and is not tried again."""
    with pytest.raises(AirflowFailException, match="Clear it"):
        execute(make_mirror(), FakeTaskInstance())


def test_a_succeeded_mirror_returns_statement_seconds_and_rows() -> None:
    """What the event tells of a success becomes one XCom, or none where the task is to push nothing."""
    ti = FakeTaskInstance()
    event = Outcome("succeeded", statement_id="s-1", seconds=2.5, rows=0, attempt=1).to_event()
    make_mirror().execute_complete({"ti": ti}, event)
    assert ti.xcoms == {"return_value": {"statement_id": "s-1", "seconds": 2.5, "rows": 0}}
    silent = FakeTaskInstance()
    make_mirror(do_xcom_push=False).execute_complete({"ti": silent}, event)
    assert silent.xcoms == {}


def test_a_failed_mirror_shows_file_message_and_statement() -> None:
    """The failure names the SQL file and line of the part that failed, Redshift's message and the statement."""
    ti = FakeTaskInstance()
    event = Outcome("failed", "ERROR: no such table", "s-1:2", 1.0, attempt=1).to_event()
    with pytest.raises(AirflowFailException) as failed:
        make_mirror(statements=standing("load.sql:1", "load.sql:12")).execute_complete({"ti": ti}, event)
    assert str(failed.value) == f"Task load failed at load.sql:12: ERROR: no such table (statement s-1:2). {REMEDY}"
    assert ti.xcoms == {"return_value": {"statement_id": "s-1:2", "seconds": 1.0}}


def test_a_failure_without_a_statement_names_none() -> None:
    """A submission that AWS refused has no statement to name."""
    with pytest.raises(AirflowFailException) as failed:
        make_mirror(statements=standing("load.sql:1")).execute_complete(
            {"ti": FakeTaskInstance()}, Outcome("failed", "no rights").to_event()
        )
    assert str(failed.value) == f"Task load failed at load.sql:1: no rights. {REMEDY}"


@pytest.mark.parametrize(("status", "final"), [("aborted", True), ("unknown", False)])
def test_an_aborted_mirror_fails_with_the_reason(status: Any, final: bool) -> None:
    """What was aborted fails for good; what AWS would not tell may be asked again."""
    with pytest.raises(AirflowException, match="the reason") as failed:
        make_mirror().execute_complete({"ti": FakeTaskInstance()}, Outcome(status, "the reason").to_event())
    assert isinstance(failed.value, AirflowFailException) == final


def test_a_skipped_mirror_is_skipped() -> None:
    """When the job was locked, the mirror is neither green nor red."""
    with pytest.raises(AirflowSkipException, match="Nothing was done"):
        make_mirror().execute_complete({"ti": FakeTaskInstance()}, Outcome("skipped", "Nothing was done.").to_event())


def test_a_mirror_can_wait_on_its_worker(hook: FakeHook) -> None:
    """Without deferring, the mirror follows the execution until its own task has ended."""
    execution = FakeExecution("run").succeed("load")
    hook.client.executions[execution.arn] = execution
    ti = FakeTaskInstance(execution_arn=execution.arn)
    execute(make_mirror(deferrable=False), ti)
    assert (ti.returned["statement_id"], ti.returned["rows"]) == ("s-1", 7)
    assert execution.status == "RUNNING"


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failure_reads_the_same_wherever_the_mirror_waited(hook: FakeHook, deferrable: bool) -> None:
    """File and line, the task, Redshift's message, the statement, and the way to the console; and the XComs."""
    execution = FakeExecution("run").fail("load", "ERROR: no such table", "s-1:2")
    hook.client.executions[execution.arn] = execution
    ti = FakeTaskInstance(execution_arn=execution.arn)
    mirror = make_mirror(deferrable=deferrable, statements=standing("a.sql:1", "a.sql:9"))
    outcome = outcome_of("load", hook.executions().look(execution.arn, TaskRuns()))
    assert outcome
    with pytest.raises(AirflowFailException) as failed:
        execute(mirror, ti) if not deferrable else mirror.execute_complete({"ti": ti}, outcome.to_event())
    link = execution_url(execution.arn)
    said = f"Task load failed at a.sql:9: ERROR: no such table (statement s-1:2). {REMEDY} See {link}"
    assert str(failed.value) == said
    assert ti.returned == {"execution_arn": execution.arn, "statement_id": "s-1:2", "seconds": 2.0}


def test_a_mirror_of_a_locked_job_is_skipped_on_its_worker(hook: FakeHook) -> None:
    """Without deferring, it is skipped as well."""
    execution = FakeExecution("run").skip("Job 7 is Running")
    hook.client.executions[execution.arn] = execution
    with pytest.raises(AirflowSkipException, match="Job 7 is Running"):
        execute(make_mirror(deferrable=False), FakeTaskInstance(execution_arn=execution.arn))
