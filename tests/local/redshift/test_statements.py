"""Submitting statements: one by one and in batches, once and only once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import bounds

from .conftest import CLUSTER, Events, fetch, finish, make_client, run, run_batch, values


def test_a_statement_without_waiting_is_only_acknowledged(client: Any) -> None:
    """Without WaitTimeSeconds the answer holds no status, as on AWS."""
    submitted = client.execute_statement(Sql="select 1", **CLUSTER)
    assert submitted["Id"]
    assert {"Status", "HasResultSet", "RedshiftPid"}.isdisjoint(submitted)
    finish(client, submitted["Id"])


def test_a_statement_with_waiting_answers_its_end(client: Any) -> None:
    """With WaitTimeSeconds the answer says how a short statement ended."""
    submitted = client.execute_statement(Sql="select 1", WaitTimeSeconds=30, **CLUSTER)
    assert submitted["Status"] == "FINISHED"
    assert submitted["HasResultSet"] is True
    assert submitted["RedshiftPid"] > 0


def test_a_description_tells_everything(client: Any, schema: str) -> None:
    """DescribeStatement reports text, rows, size, duration and where it ran."""
    run(client, f"create table {schema}.t (a int)")
    described = run(client, f"insert into {schema}.t values (1), (2)", StatementName="fill")
    assert described["Status"] == "FINISHED"
    assert described["ResultRows"] == 2
    assert described["HasResultSet"] is False
    assert described["Duration"] > 0
    assert described["QueryString"] == f"insert into {schema}.t values (1), (2)"
    assert described["RedshiftQueryId"] > 0
    assert described["UpdatedAt"] >= described["CreatedAt"]
    assert described["ClusterIdentifier"] == "warehouse"
    assert described["Database"] == "dev"


def test_a_failed_statement_has_redshifts_message(client: Any) -> None:
    """The error begins with ERROR: and PostgreSQL's primary message."""
    described = run(client, "select * from absent")
    assert described["Status"] == "FAILED"
    assert described["Error"].splitlines()[0] == 'ERROR: relation "absent" does not exist'
    assert described["ResultRows"] == -1


