"""What ``status`` shows of an audit item."""

from __future__ import annotations

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
    item: dict[str, Any] = {name: {"S": value} for name, value in values.items()}
    client = MagicMock()
    client.get_paginator("scan").paginate.return_value = [{"Items": [item]}]
    monkeypatch.setattr("boto3.client", lambda *_, **__: client)
    assert main(["status", "--table", "locks"]) == 0
    assert said in capsys.readouterr().out
