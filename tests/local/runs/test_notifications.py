"""People are told of runs by the job's topic, and others by events: once for each end, in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.job.parts import Notify
from elt_redshift.protocol.notices import KINDS
from tests import bounds
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]

#: Of the runs below.
OUTCOMES = ("skipped", "stopped", "succeeded", "succeeded", "timed_out", "failed", "held", "held", "held", "succeeded")


class Inbox:
    """A queue, and what has come into it, the oldest first."""

    def __init__(self, deployed: DeployedJob, name: str) -> None:
        self._sqs, self._seen = deployed.client("sqs"), 0
        self.url = self._sqs.create_queue(QueueName=f"{deployed.stack}-{name}")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]
        self.arn, self.all = attributes["QueueArn"], list[dict[str, Any]]()

    def next(self) -> dict[str, Any]:
        """The next that comes."""
        wait_for(self._came, "something comes", bounds.EXECUTION)
        self._seen += 1
        return self.all[self._seen - 1]

    def _came(self) -> bool:
        if len(self.all) == self._seen:
            found = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
            self.all += [json.loads(message["Body"]) for message in found]
        return len(self.all) > self._seen


class Told:
    """A job whose topic and events come into queues."""

    def __init__(self, deployed: DeployedJob) -> None:
        self.deployed = deployed
        self.notices, self.events = Inbox(deployed, "notices"), Inbox(deployed, "events")
        outputs = deployed.client("cloudformation").describe_stacks(StackName=deployed.stack)["Stacks"][0]["Outputs"]
        (topic,) = [one["OutputValue"] for one in outputs if one["OutputKey"] == "NotificationTopic"]
        deployed.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.notices.arn)
        rule, pattern = f"{deployed.stack}-events", {"source": ["elt-redshift"]}
        deployed.client("events").put_rule(Name=rule, EventPattern=json.dumps(pattern))
        deployed.client("events").put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": self.events.arn}])
        self.started, self.ended = dict[str, dict[str, Any]](), dict[str, dict[str, Any]]()

    def until(self, there: Callable[[], bool]) -> None:
        """Take in events until that is so."""
        while not there():
            event = self.events.next()
            kind = {"ELT Run Started": self.started, "ELT Run Ended": self.ended}[event["detail-type"]]
            kind[event["detail"]["execution"]] = event["detail"]

    def notice(self, subject: str) -> dict[str, str]:
        """The lines of the next notification by their labels, the first one's being empty."""
        found = self.notices.next()
        assert found["Subject"] == subject
        first, *lines = found["Message"].splitlines()
        assert first == f"{subject} (job 101)."
        labelled = [line.partition(":") for line in lines if line]
        return {"": first, **{label: text.strip() for label, _, text in labelled}}

    def once_more(self, arn: str) -> None:
        """The event of an end comes a second time."""
        machine = self.deployed.client("cloudformation").describe_stack_resource(
            StackName=self.deployed.stack, LogicalResourceId="RunEndStepFunction"
        )["StackResourceDetail"]["PhysicalResourceId"]
        given = json.dumps({"executionArn": arn, "redriveCount": 0, "status": "FAILED"})
        self.deployed.client("stepfunctions").start_execution(stateMachineArn=machine, input=given)

    def a_day_passes(self) -> None:
        """What was told of the held job was told a day ago."""
        self.deployed.client("dynamodb").update_item(
            TableName=self.deployed.deployed.history_table,
            Key={"RunsOf": {"S": "101"}, "Entry": {"S": "standing"}},
            UpdateExpression="SET HeldTold = HeldTold - :day",
            ExpressionAttributeValues={":day": {"N": "86400000"}},
        )

    def limit(self, seconds: int | None) -> None:
        """Give the deployed state machine a time limit, or none."""
        steps, arn = self.deployed.client("stepfunctions"), self.deployed.deployed.state_machine_arn
        definition = json.loads(steps.describe_state_machine(stateMachineArn=arn)["definition"])
        definition.pop("TimeoutSeconds", None)
        limit = {"TimeoutSeconds": seconds} if seconds else {}
        steps.update_state_machine(stateMachineArn=arn, definition=json.dumps({**definition, **limit}))


