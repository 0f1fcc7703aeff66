"""Whose a lock is, by its audit item, however that was edited: state machines and Python say the same, and unlock frees
all of them.

``items.json`` holds the items. In it EXECUTION stands for an execution's ARN, and ``status`` is what Step Functions
says of the owner: GONE knows none, DENIED may not be asked.
"""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError

from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from elt_redshift.aws.audit_item import AuditItem, LockedError
from elt_redshift.aws.healing import Healer
from elt_redshift.job.parts import LockPolicy, WhenLocked
from elt_redshift.local.stepfunctions.jsonata import evaluate
from elt_redshift.protocol import dynamodb, parts
from elt_redshift.protocol.executions import execution_arn
from elt_redshift.protocol.owners import GRACE
from tests.cases import exhaustive
from tests.unit.asl.jobs import job, task

ACCOUNT = "123456789012"
HERE = f"arn:aws:states:us-east-1:{ACCOUNT}"
EXECUTION, ME = f"{HERE}:execution:job:its", f"{HERE}:execution:job:mine"
LET_GO = {"JobState": {"S": "Failed"}, "Owner": {"S": "airflow:d/r"}, "AfterFailure": {"S": "release"}}
CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "items.json").read_text().replace("EXECUTION", EXECUTION)
)
ENDS = {"free": "acquire lock", "locked": "skip run", "held": "wait for lock", "dead": "find left statements"}


def _definition(when_locked: WhenLocked = "skip") -> Any:
    lock = LockPolicy(when_locked=when_locked, when_held="wait" if when_locked == "skip" else "fail")
    return compile_job(job(task("a"), lock=lock)).definition()["States"]


def _value(code: Any, **states: Any) -> Any:
    if isinstance(code, dict):
        return {name: _value(one, **states) for name, one in code.items()}
    if not isinstance(code, str) or not code.startswith("{%"):
        return code
    context = {"Execution": {"Id": ME, "RedriveCount": 0}}
    return evaluate(code[2:-2].strip(), {"states": {**states, "context": context}})


def _chosen(state: dict[str, Any], given: Any) -> tuple[str, Any]:
    """The next state, and what it gets."""
    for rule in state["Choices"]:
        if _value(rule["Condition"], input=given):
            return rule["Next"], _value(rule.get("Output", "{% $states.input %}"), input=given)
    return state["Default"], given


def _asked(state: dict[str, Any], given: Any, status: str, stopped: str | None, count: int) -> Any:
    error = {"GONE": "Sfn.ExecutionDoesNotExistException", "DENIED": "States.ALL"}.get(status)
    if error is None:
        result = {"Status": status, "RedriveCount": count, **({"StopDate": stopped} if stopped else {})}
        return _value(state["Output"], input=given, result=result)
    catch = next(one for one in state["Catch"] if error in one["ErrorEquals"])
    return _value(catch["Output"], input=given, errorOutput={"Error": error, "Cause": "not authorized"})


