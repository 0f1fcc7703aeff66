"""What is kept of a run's history, page by page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.patterns.paging import PARAMETERS_BYTES, ROOM, page_size
from elt_redshift.job.model import EltJob
from elt_redshift.local.stepfunctions.jsonata import evaluate
from elt_redshift.local.stepfunctions.values import to_result
from elt_redshift.protocol import records
from elt_redshift.protocol.limits import MAX_PAYLOAD
from elt_redshift.runs import pages
from tests.unit.protocol.test_writes import written

from .jobs import JOBS, job, task

ARN = "arn:aws:states:us-east-1:123456789012:execution:job:run"
RUN = {"executionArn": ARN, "name": "run", "redriveCount": 1, "redrives": 0}
PROGRESS = {"progress": {"table": "joins", "run": "run/then"}}


def _events() -> list[dict[str, Any]]:
    """One of each kind that is kept, and some that are not, as boto3 gives them."""
    entered, exited = "stateEnteredEventDetails", "stateExitedEventDetails"
    resume = {"parameters": {"y": "1"}, "resume": {"from": "arn:old", "kept": "f1 f2"}}
    details: list[tuple[str, dict[str, Any]]] = [
        ("ExecutionStarted", {"executionStartedEventDetails": {"input": json.dumps(resume)}}),
        ("TaskStateEntered", {entered: {"name": "acquire lock", "input": "{}"}}),
        ("TaskStateExited", {exited: {"name": "acquire lock", "output": '{"attempt":1}'}}),
        ("MapStateEntered", {entered: {"name": "run tasks", "input": json.dumps(PROGRESS)}}),
        ("MapRunStarted", {"mapRunStartedEventDetails": {"mapRunArn": "arn:map"}}),
        ("TaskStateEntered", {entered: {"name": "a", "input": '{"attempt":1,"redrives":0,"since":5}'}}),
        ("TaskScheduled", {"taskScheduledEventDetails": {"resource": "executeStatement", "parameters": "{}"}}),
        ("TaskStarted", {"taskStartedEventDetails": {"resource": "executeStatement", "resourceType": "x"}}),
        ("TaskSubmitted", {"taskSubmittedEventDetails": {"resource": "x", "output": '{"Id":"s1","Database":"d"}'}}),
        ("TaskSucceeded", {"taskSucceededEventDetails": {"resource": "x", "output": '{"Id":"s1"}'}}),
        ("TaskStateExited", {exited: {"name": "a", "output": '{"finished":"a","statement":"s1","rows":3}'}}),
        ("ChoiceStateEntered", {entered: {"name": "b: status", "input": '{"Id":"s2"}'}}),
        ("ChoiceStateExited", {exited: {"name": "b: status", "output": "[]"}}),
        ("TaskStateEntered", {entered: {"name": "b: record", "input": '{"cause":"no","statement":"s2","redrives":0}'}}),
        ("ChoiceStateEntered", {entered: {"name": "b: failed"}}),
        ("ExecutionFailed", {"executionFailedEventDetails": {"error": "x", "cause": "y"}}),
        ("ExecutionRedriven", {"executionRedrivenEventDetails": {"redriveCount": 1}}),
        ("ChoiceStateExited", {exited: {"name": "b: failed", "output": "{}"}}),
        ("ExecutionAborted", {"executionAbortedEventDetails": {}}),
    ]
    return [
        {
            "id": number,
            "previousEventId": max(0, number - 1),
            "type": kind,
            "timestamp": datetime(2026, 1, 1, 0, 0, number, 250_000, UTC),
            **more,
        }
        for number, (kind, more) in enumerate(details, 1)
    ]


def _answered(events: list[dict[str, Any]]) -> Any:
    """GetExecutionHistory's answer as a state gets it."""
    shape = botocore.session.get_session().get_service_model("stepfunctions").operation_model("GetExecutionHistory")
    return to_result({"events": events, "nextToken": "more"}, shape.output_shape)


def _value(code: str, **states: Any) -> Any:
    return evaluate(code[2:-2].strip(), {"states": states})


@pytest.mark.parametrize("name", ["one_task", "event", "map"])
def test_a_state_machine_keeps_what_python_would(name: str) -> None:
    """The same events, and the same of each; answers to submissions where tasks wait for events, and only there."""
    given = {**RUN, "message": "", "parameters": ""}
    read = compile_job(JOBS[name]).ending()["States"]["read history"]
    page = _value(read["Output"], input=given, result=_answered(_events()))
    kept = [*pages.kept(_events())]
    if name != "event":
        kept = [one for one in kept if one["t"] not in ("TaskScheduled", "TaskStarted", "TaskSubmitted")]
    assert json.loads(page.pop("page")) == json.loads(json.dumps(kept))
    run = {"run": "run/then"} if name == "map" else {}
    assert page == {**RUN, "redrives": 1, "number": 1, "next": "more", "last": -1, **run}


