"""What ``status`` shows of an audit item."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import MagicMock

import pytest

from elt_redshift.cli.main import main
from elt_redshift.protocol.audit import NO_TASK


@pytest.mark.parametrize(
    ("task", "said"),
    [("load", "Task load failed: Ann stopped it."), (NO_TASK, "The run failed: Ann stopped it.")],
)
def test_a_failure_in_no_task_is_the_run_s(
    task: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was stopped between its tasks failed in none of them."""
    values = {"JobID": "101", "JobState": "Failed", "FailedTask": task, "FailureMessage": "Ann stopped it."}
    _has(monkeypatch, {name: {"S": value} for name, value in values.items()})
    assert main(["status", "--table", "locks"]) == 0
    assert said in capsys.readouterr().out


def _has(monkeypatch: pytest.MonkeyPatch, item: dict[str, Any]) -> None:
    """There is one audit item."""
    client = MagicMock()
    client.get_paginator("scan").paginate.return_value = [{"Items": [item]}]
    monkeypatch.setattr("boto3.client", lambda *_, **__: client)


RUNS = "arn:aws:states:us-east-1:123456789012:execution:job:"
OWNED = {"JobID": {"S": "101"}, "JobState": {"S": "Running"}, "Owner": {"S": f"{RUNS}first"}, "FenceNumber": {"N": "7"}}


def test_who_waits_for_the_lock_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order in which they get it, and since when; to people, programs and spreadsheets."""
    tickets = [f"2026-01-01T00:00:0{second}.000Z {RUNS}run{second}" for second in (3, 2)]
    _has(monkeypatch, {**OWNED, "Waiting": {"SS": tickets}})
    assert main(["status", "--table", "locks"]) == 0
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "run2 waits since" in words
    assert words.index("run2 waits") < words.index("run3 waits")
    assert main(["status", "--table", "locks", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["owner"], row["number"]) == (f"{RUNS}first", "7")
    assert row["waiting"] == [
        {"since": f"2026-01-01T00:00:0{second}.000Z", "run": f"{RUNS}run{second}"} for second in (2, 3)
    ]
    assert main(["status", "--table", "locks", "--csv"]) == 0
    assert f"{RUNS}run2" in capsys.readouterr().out


@pytest.mark.parametrize("waiting", [{}, {"Waiting": {"S": "nobody"}}, {"Waiting": {"SS": ["nobody"]}}])
def test_tickets_that_somebody_has_spoilt_are_no_trouble(
    waiting: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest of the item is shown."""
    _has(monkeypatch, {**OWNED, **waiting})
    assert main(["status", "--table", "locks"]) == 0
    assert "first" in capsys.readouterr().out
