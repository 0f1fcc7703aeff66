"""Jobs deployed to one embedded AWS, and what one needs to look at their runs."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from unittest.mock import patch

import pytest

from elt_redshift.asl.patterns import joins
from elt_redshift.aws.account import Account
from elt_redshift.aws.audit_item import AuditItem
from elt_redshift.aws.deployment import carry_out, prepare
from elt_redshift.aws.execution_status import Execution, execution_name
from elt_redshift.aws.statements import OPEN
from elt_redshift.job.model import EltJob
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol import owners
from elt_redshift.protocol.owners import Owner
from elt_redshift.runs.history import TaskRun, TaskRuns
from elt_redshift.runs.past import PastRun
from tests import bounds
from tests.local.conftest import ClientFactory, client_factory
from tests.local.waiting import wait_for

Found = TypeVar("Found")

EVENTS_TOLD = 10
WAREHOUSE = {"ClusterIdentifier": "warehouse", "Database": "dev", "DbUser": "awsuser"}
PARAMETERS = {
    "RedshiftClusterIdentifier": "warehouse",
    "DatabaseUserName": "awsuser",
    "DatabaseName": "dev",
    "RedshiftIAMRoleARN": "arn:aws:iam::123456789012:role/copy",
}


@pytest.fixture(scope="session")
def aws(local_aws: LocalAws) -> ClientFactory:
    """The embedded AWS, as a function from a service's name to a client for it."""
    return client_factory(local_aws.endpoint)


