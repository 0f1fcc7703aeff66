"""The function for an audit item in Redshift: a write is one UPDATE, and its answer is DynamoDB's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from elt_redshift.functions.rows import REFUSED, TRIES, Rows
from elt_redshift.functions.sql import SqlFunction
from elt_redshift.protocol import audit, dynamodb, sql
from elt_redshift.protocol.places import Place

PLACE = Place.parse("redshift://demo/dev/ops.audit?user=etl")
BEGIN = 1_767_225_600.0
CONFLICT = "ERROR: 1023 Serializable isolation violation on table"

Ended = Mapping[str, Any]


def _done(rows: int = 1) -> Ended:
    return {"Status": "FINISHED", "ResultRows": rows}


def _failed(error: str) -> Ended:
    return {"Status": "FAILED", "Error": error}


class Data:
    """A Data API whose statements end as they are told to, one after the other.

    :param row: the job's row, by its attributes; None: there is none.
    """

    def __init__(self, *ends: Ended, row: Mapping[str, Any] | None = None) -> None:
        self.ends, self.row, self.now = list(ends), row, BEGIN
        self.requests: list[dict[str, Any]] = []
        self.cancelled: list[str] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def execute_statement(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return {"Id": str(len(self.requests))}

    batch_execute_statement = execute_statement

    def describe_statement(self, **request: Any) -> dict[str, Any]:
        self.now += 1
        end = self.ends[int(request["Id"]) - 1]
        if "Sqls" in self.requests[int(request["Id"]) - 1]:
            parts = [{"Id": "x:1", "Status": "FINISHED", **end}, {"Id": "x:2", "Status": "FINISHED", "ResultRows": 1}]
            return {"Id": request["Id"], **end, "SubStatements": parts}
        return {"Id": request["Id"], **end}

    def cancel_statement(self, **request: Any) -> dict[str, Any]:
        self.cancelled.append(request["Id"])
        return {"Status": True}

    def get_statement_result(self, **request: Any) -> dict[str, Any]:
        if self.row is None:
            return {"Records": []}
        cells = ({"isNull": True} if (v := self.row.get(name)) is None else {"stringValue": v} for name in _ATTRIBUTES)
        return {"Records": [list(cells)]}

    @property
    def sqls(self) -> list[str]:
        """The first words of each statement."""
        return [" ".join(text.split()[:1]) for one in self.requests for text in one.get("Sqls", [one.get("Sql", "")])]


_ATTRIBUTES = sql.ATTRIBUTES
ACQUIRE = {"owner": "me", "start": "2026-01-01T00:00:00.000Z", "redrives": "0"}


def _write(data: Data, answered: bool = False, seconds: float = 110.0) -> Any:
    request = dynamodb.update(PLACE.address, audit.key("101"), audit.ACQUIRE, ACQUIRE, answered=answered)
    return Rows(PLACE, SqlFunction(data, data.clock, data.sleep)).answer("UpdateItem", request, seconds)


def _read(data: Data) -> Any:
    request = dynamodb.get(PLACE.address, audit.key("101"))
    return Rows(PLACE, SqlFunction(data, data.clock, data.sleep)).answer("GetItem", request, 110.0)


def _error(data: Data, **more: Any) -> tuple[str, str]:
    """The name and the words of the error that a write ends with."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - a class that is made for its name
        _write(data, **more)
    return type(raised.value).__name__, str(raised.value)


def test_an_acquisition_is_one_update() -> None:
    """Nothing is read; the statement has the name of no task's, and the warehouse's own login."""
    data = Data(_done())
    assert _write(data) == {}
    (request,) = data.requests
    assert request["Sql"].startswith('update "ops"."audit" set ')
    assert request["StatementName"].startswith("-audit/")
    assert {name: request[name] for name in PLACE.warehouse} == PLACE.warehouse
    assert {"name": "owner", "value": "me"} in request["Parameters"]
    assert set(re.findall(r"(?<!:):(\w+)", request["Sql"])) == {one["name"] for one in request["Parameters"]}


