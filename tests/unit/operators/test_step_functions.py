"""The operators, as Airflow's real classes, over a Step Functions in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
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
    task_timeout,
)
from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.aws.stacks import NotDeployedError
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.hooks.connection import Connection
from elt_redshift.job.model import EltJob, LockPolicy, SqlStatement
from elt_redshift.links.console import EXECUTION_ARN, execution_url
from elt_redshift.operators.mirror import MirrorOperator
from elt_redshift.operators.step_functions import StartExecutionOperator
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers.execution import ExecutionTrigger
from elt_redshift.triggers.mirror import MirrorTrigger
from elt_redshift.triggers.outcome import Outcome, outcome_of
from elt_redshift.triggers.step_functions import TaskTrigger
from tests.unit.airflow_names import TaskDeferred, serialized_and_back
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions

REMEDY = "Mend it, deploy the job if its SQL has changed, and clear the failed tasks."


class FakeTaskInstance:
    """What the operators use of a task instance."""

    dag_id, run_id, task_id = "sales", "manual__2026", "load"

    def __init__(self, try_number: int = 1, max_tries: int = 0, **xcoms: Any) -> None:
        self.try_number, self.max_tries, self.xcoms = try_number, max_tries, xcoms

    @property
    def returned(self) -> Any:
        """The task's value."""
        return self.xcoms["return_value"]

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, task_ids: str | list[str], key: str) -> Any:
        assert task_ids in ("start_execution", ["start_execution"])
        return [] if isinstance(task_ids, list) else self.xcoms.get(key)

    def get_task_states(self, **_: Any) -> dict[str, dict[str, str]]:
        return {self.run_id: {}}


class FakeHook:
    """The hook over a fake client; its executions never wait for long."""

    def __init__(self, client: FakeStepFunctions) -> None:
        self.client, self.looked_up, self.now = client, list[tuple[str, str | None]](), 0.0
        self.stopped: list[tuple[JobRef, str, str]] = []
        self.alarm: BaseException | None = None

    def executions(self, state_machine_arn: str = "") -> Executions:
        return Executions(self.client, state_machine_arn, sleep=self._sleep, clock=lambda: self.now)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.alarm:
            raise self.alarm

    def stop(self, job: JobRef, execution_arn: str, cause: str) -> None:
        self.stopped.append((job, execution_arn, cause))

    def state_machine(self, job_name: str, stack: str | None) -> str:
        self.looked_up.append((job_name, stack))
        if stack == "missing":
            raise NotDeployedError(job_name)
        return MACHINE

    def executions_of(self, job: JobRef) -> Executions:
        return self.executions(job.state_machine_arn or self.state_machine(job.name, job.stack))

    def audit_of(self, job: JobRef) -> None:
        return None

    def definitions(self) -> Definitions:
        return Definitions(self.client, lambda: None)

    def statement(self, statement_id: str) -> StatementStatus | None:
        return StatementStatus(statement_id, "FINISHED", rows=7) if statement_id == "s-1" else None


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> FakeHook:
    made = FakeHook(FakeStepFunctions())
    monkeypatch.setattr(Connection, "hook", lambda _: made)
    return made


@pytest.fixture
def job() -> EltJob:
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998"})
    job.task("load", statement="select :year")
    return job


def _run(operator: Any, ti: FakeTaskInstance) -> Any:
    return operator.execute({"ti": ti})


def _start(job: EltJob, **options: Any) -> StartExecutionOperator:
    return StartExecutionOperator(task_id="start_execution", job=job, **options)


def _standing(*places: str) -> tuple[SqlStatement, ...]:
    """Statements at those places."""
    return tuple(SqlStatement(text="select 1", place=place) for place in places)


def _mirror(**options: Any) -> MirrorOperator:
    return MirrorOperator(task_id="load", **options)


