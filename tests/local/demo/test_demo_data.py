"""Making the demo's data and running its set-up scripts, apart from any server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from elt_redshift.demo import data

TARGET = {"WorkgroupName": "demo", "Database": "dev"}


class Script:
    """A Data API whose statement ends after some polls; it keeps what it was asked, and moves the clock."""

    def __init__(self, statuses: list[dict[str, str]]) -> None:
        self.statuses = statuses
        self.submitted: list[dict[str, Any]] = []
        self.waits: list[int] = []
        self.cancelled: list[str] = []
        self.now = 0.0

    def batch_execute_statement(self, **request: Any) -> dict[str, str]:
        self.submitted.append(request)
        return {"Id": "statement-1"}

    def describe_statement(self, Id: str, WaitTimeSeconds: int) -> dict[str, str]:
        self.waits.append(WaitTimeSeconds)
        self.now += WaitTimeSeconds
        return self.statuses[min(len(self.waits), len(self.statuses)) - 1]

    def cancel_statement(self, Id: str) -> None:
        self.cancelled.append(Id)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "a.sql"
    path.write_text("select '${Name}; '; create procedure p() as $$ begin null; end $$ language plpgsql;")
    return path


def run(client: Script, path: Path, timeout: float = 100.0, **substitutions: str) -> None:
    data.run_script(client, TARGET, path, substitutions, timeout, client.clock)  # type: ignore[arg-type]


@pytest.mark.exhaustive
def test_the_same_scale_factor_gives_the_same_files(tmp_path: Path) -> None:
    """Data are deterministic, and a second call replaces the files of the first."""
    first = {table: path.read_bytes() for table, path in data.generate(tmp_path, 0.001).items()}
    data.generate(tmp_path, 0.002)
    again = {table: path.read_bytes() for table, path in data.generate(tmp_path, 0.001).items()}
    assert first == again
    assert set(first) == set(data.TABLES)


def test_a_wrong_scale_factor_is_told_in_the_generators_words(tmp_path: Path) -> None:
    """When the generator refuses, its own message comes through."""
    with pytest.raises(data.DemoDataError, match="scale"):
        data.generate(tmp_path, "much")  # type: ignore[arg-type]


def test_a_missing_generator_tells_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra `local` the error names it."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(data.DemoDataError, match=r"\[local\]"):
        data.generate(tmp_path)


def test_a_script_is_one_batch_with_its_values_filled_in(script: Path) -> None:
    """`${Name}` is replaced, a procedure's `$$` and a `;` in quotes stay, and all statements go in one call."""
    client = Script([{"Status": "FINISHED"}])
    run(client, script, Name="x")
    body = "create procedure p() as $$ begin null; end $$ language plpgsql"
    assert client.submitted == [{**TARGET, "Sqls": ["select 'x; '", body]}]


def test_a_missing_value_is_refused_before_anything_is_submitted(script: Path) -> None:
    """A script with a `${Name}` that nobody fills in is not sent."""
    client = Script([])
    with pytest.raises(KeyError, match="Name"):
        run(client, script)
    assert not client.submitted


def test_polls_are_as_long_as_the_time_left(script: Path) -> None:
    """Each call waits for up to 30 seconds, the API's limit, and the last one no longer than the deadline."""
    client = Script([{"Status": "STARTED"}, {"Status": "STARTED"}, {"Status": "FINISHED"}])
    run(client, script, timeout=70.0, Name="x")
    assert client.waits == [30, 30, 10]


def test_a_script_that_takes_too_long_is_cancelled(script: Path) -> None:
    """At the deadline the statement is cancelled and the error says so."""
    client = Script([{"Status": "STARTED"}])
    with pytest.raises(data.DemoDataError, match=r"a\.sql was not done in time; statement statement-1"):
        run(client, script, timeout=45.0, Name="x")
    assert client.cancelled == ["statement-1"]


@pytest.mark.parametrize(
    ("described", "told"),
    [({"Status": "FAILED", "Error": "ERROR: no"}, "a.sql: ERROR: no"), ({"Status": "ABORTED"}, "a.sql: ABORTED")],
)
def test_failed_and_aborted_scripts_raise(script: Path, described: dict[str, str], told: str) -> None:
    """Both ends that are no success raise, with Redshift's message where there is one."""
    with pytest.raises(data.DemoDataError) as caught:
        run(Script([described]), script, Name="x")
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("region", "request_"),
    [
        ("us-east-1", {"Bucket": "b"}),
        ("eu-west-1", {"Bucket": "b", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    ],
)
def test_the_bucket_is_made_where_the_client_is(region: str, request_: dict[str, Any]) -> None:
    """S3 wants the region named, except us-east-1."""
    client = boto3.Session("local", "local", region_name=region).client("s3")
    with Stubber(client) as stub:
        stub.add_response("list_buckets", {"Buckets": [{"Name": "other"}]})
        stub.add_response("create_bucket", {}, request_)
        data.upload(client, "b", "p", {})
        stub.assert_no_pending_responses()
