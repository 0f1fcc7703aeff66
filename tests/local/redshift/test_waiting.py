"""Long polls, cancels, limits: what happens while a statement runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from elt_redshift.local.redshift import DataApi, DataApiError, EmbeddedRedshift
from elt_redshift.local.redshift.loading.s3 import Bucket
from tests import bounds
from tests.local.waiting import wait_for

from .conftest import CLUSTER, finish, run, values


class Gate:
    """An advisory lock that statements wait for: they run until the test opens it."""

    def __init__(self, redshift: EmbeddedRedshift, key: int) -> None:
        self.sql = f"select pg_advisory_lock_shared({key})"
        self._key = key
        self._connection = redshift.postgres.connect()
        self._connection.execute("select pg_advisory_lock(%s)", (key,))

    def open(self) -> None:
        self._connection.close()

    def await_waiters(self, count: int = 1) -> None:
        """Return when ``count`` statements wait at the gate."""
        query = "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted"
        wait_for(lambda: self._connection.execute(query, (self._key,)).fetchone() == (count,), "waiters at the gate")


_keys = iter(range(1000, 10_000))


@pytest.fixture
def gate(redshift: EmbeddedRedshift) -> Iterator[Gate]:
    gate = Gate(redshift, next(_keys))
    yield gate
    gate.open()


def test_a_long_poll_returns_when_the_statement_ends(client: Any, gate: Gate) -> None:
    """A DescribeStatement that waits answers with the end, not with its timeout."""
    statement_id = client.execute_statement(Sql=gate.sql, **CLUSTER)["Id"]
    gate.await_waiters()
    assert client.describe_statement(Id=statement_id)["Status"] == "STARTED"
    with ThreadPoolExecutor(5) as pool:
        polls = [pool.submit(client.describe_statement, Id=statement_id, WaitTimeSeconds=30) for _ in range(5)]
        gate.open()
        assert [poll.result(timeout=bounds.ANSWER)["Status"] for poll in polls] == ["FINISHED"] * 5


def test_a_long_poll_gives_up_after_its_time(client: Any, gate: Gate) -> None:
    """When the time is over, the answer is the status of the moment."""
    submitted = client.execute_statement(Sql=gate.sql, WaitTimeSeconds=1, **CLUSTER)
    assert submitted["Status"] in ("SUBMITTED", "PICKED", "STARTED")
    gate.await_waiters()
    assert client.describe_statement(Id=submitted["Id"], WaitTimeSeconds=1)["Status"] == "STARTED"


def test_a_result_can_be_waited_for(client: Any, gate: Gate) -> None:
    """GetStatementResult with WaitTimeSeconds answers once the rows are there; without, it finds none."""
    statement_id = client.execute_statement(Sql=f"{gate.sql}; select 7", **CLUSTER)["Id"]
    with pytest.raises(ClientError, match="Query does not have result"):
        client.get_statement_result(Id=statement_id)
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(client.get_statement_result, Id=statement_id, WaitTimeSeconds=30)
        gate.open()
        assert poll.result(timeout=bounds.ANSWER)["Records"] == [[{"longValue": 7}]]


def test_cancel_aborts_a_running_statement(client: Any, gate: Gate) -> None:
    """A cancelled statement is ABORTED, and cannot be cancelled twice."""
    statement_id = client.execute_statement(Sql=gate.sql, **CLUSTER)["Id"]
    gate.await_waiters()
    assert client.cancel_statement(Id=statement_id)["Status"] is True
    assert finish(client, statement_id)["Status"] == "ABORTED"
    with pytest.raises(ClientError, match="already in ABORTED state"):
        client.cancel_statement(Id=statement_id)


def test_cancel_of_a_batch_undoes_it(client: Any, schema: str, gate: Gate) -> None:
    """What a cancelled batch did is rolled back."""
    run(client, f"create table {schema}.t (a int)")
    sqls = [f"insert into {schema}.t values (1)", gate.sql, "select 1"]
    statement_id = client.batch_execute_statement(Sqls=sqls, **CLUSTER)["Id"]
    gate.await_waiters()
    client.cancel_statement(Id=statement_id)
    described = finish(client, statement_id)
    assert described["Status"] == "ABORTED"
    assert described["SubStatements"][2]["Status"] == "ABORTED"
    assert values(client, f"select count(*) from {schema}.t") == [(0,)]


def test_a_finished_statement_cannot_be_cancelled(client: Any) -> None:
    """CancelStatement says in which state the statement is."""
    described = run(client, "select 1")
    with pytest.raises(ClientError, match="already in FINISHED state"):
        client.cancel_statement(Id=described["Id"])


def test_a_statement_that_has_not_begun_is_cancelled(redshift: EmbeddedRedshift, gate: Gate, schema: str) -> None:
    """With all workers busy a statement stays SUBMITTED; cancelled there, it never runs."""
    api = DataApi(redshift.postgres, Bucket(), workers=1)
    first = api.call("ExecuteStatement", {"Sql": gate.sql, **CLUSTER})["Id"]
    gate.await_waiters()
    second = api.call("ExecuteStatement", {"Sql": f"create table {schema}.never (a int)", **CLUSTER})["Id"]
    assert api.call("DescribeStatement", {"Id": second})["Status"] == "SUBMITTED"
    assert api.call("CancelStatement", {"Id": second}) == {"Status": True}
    gate.open()
    assert api.call("DescribeStatement", {"Id": first, "WaitTimeSeconds": 30})["Status"] == "FINISHED"
    assert api.call("DescribeStatement", {"Id": second})["Status"] == "ABORTED"
    tables = api.call("ListTables", {"SchemaPattern": schema, **CLUSTER})
    assert tables["Tables"] == []


def test_too_many_active_statements(redshift: EmbeddedRedshift, gate: Gate) -> None:
    """One statement over the limit is refused; when one has ended, there is room again."""
    api = DataApi(redshift.postgres, Bucket(), active_limit=2)
    ids = [api.call("ExecuteStatement", {"Sql": gate.sql, **CLUSTER})["Id"] for _ in range(2)]
    with pytest.raises(DataApiError) as refusal:
        api.call("ExecuteStatement", {"Sql": "select 1", **CLUSTER})
    assert refusal.value.code == "ActiveStatementsExceededException"
    gate.open()
    for statement_id in ids:
        api.call("DescribeStatement", {"Id": statement_id, "WaitTimeSeconds": 30})
    assert api.call("ExecuteStatement", {"Sql": "select 1", "WaitTimeSeconds": 30, **CLUSTER})["Status"] == "FINISHED"


def test_too_many_waiting_requests(redshift: EmbeddedRedshift, gate: Gate) -> None:
    """A long poll over the limit for one statement is refused."""
    api = DataApi(redshift.postgres, Bucket(), waiting_limit=0)
    statement_id = api.call("ExecuteStatement", {"Sql": gate.sql, **CLUSTER})["Id"]
    with pytest.raises(DataApiError) as refusal:
        api.call("DescribeStatement", {"Id": statement_id, "WaitTimeSeconds": 1})
    assert refusal.value.code == "ActiveWaitingRequestsExceededException"
    api.close()


def test_a_hundred_statements_at_once(client: Any, gate: Gate) -> None:
    """A hundred statements run side by side on the database."""
    with ThreadPoolExecutor(20) as pool:
        ids = list(pool.map(lambda _: client.execute_statement(Sql=gate.sql, **CLUSTER)["Id"], range(100)))
        gate.await_waiters(100)
        gate.open()
        ends = list(pool.map(lambda statement_id: finish(client, statement_id)["Status"], ids))
    assert ends == ["FINISHED"] * 100


def test_what_is_old_is_forgotten(redshift: EmbeddedRedshift) -> None:
    """After 24 hours a statement is gone, and after 8 hours a ClientToken may be used again."""
    now = [datetime(2024, 1, 1, tzinfo=UTC)]
    api = DataApi(redshift.postgres, Bucket(), clock=lambda: now[0])
    request = {"Sql": "select 1", "ClientToken": "daily", "WaitTimeSeconds": 30, **CLUSTER}
    first = api.call("ExecuteStatement", request)["Id"]
    now[0] += timedelta(hours=7)
    assert api.call("ExecuteStatement", request)["Id"] == first
    now[0] += timedelta(hours=1)
    assert api.call("ExecuteStatement", request)["Id"] != first
    now[0] += timedelta(hours=16)
    with pytest.raises(DataApiError, match="ResourceNotFoundException"):
        api.call("DescribeStatement", {"Id": first})


def test_a_failing_receiver_of_events_does_no_harm(redshift: EmbeddedRedshift) -> None:
    """An event that cannot be sent leaves the statement finished."""
    called = threading.Event()

    def emit(_detail: dict[str, Any]) -> None:
        called.set()
        raise ConnectionError("nobody listens")

    api = DataApi(redshift.postgres, Bucket(), emit)
    request = {"Sql": "select 1", "WithEvent": True, "WaitTimeSeconds": 30, **CLUSTER}
    assert api.call("ExecuteStatement", request)["Status"] == "FINISHED"
    assert called.wait(bounds.ANSWER)
