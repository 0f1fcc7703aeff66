"""A job's schedule starts its runs, each once, with the values that it gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elt_redshift.job.model import EltJob, Notify, Schedule
from elt_redshift.job.parts import Parameter
from elt_redshift.local.clock import Clock
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]

DAY = Parameter(name="day", type="date")


def _job(ledger: str, schedule: Schedule | None) -> EltJob:
    """Its task writes the day that it is given."""
    sql = (f"insert into {ledger} values (:day)",)
    return job(task("a", sql=sql, parameters=("day",)), parameters=(DAY,), schedule=schedule)


@pytest.fixture
def scheduled(deploy: Deploy, ledger: str) -> Iterator[Callable[[Schedule | None], DeployedJob]]:
    """Deploys a job with a schedule; at the end its stack is gone, and so is the schedule."""
    made: list[DeployedJob] = []

    def deploy_(schedule: Schedule | None) -> DeployedJob:
        made.append(deploy(_job(ledger, schedule)))
        return made[-1]

    yield deploy_
    for one in made:
        one.client("cloudformation").delete_stack(StackName=one.stack)


@pytest.fixture
def clock(local_aws: LocalAws) -> Clock:
    return Clock(local_aws)


def _runs(deployed: DeployedJob, number: int) -> dict[str, Any]:
    """The inputs of the job's runs by their names, once there are that many and all have ended."""

    def look() -> bool:
        found = deployed.executions.recent(10)
        return len(found) >= number and all(one.ended for one in found)

    wait_for(look, f"{number} runs", bounds.EXECUTION)
    describe = deployed.client("stepfunctions").describe_execution
    found = [describe(executionArn=one.arn) for one in deployed.executions.recent(10)]
    assert {one["status"] for one in found} == {"SUCCEEDED"}
    return {one["name"]: json.loads(one["input"]) for one in found}


def _resource(deployed: DeployedJob, name: str) -> str:
    found = deployed.client("cloudformation").describe_stack_resource(StackName=deployed.stack, LogicalResourceId=name)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _deliver(deployed: DeployedJob, time: str) -> None:
    """What Scheduler does for a time of the schedule, until its machine has ended."""
    machine = _resource(deployed, "ScheduledStartStepFunction")
    steps = deployed.client("stepfunctions")
    arn = steps.start_execution(stateMachineArn=machine, input=json.dumps({"scheduled": time}))["executionArn"]

    def ended() -> str:
        status = steps.describe_execution(executionArn=arn)["status"]
        return "" if status == "RUNNING" else str(status)

    assert wait_for(ended, "the start is made", bounds.EXECUTION) == "SUCCEEDED"


def test_a_run_starts_with_the_scheduled_time(
    scheduled: Callable[[Schedule], DeployedJob], clock: Clock, ledger: str
) -> None:
    """Each time of the schedule starts a run that bears it as its name and has its date as a value."""
    every = Schedule(rate="5 minutes", parameters={"day": {"scheduled": "date"}})
    deployed = scheduled(every)
    clock.advance(timedelta())
    _runs(deployed, 1)
    clock.advance(timedelta(minutes=5))
    runs = _runs(deployed, 2)
    for name, given in runs.items():
        assert name == "scheduled-" + given["scheduled"].replace(":", "-")
        assert given["parameters"] == {"day": given["scheduled"][:10]}
        assert datetime.fromisoformat(given["scheduled"])
    assert sum(deployed.ran(ledger).values()) == 2


def test_a_delivery_that_comes_twice_starts_one_run(
    scheduled: Callable[[Schedule], DeployedJob], local_aws: LocalAws, ledger: str
) -> None:
    """Whether the first run still goes on or has ended long ago, and whatever answer was lost: there is one."""
    deployed = scheduled(Schedule(rate="1 day", enabled=False, parameters={"day": "1998-01-01"}))
    with Faults(local_aws) as faults:
        faults.lose_answer("stepfunctions", "StartExecution", containing="scheduled-2027-03-01T05-30-00Z")
        for _ in range(2):
            _deliver(deployed, "2027-03-01T05:30:00Z")
        assert faults.met() == [1]
    _runs(deployed, 1)
    _deliver(deployed, "2027-03-01T05:30:00Z")
    _deliver(deployed, "2027-03-02T05:30:00Z")
    assert set(_runs(deployed, 2)) == {"scheduled-2027-03-01T05-30-00Z", "scheduled-2027-03-02T05-30-00Z"}
    assert deployed.ran(ledger) == {"1998-01-01": 2}


