"""docs/operations.md: whoever is told something finds there what it means, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from elt_redshift.aws.template import alarms
from elt_redshift.job.model import Notify, Schedule
from elt_redshift.protocol import notices, records
from tests.unit.asl.jobs import job, task

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
EVERYTHING = job(task("a"), schedule=Schedule(rate="1 day"), notify=Notify(not_succeeded_for=2))


def _rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    lines = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][1:]


def _subjects() -> list[str]:
    return ["".join(parts) for parts in notices.subjects("sales", "load").values()]


@pytest.mark.parametrize("subject", _subjects())
def test_each_notification_is_explained(subject: str) -> None:
    """By its subject, with its kind, what happened and what to do."""
    (found,) = [row for row in _rows("Notifications") if row[0] == f"*{subject}*"]
    _, kind, *said = found
    assert kind.strip("`") in notices.KINDS
    assert all(said)


def test_nothing_is_explained_that_nobody_is_told() -> None:
    """No subject that is none, nor a kind that is none."""
    rows = _rows("Notifications")
    assert sorted(row[0].strip("*") for row in rows) == sorted(_subjects())
    assert {row[1].strip("`") for row in rows} == {*notices.KINDS}


def test_each_alarm_is_explained() -> None:
    """By the name that it has in the template: when it rings, and what to do; and no other is."""
    rows = _rows("Alarms")
    named = [name for row in rows for name in re.findall(r"\*(\w+Alarm)\*", row[0])]
    assert sorted(named) == sorted(alarms.part(EVERYTHING).resources)
    assert all(len(row) == 3 and all(row) for row in rows)


def test_each_outcome_is_explained() -> None:
    """Those that the history keeps."""
    (row,) = [row for row in _rows("Past runs") if row[0] == "`Outcome`"]
    assert {*re.findall(r"`(\w+)`", row[1])} == {*records.OUTCOMES}
