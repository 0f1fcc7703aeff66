"""Starting, stopping, describing and listing executions."""

import datetime
import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.local.stepfunctions import executions
from tests.local.must_fail import beyond_stock
from tests.local.stepfunctions.support import ROLE, Aws, branch, count, jsonata, jsonpath, missing_table, passing

PASS = jsonata({"a": passing()})
WAIT = jsonata({"w": {"Type": "Wait", "Seconds": 600, "Next": "after"}, "after": passing()})


@beyond_stock("ExecutionAlreadyExists")
def test_an_unnamed_execution_gets_a_uuid(aws: Aws) -> None:
    """Two unnamed executions are two."""
    machine = aws.create(PASS)
    names = {aws.sfn.start_execution(stateMachineArn=machine)["executionArn"].rpartition(":")[2] for _ in range(2)}
    assert len(names) == 2
    assert all(str(uuid.UUID(name)) == name for name in names)


def test_a_start_is_idempotent_while_it_runs(aws: Aws) -> None:
    """Same name and input give the running execution; another input, or after its end, ExecutionAlreadyExists."""
    machine = aws.create(WAIT)
    start = {"stateMachineArn": machine, "name": "one", "input": '{"a": 1}'}
    first = aws.sfn.start_execution(**start)
    again = aws.sfn.start_execution(**start)
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    assert aws.fails("start_execution", **start | {"input": "{}"}) == "ExecutionAlreadyExists"
    aws.sfn.stop_execution(executionArn=first["executionArn"])
    assert aws.fails("start_execution", **start) == "ExecutionAlreadyExists"


@beyond_stock("DID NOT RAISE")
@pytest.mark.parametrize("name", ["x" * 81, "a b", "a:b", "a/b", "a*", "a{b}", "a\tb", "a#b"])
def test_bad_names_are_refused(aws: Aws, name: str) -> None:
    """Names have at most 80 characters and none of the forbidden ones."""
    assert aws.fails("start_execution", stateMachineArn=aws.create(PASS), name=name) == "InvalidName"


@beyond_stock("'' == 'InvalidExecutionInput'")
def test_input_must_be_json_within_the_limit(aws: Aws) -> None:
    """Input that is no JSON is InvalidExecutionInput; over 256 KiB it is refused as well."""
    machine = aws.create(PASS)
    assert aws.fails("start_execution", stateMachineArn=machine, input="{") == "InvalidExecutionInput"
    big = json.dumps("x" * 262_143)
    assert aws.fails("start_execution", stateMachineArn=machine, input=big) == "ValidationException"


@pytest.mark.parametrize(
    "operation", ["describe_execution", "stop_execution", "get_execution_history", "redrive_execution"]
)
def test_missing_executions_are_named_so(aws: Aws, operation: str) -> None:
    """Every request on an execution that is not there is ExecutionDoesNotExist."""
    arn = "arn:aws:states:us-east-1:123456789012:execution:none:none"
    assert aws.fails(operation, executionArn=arn) == "ExecutionDoesNotExist"


def test_a_missing_state_machine_is_named_so(aws: Aws) -> None:
    """Starting and describing a state machine that is not there is StateMachineDoesNotExist."""
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:none"
    for operation in ("start_execution", "describe_state_machine", "list_executions"):
        assert aws.fails(operation, stateMachineArn=arn) == "StateMachineDoesNotExist"
    assert aws.fails("start_execution", stateMachineArn=f"{aws.create(PASS)}:7") == "StateMachineDoesNotExist"


@beyond_stock("KeyError: 'error'")
def test_a_stop_ends_a_wait_at_once_and_for_good(aws: Aws) -> None:
    """StopExecution keeps error and cause, adds the aborted events, and no later state is entered."""
    arn = aws.start(WAIT)
    aws.until_entered(arn, "w")
    stopped = aws.sfn.stop_execution(executionArn=arn, error="E", cause="C")
    answer = aws.sfn.describe_execution(executionArn=arn)
    assert (answer["status"], answer["error"], answer["cause"]) == ("ABORTED", "E", "C")
    assert answer["stopDate"] == stopped["stopDate"]
    events = aws.history(arn)
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "WaitStateEntered",
        "WaitStateAborted",
        "ExecutionAborted",
    ]
    assert events[-1]["executionAbortedEventDetails"] == {"error": "E", "cause": "C"}