def test_a_start_that_is_refused_is_left_in_the_queue(
    scheduled: Callable[[Schedule], DeployedJob], local_aws: LocalAws
) -> None:
    """When Step Functions refuses a run for good, the queue tells which one and why."""
    deployed = scheduled(Schedule(rate="1 day", enabled=False, parameters={"day": "1998-01-01"}))
    with Faults(local_aws) as faults:
        faults.fail("stepfunctions", "StartExecution", "StateMachineDoesNotExist", "Gone.", 1, 99, "scheduled-2027")
        _deliver(deployed, "2027-03-01T05:30:00Z")
    queue = deployed.client("sqs")
    (message,) = queue.receive_message(QueueUrl=_resource(deployed, "MissedStarts"), MessageAttributeNames=["All"])[
        "Messages"
    ]
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"]) == {"scheduled": "2027-03-01T05:30:00Z"}
    assert told["SCHEDULED_TIME"] == "2027-03-01T05:30:00Z"
    assert "StateMachineDoesNotExist" in told["ERROR_CODE"]
    assert "Gone." in told["ERROR_MESSAGE"]


def test_a_schedule_comes_changes_and_goes_with_deployments(
    scheduled: Callable[[Schedule | None], DeployedJob], ledger: str
) -> None:
    """A deployed job gets a schedule, another one, none for a while, and none at all; the job's own stays."""
    deployed = scheduled(None)
    machine, scheduler = deployed.deployed.state_machine_arn, deployed.client("scheduler")
    values = {"day": {"scheduled": "date"}}

    def redeployed(schedule: Schedule | None) -> dict[str, Any]:
        deployed.redeploy(_job(ledger, schedule))
        assert deployed.deployed.state_machine_arn == machine
        if schedule is None:
            return {}
        return dict(
            scheduler.get_schedule(Name=_resource(deployed, "Schedule"), GroupName=_resource(deployed, "ScheduleGroup"))
        )

    daily = redeployed(Schedule(cron="30 5 * * ? *", timezone="Europe/Berlin", parameters=values, enabled=False))
    assert (daily["ScheduleExpression"], daily["State"]) == ("cron(30 5 * * ? *)", "DISABLED")
    assert daily["ScheduleExpressionTimezone"] == "Europe/Berlin"
    hourly = redeployed(Schedule(rate="2 hours", parameters={"day": "1998-01-01"}, enabled=False))
    assert (hourly["ScheduleExpression"], hourly["Arn"]) == ("rate(2 hours)", daily["Arn"])
    assert hourly["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 7200, "MaximumRetryAttempts": 185}
    assert redeployed(Schedule(rate="2 hours", parameters=values))["State"] == "ENABLED"
    group = _resource(deployed, "ScheduleGroup")
    redeployed(None)
    assert group not in {one["Name"] for one in scheduler.list_schedule_groups()["ScheduleGroups"]}


def test_runs_that_have_done_their_work_are_counted(deploy: Deploy, barrier: Barrier, local_aws: LocalAws) -> None:
    """In CloudWatch, by the job's state machine: one that succeeds counts 1; one that is skipped, or stopped, 0."""
    schedule = Schedule(rate="1 day", enabled=False)
    deployed = deploy(job(task("a", sql=(barrier.pass_,)), schedule=schedule, notify=Notify(not_succeeded_for=2)))
    first = deployed.start()
    deployed.until_submitted(first, "a")
    ended = [deployed.run().arn, first]
    deployed.executions.stop(first, "test")
    barrier.open()
    ended.append(deployed.run().arn)
    for arn in ended:
        deployed.kept(arn)  # which comes behind the counting
    now = datetime.now(UTC)
    (counted,) = deployed.client("cloudwatch").get_metric_statistics(
        Namespace="ELT/Redshift",
        MetricName="RunsSucceeded",
        Dimensions=[{"Name": "StateMachineArn", "Value": deployed.deployed.state_machine_arn}],
        StartTime=now - timedelta(minutes=30),
        EndTime=now + timedelta(minutes=30),
        Period=3600,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert (counted["Sum"], counted["SampleCount"]) == (1, 3)
