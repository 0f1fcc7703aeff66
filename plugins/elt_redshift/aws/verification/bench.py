"""What the checks work with: a connection to the warehouse, a scratch stack and a run of it; and their removal."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any, get_args

from elt_redshift.aws import removal, uploads
from elt_redshift.aws.account import Account
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.deployment import carry_out, prepare
from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.aws.execution_status import Execution
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.template import warehouse
from elt_redshift.aws.verification.jobs import Kind, scratch
from elt_redshift.aws.waiting import Sleep, until
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.statements import OPEN
from elt_redshift.runs.history import TaskRun, TaskRuns

#: Everything that is made is named so, and some letters.
PREFIX = "elt-verify"
#: Seconds that a statement, a run or a record may take, and between two looks.
TIMEOUT, PAUSE = 300.0, 0.5


class DiffersError(EltError):
    """AWS does it in another way. ``seen`` is what was seen instead."""

    def __init__(self, seen: str) -> None:
        self.seen = seen
        super().__init__(seen)


class NotShownError(EltError):
    """What is to be checked does not come about here."""


def expect(so: object, seen: object) -> None:
    """:raises DiffersError: it is not so."""
    if not so:
        raise DiffersError(str(seen))


class Bench:
    """Makes what checks need when the first of them needs it.

    :param parameters: the template's parameters that say where SQL runs, and as whom.
    :param told: is given a line about whatever is made or removed.
    :param sleep: how to wait, in seconds.
    :param kind: of the scratch job.
    """

    def __init__(
        self,
        account: Account,
        parameters: Mapping[str, str],
        told: Callable[[str], None] = lambda _: None,
        sleep: Sleep = time.sleep,
        kind: Kind = "plain",
    ) -> None:
        self.account, self.parameters, self._kind = account, parameters, kind
        self.name = f"{PREFIX}-{secrets.token_hex(4)}"
        self._told, self._sleep = told, sleep
        self._made, self._noted = False, dict[str, Mapping[str, Any] | EltError]()

    @property
    def where(self) -> dict[str, str]:
        """The members of a request to the Data API that say where SQL runs, and as whom."""
        members = {
            "ClusterIdentifier": warehouse.CLUSTER,
            "WorkgroupName": warehouse.WORKGROUP,
            "Database": warehouse.DATABASE,
            "DbUser": warehouse.USER,
            "SecretArn": warehouse.SECRET,
        }
        given = {member: self.parameters.get(name, "") for member, name in members.items()}
        return {member: value for member, value in given.items() if value}

    @property
    def data(self) -> Any:
        """A boto3 client of the Data API."""
        return self.account.client("redshift-data")

    def ended(self, statement_id: str) -> dict[str, Any]:
        """What the Data API tells of a statement once it has ended.

        :raises EltError: it has not within :data:`TIMEOUT`.
        """

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.data.describe_statement(Id=statement_id)
            return found if found["Status"] not in OPEN else None

        found: dict[str, Any] = self.until(look, f"Statement {statement_id} has not ended")
        return found

    def run(self, *sqls: str, **more: Any) -> dict[str, Any]:
        """Run one statement, or several as a batch; gives what the Data API tells of its end."""
        if len(sqls) == 1:
            answer = self.data.execute_statement(**self.where, Sql=sqls[0], **more)
        else:
            answer = self.data.batch_execute_statement(**self.where, Sqls=[*sqls], **more)
        return self.ended(answer["Id"])

    @cached_property
    def large(self) -> Bench:
        """The same with another scratch job, in the map layout."""
        return Bench(self.account, self.parameters, self._told, self._sleep, "large")

    @cached_property
    def functions(self) -> Bench:
        """The same with another scratch job, with Lambda functions and a join."""
        return Bench(self.account, self.parameters, self._told, self._sleep, "functions")

    @cached_property
    def parts(self) -> Bench:
        """The same with another scratch job, in parts, whose statements have followers."""
        return Bench(self.account, self.parameters, self._told, self._sleep, "parts")

    @cached_property
    def job(self) -> EltJob:
        """The scratch job."""
        return scratch(self._kind, self.name)

    @cached_property
    def stack(self) -> Deployed:
        """The scratch job's stack."""
        if self._made:
            raise EltError(f"Stack {self.name} could not be made, see above")
        self._told(f"Making bucket and stack {self.name}.")
        self._made = True  # also if an answer is lost
        uploads.make_bucket(self.account.client("s3"), self.name)
        return carry_out(self.account, prepare(self.account, self.job, self.name, self.parameters, bucket=self.name))

    @property
    def table(self) -> str:
        """A table that writes may be tried on: the stack's audit table."""
        return self.stack.audit_table

    @cached_property
    def first(self) -> Execution:
        """A run of the scratch job, which fails, but for the job with functions."""
        return self._wait_for(self._executions.start(f"{self.name}-run", {}))

    @cached_property
    def redriven(self) -> Execution:
        """The same run once it was redriven, and has failed again."""
        redrives = self._executions.redrive(self.first.arn, self.account.audit(self.table), self.job.job_id)
        return self._wait_for(self.first.arn, redrives)

    @property
    def _executions(self) -> Executions:
        return self.account.executions(self.stack.state_machine_arn)

    def _wait_for(self, arn: str, redrives: int = 0) -> Execution:
        """An execution once it has ended."""
        timeout = timedelta(seconds=TIMEOUT)
        *_, last = self._executions.follow(arn, None, interval=PAUSE, timeout=timeout, redrives=redrives)
        return last.execution

    @cached_property
    def tasks(self) -> dict[str, TaskRun]:
        """The tasks of the run, by their names, before it is redriven."""
        return self._tasks(self.first)

    @cached_property
    def tasks_redriven(self) -> dict[str, TaskRun]:
        """The same behind the redrive."""
        _ = self.tasks  # of which nobody knows later
        return self._tasks(self.redriven)

    def _tasks(self, execution: Execution) -> dict[str, TaskRun]:
        found = self._executions.look(execution.arn, TaskRuns(self.job.task_names))
        return {one.name: one for one in found.tasks}

    def submissions(self, task: str) -> list[Any]:
        """The answers to the calls by which a task of the run has submitted its SQL, as its history has them; None
        where one has failed."""
        events = {one["id"]: one for one in self._executions.new_events(self.first.arn, after=0)}
        calls = {number: one.get("taskScheduledEventDetails", {}) for number, one in events.items()}

        def call_of(event: Mapping[str, Any]) -> int:
            """The number of the event that a task's later one goes back to."""
            before = int(event["previousEventId"])
            return before if calls[before] else call_of(events[before])

        answers = {
            call_of(one): json.loads(one["taskSucceededEventDetails"]["output"])
            for one in events.values()
            if "taskSucceededEventDetails" in one
        }
        return [
            answers.get(number)
            for number, call in calls.items()
            if "xecuteStatement" in call.get("resource", "") and f"/{task}/" in call["parameters"]
        ]

    def scheduled(self, action: str, execution: str = "") -> list[str]:
        """What the run, or another execution, has asked of AWS by calls whose resource begins so: by its history."""
        events = self._executions.new_events(execution or self.first.arn, after=0)
        calls = (one.get("taskScheduledEventDetails", {}) for one in events)
        return [one["parameters"] for one in calls if one.get("resource", "").startswith(action)]

    def failures(self, action: str, execution: str) -> list[tuple[str, str]]:
        """Errors and causes of such calls."""
        events = self._executions.new_events(execution, after=0)
        failed = (one.get("taskFailedEventDetails", {}) for one in events)
        return [(one["error"], one["cause"]) for one in failed if one.get("resource", "").startswith(action)]

    def noted(self, definition: Callable[[], Mapping[str, Any]], name: str) -> Mapping[str, Any]:
        """The output of an execution of a state machine that is made for it, once, and deleted behind it.

        :param definition: is asked for the first time only.
        :raises EltError: it did not succeed.
        """
        if name not in self._noted:
            try:
                self._noted[name] = self._execute(definition(), name)
            except EltError as error:
                self._noted[name] = EltError(f"The scratch machine has not run to its end: {error}")
        found = self._noted[name]
        if isinstance(found, EltError):
            raise found
        return found

    def _execute(self, definition: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        with aws_errors(f"state machine {name}"):
            return self._output(definition, name)

    def _output(self, definition: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        steps = self.account.client("stepfunctions")
        scratch = steps.describe_state_machine(stateMachineArn=self.stack.state_machine_arn)
        made = steps.create_state_machine(name=name, definition=json.dumps(definition), roleArn=scratch["roleArn"])
        try:
            arn = steps.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
            ended = self._wait_for(arn)
            steps.get_execution_history(executionArn=arn, includeExecutionData=True)  # for who records it
        finally:
            steps.delete_state_machine(stateMachineArn=made["stateMachineArn"])
        if not ended.succeeded:
            raise EltError(f"Execution {ended.name} is {ended.status}: {ended.cause}")
        output: Mapping[str, Any] = json.loads(ended.output or "{}")
        return output

    def until(self, look: Callable[[], Any], late: str) -> Any:
        """What ``look`` finds.

        :raises EltError: nothing, within :data:`TIMEOUT`.
        """
        found = until(look, TIMEOUT, PAUSE, sleep=self._sleep)
        if found is None:
            raise EltError(f"{late} after {TIMEOUT:.0f} s.")
        return found

    def remove(self) -> str:
        """Delete whatever was made, also by a call whose answer was lost; tells what could not be deleted."""
        others = [self.__dict__[kind] for kind in get_args(Kind) if kind in self.__dict__]
        left = [one for bench in (self, *others) for one in bench._left()]
        return f"Not everything that was made could be deleted: {'; '.join(left)}. Delete it by hand." if left else ""

    def _left(self) -> list[str]:
        """What could not be deleted, and why."""
        removals = {"stack": self._remove_stack, "bucket": self._remove_bucket} if self._made else {}
        return [f"{what} {self.name} ({error})" for what, do in removals.items() if (error := _tried(do))]

    def _remove_stack(self) -> None:
        self._told(f"Deleting bucket and stack {self.name}.")
        try:
            there = list(self.account.stacks.all(self.name))
        except AwsError as error:
            if "does not exist" in error.message:
                return
            raise
        if not (there and there[0].state_machine_arn):  # what is left of one that could not be made
            self.account.stacks.delete(self.name)
            return
        plan = removal.plan(self.account, there[0])
        removal.remove(self.account, plan, job_id=self.job.job_id, stop=True, everything=True)

    def _remove_bucket(self) -> None:
        uploads.remove_bucket(self.account.client("s3"), self.name)


def _tried(do: Callable[[], None]) -> str:
    """Why it failed; nothing if it did not."""
    try:
        do()
    except EltError as error:
        return str(error)
    return ""
