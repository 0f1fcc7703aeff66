"""What the roles of a job's stack may do is what its state machines, rules and schedules do: nothing would be refused,
and nothing is allowed that is not used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from elt_redshift.asl.language.needs import STARTING_CHILDREN
from elt_redshift.asl.patterns import catching_up
from elt_redshift.aws.template import functions
from elt_redshift.functions.sql import MARGIN
from elt_redshift.job.model import EltJob, LockPolicy, Notify, Schedule
from elt_redshift.local.clock import Clock
from elt_redshift.local.faults import Faults
from elt_redshift.local.iam.policies import Grant, grants
from elt_redshift.local.iam.record import Rights, Use
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol.places import Place
from tests import bounds
from tests.cases import exhaustive
from tests.local.runs.conftest import WAREHOUSE, Barrier, DeployedJob
from tests.local.runs.test_resuming import resume
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import task

Deploy = Callable[[EltJob], DeployedJob]

#: Step Functions starts and looks after a Map's children by itself, where no call is seen; AWS's documentation says
#: what it must be allowed.
UNSEEN = {need.action for need in STARTING_CHILDREN if need.action.startswith("states:")}

#: Jobs whose audit item is in Redshift, by the calls that functions make for them.
IN_REDSHIFT = [{"audit_store": "redshift"}, {"audit_store": "redshift", "runtime": "lambda"}]

#: Later than any schedule's next time.
DAY = timedelta(days=1)


def _waits_for_events(form: dict[str, Any]) -> bool:
    return not {"layout", "runtime"} & form.keys()


def _job(name: str, barrier: Barrier, ledger: str, d: str = "d", **more: Any) -> EltJob:
    """With joins, a batch, events where the layout has them, and a task whose table is not there at first.

    :param d: what that task writes.
    """
    how: Any = {"wait": "event" if _waits_for_events(more) else "long_poll"}
    limit: Any = {"timeout": timedelta(minutes=10)} if "runtime" in more else {}
    note = f"insert into {ledger} values ('%s')"
    return EltJob(
        job_id=name,
        name=name,
        tasks=(
            task("a", sql=(note % "a",), **how, **limit),
            task("b", sql=(barrier.pass_,), **limit),
            task("c", "a", "b", sql=(note % "c", note % "c"), **limit),
            task("d", "b", sql=(f"insert into {ledger}_later values ('{d}')",), **how, **limit),
        ),
        notify=Notify(on=("failure", "success"), not_succeeded_for=2),
        lock=LockPolicy(when_locked="wait"),
        schedule=Schedule(cron="0 3 * * ? *"),
        **more,
    )


class Stack:
    """The roles of a deployed job: what they may do, and what they have done."""

    def __init__(self, deployed: DeployedJob, aws: LocalAws) -> None:
        self._rights, client = Rights(aws), deployed.client
        found = client("cloudformation").describe_stack_resources(StackName=deployed.stack)["StackResources"]
        self.names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
        roles = [one["PhysicalResourceId"] for one in found if one["ResourceType"] == "AWS::IAM::Role"]
        self._may = {role: grants(_policies(client("iam"), role)) for role in roles}

    def used(self) -> list[Use]:
        return [use for use in self._rights.used() if use.role in self._may]

    def unused(self) -> dict[str, set[Grant]]:
        """What nobody has used, by role."""
        used = {(use.role, Grant(use.policy, use.granted_action, use.granted_resource)) for use in self.used()}
        left = {role: {grant for grant in may if (role, grant) not in used} for role, may in self._may.items()}
        return {role: some for role, some in left.items() if some}


def _policies(iam: Any, role: str) -> dict[str, Any]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}


@contextmanager
def _quick() -> Iterator[None]:
    """What is deployed catches up at once, and waits for its row some seconds only."""
    with (
        patch.object(catching_up, "UNDER_WAY", 0),
        patch.object(functions, "STATE_SECONDS_IN_REDSHIFT", int(MARGIN) + 5),
    ):
        yield


@contextmanager
def _deployed(deploy: Deploy, job: EltJob) -> Iterator[DeployedJob]:
    """At the end its schedule is gone."""
    with _quick():
        deployed = deploy(job)
    yield deployed
    deployed.client("cloudformation").delete_stack(StackName=deployed.stack)


def _take_over_fail_and_redrive(deployed: DeployedJob, barrier: Barrier, ledger: str) -> tuple[str, str]:
    """One run is stopped, the next takes over, fails and is redriven, a third one waits for it; gives the first two."""
    first = deployed.start()
    deployed.until_submitted(first, "b")
    wait_for(lambda: deployed.statements(first, "a"), "a is submitted beside it", bounds.EXECUTION)
    deployed.executions.stop(first, "test")
    second = deployed.start()
    deployed.until_submitted(second, "b")
    third = deployed.start()
    wait_for(lambda: "wait for lock" in deployed.states(third), "the third run waits", bounds.EXECUTION)
    barrier.open()
    assert deployed.end(second).status == "FAILED"
    deployed.sql(f"create table {ledger}_later (task varchar(10))")
    deployed.executions.redrive(second, deployed.audit, deployed.job.job_id)
    assert [deployed.end(arn).status for arn in (second, third)] == ["SUCCEEDED", "SUCCEEDED"]
    return first, second


def _resume(deployed: DeployedJob, origin: str, mended: EltJob) -> None:
    """A task is mended and deployed, and another run goes on with what ``origin`` has done, but for that task."""
    with _quick():
        deployed.redeploy(mended)
    ended, resumption = resume(deployed, deployed.executions.describe(origin), cleared={"d"})
    kept = {name for name, run in deployed.tasks(ended.arn).items() if run.kept_from}
    assert (ended.status, kept) == ("SUCCEEDED", {"a", "b", "c"}), resumption


def _lose_the_lock(deployed: DeployedJob, barrier: Barrier) -> None:
    """A run has released it, without hearing of that, and somebody else has it by now."""
    barrier.close()
    arn, job_id = deployed.start(), deployed.job.job_id
    deployed.until_submitted(arn, "b")
    deployed.audit.release(job_id, arn)
    deployed.audit.acquire(job_id, "another")
    barrier.open()
    deployed.end(arn)
    deployed.audit.release(job_id, "another")


def _hang(deployed: DeployedJob) -> None:
    """Somebody holds the job's row in a transaction, for longer than the function waits."""
    session = {"SessionId": _do(deployed, **WAREHOUSE, Sql="begin", SessionKeepAliveSeconds=600)["SessionId"]}
    table, job_id = Place.parse(deployed.audit.table).table, deployed.job.job_id
    _do(deployed, **session, Sql=f"update {table} set jobid = jobid where jobid = '{job_id}'")
    arn = deployed.start()

    def cancelled() -> bool:
        given_up = deployed.statements_named("-audit/", "ABORTED")  # other jobs' too, which may have hung before
        return any(given["value"] == job_id for one in given_up for given in one["QueryParameters"])

    wait_for(cancelled, "the function gives up", bounds.EXECUTION)
    _do(deployed, **session, Sql="rollback", SessionKeepAliveSeconds=0)
    assert deployed.end(arn).status == "SUCCEEDED"


