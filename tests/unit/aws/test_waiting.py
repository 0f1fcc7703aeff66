"""Waiting: how often is looked, for how long, and what comes of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from elt_redshift.aws import audit_in_dynamodb
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.waiting import looks, until


class Time:
    """A clock that only sleeping, or ``took``, moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def took(self, seconds: float) -> None:
        self.now += seconds


def test_what_is_there_is_not_waited_for() -> None:
    """The first look comes before the first pause."""
    time = Time()
    assert until(lambda: "there", 10, 1, time.clock, time.sleep) == "there"
    assert time.slept == []


def test_between_looks_there_is_a_pause_until_it_is_there() -> None:
    """Nothing, False and None are told apart from something only."""
    time, found = Time(), iter([None, "", False, "there"])
    assert until(lambda: next(found), 10, 2, time.clock, time.sleep) == "there"
    assert time.slept == [2, 2, 2]


@pytest.mark.parametrize(("timeout", "count"), [(0, 1), (3, 4), (2.5, 4)])
def test_time_runs_out(timeout: float, count: int) -> None:
    """There is one look at least, and one when time is up."""
    time, looked = Time(), list[float]()
    assert until(lambda: looked.append(time.now), timeout, 1, time.clock, time.sleep) is None
    assert looked == list(range(count))


def test_a_look_that_waits_by_itself_needs_no_pause() -> None:
    """Each look learns how many seconds are left; time that looks take counts."""
    time, left = Time(), list[float]()
    for seconds in looks(65, 0, time.clock, time.sleep):
        left.append(seconds)
        time.took(30)
    assert (left, time.slept) == ([65, 35, 5], [])


class FakeDynamoDb:
    """Makes a table, whose backups are not to be had the first ``refusals`` times."""

    exceptions = SimpleNamespace(ClientError=ClientError, ResourceInUseException=type("InUse", (ClientError,), {}))

    def __init__(self, refusals: int) -> None:
        self.left, self.asked = refusals, 0

    def create_table(self, **_: Any) -> None: ...

    def get_waiter(self, _name: str) -> Any:
        return self

    def wait(self, **_: Any) -> None: ...

    def describe_table(self, **_: Any) -> dict[str, Any]:
        key = [{"AttributeName": "JobID", "KeyType": "HASH"}]
        return {"Table": {"KeySchema": key, "AttributeDefinitions": [{"AttributeName": "JobID", "AttributeType": "S"}]}}

    def update_continuous_backups(self, **_: Any) -> None:
        self.asked += 1
        if self.asked <= self.left:
            error = {"Code": "ContinuousBackupsUnavailableException", "Message": "Not yet."}
            raise ClientError({"Error": error}, "UpdateContinuousBackups")


def test_a_new_table_s_backups_are_asked_for_until_they_are_to_be_had() -> None:
    """DynamoDB refuses them for some seconds."""
    time, client = Time(), FakeDynamoDb(3)
    assert audit_in_dynamodb.DynamoDbAuditStore(client, "locks").create(time.sleep, time.clock)
    assert time.slept == [5.0, 5.0, 5.0]


def test_a_table_that_never_gets_its_backups_is_told() -> None:
    """After nearly two minutes the message is DynamoDB's own."""
    time, client = Time(), FakeDynamoDb(10**6)
    with pytest.raises(AwsError, match=r"table locks: Not yet\. "):
        audit_in_dynamodb.DynamoDbAuditStore(client, "locks").create(time.sleep, time.clock)
    assert sum(time.slept) == audit_in_dynamodb.TIMEOUT