def test_a_page_gives_way_to_a_later_one_only() -> None:
    """What was read after fewer redrives comes too late."""
    read = [{"page": f"[{count}]", "last": "-1", "redrives": count, "expiry": "9"} for count in "01"]
    first, second = (written(records.KEEP_PAGE, {}, one) for one in read)
    assert first is not None
    assert written(records.KEEP_PAGE, first, read[1]) == second == written(records.KEEP_PAGE, second or {}, read[1])
    assert written(records.KEEP_PAGE, second or {}, read[0]) is None


def test_pages_are_read_to_the_end_or_as_long_as_there_is_time() -> None:
    """The next one is asked for by its token, and none once four of an Express workflow's five minutes are over."""
    states = compile_job(JOBS["one_task"]).ending()["States"]
    first = _value(states["read history"]["Arguments"], input={"executionArn": ARN, "name": "run"})
    assert first.keys() == {"ExecutionArn", "MaxResults"}
    assert _value(states["read history"]["Arguments"], input={"executionArn": ARN, "next": "t"})["NextToken"] == "t"
    (further,) = states["judge events"]["Choices"]
    now = datetime.now(UTC)
    long_ago = now.replace(year=now.year - 1).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    just_now = now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for given, begun, goes_on in [
        ({"next": "t"}, just_now, True),
        ({"next": "t"}, long_ago, False),
        ({}, just_now, False),
    ]:
        assert _value(further["Condition"], input=given, context={"Execution": {"StartTime": begun}}) == goes_on


def test_an_empty_page_is_one() -> None:
    """It holds no event, is kept under number 0, and is the last one, of the redrive that has ended; but in the map
    layout reports follow."""
    for name, last in (("one_task", 1), ("map", -1)):
        read = compile_job(JOBS[name]).ending()["States"]["read history"]
        page = _value(read["Output"], input=RUN, result={"Events": []})
        assert page == {**RUN, "redrives": 1, "page": "[]", "number": 0, "last": last}


def test_reports_are_read_by_the_run_s_key() -> None:
    """As many as fit a page whatever they say, one page behind the other."""
    states = compile_job(JOBS["map"]).ending()["States"]
    read, given = states["read reports"], {**RUN, "run": "run/then", "number": 500}
    first = _value(read["Arguments"], input=given)
    assert first["ExpressionAttributeValues"] == {":run": {"S": "run/then"}}
    assert (first["ConsistentRead"], first["TableName"], "ExclusiveStartKey" in first) == (True, "${JoinTable}", False)
    key, items = {"Run": {"S": "run/then"}, "Task": {"S": "a"}}, [{"Task": {"S": "a"}, "TaskStatus": {"S": "kept"}}]
    page = _value(read["Output"], input=given, result={"Items": items, "LastEvaluatedKey": key})
    assert (json.loads(page["page"]), page["number"], page["next"], page["last"]) == (items, 1, key, -1)
    assert _value(read["Arguments"], input=page)["ExclusiveStartKey"] == key
    further = _value(read["Output"], input=page, result={"Items": items})
    assert (further["number"], further["last"], further["redrives"]) == (2, 1, 1)
    assert _value(read["Arguments"], input={"executionArn": ARN})["ExpressionAttributeValues"] == {":run": {"S": "-"}}


@pytest.mark.parametrize("text", ["select 1", "select '" + '\n"' * 5_000 + "'", "é" * 20_000])
def test_a_page_fits_a_state_whatever_sql_stands_in_it(text: str) -> None:
    """Even if each of its events holds the largest SQL, escaped as JSON within JSON."""
    made = job(task("a"), task("b", sql=(text, text)))
    size = page_size(made, mapped=False)
    assert size
    described = {"QueryString": f"{text};{text}", "SubStatements": [{"QueryString": text, "Id": "x" * 40}] * 2}
    event = {"Id": 1, "TaskSucceededEventDetails": {"Output": json.dumps(described, ensure_ascii=False)}}
    assert len(json.dumps([event] * size, ensure_ascii=False).encode()) < MAX_PAYLOAD


def test_the_size_of_a_page_goes_by_the_sql() -> None:
    """Small SQL makes large pages; parameters may hold much; and SQL for which no page is large enough, none."""
    small = page_size(job(task("a")), mapped=False)
    assert small == 64
    with_parameters = EltJob(job_id="1", name="j", tasks=(task("a", parameters=("p",)),), parameters={"p": "1"})
    assert ROOM // (PARAMETERS_BYTES + 4_000) < (page_size(with_parameters, mapped=False) or 0) < small
    huge = job(task("a", sql=("x" * 99_000, "y" * 99_000)))
    assert page_size(huge, mapped=False) is None
    assert (page_size(huge, mapped=True) or 0) >= small
    states = compile_job(huge).ending()["States"]
    assert states["tell of end"]["Next"] == "judge missed"
    assert "read history" not in states
