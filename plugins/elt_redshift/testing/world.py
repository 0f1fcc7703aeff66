"""Everything that a schedule happens in: the services, the network, the warehouse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from elt_redshift.asl.language.names import RUN_TASKS
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from elt_redshift.protocol import audit, executions
from elt_redshift.protocol.statements import is_forgotten
from elt_redshift.testing.client import DynamoDbClient
from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.dynamodb import DynamoDb, conflicting
from elt_redshift.testing.errors import ServiceError
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.invoked import Functions
from elt_redshift.testing.map_runs import MapChances
from elt_redshift.testing.network import Fate, Faults, Network
from elt_redshift.testing.program import Program, State
from elt_redshift.testing.redshift_data import Behaviour, RedshiftData, Statement
from elt_redshift.testing.step_functions import StepFunctions
from elt_redshift.testing.subject import AUDIT_TABLE, Subject, Version, transactions
from elt_redshift.testing.task_steps import TaskStep, parsed

#: When schedules begin: 2026-01-01.
_BEGIN = 1_767_225_600.0

#: So many seconds after an end that EventBridge has told of, the item says so.
SETTLED = 300.0


@dataclass(frozen=True)
class Claim:
    """The lock has a new owner, from then on."""

    owner: str
    since: float


class World:
    """One simulated account, region and warehouse.

    :param behave: how a new statement goes, given its name and how many transactions it makes.
    :param memory: seconds for which the Data API knows a ClientToken.
    :ivar on_entered: told of each state that is entered, by its name.
    :ivar on_call: asked how the call of a state fares; None: as it happens.
    :ivar on_arrival: told of each state whose call has reached its service, before that acts.
    :ivar runs: the executions that have entered a state, by their ARNs, children of Map Runs among them.
    :ivar claims: the owners of the lock, one after the other.
    :ivar trace: what happened, a line each; None: nobody reads it.
    :ivar unrecorded: what ended by itself while the item said that it runs.
    :ivar held: how often a run was held because nobody could know how a statement ended.
    :ivar edited: whether somebody has changed the audit item by hand.
    :ivar robbed: who lost the lock to a write that was not its own, while it ran.
    """

    def __init__(
        self,
        subject: Subject,
        seed: int,
        behave: Callable[[str, int], Behaviour],
        faults: Faults,
        memory: float,
        traced: bool = False,
    ) -> None:
        self.subject, self.seed, self.clock = subject, seed, Clock(_BEGIN)
        self.random = Random(f"{seed} moves")
        self.trace: list[str] | None = [] if traced else None
        self.network = Network(self.clock, Random(f"{seed} network"), faults)
        self.dynamodb = DynamoDb()
        self.data = RedshiftData(self.clock, behave, self._statement_ended, memory, transactions)
        self.step_functions = StepFunctions(
            self.clock,
            Random(f"{seed} states"),
            self._call,
            self._entered,
            self._left,
            self._ended,
            MapChances.drawn(Random(f"{seed} map runs")),
        )
        self.runs: dict[str, Execution] = {}
        self._functions = Functions(self.clock, self.network, self._handler)
        self.step_functions.follower = lambda: self.version.follower
        self.step_functions.parts = lambda: self.version.parts
        stops = Random(f"{seed} stops")
        self.step_functions.stops = lambda: None if stops.random() < 0.15 else stops.choice((0.3, 3.0, 60.0))
        deaths = Random(f"{seed} deaths")
        self.step_functions.dies = lambda: (
            deaths.choice((0.02, 0.1, 1.0, 30.0)) * deaths.random()
            if self.network.faults.any and deaths.random() < 0.08
            else None
        )
        self.claims: list[Claim] = []
        self.unrecorded: list[str] = []
        self.robbed: list[str] = []
        self.held, self.edited = 0, False
        self.on_entered: Callable[[str], None] = lambda state: None
        self.on_call: Callable[[str], Fate | None] = lambda state: None
        self.on_arrival: Callable[[str], None] = lambda state: None
        self.lost_events = 0.0
        self._handlers: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
        self.deploy(0)

    @property
    def version(self) -> Version:
        """What is deployed."""
        assert self.step_functions.deployed
        return self.subject.versions[self.step_functions.deployed[1]]

    def deploy(self, number: int) -> None:
        """Deploy another version of the job."""
        self.say(f"deploy version {number}")
        self.step_functions.deployed = self.subject.versions[number].program, number

    def say(self, what: str) -> None:
        """A line of the trace."""
        if self.trace is not None:
            self.trace.append(f"{self.clock.now - _BEGIN:11.3f}  {what}")

    def item(self) -> dict[str, str]:
        """The job's audit item, without types."""
        found = self.dynamodb.get_item({"TableName": AUDIT_TABLE, "Key": self._key}).get("Item", {})
        return {name: str(inner) for name, value in found.items() for inner in value.values()}

    @property
    def _key(self) -> dict[str, Any]:
        return {name: {"S": value} for name, value in audit.key(self.subject.job_id).items()}

    def edit(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Change the job's audit item by hand."""
        self.dynamodb.edit(
            AUDIT_TABLE, {name: {"S": value} for name, value in audit.key(self.subject.job_id).items()}, change
        )
        self.edited = True
        self.say(f"the item is edited: {self.item()}")

    def audit_store(self) -> AuditStore:
        """The audit table, as commands and Airflow's workers read and write it."""
        client = DynamoDbClient(self.dynamodb.get_item, self._update_item)
        return DynamoDbAuditStore(client, AUDIT_TABLE, lambda: datetime.fromtimestamp(self.clock.now, UTC))

    def _call(self, state: State, request: Any) -> Promise:
        handler = self._handlers.get(state.name)
        if handler is None:
            handler = self._handlers[state.name] = self._arriving(state)
        return self.network.call(state.service, handler, request, self.on_call(state.name))

    def _arriving(self, state: State) -> Callable[[Mapping[str, Any]], Any]:
        handler = self._handler(state.service.removeprefix("aws-sdk:"), state.action)

        def arrived(request: Mapping[str, Any]) -> Any:
            if state.service == "aws-sdk:redshiftdata":
                submits = state.action.lower().endswith("executestatement")
                self.data.quotas.ask(state.action, request["StatementName"] if submits else "")
            self.on_arrival(state.name)
            return handler(request)

        return arrived

    def _handler(self, service: str, action: str) -> Callable[[Mapping[str, Any]], Any]:
        if (service, action) == ("dynamodb", "updateItem"):
            return self._update_item
        if service == "lambda":
            return self._functions.invoke
        if service == "states":
            return self.step_functions.start_part
        services: Mapping[str, Any] = {
            "dynamodb": self.dynamodb,
            "redshiftdata": self.data,
            "sfn": self.step_functions,
            "s3": self,
        }
        method = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", action)
        handler = getattr(services[service], method) if service in services else _heard_by_nobody
        if action.startswith("transact"):
            handler = conflicting(handler, Random(f"{self.seed} conflicts"), lambda: self.network.faults.any)
        return handler if self.trace is None else self._told(f"{service}:{action}", handler)

    def get_object(self, request: Mapping[str, Any]) -> list[Any]:
        """The items of a job file."""
        return self.subject.job_file(request["Key"])

    def _told(self, call: str, handler: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
        def told(request: Mapping[str, Any]) -> Any:
            what = request.get("StatementName") or request.get("Id") or ""
            try:
                answer = handler(request)
            except ServiceError as error:
                self.say(f"    {call} {what} -> {error}")
                raise
            self.say(f"    {call} {what} -> {'(waits)' if isinstance(answer, Promise) else answer}")
            return answer

        return told

    def _update_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        audited = request["TableName"] == AUDIT_TABLE
        before = self.item() if audited else {}
        try:
            answer = self.dynamodb.update_item(request)
        except ServiceError as error:
            self.say(f"    dynamodb:updateItem {request['Key']} -> {error.name}")
            raise
        if self.trace is not None:
            values = request.get("ExpressionAttributeValues", {})
            self.say(f"    dynamodb:updateItem {request['Key']} {values}")
        if audited:
            self._owned(before, request)
        return answer

    def _owned(self, before: Mapping[str, str], request: Mapping[str, Any]) -> None:
        item = self.item()
        owner = item.get(audit.OWNER, "")
        by = request.get("ExpressionAttributeValues", {}).get(":owner", {}).get("S", "")
        if (loser := before.get(audit.OWNER, "")) not in (owner, by) and self._runs(loser, before):
            self.robbed.append(f"{loser.rpartition(':')[2]} lost the lock to a write of {by.rpartition(':')[2]}")
        if owner and item.get(audit.JOB_STATE) == audit.RUNNING and (not self.claims or self.claims[-1].owner != owner):
            self.claims.append(Claim(owner, self.clock.now))

    def _runs(self, owner: str, item: Mapping[str, str]) -> bool:
        """Whether the owner runs, and has taken the lock since its last redrive."""
        run = self.step_functions.executions.get(owner)
        return run is not None and run.running and item.get(audit.REDRIVES) == str(run.redrives)

    def _entered(self, run: Execution, state: str, given: Any) -> None:
        self.runs[run.arn] = run
        if self.trace is not None:
            self.say(f"{run.name}: > {state}  {str(given)[:150]}")
        if step := self._step(run, state):
            step.entered(given, self.clock.now)
        elif state == RUN_TASKS:
            run.begun.setdefault(state, self.clock.now)
        self.on_entered(state)

    def _left(self, run: Execution, state: str, output: Any) -> None:
        if step := self._step(run, state):
            step.left(output)

    def _step(self, run: Execution, state: str) -> TaskStep | None:
        """Of a task of the job; None: the state is none of a task's, or one of the small machines'."""
        owner, name = run.parent or run, parsed(state)
        if name is None or owner.arn not in self.step_functions.executions:
            return None
        return TaskStep(owner, run.input["task"]["name"] if run.parent and "task" in run.input else name.task, name)

    def _ended(self, run: Execution) -> None:
        self.say(f"{run.name}: {run.status} {run.error or ''}")
        item = self.item()
        runs_on = item.get(audit.OWNER) == run.arn and item.get(audit.JOB_STATE) == audit.RUNNING and not self._unclear
        if item.get(audit.OWNER) == run.arn and is_forgotten(item.get(audit.FAILED_STATEMENT)):
            self.held += run.status == executions.FAILED
        self._tell_of_end(run)
        if run.status in (executions.FAILED, executions.SUCCEEDED) and runs_on:
            self.unrecorded.append(f"{run.name} ended as {run.status} ({run.error}), and its item says that it runs")

    @property
    def _unclear(self) -> bool:
        """Whether somebody has edited the item so that no run touches it."""
        found = self.audit_store().read(self.subject.job_id)
        return self.edited and found is not None and found.problem is not None

    def _tell_of_end(self, run: Execution) -> None:
        """EventBridge tells of an end at least once, or never; now and then late, and twice."""
        if self.random.random() < self.lost_events:
            return
        told = {"executionArn": run.arn, "status": run.status, "redriveCount": run.redrives}
        for late in (0.5, *((30.0,) if self.random.random() < 0.1 else ())):
            self.clock.after(late * (1 + self.random.random()), self._tell, self.version.ending, told)
        self.clock.after(SETTLED, self._check_end, run, run.redrives)

    def _check_end(self, run: Execution, redrives: int) -> None:
        item = self.item()
        if run.running or run.redrives != redrives or item.get(audit.OWNER) != run.arn or self.network.faults.any:
            return
        if item.get(audit.JOB_STATE) == audit.RUNNING and not self._unclear:
            self.unrecorded.append(
                f"{run.name} ended as {run.status}, and {SETTLED:.0f} s later its item says that it runs"
            )

    def _statement_ended(self, statement: Statement) -> None:
        self.say(f"    {statement.id} {statement.name} is {statement.status}, {len(statement.commits)} commits")
        answering = self.version.answering
        if not (statement.event and answering) or self.random.random() < self.lost_events:
            return
        told = {"statementName": statement.name, "statementId": statement.id, "state": statement.status}
        self.clock.after(0.1 + self.random.random(), self._tell, answering, told)

    def _tell(self, machine: Program, told: Mapping[str, Any]) -> None:
        self.step_functions.start_express(machine, told)


def _heard_by_nobody(request: Mapping[str, Any]) -> dict[str, Any]:
    """An event that is put, a message that is published."""
    return {}