@pytest.fixture
def told(deploy: Deploy, barrier: Barrier) -> Iterator[Told]:
    """A job that divides by a parameter once the barrier is open, and tells of everything."""
    divide = task("a", sql=(barrier.pass_, "select 1 / :d"), parameters=("d",))
    parameters = (Parameter(name="d", type="integer", default="1"),)
    deployed = deploy(job(divide, parameters=parameters, notify=Notify(on=KINDS)))
    made = Told(deployed)
    yield made
    deployed.client("events").remove_targets(Rule=f"{deployed.stack}-events", Ids=["q"])


def test_every_end_is_told(told: Told, barrier: Barrier) -> None:
    """Skipped, stopped, recovered, succeeded, timed out, failed with file and line, and held: once, and again after a
    day. Starts and ends are events as well, in order of their coming."""
    deployed = told.deployed

    first = deployed.start()
    deployed.until_submitted(first, "a")
    deployed.run()
    skipped = told.notice("A run of job sample was skipped")
    assert skipped["Message"] == f"Job 101 is Running, held by {first}."
    deployed.executions.stop(first, "Ann stopped it.")
    stopped = told.notice("A run of job sample was stopped")
    assert (stopped["Message"], stopped["Run"]) == ("Ann stopped it.", first.rpartition(":")[2])
    assert f"`elt-redshift redrive sample --execution {stopped['Run']}`" in stopped["Next step"]
    assert stopped["Console"].endswith(f"/states/home?region=us-east-1#/v2/executions/details/{first}")
    barrier.open()
    deployed.run()
    told.notice("Job sample works again")
    deployed.run(d="2")
    assert told.notice("Job sample succeeded")["Parameters"] == '{"d":"2"}'

    barrier.close()
    told.limit(1)
    deployed.run()
    timed_out = told.notice("A run of job sample ran into its time limit")
    assert timed_out["Message"] == "The execution ran into its time limit."
    told.limit(None)
    barrier.open()

    failed_run = deployed.run(d="0")
    failed = told.notice("Job sample failed in task a")
    assert (failed["Task"], failed["At"]) == ("a", "a.sql:2")
    assert failed["Message"] == deployed.item.failure_message
    assert failed["Statement"] == deployed.item.failed_statement
    assert f"`elt-redshift redrive sample --execution {failed['Run']}`" in failed["Next step"]
    assert "the job is held" in failed["Next step"]
    assert "`elt-redshift unlock sample --reason …`" in failed["Next step"]
    told.once_more(failed_run.arn)
    held = deployed.run().arn  # which the notification of the failure has said already
    told.until(lambda: held in told.ended)
    told.a_day_passes()
    for _ in range(2):
        deployed.run()
    held_again = told.notice("Job sample is held: a run did nothing")
    assert held_again["Message"].startswith("Job 101 is held by a failed run: task a failed at ")
    assert held_again["Run"] != held.rpartition(":")[2]

    deployed.account.audit(deployed.deployed.audit_table).unlock(deployed.item, by="Ann", reason="tests")
    deployed.run()
    told.notice("Job sample works again")
    _check_events(told, failed_run.arn)


def _check_events(told: Told, failed: str) -> None:
    """Each run has an event of its start and one of its end."""
    told.until(lambda: len(told.ended) == len(told.started) == len(OUTCOMES))
    assert sorted(one["outcome"] for one in told.ended.values()) == sorted(OUTCOMES)
    end, described = told.ended[failed], told.deployed.executions.describe(failed)
    assert end == {
        "jobId": "101",
        "jobName": "sample",
        "execution": failed,
        "name": described.name,
        "redriveCount": 0,
        "startedAt": _iso(described.started),
        "endedAt": _iso(described.stopped or described.started),
        "outcome": "failed",
        "task": "a",
        "statementId": end["statementId"],
        "message": end["message"],
        "parameters": {"d": "0"},
    }
    of_ends = ("endedAt", "outcome", "task", "statementId", "message")
    assert told.started[failed] == {name: value for name, value in end.items() if name not in of_ends}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
