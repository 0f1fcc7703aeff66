"""Tasks with `wait: event`, executed: one transition when all is well, and what catches them when it is not."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elt_redshift.aws.execution_status import execution_name
from elt_redshift.aws.template import tables
from elt_redshift.aws.template.events import MACHINE, RULE
from elt_redshift.job.model import EltJob, Parameter, SqlTask
from elt_redshift.protocol.joins import STATEMENT_ITEM
from tests.cases import exhaustive
from tests.local.conftest import ClientFactory
from tests.local.runs.conftest import WAREHOUSE, Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import soon, task

Deploy = Callable[[EltJob], DeployedJob]


def alone(*tasks: SqlTask, **more: Any) -> EltJob:
    """A job with an id of its own, whose events no other test's stack answers."""
    return EltJob(job_id=f"events-{uuid.uuid4().hex}", name="sample", tasks=tasks, **more)


def waiting(name: str, *upstream: str, **more: Any) -> SqlTask:
    return task(name, *upstream, wait="event", **more)


class Events:
    """The event resources of a deployed job."""

    def __init__(self, deployed: DeployedJob) -> None:
        self.deployed = deployed
        self.machines, self.rules = deployed.client("stepfunctions"), deployed.client("events")
        answer = deployed.client("cloudformation").describe_stack_resources(StackName=deployed.deployed.stack)
        self.ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in answer["StackResources"]}

    def lose(self) -> None:
        """From now on no event arrives."""
        self.rules.disable_rule(Name=self.ids[RULE])

    def answer(self, detail: dict[str, Any]) -> str:
        """Start the Express machine as an event does; gives the status in which it ends."""
        arn = self.machines.start_execution(stateMachineArn=self.ids[MACHINE], input=json.dumps(detail))["executionArn"]
        return wait_for(lambda: self._ended(arn), "the Express execution's end") or ""

    def _ended(self, arn: str) -> str | None:
        status: str = self.machines.describe_execution(executionArn=arn)["status"]
        return None if status == "RUNNING" else status

    def hasten(self, later_waits: bool = False) -> None:
        """Let the net of the first wait, or of later ones too, work after one second instead of many minutes."""
        arn = self.deployed.deployed.state_machine_arn
        definition = self.machines.describe_state_machine(stateMachineArn=arn)["definition"]
        hastened = re.sub(r'("TimeoutSeconds": )300\b', r"\g<1>1", definition)
        if later_waits:
            hastened = hastened.replace("300 * $power(2", "1 * $power(1")
        assert hastened != definition
        self.machines.update_state_machine(stateMachineArn=arn, definition=hastened)


def test_a_healthy_task_costs_one_transition(deploy: Deploy) -> None:
    """Statements, batches and tasks that end a branch: each is entered once, and no other state of theirs is."""
    one, two = ("select 1",), ("select 1", "select 2")
    deployed = deploy(alone(waiting("a", sql=one), waiting("b", "a", sql=two), waiting("c", "a", sql=one)))
    execution = deployed.run()
    assert execution.status == "SUCCEEDED", execution.cause
    states = deployed.states(execution.arn)
    assert sorted(states) == ["a", "acquire lock", "b", "c", "release lock", "together 1: b, c"]
    tasks = deployed.tasks(execution.arn)
    assert {run.status for run in tasks.values()} == {"succeeded"}
    described = deployed.data.describe_statement(Id=tasks["b"].statement_id)
    assert len(described["SubStatements"]) == 2


def test_a_failed_statement_is_recorded_with_redshifts_message(deploy: Deploy, ledger: str) -> None:
    """The failure of a batch names its part; retries are other statements; the audit item says what it says without
    events."""
    sql = (f"insert into {ledger} values ('a')", "select * from no_such_table")
    deployed = deploy(alone(waiting("a", sql=sql, retries=soon(1))))
    execution = deployed.run()
    run, item = deployed.tasks(execution.arn)["a"], deployed.item
    assert execution.status == "FAILED"
    assert 'relation "no_such_table" does not exist' in (execution.cause or "")
    assert (run.status, run.attempt, item.state, item.failed_task) == ("failed", 2, "Failed", "a")
    assert item.failed_statement == run.statement_id
    assert (run.statement_id or "").endswith(":2")
    assert deployed.submissions(execution.arn) == Counter(a=2)
    assert deployed.ran(ledger) == Counter()


def test_a_lost_event_is_made_up_for(deploy: Deploy, ledger: str) -> None:
    """Without an event the statement is found by its name, and the task goes on; nothing is submitted twice."""
    deployed = deploy(alone(waiting("a", sql=(f"insert into {ledger} values ('a')",))))
    events = Events(deployed)
    events.lose()
    events.hasten()
    execution = deployed.run()
    assert execution.status == "SUCCEEDED", execution.cause
    assert deployed.states(execution.arn) == ["acquire lock", "a", "a: find", "a: status", "release lock"]
    assert deployed.ran(ledger) == Counter(a=1)