def test_start_looks_the_state_machine_up_and_pushes_the_execution(hook: FakeHook, job: EltJob) -> None:
    """The state machine is found by the job's stack when the task runs, and the ARN is an XCom."""
    ti = FakeTaskInstance()
    arn = _run(_start(job, stack="Sales"), ti)
    assert hook.looked_up == [("sales", "Sales")]
    job_ref = {"job_id": "7", "name": "sales", "stack": "Sales", "state_machine_arn": None}
    assert ti.xcoms == {EXECUTION_ARN: arn, "run": {"job": job_ref, "parameters": {"year": "1998"}}}
    assert list(hook.client.executions) == [arn]


def test_start_takes_a_given_state_machine(hook: FakeHook, job: EltJob) -> None:
    """With an ARN, no stack is looked up."""
    _run(_start(job, state_machine_arn=MACHINE), FakeTaskInstance())
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
    start, ti = _start(job, aws_conn_id="etl", poll_interval=2.0), Ordered("earlier")
    with pytest.raises(TaskDeferred) as deferred:
        _run(start, ti)
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
    assert _run(_start(job), Ordered(before)) in hook.client.executions


def test_start_that_has_begun_waits_no_more(hook: FakeHook) -> None:
    """A run that has its execution attaches to it, whatever other runs do."""
    job = EltJob(job_id="7", name="sales", lock=LockPolicy(when_locked="wait"))
    job.task("load", statement="select 1")
    arn = _run(_start(job), Ordered(None))
    assert _run(_start(job), Ordered("earlier")) == arn


@pytest.mark.parametrize(("given", "value"), [({}, "1998"), ({"year": "1997"}, "1997"), ({"year": 1996}, "1996")])
def test_start_gives_every_parameter_as_text(hook: FakeHook, job: EltJob, given: Any, value: str) -> None:
    """Defaults fill in what is not given, and numbers made by native templates become text; who starts it is told."""
    ti = FakeTaskInstance()
    arn = _run(_start(job, parameters=given), ti)
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
        _run(_start(job, **options), FakeTaskInstance())


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
    start = _start(job, retries=2)
    first = _run(start, FakeTaskInstance(1, 2))
    hook.client.executions[first].end("FAILED")
    _run(start, FakeTaskInstance(try_number, max_tries))
    assert len(hook.client.executions) == 1
    assert hook.client.calls["RedriveExecution"] == redrives


def test_a_mirror_defers_to_the_shared_trigger() -> None:
    """A deferrable mirror hands the execution, its task and the connection to the trigger, for a bounded time."""
    mirror = _mirror(
        aws_conn_id="etl", region_name="eu-west-1", verify=False, poll_interval=2, follow_timeout=timedelta(hours=1)
    )
    with pytest.raises(TaskDeferred) as deferred:
        _run(mirror, FakeTaskInstance(execution_arn="arn"))
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
        _run(_mirror(**options), FakeTaskInstance(execution_arn="arn"))
    assert not deferred.value.trigger.end_from_trigger


def test_a_repeated_try_looks_before_it_waits(hook: FakeHook) -> None:
    """The scheduler may have taken the end of the deferring worker for that of the resumed one; it cannot again."""
    execution = FakeExecution("run").fail("load", "ERROR: no")
    hook.client.executions[execution.arn] = execution
    with pytest.raises(AirflowFailException, match="ERROR: no"):
        _run(_mirror(retries=2), FakeTaskInstance(2, 2, execution_arn=execution.arn))


def test_a_repeated_try_waits_for_what_is_open(hook: FakeHook) -> None:
    """When the task has not ended, the trigger goes on watching it."""
    execution = FakeExecution("run").submit("load")
    hook.client.executions[execution.arn] = execution
    with pytest.raises(TaskDeferred):
        _run(_mirror(retries=2), FakeTaskInstance(2, 2, execution_arn=execution.arn))


def test_a_mirror_that_was_ended_already_looks_by_itself(hook: FakeHook) -> None:
    """`airflow dags test` resumes a task that its trigger has ended, and tells it only the state."""
    execution = FakeExecution("run").succeed("load")
    hook.client.executions[execution.arn] = execution
    ti = FakeTaskInstance(execution_arn=execution.arn)
    _mirror().execute_complete({"ti": ti}, "success")
    assert (ti.returned["statement_id"], ti.returned["rows"]) == ("s-1", 7)


