"""Writes as data, and how DynamoDB is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.protocol import audit, dynamodb, joins, records
from elt_redshift.protocol.writes import (
    Absent,
    AtMost,
    Below,
    Demand,
    Every,
    Given,
    Is,
    IsNot,
    Present,
    Size,
    Some,
    Typed,
    Write,
    every,
    some,
)

WRITES = {
    f"{room.__name__.rpartition('.')[2]}.{name}": write
    for room in (audit, joins, records)
    for name, write in vars(room).items()
    if isinstance(write, Write)
}


def _given(write: Write) -> dict[str, Any]:
    """A value for everything that the write needs."""
    kinds: dict[str, Any] = {"text": "x", "number": "1", "texts": ["x"], "object": {"cause": "x"}, "read": {"S": "x"}}
    return {name: kinds[value.kind] for name, value in write.values().items() if value.always is None}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_takes_exactly_what_it_needs(name: str) -> None:
    """A value that is missing, or that the write does not know, is refused before AWS is asked."""
    write = WRITES[name]
    given = _given(write)
    request = dynamodb.update("t", {"K": "k"}, write, given)
    assert set(request.get("ExpressionAttributeValues", ())) == {f":{value}" for value in write.values()}
    with pytest.raises(ValueError, match="is given"):
        dynamodb.update("t", {"K": "k"}, write, {**given, "more": "x"})
    if given:
        given.popitem()
        with pytest.raises(ValueError, match="the write needs"):
            dynamodb.update("t", {"K": "k"}, write, given)


def test_a_whole_request() -> None:
    """Sets before removals, a reserved word by a placeholder, constants and given values with their types."""
    given = {"owner": "me", "start": "2026-01-01T00:00:00.000Z", "redrives": "0"}
    assert dynamodb.update("jobs", audit.key("101"), audit.ACQUIRE, given, answered=True) == {
        "TableName": "jobs",
        "Key": {"JobID": {"S": "101"}},
        "UpdateExpression": "ADD FenceNumber :one "
        "SET JobState = :running, #owner = :owner, RedriveCount = :redrives, JobStart = :start "
        "REMOVE JobEnd, FailedTask, FailedStatement, FailureMessage, AfterFailure, ReservedFor, LeaseUntil",
        "ConditionExpression": "(((attribute_not_exists(JobState) OR JobState = :ready) AND "
        "(attribute_not_exists(LastOwner) OR LastOwner <> :owner)) OR (#owner = :owner AND (JobState = :running OR "
        "attribute_not_exists(RedriveCount) OR RedriveCount < :redrives))) AND "
        "(attribute_not_exists(FenceNumber) OR attribute_type(FenceNumber, :counting))",
        "ExpressionAttributeNames": {"#owner": "Owner"},
        "ExpressionAttributeValues": {
            ":one": {"N": "1"},
            ":running": {"S": "Running"},
            ":ready": {"S": "Ready"},
            ":owner": {"S": "me"},
            ":start": {"S": "2026-01-01T00:00:00.000Z"},
            ":redrives": {"N": "0"},
            ":counting": {"S": "N"},
        },
        "ReturnValues": "ALL_NEW",
    }


def test_names_and_conditions_may_be_computed() -> None:
    """State machines compute the names of attributes that are there once for each redrive, and some conditions."""
    names = {joins.BLOCKED: "{% 'Blocked' & 1 %}", joins.FAILURE: "{% 'Failure' & 1 %}"}
    given = {"blocked": ["2"], "failure": {"task": "a"}, "expiry": "9"}
    request = dynamodb.update("t", joins.key("r", "all tasks"), joins.BLOCK, given, names, condition="{% … %}")
    assert request["UpdateExpression"] == (
        "ADD Done :nobody, #blocked :blocked SET ExpiresAt = :expiry, #failure = if_not_exists(#failure, :failure)"
    )
    assert request["ConditionExpression"] == "{% … %}"
    assert request["ExpressionAttributeNames"] == {"#blocked": names["Blocked"], "#failure": names["Failure"]}
    assert request["ExpressionAttributeValues"][":failure"] == {"M": {"task": {"S": "a"}}}


def test_demands_are_nested() -> None:
    """Each kind of demand within another."""
    one, two = Given("one"), Given("two", "number")
    demand = every(some(Absent("A"), Present("B")), Is("C", one), some(every(Size("D", "<", two), Size("E", "=", two))))
    assert dynamodb.demanded(demand) == (
        "(attribute_not_exists(A) OR attribute_exists(B)) AND C = :one AND ((size(D) < :two AND size(E) = :two))"
    )


def _holds(demand: Demand | None, item: dict[str, str], given: dict[str, str]) -> bool:
    """Another store's reading of a demand, of texts."""
    match demand:
        case None:
            return True
        case Absent(attribute):
            return attribute not in item
        case Present(attribute):
            return attribute in item
        case Is(attribute, value):
            return item.get(attribute) == (value.always or given.get(value.name))
        case IsNot(attribute, value):
            return item.get(attribute) != (value.always or given.get(value.name))
        case Every(demands):
            return all(_holds(one, item, given) for one in demands)
        case Some(demands):
            return any(_holds(one, item, given) for one in demands)
        case AtMost(attribute, value):
            return attribute in item and int(item[attribute]) <= int(given[value.name])
        case Below(attribute, value):
            return attribute in item and int(item[attribute]) < int(given[value.name])
        case Typed(attribute, value):
            return attribute in item and item[attribute].isdigit() == (value.always == "N")
        case Size():
            raise AssertionError("audit items hold no sets")


