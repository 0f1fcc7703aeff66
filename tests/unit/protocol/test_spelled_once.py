"""What programs agree on is spelled out in one file of the package each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import elt_redshift

PACKAGE = Path(elt_redshift.__file__).parent
MODELS = [PACKAGE / "testing" / f"{part}.py" for part in ("dynamodb", "expressions", "parts", "step_functions")]


@pytest.mark.parametrize(
    ("spelled", "where"),
    [
        (r":states:(?!:)", "owners"),
        (r"\"airflow:", "owners"),
        (r"['\"]FINISHED['\"]", "statements"),
        (r"['\"]PICKED['\"]", "statements"),
        (r"['\"]SUCCEEDED['\"]", "executions"),
        (r"['\"]PENDING_REDRIVE['\"]", "executions"),
        (r"['\"]FailedTask['\"]", "audit"),
        (r"['\"]Ready['\"]", "audit"),
        (r"['\"](?:hold|release)['\"]", "policies"),
        (r"attribute_not_exists|UpdateExpression", "dynamodb"),
        (r"ExpiresAt", "joins"),
        (r"MAX_MESSAGE = ", "limits"),
        (r"262_?144", "limits"),
        (r"\b25_?000\b", "limits"),
        (r"1_?048_?576", "limits"),
        (r"LONGEST_STATEMENT = ", "limits"),
        (r"LONG_POLL = ", "limits"),
        (r"NO_STATEMENT = ", "statements"),
        (r"The Data API refused it", "messages"),
    ],
)
def test_an_agreement_is_spelled_once(spelled: str, where: str) -> None:
    """Whoever needs it imports it; the embedded AWS, a product of its own, has AWS's words for itself, and so have the
    simulated services, which read what others write."""
    files = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(PACKAGE / "local")
        and path not in MODELS
        and re.search(spelled, path.read_text(), re.MULTILINE)
    }
    assert files == {f"protocol/{where}.py"}