def test_a_long_statement_waits_for_its_event_again(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """A statement that outlasts the first wait is waited for under another token, which the late event finds."""
    deployed = deploy(alone(waiting("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"))))
    events = Events(deployed)
    events.hasten()
    arn = deployed.start()
    wait_for(lambda: "a: await" in deployed.states(arn), "the second wait")
    barrier.open()
    execution = deployed.end(arn)
    assert execution.status == "SUCCEEDED", execution.cause
    assert deployed.ran(ledger) == Counter(a=1)
    assert deployed.tasks(arn)["a"].status == "succeeded"


def test_an_end_that_is_marked_is_not_waited_for(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """Where the event came between two waits, the task looks at its statement instead of waiting."""
    deployed = deploy(alone(waiting("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"))))
    events = Events(deployed)
    events.lose()
    events.hasten()
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["a"].statement_id is not None)
    key = {"Run": {"S": deployed.tasks(arn)["a"].statement_id}, "Task": {"S": STATEMENT_ITEM}}
    ended = {**key, "Ended": {"S": "FINISHED"}}
    deployed.client("dynamodb").put_item(TableName=events.ids[tables.JOINS], Item=ended)
    wait_for(lambda: "a: describe" in deployed.states(arn), "a look at the statement")
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert "token" not in str(deployed.client("dynamodb").get_item(TableName=events.ids[tables.JOINS], Key=key)).lower()


def test_a_lost_event_of_a_long_statement_is_made_up_for(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """The later waits have a net too."""
    deployed = deploy(alone(waiting("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"))))
    events = Events(deployed)
    events.lose()
    events.hasten(later_waits=True)
    arn = deployed.start()
    wait_for(lambda: "a: await" in deployed.states(arn), "the second wait")
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(a=1)


def test_an_event_that_comes_again_changes_nothing(deploy: Deploy, ledger: str) -> None:
    """The answer to a token that was used is refused, and the Express machine ends well; so does one that is none."""
    deployed = deploy(alone(waiting("a", sql=(f"insert into {ledger} values ('a')",))))
    execution = deployed.run()
    (statement,) = deployed.statements(execution.arn, "a")
    detail = {"statementName": statement["StatementName"], "statementId": statement["Id"]}
    events = Events(deployed)
    for state in ("FINISHED", "FAILED", "ABORTED"):
        assert events.answer({**detail, "state": state}) == "SUCCEEDED"
    assert events.answer({**detail, "statementName": "101/x/a/1", "state": "FINISHED"}) == "SUCCEEDED"
    assert events.answer({**detail, "statementName": "101/x/a/1/no/token", "state": "FINISHED"}) == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(a=1)


def test_two_stacks_of_a_job_answer_the_same_events(deploy: Deploy, ledger: str) -> None:
    """Both Express machines answer each event; whoever is second is refused, and both jobs run as if alone."""
    made = alone(waiting("a", sql=(f"insert into {ledger} values ('a')",)))
    stacks = [deploy(made), deploy(made)]
    for deployed in stacks:
        execution = deployed.run()
        assert deployed.states(execution.arn) == ["acquire lock", "a", "release lock"]
    assert stacks[0].ran(ledger) == Counter(a=2)


@pytest.mark.parametrize("while_running", exhaustive([True, False], quick=[True]))
def test_a_redrive_finds_the_statement(
    deploy: Deploy, barrier: Barrier, gate: Barrier, ledger: str, while_running: bool
) -> None:
    """A wait that was aborted is not submitted anew: its statement is found, still running or ended, once the lock is
    taken again."""
    note = f"insert into {ledger} values ('%s')"
    deployed = deploy(
        alone(
            waiting("running", sql=(barrier.pass_, note % "running")),
            waiting("failing", sql=(gate.pass_, f"insert into {ledger}_missing values (1)", note % "failing")),
            waiting("last", "running", "failing", sql=(note % "last",)),
        )
    )
    arn = deployed.start()
    deployed.until_submitted(arn, "running")
    gate.open()
    failed = deployed.end(arn)
    assert deployed.statuses(arn) == {
        "running": "aborted",
        "failing": "failed",
        "last": "waiting",
    }
    deployed.sql(f"create table {ledger}_missing (x int)")
    if not while_running:
        barrier.open()
        (left,) = deployed.statements(failed.arn, "running")
        deployed.data.describe_statement(Id=left["Id"], WaitTimeSeconds=30)
    deployed.executions.redrive(arn, deployed.audit, deployed.job.job_id)
    deployed.until(arn, lambda tasks: tasks["failing"].status == "succeeded")
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(running=1, failing=1, last=1)
    assert deployed.submissions(failed.arn) == Counter(running=1, failing=2, last=1)
    assert deployed.calls_to_submit(arn, "running") == 1


