"""Sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from elt_redshift.local.redshift import DataApi, DataApiError, EmbeddedRedshift
from elt_redshift.local.redshift.loading.s3 import Bucket

from .conftest import CLUSTER, fetch, finish


def opened(client: Any, sql: str = "select 1") -> str:
    submitted = client.execute_statement(Sql=sql, SessionKeepAliveSeconds=60, **CLUSTER)
    assert finish(client, submitted["Id"])["SessionId"] == submitted["SessionId"]
    session_id: str = submitted["SessionId"]
    return session_id


def within(client: Any, session_id: str, sql: str, **members: Any) -> dict[str, Any]:
    return finish(client, client.execute_statement(Sql=sql, SessionId=session_id, **members)["Id"])


def test_a_session_keeps_temporary_tables(client: Any) -> None:
    """A temporary table outlives the statement that made it, in its session only."""
    session_id = opened(client, "create temp table mine as select 1 as a")
    described = within(client, session_id, "select a from mine")
    assert fetch(client, described["Id"]) == [(1,)]
    assert described["Database"] == "dev"
    elsewhere = client.execute_statement(Sql="select a from mine", WaitTimeSeconds=30, **CLUSTER)
    assert elsewhere["Status"] == "FAILED"


def test_a_session_keeps_a_transaction_open(client: Any, schema: str) -> None:
    """BEGIN in one statement and ROLLBACK in another belong together."""
    session_id = opened(client, f"create table {schema}.t (a int)")
    within(client, session_id, "begin")
    within(client, session_id, f"insert into {schema}.t values (1)")
    within(client, session_id, "rollback")
    assert fetch(client, within(client, session_id, f"select count(*) from {schema}.t")["Id"]) == [(0,)]


def test_a_transaction_left_open_without_a_session_is_rolled_back(client: Any, schema: str) -> None:
    """Nothing of a statement without a session stays behind for the next."""
    finish(client, client.execute_statement(Sql=f"create table {schema}.t (a int)", **CLUSTER)["Id"])
    left = client.execute_statement(Sql=f"begin; insert into {schema}.t values (1)", **CLUSTER)
    assert finish(client, left["Id"])["Status"] == "FINISHED"
    counted = client.execute_statement(Sql=f"select count(*) from {schema}.t", WaitTimeSeconds=30, **CLUSTER)
    assert fetch(client, counted["Id"]) == [(0,)]


def test_an_unknown_session_is_not_available(client: Any) -> None:
    """A session id of nothing is refused."""
    with pytest.raises(ClientError, match="Session is not available"):
        client.execute_statement(Sql="select 1", SessionId="d9b6c0c9-0747-4bf4-b142-e8883122f766")


def test_a_busy_session_is_not_available(client: Any) -> None:
    """A session runs one statement at a time."""
    session_id = opened(client)
    slow = client.execute_statement(Sql="select pg_sleep(60)", SessionId=session_id)["Id"]
    with pytest.raises(ClientError, match="Session is not available"):
        client.execute_statement(Sql="select 1", SessionId=session_id)
    client.cancel_statement(Id=slow)
    assert within(client, session_id, "select 1")["Status"] == "FINISHED"


def test_a_session_expires(redshift: EmbeddedRedshift) -> None:
    """A session lives for its time after each statement, and then no longer."""
    now = [datetime(2024, 1, 1, tzinfo=UTC)]
    api = DataApi(redshift.postgres, Bucket(), clock=lambda: now[0])
    request = {"Sql": "select 1", "WaitTimeSeconds": 30}
    session_id = api.call("ExecuteStatement", {**request, **CLUSTER, "SessionKeepAliveSeconds": 60})["SessionId"]
    now[0] += timedelta(seconds=59)
    assert api.call("ExecuteStatement", {**request, "SessionId": session_id})["Status"] == "FINISHED"
    now[0] += timedelta(seconds=59)
    assert [found["Status"] for found in api.call("ListSessions", {})["Sessions"]] == ["AVAILABLE"]
    now[0] += timedelta(seconds=1)
    with pytest.raises(DataApiError, match="Session is not available"):
        api.call("ExecuteStatement", {**request, "SessionId": session_id})
    assert [found["Status"] for found in api.call("ListSessions", {"SessionId": session_id})["Sessions"]] == ["CLOSED"]
