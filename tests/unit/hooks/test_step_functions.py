"""The hook, over clients whose answers are given."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        ({"ResultRows": 0}, 0),
        ({"ResultRows": -1}, None),
        ({}, None),
        ({"ResultRows": 9, "SubStatements": [{"ResultRows": 2}, {"ResultRows": -1}, {"ResultRows": 3}]}, 5),
        (DENIED, None),
    ],
)
def test_rows_are_told_where_they_are_known(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any] | Exception, rows: int | None
) -> None:
    """The rows of a batch are those of its parts; what Redshift does not say, or may not say, is None."""
    monkeypatch.setattr(EltHook, "_other", lambda _self, _service: FakeDataApi(answer))
    assert EltHook(aws_conn_id=None).rows("s-1") == rows