def test_a_submission_whose_answer_was_lost_is_found(deploy: Deploy, ledger: str) -> None:
    """The repeated submission has another token in its name, so its ClientToken refuses it: the first one's statement
    is followed."""
    sql = f"insert into {ledger} values ('a')"
    deployed = deploy(alone(waiting("a", sql=(sql,))))
    name = execution_name("test", datetime.now(UTC))
    token = hashlib.sha256(f"{deployed.state_machine_execution(name)}/a/1".encode()).hexdigest()
    deployed.data.execute_statement(
        **WAREHOUSE, Sql=sql, ClientToken=token, StatementName=f"{deployed.job.job_id}/{name}/a/1/first", WithEvent=True
    )
    arn = deployed.executions.start(name, {})
    execution = deployed.end(arn)
    assert execution.status == "SUCCEEDED", execution.cause
    assert deployed.ran(ledger) == Counter(a=1)


def test_a_refused_submission_is_recorded(deploy: Deploy) -> None:
    """When AWS refuses the call and there is no statement, the audit item has AWS's words."""
    unused = waiting("a", sql=("select 1",), parameters=("p",))
    deployed = deploy(alone(unused, parameters=(Parameter(name="p", default="1"),)))
    execution = deployed.run()
    assert execution.status == "FAILED"
    assert "Task a failed: The Data API refused it: Parameters list contains unused" in (execution.cause or "")
    assert (deployed.item.state, deployed.item.failed_statement) == ("Failed", "none")


def test_a_statement_past_its_timeout_is_cancelled(deploy: Deploy) -> None:
    """The task fails with the timeout as its message, and nothing goes on in the database."""
    deployed = deploy(alone(waiting("a", sql=("select pg_sleep(60)",), timeout=timedelta(seconds=1))))
    execution = deployed.run()
    assert "timeout of 1 s" in (execution.cause or "")
    statement = deployed.tasks(execution.arn)["a"].statement_id
    assert deployed.data.describe_statement(Id=statement)["Status"] == "ABORTED"


class OlderStepFunctions:
    """A client of Step Functions, of which this one does not know WaitTimeSeconds."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def validate_state_machine_definition(self, **request: str) -> Any:
        if "WaitTimeSeconds" not in request["definition"]:
            return self._client.validate_state_machine_definition(**request)
        error = {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": "WaitTimeSeconds is not supported"}
        return {"result": "FAIL", "diagnostics": [error]}


@pytest.mark.parametrize(
    ("sql", "message"), [("select pg_sleep(60)", "timeout of 1 s"), ("select * from no_such_table", "does not exist")]
)
def test_events_need_no_long_polls(aws: ClientFactory, sql: str, message: str) -> None:
    """Where Step Functions does not know long polling, what follows a failure or a timeout pauses between its looks."""

    def client(service: str) -> Any:
        return OlderStepFunctions(aws(service)) if service == "stepfunctions" else aws(service)

    deployed = DeployedJob(alone(waiting("a", sql=(sql,), timeout=timedelta(seconds=1))), client)
    execution = deployed.run()
    assert message in (execution.cause or "")
    assert "WaitTimeSeconds" not in str(deployed.executions.new_events(execution.arn, after=0))
    assert deployed.item.failed_task == "a"


def test_a_cancelled_statement_fails_its_task(deploy: Deploy) -> None:
    """ABORTED is a failure like FAILED; the statement's id is known while it runs."""
    deployed = deploy(alone(waiting("a", sql=("select pg_sleep(60)",))))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["a"].statement_id is not None)
    deployed.data.cancel_statement(Id=deployed.tasks(arn)["a"].statement_id)
    assert "cancel" in (deployed.end(arn).cause or "")
    assert deployed.item.state == "Failed"


def test_joins_and_settling_go_on_from_events(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """With a task that waits by a join, and one that fails while another goes on: everything runs once, the redrive
    included."""
    note = f"insert into {ledger} values ('%s')"
    tasks = (
        waiting("bad", sql=(f"insert into {ledger}_missing values (1)", note % "bad")),
        waiting("slow", sql=(barrier.pass_, note % "slow")),
        waiting("behind", "bad", sql=(note % "behind",)),
        waiting("both", "bad", "slow", sql=(note % "both",)),
        waiting("free", "slow", sql=(note % "free",)),
    )
    deployed = deploy(alone(*tasks, on_task_failure="finish_independent"))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["bad"].status == "failed")
    barrier.open()
    failed = deployed.end(arn)
    assert "_missing" in (failed.cause or "")
    assert deployed.ran(ledger) == Counter(slow=1, free=1)
    deployed.sql(f"create table {ledger}_missing (x int)")
    deployed.executions.redrive(arn, deployed.audit, deployed.job.job_id)
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(bad=1, slow=1, behind=1, both=1, free=1)


def test_a_stopped_run_leaves_no_statement_to_the_next(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """The statement of a stopped execution is found by the beginning of its name and cancelled before the lock is taken
    over; its event answers nobody."""
    deployed = deploy(alone(waiting("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"))))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["a"].statement_id is not None)
    left = deployed.tasks(arn)["a"].statement_id
    deployed.executions.stop(arn, "stopped by a test")
    other = deployed.start()
    deployed.until(other, lambda tasks: tasks["a"].status == "running")
    assert deployed.data.describe_statement(Id=left)["Status"] == "ABORTED"
    barrier.open()
    assert deployed.end(other).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(a=1)
