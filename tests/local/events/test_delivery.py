"""Events and schedules start state machines, and reach topics and queues."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from elt_redshift.local.clock import Clock
from elt_redshift.local.events.delivery import may_match
from elt_redshift.local.process import LocalAws
from tests.local.conftest import ClientFactory
from tests.local.must_fail import beyond_stock
from tests.local.waiting import wait_for

SCHEDULER = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
ASSUME = {"Version": "2012-10-17", "Statement": [SCHEDULER]}
PASS = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}}


def state_machine(client: ClientFactory, name: str, definition: dict[str, Any] | None = None) -> tuple[str, str]:
    """The ARNs of a new state machine and of its role."""
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(ASSUME))["Role"]["Arn"]
    text = json.dumps(definition or PASS)
    created = client("stepfunctions").create_state_machine(name=name, definition=text, roleArn=role)
    return created["stateMachineArn"], role


def rule(client: ClientFactory, name: str, arn: str, role: str, **settings: Any) -> None:
    """A rule for events of source ``name``, or with ``ScheduleExpression``."""
    target = {"Id": "t", "Arn": arn, "RoleArn": role, **settings.pop("target", {})}
    settings = settings or {"EventPattern": json.dumps({"source": [name]})}
    client("events").put_rule(Name=name, **settings)
    answer = client("events").put_targets(Rule=name, Targets=[target])
    assert answer["FailedEntryCount"] == 0


def put(client: ClientFactory, source: str, detail: dict[str, Any], kind: str = "done") -> str:
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail)}
    return str(client("events").put_events(Entries=[entry])["Entries"][0]["EventId"])


def inputs(client: ClientFactory, arn: str, number: int = 1) -> list[Any]:
    """The inputs of the executions of a state machine, once there are that many, oldest first."""

    def look() -> list[Any]:
        found = client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
        return found if len(found) >= number else []

    executions = wait_for(look, f"{number} executions", client.patience)
    executions.sort(key=lambda execution: execution["startDate"])
    describe = client("stepfunctions").describe_execution
    return [json.loads(describe(executionArn=item["executionArn"])["input"]) for item in executions]


@beyond_stock("(500) when calling the PutEvents")
def test_an_event_starts_a_state_machine(client: ClientFactory, unique: str) -> None:
    """A matching event starts one execution with the event as its input; another event starts none."""
    arn, role = state_machine(client, unique)
    rule(client, unique, arn, role)
    put(client, f"{unique}.other", {})
    event_id = put(client, unique, {"n": 1})
    (event,) = inputs(client, arn)
    assert (event["id"], event["source"], event["detail-type"]) == (event_id, unique, "done")
    assert event["detail"] == {"n": 1}
    assert datetime.fromisoformat(event["time"]) > datetime.now(UTC) - timedelta(minutes=5)
    assert event["account"] == "123456789012"


@beyond_stock("(500) when calling the PutEvents")
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"Input": '{"fixed": true}'}, {"fixed": True}),
        ({"InputPath": "$.detail"}, {"year": "1998"}),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"year": "$.detail.year"},
                    "InputTemplate": '{"parameters": {"year": <year>}}',
                }
            },
            {"parameters": {"year": "1998"}},
        ),
    ],
)
def test_the_input_can_be_shaped(client: ClientFactory, unique: str, target: dict[str, Any], expected: Any) -> None:
    """Input, InputPath and InputTransformer decide what the execution gets."""
    arn, role = state_machine(client, unique)
    rule(client, unique, arn, role, target=target)
    put(client, unique, {"year": "1998"})
    assert inputs(client, arn) == [expected]


@beyond_stock("(500) when calling the PutEvents")
@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ({"state": [{"prefix": "FAIL"}]}, {"state": "FAILED"}, {"state": "FINISHED"}),
        ({"error": [{"exists": True}]}, {"error": "x"}, {"state": "FINISHED"}),
        ({"state": [{"anything-but": ["FINISHED"]}]}, {"state": "ABORTED"}, {"state": "FINISHED"}),
        ({"rows": [{"numeric": [">", 5]}]}, {"rows": 6}, {"rows": 5}),
        ({"statementName": [{"wildcard": "101/*/load"}]}, {"statementName": "101/a/load"}, {"statementName": "102/a"}),
    ],
)
def test_patterns(
    client: ClientFactory, unique: str, pattern: dict[str, Any], matching: dict[str, Any], other: dict[str, Any]
) -> None:
    """Prefix, exists, anything-but, numeric and wildcard tell events apart."""
    arn, role = state_machine(client, unique)
    rule(client, unique, arn, role, EventPattern=json.dumps({"source": [unique], "detail": pattern}))
    put(client, unique, other)
    put(client, unique, matching)
    assert [event["detail"] for event in inputs(client, arn)] == [matching]


@pytest.mark.parametrize(
    ("pattern", "may"),
    [
        ({"source": ["app"], "detail": {"arn": ["a1", "a2"]}}, True),
        ({"source": ["app"], "detail": {"arn": ["a3"]}}, False),
        ({"source": ["other"]}, False),
        ({"source": ["other", {"prefix": "ap"}]}, True),
        ({"detail": {"rows": ["5"]}}, True),
        ({"resources": ["r2"]}, True),
        ({"detail": {"missing": [{"exists": False}], "deep": {"state": ["x", None]}}}, True),
        ({"$or": [{"source": ["other"]}, {"detail": {"arn": ["a1"]}}]}, True),
    ],
)
def test_an_event_is_held_back_only_from_what_it_does_not_match(pattern: dict[str, Any], may: bool) -> None:
    """It is where another text is asked for; what else is asked is left to moto."""
    from moto.events.models import EventPattern

    event = {"source": "app", "resources": ["r1", "r2"], "detail": {"arn": "a1", "rows": 5, "deep": {"state": None}}}
    assert may_match(pattern, event) is may
    assert may or not EventPattern(None, pattern).matches_event(event)


@beyond_stock("assert 'Messages' not in")
def test_a_rule_with_only_a_schedule_matches_no_event(client: ClientFactory, unique: str) -> None:
    """Events do not set off a schedule."""
    queue = client("sqs").create_queue(QueueName=unique)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{unique}"
    rule(client, unique, arn, "", ScheduleExpression="rate(1 day)", target={"RoleArn": "arn:aws:iam::1:role/x"})
    marker = f"{unique}-marker"
    client("sqs").create_queue(QueueName=marker)
    rule(client, marker, f"{arn}-marker", "", target={"RoleArn": "arn:aws:iam::1:role/x"})
    put(client, marker, {})
    client_sqs = client("sqs")
    url = client_sqs.get_queue_url(QueueName=marker)["QueueUrl"]
    wait_for(lambda: client_sqs.receive_message(QueueUrl=url).get("Messages"), "the marker", client.patience)
    assert "Messages" not in client_sqs.receive_message(QueueUrl=queue)


@beyond_stock("(500) when calling the PutEvents")
def test_a_disabled_rule_is_silent(client: ClientFactory, unique: str) -> None:
    """Disabled it delivers nothing, enabled it delivers again."""
    arn, role = state_machine(client, unique)
    rule(client, unique, arn, role)
    client("events").disable_rule(Name=unique)
    put(client, unique, {"n": 1})
    client("events").enable_rule(Name=unique)
    put(client, unique, {"n": 2})
    assert [event["detail"] for event in inputs(client, arn)] == [{"n": 2}]


@beyond_stock("(500) when calling the PutEvents")
def test_a_target_that_cannot_be_reached_fails_nobody(client: ClientFactory, unique: str) -> None:
    """PutEvents succeeds, and the other targets get the event."""
    arn, role = state_machine(client, unique)
    rule(client, unique, f"{arn}-gone", role)
    lambda_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{unique}"
    good = {"Id": "good", "Arn": arn, "RoleArn": role}
    client("events").put_targets(Rule=unique, Targets=[{"Id": "lambda", "Arn": lambda_arn}, good])
    put(client, unique, {"n": 1})
    assert inputs(client, arn)[0]["detail"] == {"n": 1}


@beyond_stock("1 executions")
def test_a_schedule_fires(client: ClientFactory, local_aws: LocalAws, unique: str) -> None:
    """A schedule of EventBridge Scheduler starts its state machine when it is due, and deletes itself if asked to."""
    arn, role = state_machine(client, unique)
    soon = Clock(local_aws).advance(timedelta()) + timedelta(seconds=3)  # other tests set it forward
    client("scheduler").create_schedule(
        Name=unique,
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        StartDate=datetime.now(UTC) - timedelta(seconds=5),
        Target={"Arn": arn, "RoleArn": role, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'},
    )
    assert inputs(client, arn) == [{"at": f"{soon:%Y-%m-%dT%H:%M:%SZ}"}]
    assert client("scheduler").list_schedules(NamePrefix=unique)["Schedules"] == []


@beyond_stock("1 executions")
def test_a_finished_statement_is_an_event(client: ClientFactory, unique: str) -> None:
    """A statement with WithEvent starts a state machine through a rule, with its id and state in the event."""
    arn, role = state_machine(client, unique)
    pattern = {"source": ["aws.redshift-data"], "detail": {"statementName": [unique]}}
    rule(client, unique, arn, role, EventPattern=json.dumps(pattern))
    where = {"ClusterIdentifier": "warehouse", "Database": "dev", "DbUser": "awsuser"}
    statement = client("redshift-data").execute_statement(Sql="select 1", StatementName=unique, WithEvent=True, **where)
    (event,) = inputs(client, arn)
    assert event["detail-type"] == "Redshift Data Statement Status Change"
    assert (event["detail"]["statementId"], event["detail"]["state"]) == (statement["Id"], "FINISHED")


def test_topics_publish_from_a_state_machine_to_a_queue(client: ClientFactory, unique: str) -> None:
    """A state machine publishes to a topic, whose queue gets the message."""
    topic = client("sns").create_topic(Name=unique)["TopicArn"]
    queue = client("sqs").create_queue(QueueName=unique)["QueueUrl"]
    endpoint = f"arn:aws:sqs:us-east-1:123456789012:{unique}"
    attributes = {"RawMessageDelivery": "true"}
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": topic, "Message": "failed"},
        "End": True,
    }
    arn, _ = state_machine(client, unique, {"StartAt": "Publish", "States": {"Publish": publish}})
    client("stepfunctions").start_execution(stateMachineArn=arn)
    messages = wait_for(lambda: client("sqs").receive_message(QueueUrl=queue).get("Messages"), "the message")
    assert messages[0]["Body"] == "failed"
