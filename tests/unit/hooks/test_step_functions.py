"""The hook, over clients whose answers are given."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from elt_redshift.hooks.step_functions import EltHook


class FakeDataApi:
    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self._answer = answer

    def describe_statement(self, Id: str) -> dict[str, Any]:
        if isinstance(self._answer, Exception):
            raise self._answer
        return {"Id": Id, **self._answer}


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeStatement")


ENDED = datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"ResultRows": 0}, "Statement s-1 FINISHED, 0 rows"),
        ({"ResultRows": -1, "Duration": -1, "UpdatedAt": ENDED}, "Statement s-1 FINISHED"),
        (
            {"ResultRows": 1, "Duration": 1_500_000_000, "UpdatedAt": ENDED},
            "Statement s-1 FINISHED, 1 row, 1.500 s in Redshift, from 2026-11-26 01:02:01.500 UTC to 2026-11-26 "
            "01:02:03.000 UTC",
        ),
        (
            {"SubStatements": [{"Id": f"s-1:{n}", "Status": "FINISHED", "ResultRows": n} for n in (2, -1, 3)]},
            "Statement s-1 FINISHED, 5 rows",
        ),
    ],
)
def test_what_redshift_knows_of_a_statement_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], told: str
) -> None:
    """Rows, those of a batch being its parts', and Redshift's own times; what it does not say is left out."""
    monkeypatch.setattr(EltHook, "client", lambda _self, _service: FakeDataApi({"Status": "FINISHED", **answer}))
    found = EltHook(aws_conn_id=None).statement("s-1:2")
    assert found
    assert found.summary == told


def test_no_task_fails_for_what_it_may_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the right to describe statements is missing, nothing is told of them."""
    monkeypatch.setattr(EltHook, "client", lambda _self, _service: FakeDataApi(DENIED))
    assert EltHook(aws_conn_id=None).statement("s-1") is None


def test_a_client_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs a question to Airflow, and in the triggerer every mirror that ends asks for its statement."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    hook = EltHook(aws_conn_id=None)
    assert hook.client("redshift-data") is hook.client("redshift-data")
    assert hook.client("dynamodb") is not hook.client("redshift-data")
    assert hook.client("stepfunctions") is hook.conn


QUIET = """
import logging, airflow
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from elt_redshift.hooks.connection import Connection
for level in ("INFO", "DEBUG"):
    logging.getLogger().setLevel(level)
    print("ours:", flush=True)
    Connection().hook().client("dynamodb")
    Connection(None, "us-east-1").hook().client("dynamodb")
    Connection().hook().conn
    print("others:", flush=True)
    AwsGenericHook(client_type="s3").conn
    AwsGenericHook(client_type="s3", aws_conn_id=None, region_name="us-east-1").conn
"""
NOTICES = ("credentials retrieved from", "No connection ID provided", "Found credentials in")


def test_notices_about_credentials_are_not_written(tmp_path: Path) -> None:
    """Making our clients writes nothing between the lines of a task's log, unless all is logged; other hooks write what
    they always do."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW_CONN_AWS_DEFAULT": "aws://key:secret@/?region_name=us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    done = subprocess.run(
        [sys.executable, "-c", QUIET],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    _, *written = re.split("(?:ours|others):\n", done.stdout)
    found = [[notice for notice in NOTICES if notice in part] for part in written]
    everything = list(NOTICES)
    assert found == [[], everything, everything, everything]