@pytest.mark.parametrize("error", ["Trigger timeout", "Trigger/execution timeout"])
def test_waiting_in_the_triggerer_is_bounded(error: str) -> None:
    """A wait that took too long is not begun again by the mirror's retries."""
    said = r"had not ended after 7 days, which is as long as it is followed\. Its execution goes on: clear the task"
    with pytest.raises(AirflowFailException, match=said):
        _mirror().resume_execution("__fail__", {"error": error}, {})


def test_a_broken_trigger_is_tried_again() -> None:
    """Whatever else failed in the triggerer may pass."""
    with pytest.raises(AirflowException) as failed:
        _mirror().resume_execution("__fail__", {"error": "Trigger failure"}, {})
    assert not isinstance(failed.value, AirflowFailException)


@pytest.mark.skipif(not STARTS_FROM_TRIGGER, reason="Airflow 3.3 and later")
def test_a_mirror_begins_in_the_triggerer() -> None:
    """The scheduler's copy of a mirror says which trigger to start, with arguments that the trigger takes."""
    with DAG("sales", schedule=None) as dag:
        _mirror(start_task_id="begin", aws_conn_id="etl", follow_timeout=timedelta(hours=1))
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
        mirror = _mirror(region_name="{{ ti.region }}")
    mirror.render_template_fields({"ti": SimpleNamespace(region="eu-west-1", xcom_pull=lambda **_: None)})  # type: ignore[typeddict-item]
    assert mirror.connection.region_name == "eu-west-1"


@pytest.mark.parametrize(
    "options",
    [{"from_trigger": False}, {"deferrable": False}, {"region_name": "{{ var.value.region }}"}]
    + [{hook: print} for hook in ("pre_execute", "post_execute", "on_execute_callback")],
)
def test_a_mirror_can_begin_on_a_worker(options: dict[str, Any]) -> None:
    """It does when told so, or when a user's own code is to run there. On Airflow before 3.3 it always does."""
    assert not getattr(_mirror(**options), "start_from_trigger", False)


def test_a_mirror_goes_on_with_a_worker(hook: FakeHook) -> None:
    """When the trigger leaves all to a worker, nothing of an earlier try is left to see, and it begins anew."""
    ti: Any = FakeTaskInstance(return_value={"statement_id": "old", "rows": 1}, execution_arn="older")
    ti.xcom_pull = lambda task_ids, key: "arn" if key == EXECUTION_ARN else None
    with pytest.raises(TaskDeferred):
        _mirror().execute_complete({"ti": ti}, None)
    assert ti.xcoms == {"return_value": None, "execution_arn": "arn"}


JOB = JobRef("7", "sales")
MINUTE = timedelta(minutes=1)


def _overdue(hook: FakeHook, execution: FakeExecution, deferrable: bool, **xcoms: Any) -> FakeTaskInstance:
    """Airflow says that execution_timeout is over: to the worker that waits, or to the one that is resumed."""
    hook.client.executions[execution.arn] = execution
    run = {"job": JOB.to_dict(), "parameters": {}}
    ti = FakeTaskInstance(**{"execution_arn": execution.arn, "run": run, **xcoms})
    mirror = _mirror(deferrable=deferrable, execution_timeout=MINUTE, statements=_standing("load.sql:1"))
    if deferrable:
        mirror.resume_execution("__fail__", {"error": "Trigger timeout"}, {"ti": ti})  # type: ignore[typeddict-item]
    else:
        hook.alarm = task_timeout()("Timeout")
        _run(mirror, ti)
    return ti