def written(write: Write, item: dict[str, str], given: dict[str, str]) -> dict[str, str] | None:
    """The item after the write by such a store; None: it was refused."""
    if not _holds(write.demands, item, given):
        return None
    kept = {name: value for name, value in item.items() if name not in write.removes}
    counted = {name: str(int(item.get(name, "0")) + int(value.always)) for name, value in write.adds.items()}
    return kept | counted | {name: value.always or given[value.name] for name, value in write.sets.items()}


def test_another_store_can_hold_the_lock() -> None:
    """The data say all that there is to a write: a dictionary takes, records, redrives and releases by them."""
    me, you = ({"owner": who, "start": "s", "redrives": "0", "end": "e"} for who in ("me", "you"))
    free = {"JobID": "101", "JobState": "Ready"}
    mine = written(audit.ACQUIRE, free, me)
    assert mine
    assert written(audit.ACQUIRE, mine, you) is None
    failed = written(audit.RECORD, mine, {**me, "task": "a", "statement": "s1", "message": "no", "after": "hold"})
    assert failed == {**mine, "JobState": "Failed", "JobEnd": "e", "FailedTask": "a", "FailedStatement": "s1"} | {
        "FailureMessage": "no",
        "AfterFailure": "hold",
    }
    again = written(audit.RECLAIM, failed, {**me, "redrives": "1"})
    assert again == {**mine, "RedriveCount": "1"}
    dead = {"dead": "me", "seen": "Running", "claim": "0", "until": "none"}
    assert written(audit.TAKE_OVER, again, {**you, **dead}) is None  # it was redriven since it was read
    released = written(audit.RELEASE, again, me)
    assert released
    assert released["JobState"] == "Ready"
    assert "Owner" not in released
    assert written(audit.RELEASE, released, me) == released  # its answer was lost
    next_ = written(audit.ACQUIRE, released, you)
    assert next_
    assert (mine["FenceNumber"], next_["FenceNumber"]) == ("1", "2")


def test_a_record_that_arrives_after_a_later_redrive_s_claim_changes_nothing() -> None:
    """The failure is one that the redrive mends; what fails in the redrive itself is recorded."""
    failure = {"owner": "me", "end": "e", "task": "a", "statement": "s", "message": "m", "after": "hold"}
    claimed = {"JobID": "101", "JobState": "Running", "Owner": "me", "RedriveCount": "1"}
    assert written(audit.RECORD, claimed, {**failure, "redrives": "0"}) is None
    assert written(audit.RECORD, claimed, {**failure, "redrives": "1"})


@pytest.mark.parametrize("taking", [audit.ACQUIRE, audit.TAKE_OVER, audit.RECLAIM])
def test_a_write_that_arrives_after_its_execution_s_end_changes_nothing(taking: Write) -> None:
    """However the execution ended; a redrive of it takes the lock again, if it has not succeeded."""
    end = {"owner": "me", "end": "e", "task": "a", "statement": "s", "message": "m", "after": "hold", "redrives": "1"}
    late = {**end, "start": "s", "dead": "other", "seen": "Running", "claim": "0", "until": "none"}
    running = {"JobID": "101", "JobState": "Running", "Owner": "me", "FenceNumber": "1"}
    for ending, before in ((audit.RECORD, "1"), (audit.SETTLE, "1"), (audit.SETTLE, "0")):
        failed = written(ending, {**running, "RedriveCount": before}, end)
        assert failed
        assert written(taking, failed, late) is None
        assert written(taking, failed, {**late, "redrives": "2"})
    released = written(audit.RELEASE, {**running, "RedriveCount": "1"}, end)
    assert released
    assert written(taking, released, late) is None