def _judged(states: Any, case: dict[str, Any]) -> tuple[str, Any]:
    """Where a run goes that meets the item, and what it knows by then."""
    result = {"Item": {"JobID": {"S": "101"}, **case["item"]}}
    given = _value(states["read lock"]["Output"], input={"looks": 0, **case.get("input", {})}, result=result)
    name, given = _chosen(states["judge lock"], given)
    if name != "ask for owner":
        return name, given
    stopped = case.get("stopped", "2026-01-01T00:00:00.123Z")
    return _chosen(states["judge owner"], _asked(states[name], given, case["status"], stopped, case.get("count", 9)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_state_machine_judges(case: dict[str, Any]) -> None:
    """Each item leads where it should, and what nobody can tell is refused even by a job that skips."""
    name, _ = _judged(_definition(), case)
    assert name == ENDS.get(case["whose"], "wait for lock")
    if case["whose"] in ("unclear", "held"):
        states = _definition("fail")
        name, given = _judged(states, case)
        assert name == "refuse run"
        with pytest.raises(Exception, match="Job 101 is ") as refused:
            _value(states["refuse run"]["Choices"][0]["Condition"], input=given)
        assert case.get("says", "held by a failed run") in str(refused.value)
        assert "elt-redshift unlock sample --reason" in str(refused.value)


DEAD = {"JobState": {"S": "Running"}, "Owner": {"S": EXECUTION}}
CLAIMED = {**DEAD, "RedriveCount": {"N": "1"}}
SETTLED = {
    "JobState": {"S": "Failed"},
    "AfterFailure": {"S": "release"},
    "JobEnd": {"S": "2025-12-31T00:00:00.000Z"},
}
LATELY = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("case", "waits"),
    [
        ({"item": DEAD, "status": "ABORTED", "stopped": LATELY}, True),
        ({"item": DEAD, "status": "TIMED_OUT", "stopped": LATELY}, True),
        ({"item": DEAD, "status": "SUCCEEDED", "stopped": LATELY}, False),
        ({"item": DEAD, "status": "ABORTED", "stopped": 1764144000.5}, True),
        ({"item": DEAD, "status": "ABORTED", "stopped": None}, True),
        ({"item": DEAD, "status": "ABORTED", "stopped": None, "input": {"waited": f"{EXECUTION} 0"}}, False),
        ({"item": CLAIMED, "status": "ABORTED", "count": 0}, True),
        ({"item": CLAIMED, "status": "ABORTED", "count": 1}, True),  # and the end may be the one before
        ({"item": CLAIMED, "status": "ABORTED", "count": 1, "input": {"waited": f"{EXECUTION} 0"}}, True),
        ({"item": CLAIMED, "status": "ABORTED", "count": 0, "input": {"waited": f"{EXECUTION} 1"}}, False),
        ({"item": CLAIMED, "status": "ABORTED", "count": 1, "input": {"waited": f"{EXECUTION} 1"}}, False),
        ({"item": {**CLAIMED, **SETTLED, "JobEnd": {"S": LATELY}}, "status": "ABORTED", "count": 1}, True),
        ({"item": {**CLAIMED, **SETTLED}, "status": "ABORTED", "count": 1}, False),
        ({"item": {**CLAIMED, **SETTLED}, "status": "ABORTED", "count": 1, "stopped": LATELY}, True),
        ({"item": {**CLAIMED, **SETTLED}, "status": "ABORTED", "count": 0}, True),
        ({"item": DEAD, "status": "GONE"}, False),
        ({"item": {**DEAD, "JobState": {"S": "Failed"}, "AfterFailure": {"S": "hold"}}, "status": "ABORTED"}, None),
        ({"item": {**LET_GO, "JobEnd": {"S": LATELY}}}, True),
        ({"item": {**LET_GO, "JobEnd": {"S": "2026-01-01T00:00:00.000Z"}}}, False),
        ({"item": {**LET_GO, "JobEnd": {"S": "yesterday"}}}, False),
    ],
)
def test_late_calls_of_a_dead_owner_are_waited_for(case: dict[str, Any], waits: bool | None) -> None:
    """What its last call submits is there when its statements are listed; who ended long ago is not waited for, nor is
    a date that nobody can read, or an answer that may not know of the owner's redrive yet, waited for twice. Where a
    redrive has claimed the lock meanwhile, it is."""
    name, given = _judged(_definition(), case)
    assert name == {True: "wait for late calls", False: "find left statements", None: "wait for lock"}[waits]
    if waits:
        seconds = _value(_definition()[name]["Seconds"], input=given)
        assert 1 <= seconds <= GRACE


def test_python_waits_for_late_calls_too() -> None:
    """It sleeps for what is left of the grace, looks again, and lists the statements only then."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    raw = {"JobID": {"S": "101"}, **DEAD}
    client, told, slept = MagicMock(), _client({"status": "ABORTED"}), []
    client.get_item.return_value = {"Item": raw}
    told.describe_execution.return_value["stopDate"] = now - timedelta(seconds=20)
    statements = MagicMock()
    statements.cancel_all.side_effect = lambda _: slept.append("listed")
    healer = Healer(DynamoDbAuditStore(client, "t", lambda: now), statements, told, lambda: ACCOUNT, slept.append)
    assert healer.take_over(AuditItem.parse(raw), "me", timedelta(hours=1))
    assert slept == [GRACE - 20, "listed"]
    statements.reset_mock()
    for later, count, waits in (
        ({**raw, **CLAIMED}, 0, True),  # what is told is older than the item
        ({**raw, **CLAIMED}, 1, True),  # or its end is
        ({**raw, **CLAIMED, **SETTLED}, 0, True),
        ({**raw, **CLAIMED, **SETTLED}, 1, False),  # of this end the item knows
    ):
        slept.clear()
        client.get_item.return_value = {"Item": later}
        told.describe_execution.return_value |= {"redriveCount": count, "stopDate": now - timedelta(hours=2)}
        assert healer.take_over(AuditItem.parse(later), "me", timedelta(hours=1))
        assert slept == [GRACE, "listed"][not waits :]
    told.describe_execution.return_value["status"] = "RUNNING"  # it was redriven while this one waited
    assert not healer.take_over(AuditItem.parse(raw), "me", timedelta(hours=1))


def test_python_stops_parts_that_were_left() -> None:
    """What these have under way is waited for, and one that is started meanwhile is stopped at the next try."""
    raw = {"JobID": {"S": "101"}, **DEAD}
    machine = EXECUTION.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    start = {"StartAt": "part 1", "States": {"part 1": {"Arguments": {"StateMachineArn": f"{machine}-part-1"}}}}
    client, slept, ended = MagicMock(), list[float](), datetime(2025, 1, 1, tzinfo=UTC)
    client.get_item.return_value = {"Item": raw}
    statuses = dict.fromkeys(
        (EXECUTION, part := execution_arn(f"{machine}-part-1", EXECUTION.rpartition(":")[2])), "ABORTED"
    )
    told = _client({})
    told.describe_state_machine_for_execution.return_value["definition"] = json.dumps(
        {"States": {parts.RUN_PARTS: {"Branches": [start]}}}
    )
    told.describe_execution.side_effect = lambda executionArn: {"status": statuses[executionArn], "stopDate": ended}
    told.stop_execution.side_effect = lambda executionArn, **_: statuses.update({executionArn: "ABORTED"})
    statements = MagicMock(cancel_all=lambda _: [])
    healer = Healer(DynamoDbAuditStore(client, "t"), statements, told, lambda: ACCOUNT, slept.append)
    statuses[part] = "RUNNING"
    assert healer.take_over(AuditItem.parse(raw), "me", timedelta(hours=1))
    assert statuses[part] == "ABORTED"
    assert [round(seconds) for seconds in slept] == [GRACE]
    slept.clear()
    assert healer.take_over(AuditItem.parse(raw), "me", timedelta(hours=1))
    assert slept == []
    statuses[part] = "RUNNING"
    again = Healer(
        DynamoDbAuditStore(client, "t"), statements, told, lambda: ACCOUNT, lambda _: statuses.update({part: "RUNNING"})
    )
    assert not again.take_over(AuditItem.parse(raw), "me", timedelta(hours=1))
    assert statuses[part] == "ABORTED"


def test_the_claim_is_made_where_the_lock_is_taken() -> None:
    """A run that is stopped while it looks for what is done has its lock to take again when it is redriven."""
    output = _definition()["find finished statements"]["Output"]
    assert output["redrives"] == "{% $states.input.redrives %}"


def _client(case: dict[str, Any]) -> Any:
    """Step Functions."""
    client = MagicMock(meta=SimpleNamespace(region_name="us-east-1"))
    codes = {"GONE": "ExecutionDoesNotExist", "DENIED": "AccessDeniedException"}
    if code := codes.get(case.get("status", "")):
        said = {"Error": {"Code": code, "Message": "not authorized"}}
        client.describe_execution.side_effect = ClientError(said, "DescribeExecution")
    client.describe_execution.return_value = {"status": case.get("status")}
    client.describe_state_machine_for_execution.return_value = {"definition": '{"States": {}}'}
    return client


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_python_judges(case: dict[str, Any]) -> None:
    """The same, with the same words."""
    item = AuditItem.parse({"JobID": {"S": "101"}, **case["item"]})
    if case["whose"] == "free":
        assert item.free
        return
    assert not item.free
    verdict = Healer(DynamoDbAuditStore(MagicMock(), "t"), MagicMock(), _client(case), lambda: ACCOUNT).look(item)
    assert verdict.whose == case["whose"]
    text = str(LockedError("101", item, "t", verdict.problem))
    assert case.get("says", "") in text
    assert "`elt-redshift unlock --table t --job-id 101 --reason …`" in text


@pytest.mark.parametrize("case", [case for case in CASES if case["whose"] != "free"], ids=lambda case: case["name"])
def test_whatever_an_item_says_it_can_be_freed(case: dict[str, Any]) -> None:
    """The write demands all that decides as it was read, keeps what the item was, and leaves it free or healable."""
    item = AuditItem.parse({"JobID": {"S": "101"}, **case["item"]})
    client = MagicMock()
    store = DynamoDbAuditStore(client, "t", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    store.unlock(item, by="ann", reason="it is dead")
    request = client.update_item.call_args.kwargs
    values, changes = request["ExpressionAttributeValues"], request["UpdateExpression"]
    for name in ("FenceNumber", "JobState", "Owner", "RedriveCount", "LeaseUntil"):
        assert values[f":read{name}"] == case["item"].get(name, dynamodb.NOTHING)
    assert values[":before"] == {"S": item.told}
    assert (values[":by"], values[":reason"]) == ({"S": "ann"}, {"S": "it is dead"})
    ready = "JobState = :ready" in changes
    assert ready or item.owner is not None
    assert ready == ("#owner" in changes)  # it goes, or stays for the next run to clear up behind it


def test_an_item_without_a_state_is_not_reserved() -> None:
    """Somebody has removed it: the job is free, and a resumption takes its lock as any run does."""
    client = MagicMock()
    client.exceptions.ClientError = RuntimeError
    item = AuditItem.parse({"JobID": {"S": "101"}, "Owner": {"S": EXECUTION}})
    DynamoDbAuditStore(client, "t").reserve(item, "arn:e2")
    assert client.update_item.call_args.kwargs["ExpressionAttributeValues"][":seen"] == {"S": ""}


SEEDS = int(os.environ.get("ELT_REDSHIFT_FUZZ", "3"))
#: What somebody may have written into attributes that decide, by their names: right values, near misses, other types.
_TEXTS = {
    "JobState": ["Ready", "Running", "Failed", "running", " Ready", "", "😀"],
    "Owner": [
        EXECUTION,
        ME,
        "arn:aws:states:eu-west-1:123456789012:execution:job:x",
        "arn:aws:states:us-east-1:210987654321:execution:job:x",
        "airflow:d/r",
        "bob",
        " ",
        "\t",
        EXECUTION + " ",
    ],
    "AfterFailure": ["hold", "release", "Release", ""],
    "LeaseUntil": ["2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z", "tomorrow", "2020-01-01", ""],
    "JobEnd": ["2020-01-01T00:00:00.000Z", "yesterday", ""],
    "RedriveCount": ["1"],
    "FenceNumber": ["1"],
}
_OTHERS: list[dict[str, Any]] = [{"N": "7"}, {"BOOL": True}, {"NULL": True}, {"L": []}, {"M": {}}, {"SS": ["Ready"]}]
_STATUSES = ["RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "GONE", "DENIED"]


def _edited(rng: random.Random) -> dict[str, Any]:
    """An item that somebody has edited, and what Step Functions says of its owner."""
    numbers = ("RedriveCount", "FenceNumber")
    item: dict[str, Any] = {}
    for name, texts in _TEXTS.items():
        if rng.random() < 0.75:
            right = {"N" if name in numbers else "S": rng.choice(texts)}
            item[name] = right if rng.random() < 0.85 else rng.choice(_OTHERS)
    return {"item": item, "status": rng.choice(_STATUSES)}


@pytest.mark.parametrize("seed", exhaustive(range(SEEDS), quick=[0]))
def test_any_item_is_judged_alike_by_python_and_by_the_state_machine(seed: int) -> None:
    """Whatever it holds: no error, no silence, and both say the same of it."""
    rng, states = random.Random(f"{seed} items"), _definition()
    ends = {"acquire lock": "free", "skip run": "locked", "find left statements": "dead", "wait for late calls": "dead"}
    for _ in range(60):
        case = _edited(rng)
        name, given = _judged(states, case)
        whose = ends.get(name) or ("unclear" if given["problem"] else "held")
        item = AuditItem.parse({"JobID": {"S": "101"}, **case["item"]})
        owner = item.owner == ME and not item.problem and item.state in ("Running", "Failed")
        verdict = Healer(DynamoDbAuditStore(MagicMock(), "t"), MagicMock(), _client(case), lambda: ACCOUNT)
        assert whose == ("free" if item.free or owner else verdict.look(item).whose), (seed, case)