@pytest.mark.parametrize("deferrable", [True, False])
def test_an_execution_timeout_stops_the_execution(hook: FakeHook, deferrable: bool) -> None:
    """As if somebody had failed the mirror, which says what its bound was."""
    execution = FakeExecution("run").submit("load")
    with pytest.raises(AirflowFailException) as failed:
        _overdue(hook, execution, deferrable)
    assert str(failed.value).startswith(
        "Task load had not ended within its execution_timeout of 0:01:00, so execution run was stopped. Give it more "
        "time, and clear the failed tasks. See https://"
    )
    [(job, arn, cause)] = hook.stopped
    assert (job, arn) == (JOB, execution.arn)
    said = "Airflow ended task load of run manual__2026 of DAG sales: "
    assert cause == f"{said}it ran longer than its execution_timeout of 0:01:00."


def test_an_execution_timeout_stops_nothing_that_it_does_not_know(hook: FakeHook) -> None:
    """Without the job there is nothing to stop by, and the mirror says so."""
    with pytest.raises(AirflowFailException, match="Its execution goes on"):
        _overdue(hook, FakeExecution("run").submit("load"), True, run=None)
    assert hook.stopped == []


def test_what_has_ended_when_its_time_is_over_shows_how(hook: FakeHook) -> None:
    """A triggerer that was away does not make a failure of a success, nor end what goes on behind it."""
    ti = _overdue(hook, FakeExecution("run").succeed("load"), True)
    assert (ti.returned["statement_id"], hook.stopped) == ("s-1", [])
    with pytest.raises(AirflowFailException, match=r"^Task load failed at load\.sql:1: ERROR: no"):
        _overdue(hook, FakeExecution("other").fail("load", "ERROR: no"), True)
    assert hook.stopped == []


def test_a_mirror_waits_no_longer_than_its_execution_timeout(hook: FakeHook) -> None:
    """What is left of it bounds the deferral from a worker."""
    execution = FakeExecution("run").submit("load")
    ti: Any = FakeTaskInstance(execution_arn=execution.arn)
    ti.start_date = datetime.now(UTC) - timedelta(hours=1)
    with pytest.raises(TaskDeferred) as deferred:
        _mirror(execution_timeout=timedelta(hours=3)).execute({"ti": ti})
    assert timedelta(hours=1, minutes=55) < deferred.value.timeout <= timedelta(hours=2)


def test_a_start_that_waits_too_long_says_for_what(job: EltJob) -> None:
    """Nothing was started then; Airflow's retries apply."""
    start = _start(job, execution_timeout=MINUTE)
    with pytest.raises(
        AirflowException, match=r"^The run before had not ended within 0:01:00, so nothing was started\.$"
    ):
        start.resume_execution("__fail__", {"error": "Trigger timeout"}, {})


def test_a_mirror_needs_an_execution() -> None:
    """A mirror without an execution says what to do, and is not tried again."""
    with pytest.raises(AirflowFailException, match="Clear it"):
        _run(_mirror(), FakeTaskInstance())


def test_a_succeeded_mirror_returns_statement_seconds_and_rows() -> None:
    """What the event tells of a success becomes one XCom, or none where the task is to push nothing."""
    ti = FakeTaskInstance()
    event = Outcome("succeeded", statement_id="s-1", seconds=2.5, rows=0, attempt=1).to_event()
    _mirror().execute_complete({"ti": ti}, event)
    assert ti.xcoms == {"return_value": {"statement_id": "s-1", "seconds": 2.5, "rows": 0}}
    silent = FakeTaskInstance()
    _mirror(do_xcom_push=False).execute_complete({"ti": silent}, event)
    assert silent.xcoms == {}


def test_a_failed_mirror_shows_file_message_and_statement() -> None:
    """The failure names the SQL file and line of the part that failed, Redshift's message and the statement."""
    ti = FakeTaskInstance()
    event = Outcome("failed", "ERROR: no such table", "s-1:2", 1.0, attempt=1).to_event()
    with pytest.raises(AirflowFailException) as failed:
        _mirror(statements=_standing("load.sql:1", "load.sql:12")).execute_complete({"ti": ti}, event)
    assert str(failed.value) == f"Task load failed at load.sql:12: ERROR: no such table (statement s-1:2). {REMEDY}"
    assert ti.xcoms == {"return_value": {"statement_id": "s-1:2", "seconds": 1.0}}


