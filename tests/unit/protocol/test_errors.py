"""Errors are told apart by name and text, in one table."""

from __future__ import annotations

import re

import pytest

from elt_redshift.protocol import errors
from elt_redshift.protocol.errors import Kind


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("ThrottlingException", "Rate exceeded", "throttled"),
        ("RedshiftData.RedshiftDataException", "Rate exceeded (Service: RedshiftData, Status Code: 400)", "throttled"),
        ("RedshiftData.ValidationException", "An error occurred (ThrottlingException) when …", "throttled"),
        ("RedshiftData.ActiveStatementsExceededException", "Active statements exceeded the quota (500).", "throttled"),
        ("ActiveWaitingRequestsExceededException", "", "throttled"),
        ("RedshiftData.InternalServerException", "", "connection"),
        (
            "RedshiftData.RedshiftDataException",
            "null (Service: RedshiftData, Status Code: 503)",
            "connection",
        ),
        ("EndpointConnectionError", "Could not connect to the endpoint URL", "connection"),
        ("ReadTimeoutError", "Read timeout on endpoint URL", "connection"),
        ("DatabaseConnectionException", "Connection to a database failed.", "connection"),
        ("", "ERROR: 1023\nDETAIL: Serializable isolation violation on table - 1", "conflict"),
        ("", "ERROR: could not complete because of conflict with concurrent transaction", "conflict"),
        ("ValidationException", "Parameters list contains unused parameters.", "other"),
        ("AccessDeniedException", "User is not authorized to perform: redshift-data:DescribeStatement", "other"),
        ("ResourceNotFoundException", "Query does not exist.", "other"),
        ("", 'ERROR: relation "no_such_table" does not exist', "other"),
    ],
)
def test_the_kind_of_an_error(name: str, text: str, kind: Kind) -> None:
    """A throttle is a throttle in whatever exception it comes, and a lost connection whoever tells of it."""
    assert errors.kind(name, text) == kind
    assert errors.passes(name, text) == (kind in ("throttled", "connection"))


def test_state_machines_read_the_patterns_too() -> None:
    """JSONata's regular expressions end at a slash."""
    pattern = errors.pattern(*errors.PASSING, "conflict")
    assert "/" not in pattern
    assert re.search(pattern, "RedshiftData.ValidationException ThrottlingException")
