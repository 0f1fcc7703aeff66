"""A function's calls answer, and fail, as those of Step Functions do."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from elt_redshift.functions.calling import call, named

MOMENT = datetime(2026, 11, 26, 12, tzinfo=UTC)


def _client(answer: Any) -> Any:
    def list_statements(**request: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SimpleNamespace(list_statements=list_statements)


def _refused(code: str, message: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "ListStatements")


def test_an_answer_is_json() -> None:
    """Times are texts, as Step Functions gives them, and what is about HTTP is not there."""
    answer = {"Statements": [{"Id": "s", "CreatedAt": MOMENT}], "ResponseMetadata": {"HTTPStatusCode": 200}}
    told = call(_client(answer), "RedshiftData", "ListStatements", {})
    assert told == {"Statements": [{"Id": "s", "CreatedAt": "2026-11-26T12:00:00.000Z"}]}


@pytest.mark.parametrize(
    ("error", "name", "text"),
    [
        (_refused("ValidationException", "No."), "RedshiftData.ValidationException", "No. (Service: RedshiftData"),
        (_refused("Throttling", "Slow."), "RedshiftData.ThrottlingException", "Slow."),
        (_refused("InternalServerException", "?", 500), "RedshiftData.InternalServerException", "Status Code: 500"),
        (ReadTimeoutError(endpoint_url="x"), "RedshiftData.SdkClientException", "Read timeout"),
    ],
)
def test_an_error_has_the_name_that_step_functions_gives_it(error: Exception, name: str, text: str) -> None:
    """Lambda tells the class of an error by its name, so the class has that name."""
    with pytest.raises(Exception, match=re.escape(text)) as caught:
        call(_client(error), "RedshiftData", "ListStatements", {})
    assert type(caught.value).__name__ == name


def test_a_message_fits_into_an_item() -> None:
    """However long the service's words are."""
    assert len(str(named("Long", "x" * 10_000))) == 2000