class DeployedJob:
    """A job with a stack of its own."""

    def __init__(self, job: EltJob, client: Callable[[str], Any]) -> None:
        self.job, self.account, self.data = job, Account(client), client("redshift-data")
        self.client = self.account.client
        self.stack = f"test-{uuid.uuid4().hex}"
        self.redeploy(job)
        self.executions = self.account.executions(self.deployed.state_machine_arn)
        self.audit = self.account.audit(self.deployed.audit_table)

    def redeploy(self, job: EltJob, grace: int = 0) -> None:
        """Deploy the job anew, mended.

        :param grace: in seconds; the embedded AWS has no calls under way once an execution is stopped.
        """
        stacks = self.account.stacks
        with patch.object(owners, "GRACE", grace):
            prepared = prepare(self.account, job, self.stack, PARAMETERS)
        if prepared.change_set.changes:
            carry_out(self.account, prepared)
        self.job, self.deployed = job, stacks.find(job.name, self.stack)

    def start(self, **parameters: str) -> str:
        return self.executions.start(execution_name("test", datetime.now(UTC)), parameters)

    def start_at(self, state: str, owner: str | None = None, name: str | None = None, **given: object) -> str:
        """Start an execution of the same definition in the midst of a task, as a redrive does.

        :param owner: who has the lock; None: the execution.
        :param name: the execution's; default: one that nobody knows.
        :param given: the state's input.
        """
        steps = self.client("stepfunctions")
        described = steps.describe_state_machine(stateMachineArn=self.executions.state_machine_arn)
        definition = json.loads(described["definition"])
        _begin_at(definition, state)
        definition["States"][definition["StartAt"]]["Assign"] = joins.variables()
        name = name or f"midst-{uuid.uuid4().hex}"
        machine = steps.create_state_machine(name=name, definition=json.dumps(definition), roleArn=described["roleArn"])
        arn = f"{machine['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{name}"
        item = {"JobID": {"S": self.job.job_id}, "JobState": {"S": "Running"}, "Owner": {"S": owner or arn}}
        item |= {"RedriveCount": {"N": "0"}}
        self.client("dynamodb").put_item(TableName=self.audit.table, Item=item)
        followed = {"attempt": 1, "failures": 0, "redrives": 0, "since": int(time.time() * 1000), **given}
        steps.start_execution(stateMachineArn=machine["stateMachineArn"], name=name, input=json.dumps(followed))
        return arn

    def state_machine_execution(self, name: str) -> str:
        """The ARN that an execution of that name has or had."""
        return f"{self.deployed.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    def end(self, arn: str) -> Execution:
        """Wait for the end of an execution."""

        def ended() -> Execution | None:
            return found if (found := self.executions.describe(arn)).ended else None

        found = self._wait_for(ended, f"{arn} ends", arn)
        assert found is not None
        return found

    def _wait_for(self, look: Callable[[], Found], what: str, arn: str) -> Found:
        """:raises AssertionError: not within the time; how the histories of what runs in the stack end is told."""
        try:
            return wait_for(look, what, bounds.EXECUTION)
        except AssertionError as error:
            for running in {arn, *self._running()}:
                events = self.executions.new_events(running, after=0)[-EVENTS_TOLD:]
                error.add_note("\n".join([f"{running} ends with:", *(str(event)[:1000] for event in events)]))
            raise

    def _running(self) -> list[str]:
        """The stack's executions that run: those of parts and followers, too."""
        steps = self.client("stepfunctions")
        pages = steps.get_paginator("list_state_machines").paginate()
        machines = [one["stateMachineArn"] for page in pages for one in page["stateMachines"]]
        found = [
            steps.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
            for machine in machines
            if f":{self.stack}-" in machine
        ]
        return [one["executionArn"] for some in found for one in some]

    def run(self, **parameters: str) -> Execution:
        return self.end(self.start(**parameters))

    def tasks(self, arn: str) -> dict[str, TaskRun]:
        return {run.name: run for run in self.executions.look(arn, TaskRuns(self.job.task_names)).tasks}

    def statuses(self, arn: str) -> dict[str, str]:
        return {name: run.status for name, run in self.tasks(arn).items()}

    def until(
        self, arn: str, reached: Callable[[dict[str, TaskRun]], bool], tasks: Iterable[str] | None = None
    ) -> None:
        """Wait until the tasks of a running execution have reached a state.

        :param tasks: as :class:`TaskRuns` takes them; default: the job's, without edges.
        """
        runs = TaskRuns(self.job.task_names if tasks is None else tasks)

        def there() -> bool:
            snapshot = self.executions.look(arn, runs)
            found = reached({run.name: run for run in snapshot.tasks})
            assert found or not snapshot.execution.ended, f"{arn} ended before that: {snapshot}"
            return found

        self._wait_for(there, "its tasks are there", arn)

    def until_submitted(self, arn: str, task: str) -> None:
        """Wait until a task's statement is in the database."""
        self._wait_for(lambda: self.statements(arn, task, "STARTED"), f"a statement of {task} runs", arn)

    def statements(self, owner: str, task: str = "", status: str = "ALL") -> list[dict[str, Any]]:
        """The statements of an execution, or a DAG run that owns the lock, or of one task there; the newest first."""
        return self.statements_named(f"{self.job.job_id}/{Owner(owner).label}/{f'{task}/' if task else ''}", status)

    def statements_named(self, prefix: str, status: str = "ALL") -> list[dict[str, Any]]:
        """The statements whose names begin so; the newest first."""
        pages = self.data.get_paginator("list_statements").paginate(StatementName=prefix, Status=status)
        return [found for page in pages for found in page["Statements"]]

    @property
    def item(self) -> AuditItem:
        found = self.audit.read(self.job.job_id)
        assert found is not None
        return found

    def kept(self, arn: str, redrives: int = 0) -> PastRun:
        """What the history keeps of a run, once that is there."""
        runs = self.account.past_runs(self.deployed.history_table)

        def there() -> PastRun | None:
            kept = (run for run in runs.runs(self.job.job_id) if run.execution == arn and run.redrives == redrives)
            return next(kept, None)

        found = self._wait_for(there, "the run is in the history", arn)
        assert found is not None
        return found

    def states(self, arn: str) -> list[str]:
        """The names of all states that an execution entered, in order: its billed transitions."""
        events = self.executions.new_events(arn, after=0)
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def submissions(self, arn: str) -> Counter[str]:
        """How many statements each task of an execution has submitted."""
        return Counter(found["StatementName"].split("/")[2] for found in self.statements(arn))

    def ran(self, ledger: str) -> Counter[str]:
        """How often each task has written its name into a ledger."""
        return Counter(str(row[0]) for row in self.sql(f"select task from {ledger}"))

    def until_ledger(self, ledger: str, ran: Counter[str]) -> None:
        """Wait until the tasks have written what they write."""
        wait_for(lambda: self.ran(ledger) == ran, f"the ledger shows {ran}", bounds.EXECUTION)

    def at_work(self, arn: str) -> set[str]:
        """The tasks of an execution whose statements have not ended."""
        found = [one for status in OPEN for one in self.statements(arn, status=status)]
        return {one["StatementName"].split("/")[2] for one in found}

    def calls_to_submit(self, arn: str, task: str) -> int:
        """How often Step Functions called the Data API to submit a task's SQL, refused calls included."""
        calls = [event.get("taskScheduledEventDetails", {}) for event in self.executions.new_events(arn, after=0)]
        submitting = [call["parameters"] for call in calls if "xecuteStatement" in call.get("resource", "")]
        return sum(f"/{task}/" in parameters for parameters in submitting)

    def sql(self, *statements: str, **more: Any) -> list[list[Any]]:
        """Run statements one by one; gives the rows of the last."""
        return run_sql(self.data, *statements, **more)


