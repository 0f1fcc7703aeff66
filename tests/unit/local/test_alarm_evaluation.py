"""Alarms of the embedded AWS are judged as CloudWatch's guide tells."""

from __future__ import annotations

import pytest

from elt_redshift.local.cloudwatch.evaluation import Rule, State

STATES: dict[str, State] = {"OK": "OK", "ALARM": "ALARM", "unknown": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("newest_last", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "OK", "OK", "OK", "OK"),
        ("0----", "OK", "OK", "OK", "OK"),
        ("-----", "unknown", "kept", "ALARM", "OK"),
        ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("--X--", "ALARM", "kept", "ALARM", "OK"),
    ],
)
def test_missing_values_count_as_the_alarm_says(
    newest_last: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    """Three of three must breach, five are looked at; a value that is not there is what the alarm takes it for.

    The cases: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    values = [{"0": 0.0, "X": 2.0, "-": None}[one] for one in reversed(newest_last)]
    wanted = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}
    for treated, expected in wanted.items():
        rule = Rule("GreaterThanThreshold", 1, periods=3, to_alarm=3, missing=treated)
        assert rule.looked_at == len(values)
        for current in STATES.values():
            state, _ = rule.judge(values, current)
            assert state == (current if expected == "kept" else STATES[expected]), treated


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [2.0]),
        ("GreaterThanOrEqualToThreshold", [1.0, 2.0]),
        ("LessThanThreshold", [0.0]),
        ("LessThanOrEqualToThreshold", [0.0, 1.0]),
    ],
)
def test_values_are_compared_with_the_threshold(comparison: str, breaching: list[float]) -> None:
    """Above or below it, with it or without."""
    rule = Rule(comparison, 1, periods=1, to_alarm=1, missing="missing")
    assert [value for value in (0.0, 1.0, 2.0) if rule.judge([value], "OK")[0] == "ALARM"] == breaching


def test_some_of_the_latest_values_suffice_if_the_alarm_says_so() -> None:
    """Two of three ring it, and the fourth is not looked at; the reason tells them."""
    rule = Rule("GreaterThanThreshold", 1, periods=3, to_alarm=2, missing="missing")
    state, why = rule.judge([2.0, 0.0, 2.0, 0.0, 0.0], "OK")
    assert state == "ALARM"
    assert why == (
        "Threshold Crossed: 2 out of the last 3 datapoints [2.0, 0.0, 2.0] was greater than the threshold (1.0)."
    )
    assert rule.judge([0.0, 0.0, 2.0, 2.0, 2.0], "ALARM")[0] == "OK"