def test_what_is_stopped_before_it_begins_does_nothing(aws: Aws) -> None:
    """An execution that is stopped at once runs at most the task that it was in."""
    table = aws.table()
    machine = aws.create(jsonata({"a": count(table, "a", Next="b"), "b": count(table, "b", End=True)}))
    for number in range(20):
        arn = aws.sfn.start_execution(stateMachineArn=machine, name=f"e{number}")["executionArn"]
        aws.sfn.stop_execution(executionArn=arn)
        events = aws.history(arn)
        assert events[-1]["type"] in ("ExecutionAborted", "ExecutionSucceeded")
        assert aws.history(arn) == events
    entered = sum("b" in aws.entered(f"{arn.rpartition(':')[0]}:e{number}") for number in range(20))
    assert aws.counts(table).get("b", 0) <= entered


@beyond_stock("['TaskSchedul")
def test_a_stop_ends_retries_and_branches(aws: Aws) -> None:
    """A stop interrupts a retry's back-off and every branch, innermost first."""
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600}]
    branches = [
        branch({"t": missing_table(Retry=retry, End=True)}),
        branch({"w": {"Type": "Wait", "Seconds": 600, "End": True}}),
    ]
    arn = aws.start(jsonata({"p": {"Type": "Parallel", "Branches": branches, "End": True}}))
    aws.until(
        lambda: [event["type"] for event in aws.history(arn)],
        lambda types: {"TaskFailed", "WaitStateEntered"} <= set(types),
    )
    aws.sfn.stop_execution(executionArn=arn)
    types = [event["type"] for event in aws.history(arn)]
    assert types[-4:] == ["TaskStateAborted", "WaitStateAborted", "ParallelStateAborted", "ExecutionAborted"]


@beyond_stock("still []")
def test_a_late_result_of_a_stopped_task_is_discarded(aws: Aws) -> None:
    """A call that is under way when the execution stops adds nothing when it returns."""
    child = aws.create(jsonata({"w": {"Type": "Wait", "Seconds": 1, "End": True}}))
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": child, "Input": {}},
        "Next": "after",
    }
    arn = aws.start(jsonata({"t": state, "after": passing()}))
    children = aws.until(lambda: aws.sfn.list_executions(stateMachineArn=child)["executions"], bool)
    aws.sfn.stop_execution(executionArn=arn)
    before = aws.history(arn)
    aws.ended(children[0]["executionArn"])
    aws.output(jsonata({"w": {"Type": "Wait", "Seconds": 1, "End": True}}))  # longer than .sync polls
    assert aws.history(arn) == before
    assert before[-1]["type"] == "ExecutionAborted"


@beyond_stock("'TaskFailed', 'ExecutionFailed'")
@pytest.mark.parametrize("pattern", ["sync", "sync:2"])
def test_a_stop_reaches_the_nested_execution(aws: Aws, pattern: str) -> None:
    """The execution that startExecution.sync waits for is stopped with its parent."""
    child = aws.create(WAIT)
    arguments = {"StateMachineArn": child, "Input": {}}
    resource = f"arn:aws:states:::states:startExecution.{pattern}"
    arn = aws.start(jsonata({"t": {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}}))
    aws.until(lambda: [event["type"] for event in aws.history(arn)], lambda types: "TaskSubmitted" in types)
    aws.sfn.stop_execution(executionArn=arn)
    (listed,) = aws.sfn.list_executions(stateMachineArn=child)["executions"]
    assert aws.ended(listed["executionArn"])["status"] == "ABORTED"


@beyond_stock("'States.Runtime' == 'States.DataLimitExceeded'")
def test_arguments_over_the_limit_are_refused(aws: Aws) -> None:
    """Arguments of more than 256 KiB are States.DataLimitExceeded."""
    state = missing_table(End=True)
    state["Arguments"]["Key"] = {"id": {"S": "{% $pad('', 262144, 'x') %}"}}
    assert aws.run(jsonata({"a": state}))["error"] == "States.DataLimitExceeded"


@beyond_stock("'NoneType' object is not callable")
def test_payloads_are_counted_in_utf_8(aws: Aws) -> None:
    """A character beyond ASCII counts with its bytes, not with its escape."""
    assert aws.output(jsonata({"a": passing(Output="{% $pad('', 100000, 'é') %}")})) == "é" * 100_000