def test_a_batch_is_one_transaction(client: Any, schema: str) -> None:
    """A failing statement undoes the ones before it; the ones after it are aborted."""
    run(client, f"create table {schema}.t (a int)")
    described = run_batch(client, [f"insert into {schema}.t values (1)", "select 1/0", "select 2"])
    assert described["Status"] == "FAILED"
    assert described["Error"] == "ERROR: division by zero"
    assert described["ExecutionMode"] == "TRANSACTION"
    assert [sub["Status"] for sub in described["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert described["SubStatements"][1]["Error"] == "ERROR: division by zero"
    assert values(client, f"select count(*) from {schema}.t") == [(0,)]


def test_a_batch_has_results_by_sub_statement(client: Any) -> None:
    """The result of each statement of a batch is fetched by its own id; the batch itself has none."""
    described = run_batch(client, ["select 1", "select 2"])
    assert described["HasResultSet"] is True
    assert [fetch(client, f"{described['Id']}:{place}") for place in (1, 2)] == [[(1,)], [(2,)]]
    second = client.describe_statement(Id=f"{described['Id']}:2")
    assert second["QueryString"] == "select 2"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_statement_result(Id=described["Id"])


def test_auto_commit_keeps_what_succeeded(client: Any, schema: str) -> None:
    """With AUTO_COMMIT a failing statement does not affect the others, before and behind it; the batch fails."""
    run(client, f"create table {schema}.t (a int)")
    sqls = [f"insert into {schema}.t values (1)", "select 1/0", f"insert into {schema}.t values (2)"]
    described = run_batch(client, sqls, ExecutionMode="AUTO_COMMIT")
    assert described["Status"] == "FAILED"
    assert [sub["Status"] for sub in described["SubStatements"]] == ["FINISHED", "FAILED", "FINISHED"]
    assert values(client, f"select a from {schema}.t order by a") == [(1,), (2,)]


def test_vacuum_runs_in_an_auto_commit_batch_only(client: Any, schema: str) -> None:
    """VACUUM is refused in the transaction of a batch."""
    run(client, f"create table {schema}.t (a int)")
    assert run_batch(client, [f"vacuum {schema}.t"], ExecutionMode="AUTO_COMMIT")["Status"] == "FINISHED"
    refused = run_batch(client, [f"vacuum {schema}.t"])
    assert refused["Error"] == "ERROR: VACUUM cannot run inside a transaction block"


def test_concurrent_changes_of_a_row_conflict(client: Any, schema: str) -> None:
    """The second of two transactions that change a row fails as Redshift's error 1023."""
    run(client, f"create table {schema}.t (a int)")
    run(client, f"insert into {schema}.t values (0)")
    change = [f"select * from {schema}.t", "select pg_advisory_xact_lock_shared(1)", f"update {schema}.t set a = a + 1"]
    holder = client.execute_statement(Sql="select pg_advisory_lock(1)", SessionKeepAliveSeconds=60, **CLUSTER)
    finish(client, holder["Id"])
    pair = [client.batch_execute_statement(Sqls=change, **CLUSTER)["Id"] for _ in range(2)]
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    while values(client, waiting) != [(2,)]:
        assert client.describe_statement(Id=pair[0])["Status"] in ("SUBMITTED", "PICKED", "STARTED")
    client.execute_statement(
        Sql="select pg_advisory_unlock(1)", SessionId=holder["SessionId"], SessionKeepAliveSeconds=0
    )
    ends = [finish(client, statement_id) for statement_id in pair]
    assert sorted(end["Status"] for end in ends) == ["FAILED", "FINISHED"]
    error = next(end["Error"] for end in ends if end["Status"] == "FAILED")
    assert error.startswith("ERROR: 1023\nDETAIL: Serializable isolation violation on table")


def test_a_client_token_submits_once_under_threads(redshift: Any, endpoint: str, client: Any, schema: str) -> None:
    """Forty simultaneous requests with one ClientToken are one statement, which runs once."""
    run(client, f"create table {schema}.ledger (a int)")
    request = {"Sql": f"insert into {schema}.ledger values (1)", "ClientToken": f"token-{schema}", **CLUSTER}
    clients = [make_client("redshift-data", endpoint) for _ in range(8)]
    together = threading.Barrier(40)

    def submit(place: int) -> str:
        together.wait(bounds.ANSWER)
        statement_id: str = clients[place % 8].execute_statement(**request)["Id"]
        return statement_id

    with ThreadPoolExecutor(40) as pool:
        ids = set(pool.map(submit, range(40)))
    assert len(ids) == 1
    finish(client, ids.pop())
    assert values(client, f"select count(*) from {schema}.ledger") == [(1,)]


def test_a_client_token_with_other_parameters_is_refused(client: Any, schema: str) -> None:
    """The same token with another statement is an error, and so is a batch with a single statement's token."""
    token = f"other-{schema}"
    first = client.execute_statement(Sql="select 1", ClientToken=token, WaitTimeSeconds=5, **CLUSTER)
    again = client.execute_statement(Sql="select 1", ClientToken=token, **CLUSTER)
    assert again["Id"] == first["Id"]
    with pytest.raises(ClientError, match="ValidationException"):
        client.execute_statement(Sql="select 2", ClientToken=token, **CLUSTER)
    with pytest.raises(ClientError, match="ValidationException"):
        client.batch_execute_statement(Sqls=["select 1"], ClientToken=token, **CLUSTER)


@pytest.mark.parametrize(
    ("request_members", "message"),
    [
        ({"Sql": "select 1", "Database": "dev"}, "Either ClusterIdentifier or WorkgroupName"),
        ({"Sql": "select 1", "WorkgroupName": "group", **CLUSTER}, "Only one of ClusterIdentifier and WorkgroupName"),
        ({"Sql": "select 1", "ClusterIdentifier": "warehouse"}, "Database must be specified"),
        ({"Sql": "select '" + "x" * 102_400 + "'", **CLUSTER}, "exceeds the maximum size"),
        ({"Sql": "  ", **CLUSTER}, "cannot be empty"),
        ({"Sql": "select 1", "ClientToken": "x" * 65, **CLUSTER}, "less than or equal to 64"),
        ({"Sql": "select 1", "StatementName": "x" * 2049, **CLUSTER}, "less than or equal to 2048"),
        ({"Sql": "select 1", "ResultFormat": "XML", **CLUSTER}, r"enum value set: \[JSON, CSV\]"),
        ({"Sql": "select 1", "WaitTimeSeconds": 31, **CLUSTER}, "waitTimeSeconds.*less than or equal to 30"),
    ],
)
def test_bad_requests_are_refused(client: Any, request_members: dict[str, Any], message: str) -> None:
    """A request that breaks one of AWS's rules is a ValidationException that says which."""
    with pytest.raises(ClientError, match=message) as refusal:
        client.execute_statement(**request_members)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"


def test_a_batch_holds_at_most_forty_statements(client: Any) -> None:
    """The forty-first statement is one too many."""
    assert run_batch(client, ["select 1"] * 40)["Status"] == "FINISHED"
    with pytest.raises(ClientError, match="less than or equal to 40"):
        client.batch_execute_statement(Sqls=["select 1"] * 41, **CLUSTER)


@pytest.mark.parametrize(
    ("operation", "statement_id", "code"),
    [
        ("describe_statement", "nonsense", "ValidationException"),
        ("describe_statement", "d9b6c0c9-0747-4bf4-b142-e8883122f766", "ResourceNotFoundException"),
        ("get_statement_result", "d9b6c0c9-0747-4bf4-b142-e8883122f766:1", "ResourceNotFoundException"),
        ("cancel_statement", "d9b6c0c9-0747-4bf4-b142-e8883122f766", "ResourceNotFoundException"),
    ],
)
def test_unknown_ids(client: Any, operation: str, statement_id: str, code: str) -> None:
    """An id that is malformed, or of nothing, is refused with AWS's error code."""
    with pytest.raises(ClientError) as refusal:
        getattr(client, operation)(Id=statement_id)
    assert refusal.value.response["Error"]["Code"] == code


def test_another_database_must_exist(client: Any) -> None:
    """A statement for a database that is not there fails, as one that cannot be connected to."""
    described = run(client, "select 1", Database="nowhere")
    assert described["Status"] == "FAILED"
    assert described["Error"] == 'FATAL: database "nowhere" does not exist'


def test_a_workgroup_serves_as_well_as_a_cluster(client: Any) -> None:
    """Serverless requests name a workgroup, and the answer does too."""
    submitted = client.execute_statement(Sql="select 1", WorkgroupName="group", Database="dev", WaitTimeSeconds=30)
    assert submitted["WorkgroupName"] == "group"
    assert "ClusterIdentifier" not in submitted


def test_an_event_tells_the_end(client: Any, events: Events) -> None:
    """A statement with WithEvent emits one event with AWS's detail; others emit none."""
    silent = run(client, "select 1")
    failed = run(client, "select 1/0", WithEvent=True, StatementName="job/task/1")
    event = events.await_one(failed["Id"])
    assert (event["state"], event["statementName"], event["rows"]) == ("FAILED", "job/task/1", -1)
    assert set(event) == {"principal", "statementName", "statementId", "redshiftQueryId", "state", "rows", "expireAt"}
    finished = run(client, "select 1", WithEvent=True)
    assert events.await_one(finished["Id"])["state"] == "FINISHED"
    assert len(events.of(failed["Id"])) == 1
    assert events.of(silent["Id"]) == []


def test_list_statements_filters_and_pages(client: Any, schema: str) -> None:
    """Statements come newest first, chosen by the beginning of their name and by status, page by page."""
    ids = [run(client, "select 1", StatementName=f"{schema}/task{place}")["Id"] for place in range(5)]
    ids.append(run(client, "select 1/0", StatementName=f"{schema}/failing")["Id"])
    listed = client.list_statements(StatementName=schema)["Statements"]
    assert [statement["Id"] for statement in listed] == ids[::-1]
    failed = client.list_statements(StatementName=schema, Status="FAILED")["Statements"]
    assert [statement["StatementName"] for statement in failed] == [f"{schema}/failing"]
    assert client.list_statements(StatementName=schema, ClusterIdentifier="other")["Statements"] == []
    pages = client.get_paginator("list_statements").paginate(StatementName=schema, PaginationConfig={"PageSize": 4})
    assert [[statement["Id"] for statement in page["Statements"]] for page in pages] == [ids[:1:-1], ids[1::-1]]
