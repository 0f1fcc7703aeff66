"""A job's alarms ring when they should, by its topic, and are silent again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.job.model import EltJob, Notify, Schedule
from elt_redshift.job.parts import Parameter
from elt_redshift.local.clock import Clock
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.runs.test_notifications import Told
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

#: Each look takes a minute: so many looks do not reach the schedule's next run by themselves.
MINUTE, PERIOD = timedelta(minutes=1), timedelta(hours=12)


class Alarms:
    """The alarms of a deployed job, and what its topic told of them."""

    def __init__(self, deployed: DeployedJob, clock: Clock) -> None:
        self.deployed, self.clock, self.told = deployed, clock, Told(deployed)

    def resource(self, name: str) -> str:
        found = self.deployed.client("cloudformation").describe_stack_resource(
            StackName=self.deployed.stack, LogicalResourceId=name
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def state(self, name: str) -> str:
        """The state of one, when a minute has passed."""
        self.clock.advance(MINUTE)
        found = self.deployed.client("cloudwatch").describe_alarms(AlarmNames=[self.resource(name)])
        return str(found["MetricAlarms"][0]["StateValue"])

    def until(self, name: str, state: str) -> None:
        """Minutes pass until one is in that state, which a metric that comes in the background lets it be."""
        wait_for(lambda: self.state(name) == state, f"{name} is {state}", bounds.EXECUTION)

    @contextmanager
    def ending(self, **definition: Any) -> Iterator[None]:
        """The machine behind the ends of runs is another one meanwhile."""
        client, arn = self.deployed.client("stepfunctions"), self.resource("RunEndStepFunction")
        deployed = client.describe_state_machine(stateMachineArn=arn)["definition"]
        client.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))
        yield
        client.update_state_machine(stateMachineArn=arn, definition=deployed)

    def rang(self, name: str) -> dict[str, Any]:
        """What the topic tells, once it tells of that alarm."""
        while not (found := self.told.notices.next())["Subject"].startswith(f'ALARM: "{self.resource(name)}"'):
            pass
        return dict(json.loads(found["Message"]))


@pytest.fixture
def alarms(deploy: Callable[[EltJob], DeployedJob], barrier: Barrier, local_aws: LocalAws) -> Iterator[Alarms]:
    """Of a job that divides by a parameter once the barrier is open, twice a day."""
    divide = task("a", sql=(barrier.pass_, "select 1 / :d"), parameters=("d",))
    notify, schedule = Notify(on=("success",), not_succeeded_for=2), Schedule(rate="12 hours")
    parameters = (Parameter(name="d", type="integer", default="1"),)
    deployed = deploy(job(divide, parameters=parameters, notify=notify, schedule=schedule))
    made = Alarms(deployed, Clock(local_aws))
    yield made
    deployed.client("events").remove_targets(Rule=f"{deployed.stack}-events", Ids=["q"])
    deployed.client("cloudformation").delete_stack(StackName=deployed.stack)


def test_alarms_tell_of_runs(alarms: Alarms, barrier: Barrier) -> None:
    """Of one that ran out of time, of one that failed, and that no run has done its work, until one does again."""
    alarms.until("NotSucceededAlarm", "ALARM")
    barrier.open()
    alarms.clock.advance(PERIOD)
    alarms.until("NotSucceededAlarm", "OK")  # the schedule's first run has succeeded
    assert alarms.state("RunsFailedAlarm") == alarms.state("RunsTimedOutAlarm") == "OK"

    barrier.close()
    alarms.told.limit(1)
    alarms.deployed.run()
    alarms.told.limit(None)
    barrier.open()
    assert alarms.state("RunsTimedOutAlarm") == "ALARM"
    assert alarms.rang("RunsTimedOutAlarm")["AlarmDescription"] == "Runs of ELT job sample ran out of time."
    assert alarms.state("RunsFailedAlarm") == "OK"

    alarms.deployed.run(d="0")
    assert alarms.state("RunsFailedAlarm") == "ALARM"
    rang = alarms.rang("RunsFailedAlarm")
    assert rang["AlarmDescription"] == "Runs of ELT job sample failed."
    assert rang["Trigger"]["Dimensions"] == [
        {"name": "StateMachineArn", "value": alarms.deployed.deployed.state_machine_arn}
    ]
    alarms.clock.advance(PERIOD)  # the schedule's next run meets the job held
    alarms.clock.advance(PERIOD)
    alarms.until("NotSucceededAlarm", "ALARM")
    assert "for 2 periods of its schedule (1 day, 0:00:00)" in alarms.rang("NotSucceededAlarm")["AlarmDescription"]
    alarms.until("RunsFailedAlarm", "OK")
    alarms.until("RunsTimedOutAlarm", "OK")


def test_alarms_tell_of_what_is_broken(alarms: Alarms, barrier: Barrier) -> None:
    """Of ends that take too long or cannot be recorded; of starts that were missed, while they are in the queue."""
    barrier.open()
    alarms.clock.advance(PERIOD)
    alarms.until("NotSucceededAlarm", "OK")
    with alarms.ending(StartAt="a", States={"a": {"Type": "Wait", "Seconds": 60, "End": True}}, TimeoutSeconds=1):
        alarms.deployed.run()
        alarms.until("RunEndTimedOutAlarm", "ALARM")
    assert alarms.rang("RunEndTimedOutAlarm")["AlarmDescription"].startswith("What follows the ends of runs of ELT job")

    alarms.deployed.client("dynamodb").delete_table(TableName=alarms.deployed.deployed.history_table)
    alarms.deployed.run()
    alarms.until("RunEndFailedAlarm", "ALARM")
    assert alarms.rang("RunEndFailedAlarm")["AlarmDescription"].startswith("What follows the ends of runs of ELT job")

    assert alarms.state("MissedStartsAlarm") == "OK"
    machine = alarms.deployed.deployed.state_machine_arn
    alarms.deployed.client("stepfunctions").delete_state_machine(stateMachineArn=machine)
    alarms.clock.advance(PERIOD)
    alarms.until("MissedStartsAlarm", "ALARM")
    assert "the queue of missed starts says when, and why" in alarms.rang("MissedStartsAlarm")["AlarmDescription"]
    alarms.deployed.client("sqs").purge_queue(QueueUrl=alarms.resource("MissedStarts"))
    alarms.until("MissedStartsAlarm", "OK")