def new_execution() -> executions.EmbeddedExecution:
    return executions.EmbeddedExecution(
        name="e",
        sm_type="STANDARD",
        role_arn=ROLE,
        exec_arn="arn",
        account_id="123456789012",
        region_name="us-east-1",
        state_machine=SimpleNamespace(arn="arn", name="m"),
        start_date=executions.utc_now(),
        cloud_watch_logging_session=None,
        activity_store={},
        input_data="{}",
    )


def test_an_execution_is_whole_before_it_walks() -> None:
    """Whoever finds it in a list before its first step sees it RUNNING, with the event of its start."""
    execution = new_execution()
    assert execution.status == "RUNNING"
    assert [event["type"] for event in execution.to_history_output()["events"]] == ["ExecutionStarted"]


@pytest.mark.parametrize(
    ("status", "days", "reason"),
    [("FAILED", 13, None), ("FAILED", 15, "14 days"), ("RUNNING", 0, "RUNNING"), ("SUCCEEDED", 0, "SUCCEEDED")],
)
def test_the_redrivable_period_is_14_days(status: str, days: int, reason: str | None) -> None:
    """An execution that ended longer ago, or not without success, says why it cannot be redriven."""
    execution = new_execution()
    execution.exec_status = executions.ExecutionStatus(status)
    execution.stop_date = executions.utc_now() - datetime.timedelta(days=days)
    found = execution.not_redrivable()
    assert found is None if reason is None else reason in str(found)


def test_stopping_what_has_ended_changes_nothing(aws: Aws) -> None:
    """An execution that has succeeded stays so."""
    arn = aws.start(PASS)
    aws.ended(arn)
    aws.sfn.stop_execution(executionArn=arn, error="E")
    answer = aws.sfn.describe_execution(executionArn=arn)
    assert (answer["status"], answer.get("error")) == ("SUCCEEDED", None)


@beyond_stock("KeyError: 'stopDate'", "'status': 'RUNNING'")
def test_the_state_machines_timeout_ends_the_execution(aws: Aws) -> None:
    """TimeoutSeconds at the top level gives TIMED_OUT, with a stop date."""
    arn = aws.start(jsonata({"w": {"Type": "Wait", "Seconds": 600, "End": True}}, TimeoutSeconds=1))
    answer = aws.ended(arn)
    assert answer["status"] == "TIMED_OUT"
    assert answer["stopDate"] >= answer["startDate"]
    assert answer["redriveStatus"] == "REDRIVABLE"
    assert aws.history(arn)[-1]["type"] == "ExecutionTimedOut"


