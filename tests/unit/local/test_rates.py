"""How often calls are let through."""

from __future__ import annotations

import pytest

from elt_redshift.local import rates
from elt_redshift.local.errors import LocalAwsError


def test_a_bucket_fills_as_time_passes() -> None:
    """As many as it holds pass at once, then those of its rate; what is refused takes nothing."""
    now = 0.0
    bucket = rates.TokenBucket(2, 3, lambda: now)
    assert [bucket.take() for _ in range(5)] == [True] * 3 + [False] * 2
    now = 0.25
    assert not bucket.take()
    now = 0.5
    assert [bucket.take(), bucket.take()] == [True, False]
    now = 100.0
    assert [bucket.take() for _ in range(4)] == [True] * 3 + [False]


def test_given_rates() -> None:
    """AWS's, of which some are others."""
    assert rates.given([]) == {}
    assert rates.given(["aws", "ExecuteStatement=2.5"]) == {**rates.DATA_API, "ExecuteStatement": 2.5}


@pytest.mark.parametrize("text", ["", "30", "ExecuteStatement", "ExecuteStatement=0", "GetItem=3", "ListTables=inf"])
def test_what_is_no_rate(text: str) -> None:
    """It is refused in one line."""
    with pytest.raises(LocalAwsError, match="is no rate"):
        rates.given([text])
