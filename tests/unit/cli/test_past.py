"""What the commands about past runs take and print."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta

import pytest

from elt_redshift.cli.listing import show
from elt_redshift.cli.main import main
from elt_redshift.cli.past import moment

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T05:30", datetime(2026, 11, 24, 5, 30, tzinfo=UTC)),
        ("2026-11-24T05:30+01:00", datetime(2026, 11, 24, 4, 30, tzinfo=UTC)),
        ("7d", NOW - timedelta(days=7)),
        ("90m", NOW - timedelta(minutes=90)),
    ],
)
def test_a_time_is_read_in_utc(text: str, meant: datetime) -> None:
    """Unless it says otherwise; or it is so long ago."""
    assert moment(text, NOW) == meant


@pytest.mark.parametrize("text", ["yesterday", "7", "9999999d", "999999d", "2026-13-01", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(argparse.ArgumentTypeError, match=r"is no time. Write 2026-11-24"):
        moment(text, NOW)


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1000000"])
def test_a_limit_is_a_number(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is wrong usage."""
    with pytest.raises(SystemExit):
        main(["history", "hello", "--limit", limit])
    assert f"'{limit}' is no number from 1 to 100,000" in capsys.readouterr().err


def test_the_same_rows_for_programs_and_spreadsheets(capsys: pytest.CaptureFixture[str]) -> None:
    """In CSV an object is JSON, and what is not there is empty."""
    rows = [{"a": "x, y", "b": None, "more": 1}, {"a": {"k": "ü"}, "b": 2, "more": 1}]
    show(argparse.Namespace(json=True, csv=False), ("a", "b"), rows, str)
    assert json.loads(capsys.readouterr().out) == [{"a": "x, y", "b": None}, {"a": {"k": "ü"}, "b": 2}]
    show(argparse.Namespace(json=False, csv=True), ("a", "b"), rows, str)
    assert capsys.readouterr().out == 'a,b\n"x, y",\n"{""k"": ""ü""}",2\n'