@beyond_stock("[1, 2, 3, 4, 5, 6] == [6, 5, 4, 3, 2, 1]")
def test_history_is_paged_reversed_and_without_data_on_demand(aws: Aws) -> None:
    """maxResults, nextToken, reverseOrder and includeExecutionData work, also together."""
    arn = aws.start(jsonata({"a": {"Type": "Pass", "Next": "b"}, "b": passing()}), {"secret": 1})
    aws.ended(arn)
    ids, token = [], {}
    while True:
        page = aws.sfn.get_execution_history(executionArn=arn, maxResults=4, reverseOrder=True, **token)
        ids += [event["id"] for event in page["events"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert ids == [6, 5, 4, 3, 2, 1]
    bare = aws.sfn.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
    assert "secret" not in str(bare)
    assert bare[1]["stateEnteredEventDetails"] == {"name": "a"}


@beyond_stock("['third', 'second', 'first'] == ['second']")
def test_executions_are_listed_newest_first_and_filtered(aws: Aws) -> None:
    """statusFilter, redriveFilter, maxResults and nextToken work."""
    machine = aws.create(
        jsonata(
            {"c": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.ok %}", "Next": "e"}]}, "e": passing()}
        )
    )
    names = ["first", "second", "third"]
    for name in names:
        aws.ended(
            aws.sfn.start_execution(stateMachineArn=machine, name=name, input=json.dumps({"ok": name != "second"}))[
                "executionArn"
            ]
        )
    listed = aws.sfn.list_executions(stateMachineArn=machine, maxResults=2)
    rest = aws.sfn.list_executions(stateMachineArn=machine, nextToken=listed["nextToken"])
    assert [item["name"] for item in listed["executions"] + rest["executions"]] == names[::-1]
    failed = aws.sfn.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]
    assert [item["name"] for item in failed] == ["second"]
    aws.sfn.redrive_execution(executionArn=failed[0]["executionArn"])
    aws.ended(failed[0]["executionArn"])
    redriven = aws.sfn.list_executions(stateMachineArn=machine, redriveFilter="REDRIVEN")["executions"]
    assert [(item["name"], item["redriveCount"]) for item in redriven] == [("second", 1)]
    others = aws.sfn.list_executions(stateMachineArn=machine, redriveFilter="NOT_REDRIVEN")["executions"]
    assert [item["name"] for item in others] == ["third", "first"]


@beyond_stock("(500) when calling the PublishStateMachineVersion")
def test_versions_and_aliases_run_what_they_name(aws: Aws) -> None:
    """A version keeps its definition after an update; an alias routes to a version; both are described."""
    machine = aws.create(jsonata({"a": passing(Output="old")}))
    version = aws.sfn.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    assert aws.sfn.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"] == version
    aws.sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(jsonata({"a": passing(Output="new")})))
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = aws.sfn.create_state_machine_alias(name="live", routingConfiguration=routing)["stateMachineAliasArn"]
    outputs = []
    for arn in (version, alias, machine):
        started = aws.sfn.start_execution(stateMachineArn=arn)["executionArn"]
        answer = aws.ended(started)
        outputs.append((answer["output"], answer.get("stateMachineVersionArn"), answer.get("stateMachineAliasArn")))
    assert outputs == [('"old"', version, None), ('"old"', version, alias), ('"new"', None, None)]
    listed = aws.sfn.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    assert [item["stateMachineVersionArn"] for item in listed] == [version]
    aws.sfn.delete_state_machine_version(stateMachineVersionArn=version)
    assert aws.sfn.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"] == []


@beyond_stock("{'QueryLangua")
def test_a_running_execution_keeps_its_definition(aws: Aws) -> None:
    """DescribeStateMachineForExecution gives the definition at the start, not the update."""
    machine = aws.create(WAIT)
    arn = aws.sfn.start_execution(stateMachineArn=machine)["executionArn"]
    aws.sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(PASS))
    described = aws.sfn.describe_state_machine_for_execution(executionArn=arn)
    assert json.loads(described["definition"]) == WAIT
    aws.sfn.stop_execution(executionArn=arn)


@beyond_stock("'status': 'RUNNING'")
def test_the_event_limit_fails_the_execution(aws: Aws) -> None:
    """The 25,000th event is ExecutionFailed."""
    loop = {"Type": "Choice", "Choices": [{"Condition": True, "Next": "a"}]}
    arn = aws.start(jsonata({"a": loop}))
    answer = aws.ended(arn)
    assert (answer["status"], answer["redriveStatus"]) == ("FAILED", "NOT_REDRIVABLE")
    assert "25000" in answer["cause"]
    last = aws.sfn.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"][0]
    assert (last["id"], last["type"]) == (25_000, "ExecutionFailed")


@beyond_stock("date-time format string")
def test_a_timestamp_is_read_with_its_offset(aws: Aws) -> None:
    """A Wait until a past moment, written with an offset, ends at once."""
    moment = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))) - datetime.timedelta(hours=1)
    definition = jsonpath({"w": {"Type": "Wait", "TimestampPath": "$.at", "End": True}})
    assert aws.output(definition, {"at": moment.isoformat()}) == {"at": moment.isoformat()}


def test_a_name_taken_by_another_definition_is_refused(aws: Aws) -> None:
    """CreateStateMachine is idempotent for the same definition only."""
    arn = aws.create(PASS)
    same: dict[str, Any] = {"name": arn.rpartition(":")[2], "roleArn": ROLE}
    assert aws.sfn.create_state_machine(definition=json.dumps(PASS), **same)["stateMachineArn"] == arn
    assert aws.fails("create_state_machine", definition=json.dumps(WAIT), **same) == "StateMachineAlreadyExists"


def test_an_error_of_a_client_keeps_its_code(aws: Aws) -> None:
    """A token that no task waits for is InvalidToken."""
    assert aws.fails("send_task_success", taskToken="none", output="{}") == "InvalidToken"