def _do(deployed: DeployedJob, **request: Any) -> Any:
    answer = deployed.data.execute_statement(**request, WaitTimeSeconds=30)
    assert answer["Status"] == "FINISHED"
    return answer


def _tell_twice(deployed: DeployedJob, stack: Stack, arn: str) -> None:
    """The event of a statement comes again, when its task has long gone on."""
    (statement,) = deployed.statements(arn, "a")
    told = {"statementName": statement["StatementName"], "statementId": statement["Id"], "state": "FINISHED"}
    machine = stack.names["StatementEventStepFunction"]
    deployed.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(told))


def _forget(deployed: DeployedJob, arn: str) -> None:
    """Nobody has recorded that run."""
    deployed.kept(arn)
    table, dynamodb = {"TableName": deployed.deployed.history_table}, deployed.client("dynamodb")
    for item in dynamodb.scan(**table)["Items"]:
        if item.get("Execution", {}).get("S") == arn:
            dynamodb.delete_item(**table, Key={name: item[name] for name in ("RunsOf", "Entry")})


def _miss_starts(stack: Stack, faults: Faults, clock: Clock) -> None:
    """Once the job's machine refuses to start for good, and once the schedule cannot start its own."""
    refused = ("stepfunctions", "StartExecution", "StateMachineDoesNotExist", "Gone.", 1, 999)
    faults.fail(*refused, containing="scheduled-")
    clock.advance(DAY)
    role = stack.names["ScheduledStartRole"]
    wait_for(lambda: role not in stack.unused(), "the refused start is in the queue", bounds.EXECUTION)
    faults.fail(*refused, containing=stack.names["ScheduledStartStepFunction"])
    for _ in range(2):
        clock.advance(DAY)


@pytest.mark.parametrize(
    "form",
    exhaustive(
        [{}, {"layout": "map"}, {"layout": "parts"}, {"fence": True}, {"runtime": "lambda"}, *IN_REDSHIFT], quick=[{}]
    ),
    ids=str,
)
def test_roles_may_do_what_they_do_and_no_more(
    deploy: Deploy, barrier: Barrier, ledger: str, local_aws: LocalAws, unique: str, form: dict[str, Any]
) -> None:
    """A take-over, a wait for the lock, joins, events, a failure, a redrive, a resumption, a lost lock, notifications,
    the history and its catching up, scheduled and missed starts: each call is allowed, and each right is used."""
    with _deployed(deploy, _job(unique, barrier, ledger, **form)) as deployed, Faults(local_aws) as faults:
        stack, clock = Stack(deployed, local_aws), Clock(local_aws)
        first, second = _take_over_fail_and_redrive(deployed, barrier, ledger)
        if form.get("layout") != "parts":  # test_parts_seen resumes those
            _resume(deployed, second, _job(unique, barrier, ledger, d="mended", **form))
        _forget(deployed, first)
        if _waits_for_events(form):
            _tell_twice(deployed, stack, first)
        _lose_the_lock(deployed, barrier)
        if "audit_store" in form:
            _hang(deployed)
        clock.advance(DAY)
        deployed.kept(first)
        _miss_starts(stack, faults, clock)
        assert [use for use in stack.used() if use.denied] == []
        unused = {grant.action for some in stack.unused().values() for grant in some}
        assert unused == (UNSEEN if form.get("layout") == "map" else set()), stack.unused()