def test_a_failure_without_a_statement_names_none() -> None:
    """A submission that AWS refused has no statement to name."""
    with pytest.raises(AirflowFailException) as failed:
        _mirror(statements=_standing("load.sql:1")).execute_complete(
            {"ti": FakeTaskInstance()}, Outcome("failed", "no rights").to_event()
        )
    assert str(failed.value) == f"Task load failed at load.sql:1: no rights. {REMEDY}"


@pytest.mark.parametrize(("status", "final"), [("aborted", True), ("unknown", False)])
def test_an_aborted_mirror_fails_with_the_reason(status: Any, final: bool) -> None:
    """What was aborted fails for good; what AWS would not tell may be asked again."""
    with pytest.raises(AirflowException, match="the reason") as failed:
        _mirror().execute_complete({"ti": FakeTaskInstance()}, Outcome(status, "the reason").to_event())
    assert isinstance(failed.value, AirflowFailException) == final


def test_a_skipped_mirror_is_skipped() -> None:
    """When the job was locked, the mirror is neither green nor red."""
    with pytest.raises(AirflowSkipException, match="Nothing was done"):
        _mirror().execute_complete({"ti": FakeTaskInstance()}, Outcome("skipped", "Nothing was done.").to_event())


def test_a_mirror_can_wait_on_its_worker(hook: FakeHook) -> None:
    """Without deferring, the mirror follows the execution until its own task has ended."""
    execution = FakeExecution("run").succeed("load")
    hook.client.executions[execution.arn] = execution
    ti = FakeTaskInstance(execution_arn=execution.arn)
    _run(_mirror(deferrable=False), ti)
    assert (ti.returned["statement_id"], ti.returned["rows"]) == ("s-1", 7)
    assert execution.status == "RUNNING"


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_failure_reads_the_same_wherever_the_mirror_waited(hook: FakeHook, deferrable: bool) -> None:
    """File and line, the task, Redshift's message, the statement, and the way to the console; and the XComs."""
    execution = FakeExecution("run").fail("load", "ERROR: no such table", "s-1:2")
    hook.client.executions[execution.arn] = execution
    ti = FakeTaskInstance(execution_arn=execution.arn)
    mirror = _mirror(deferrable=deferrable, statements=_standing("a.sql:1", "a.sql:9"))
    outcome = outcome_of("load", hook.executions().look(execution.arn, TaskRuns()))
    assert outcome
    with pytest.raises(AirflowFailException) as failed:
        _run(mirror, ti) if not deferrable else mirror.execute_complete({"ti": ti}, outcome.to_event())
    link = execution_url(execution.arn)
    said = f"Task load failed at a.sql:9: ERROR: no such table (statement s-1:2). {REMEDY} See {link}"
    assert str(failed.value) == said
    assert ti.returned == {"execution_arn": execution.arn, "statement_id": "s-1:2", "seconds": 2.0}


def test_a_mirror_of_a_locked_job_is_skipped_on_its_worker(hook: FakeHook) -> None:
    """Without deferring, it is skipped as well."""
    execution = FakeExecution("run").skip("Job 7 is Running")
    hook.client.executions[execution.arn] = execution
    with pytest.raises(AirflowSkipException, match="Job 7 is Running"):
        _run(_mirror(deferrable=False), FakeTaskInstance(execution_arn=execution.arn))


def test_waiting_on_the_worker_is_bounded(hook: FakeHook) -> None:
    """An execution that does not end is given up after the timeout."""
    execution = FakeExecution("run").submit("load")
    hook.client.executions[execution.arn] = execution
    with pytest.raises(AirflowFailException, match="still runs after 60 s"):
        _run(
            _mirror(deferrable=False, follow_timeout=timedelta(minutes=1)),
            FakeTaskInstance(execution_arn=execution.arn),
        )
    assert 60 <= hook.now <= 70