def test_a_read_is_one_select() -> None:
    """It gives the item that DynamoDB would give, or none."""
    row = {"JobID": "101", "JobState": "Ready", "Waiting": "<a><b>", "FenceNumber": 3}
    data = Data(_done(), row=row)
    assert _read(data) == {
        "Item": {
            "JobID": {"S": "101"},
            "JobState": {"S": "Ready"},
            "Waiting": {"SS": ["a", "b"]},
            "FenceNumber": {"N": "3"},
        }
    }
    assert data.sqls == ["select"]
    assert _read(Data(_done())) == {}


def test_a_write_that_is_answered_reads_in_the_same_transaction() -> None:
    """What others write behind it is not told as its own."""
    data = Data(_done(), row={"JobID": "101", "JobState": "Running"})
    assert _write(data, answered=True)["Attributes"]["JobState"] == {"S": "Running"}
    assert (len(data.requests), data.sqls) == (1, ["update", "select"])


@pytest.mark.parametrize("answered", [False, True])
def test_demands_that_do_not_hold_fail_as_in_dynamodb(answered: bool) -> None:
    """No row has changed, and there is one."""
    name, _ = _error(Data(_done(0), _done(), row={"JobID": "101"}), answered=answered)
    assert name == "DynamoDB.ConditionalCheckFailedException"


def test_a_row_that_is_not_there_is_told_with_what_makes_it() -> None:
    """It is no condition that fails: nobody would ever get the lock."""
    name, text = _error(Data(_done(0), _done()))
    assert name == REFUSED
    assert f"elt-redshift audit create '{PLACE.address}' --job-id 101" in text


def test_a_write_that_met_another_one_is_made_again() -> None:
    """It has changed nothing; the second one is judged by what the other one has written."""
    data = Data(_failed(CONFLICT), _failed(CONFLICT), _done())
    assert _write(data) == {}
    assert len({request["ClientToken"] for request in data.requests}) == 3


def test_one_that_meets_others_all_the_time_passes_to_the_states() -> None:
    """They ask again later."""
    data = Data(*[_failed(CONFLICT)] * TRIES)
    assert _error(data) == ("RedshiftData.DatabaseConnectionException", CONFLICT)
    assert len(data.requests) == TRIES


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ('ERROR: relation "audit" does not exist', REFUSED),
        ("ERROR: permission denied for relation audit", REFUSED),
        ("FATAL: terminating connection due to administrator command", "RedshiftData.DatabaseConnectionException"),
    ],
)
def test_what_lasts_is_told_apart_from_what_passes(error: str, name: str) -> None:
    """States do not wait an hour for a right that is missing."""
    data = Data(_failed(error))
    assert _error(data) == (name, error)
    assert len(data.requests) == 1


def test_a_statement_that_hangs_is_cancelled() -> None:
    """Before the invocation ends, so that nothing is written behind it; the states ask again."""
    data = Data({"Status": "STARTED"})
    name, _ = _error(data)
    assert (name, data.cancelled) == ("RedshiftData.QueryTimeoutException", ["1"])
    assert data.now < BEGIN + 110


def test_one_that_ends_while_it_is_cancelled_has_happened() -> None:
    """Its answer is given."""

    class Late(Data):
        def cancel_statement(self, **request: Any) -> dict[str, Any]:
            self.ends = [_done()]
            raise ValueError("it has finished")

    assert _write(Late({"Status": "STARTED"})) == {}


def test_an_empty_text_is_written_into_the_statement() -> None:
    """The Data API binds none."""
    data = Data(_done())
    values = {"task": "a", "statement": "", "message": "m", "after": "hold", "redrives": "0", "owner": "me", "end": "t"}
    request = dynamodb.update(PLACE.address, audit.key("101"), audit.RECORD, values)
    Rows(PLACE, SqlFunction(data, data.clock, data.sleep)).answer("UpdateItem", request, 110.0)
    assert "\"failedstatement\" = ''" in data.requests[0]["Sql"]
    assert all(one["value"] for one in data.requests[0]["Parameters"])