def run_sql(data: Any, *statements: str, **more: Any) -> list[list[Any]]:
    """Run statements one by one; gives the rows of the last."""
    for statement in statements:
        answer = data.execute_statement(**WAREHOUSE, Sql=statement, WaitTimeSeconds=30, **more)
        described = data.describe_statement(Id=answer["Id"])
        assert described["Status"] == "FINISHED", described.get("Error")
    if not described["HasResultSet"]:
        return []
    records = data.get_statement_result(Id=answer["Id"])["Records"]
    return [[next(iter(cell.values())) for cell in row] for row in records]


class Barrier:
    """A table; tasks that :attr:`pass_` it wait while it is closed, in the database and without a clock."""

    def __init__(self, client: Any) -> None:
        self._data, self.table = client, f"barrier_{uuid.uuid4().hex}"
        self._do(**WAREHOUSE, Sql=f"create table {self.table} (x int)")
        self._session: str | None = None

    @property
    def pass_(self) -> str:
        """A statement that ends once the barrier is open."""
        return f"select count(*) from {self.table}"

    def close(self) -> None:
        """Lock the table in a session of its own."""
        opened = self._do(**WAREHOUSE, Sql="begin", SessionKeepAliveSeconds=600)
        self._session = opened["SessionId"]
        self._do(SessionId=self._session, Sql=f"lock table {self.table}")

    def open(self) -> None:
        if self._session:
            self._do(SessionId=self._session, Sql="rollback", SessionKeepAliveSeconds=0)
            self._session = None

    def _do(self, **request: Any) -> Any:
        answer = self._data.execute_statement(**request, WaitTimeSeconds=30)
        assert answer["Status"] == "FINISHED"
        return answer


def _begin_at(flow: dict[str, Any], state: str) -> bool:
    """Make ``flow`` begin in a state, which may stand in branches of it."""
    for name, outer in list(flow["States"].items()):
        if name == state or any(_begin_at(branch, state) for branch in outer.get("Branches", ())):
            usual = {"Condition": "{% false %}", "Next": flow["StartAt"]}  # so that no state is out of reach
            flow["States"][f"begin at {name}"] = {"Type": "Choice", "Choices": [usual], "Default": name}
            flow["StartAt"] = f"begin at {name}"
            return True
    return False


@contextmanager
def closed_barrier(aws: ClientFactory) -> Iterator[Barrier]:
    """A barrier that is closed for the length of the block."""
    made = Barrier(aws("redshift-data"))
    made.close()
    try:
        yield made
    finally:
        made.open()


@pytest.fixture
def barrier(aws: ClientFactory) -> Iterator[Barrier]:
    """A closed barrier, opened at the end."""
    with closed_barrier(aws) as made:
        yield made


@pytest.fixture
def gate(aws: ClientFactory) -> Iterator[Barrier]:
    """A second one: before a task that is to fail once the others are where the test wants them."""
    with closed_barrier(aws) as made:
        yield made


@pytest.fixture
def deploy(aws: Callable[[str], Any]) -> Callable[[EltJob], DeployedJob]:
    """Deploys a job."""
    return lambda job: DeployedJob(job, aws)


@pytest.fixture
def ledger(aws: Callable[[str], Any]) -> str:
    """The name of a table into which tasks write that they ran. It stays: a task may still hold it."""
    name = f"ledger_{uuid.uuid4().hex}"
    data = aws("redshift-data")
    data.execute_statement(**WAREHOUSE, Sql=f"create table {name} (task varchar(100))", WaitTimeSeconds=30)
    return name
