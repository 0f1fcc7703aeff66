"""What follows the end of a run: its audit item tells the truth, whoever or whatever ended it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from elt_redshift.aws.audit_item import AuditItem
from elt_redshift.job.model import EltJob
from elt_redshift.runs.past import PastRun
from tests import bounds
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]


def _held(deployed: DeployedJob) -> str:
    """Start a run whose task waits at the barrier."""
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["a"].status == "running")
    return arn


def _failed(deployed: DeployedJob) -> AuditItem:
    """The item, once it is not Running any more."""
    wait_for(lambda: deployed.item.state != "Running", "the item tells of the end", bounds.EXECUTION)
    return deployed.item


def _resource(deployed: DeployedJob, kind: str, name: str) -> str:
    """The physical id of a resource of the stack."""
    found = deployed.client("cloudformation").describe_stack_resource(StackName=deployed.stack, LogicalResourceId=name)
    assert found["StackResourceDetail"]["ResourceType"] == kind
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _tell(deployed: DeployedJob, arn: str, **detail: Any) -> None:
    """An event of an end, as EventBridge hands it to the machine."""
    machine = _resource(deployed, "AWS::StepFunctions::StateMachine", "RunEndStepFunction")
    given = json.dumps({"executionArn": arn, "redriveCount": 0, **detail})
    deployed.client("stepfunctions").start_execution(stateMachineArn=machine, input=given)


def test_a_stopped_run_is_told_by_its_item(deploy: Deploy, barrier: Barrier) -> None:
    """Within moments it is Failed, with who stopped it as the message, and free for the next run; it can be redriven,
    and late or double events change nothing of what it does then."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    arn = _held(deployed)
    deployed.executions.stop(arn, "Ann stopped it.")
    item = _failed(deployed)
    assert (item.state, item.after, item.owner) == ("Failed", "release", arn)
    stopped = deployed.kept(arn)
    assert (stopped.outcome, stopped.message, stopped.task) == ("stopped", "Ann stopped it.", None)
    assert (item.failed_task, item.failure_message) == ("none", "Ann stopped it.")
    assert item.end is not None
    _tell(deployed, arn)
    deployed.executions.redrive(arn, deployed.audit, "101")
    wait_for(lambda: deployed.item.redrives == "1", "the redriven run has its lock", bounds.EXECUTION)
    for _ in range(2):
        _tell(deployed, arn)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.item.state == "Ready"
    done, described = deployed.kept(arn, redrives=1), deployed.executions.describe(arn)
    assert done == PastRun(arn, "succeeded", described.started, described.stopped or described.started, redrives=1)


def test_the_next_run_begins_behind_a_settled_one(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """A settled item is taken over; an event of the old run that comes then leaves the new owner alone."""
    deployed = deploy(job(task("a", sql=(barrier.pass_, f"insert into {ledger} values ('a')"))))
    first = _held(deployed)
    deployed.executions.stop(first, "")
    assert _failed(deployed).failure_message == "The execution was stopped, and no reason was given."
    second = _held(deployed)
    _tell(deployed, first)
    barrier.open()
    assert deployed.end(second).status == "SUCCEEDED"
    assert (deployed.item.last_owner, deployed.ran(ledger)) == (second, {"a": 1})


def test_a_failure_that_a_task_has_recorded_stays(deploy: Deploy, ledger: str) -> None:
    """The item keeps the task, the message and the policy."""
    deployed = deploy(job(task("a", sql=(f"select * from {ledger}_missing",))))
    arn = deployed.run().arn
    before = deployed.item
    _tell(deployed, arn)
    _tell(deployed, arn)
    held = deployed.run().arn
    assert deployed.item == before
    assert (before.failed_task, before.after) == ("a", "hold")
    failed = deployed.kept(arn)
    assert (failed.outcome, failed.task, failed.statement) == ("failed", "a", before.failed_statement)
    assert failed.message == before.failure_message
    assert deployed.kept(held).outcome == "held"
    runs = deployed.account.past_runs(deployed.deployed.history_table)
    assert [run.execution for run in runs.runs("101", outcome="held")] == [held]
    assert [run.execution for run in runs.runs("101")] == [held, arn]
    assert [run.execution for run in runs.runs("101", since=failed.ended)] == [held]
    assert [run.execution for run in runs.runs("101", until=failed.ended)] == [arn]


@pytest.mark.parametrize("status", ["SUCCEEDED", "ABORTED"])
def test_the_event_is_aws_s(deploy: Deploy, barrier: Barrier, status: str) -> None:
    """All members that AWS documents, null where there is nothing to tell."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    events, sqs = deployed.client("events"), deployed.client("sqs")
    url = sqs.create_queue(QueueName=deployed.stack)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [deployed.deployed.state_machine_arn]}}
    events.put_rule(Name=deployed.stack, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=deployed.stack, Targets=[{"Id": "q", "Arn": queue}])
    arn = _held(deployed)
    if status == "ABORTED":
        deployed.executions.stop(arn, "Ann stopped it.")
    barrier.open()
    deployed.end(arn)
    received: dict[str, Any] = {}

    def both() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            received[event["detail"]["status"]] = event
        return received.keys() == {"RUNNING", status}

    wait_for(both, "both events", bounds.EXECUTION)
    events.remove_targets(Rule=deployed.stack, Ids=["q"])
    event, begun = received[status], received["RUNNING"]["detail"]
    assert (event["detail-type"], event["resources"]) == ("Step Functions Execution Status Change", [arn])
    described = deployed.client("stepfunctions").describe_execution(executionArn=arn)
    assert event["detail"] == {
        "executionArn": arn,
        "stateMachineArn": deployed.deployed.state_machine_arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": described["name"],
        "status": status,
        "startDate": int(described["startDate"].timestamp() * 1000),
        "stopDate": int(described["stopDate"].timestamp() * 1000),
        "input": described["input"],
        "inputDetails": {"included": True},
        "output": described.get("output"),
        "outputDetails": {"included": True} if status == "SUCCEEDED" else None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": described["redriveStatus"],
        "redriveStatusReason": described.get("redriveStatusReason"),
        "error": described.get("error"),
        "cause": described.get("cause"),
    }
    assert begun == {**begun, "stopDate": None, "output": None, "outputDetails": None, "error": None, "cause": None}
