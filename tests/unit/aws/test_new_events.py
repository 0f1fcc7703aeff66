"""Reading a history's new events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.aws.executions import LARGE_PAGE, SMALL_PAGE, Executions
from elt_redshift.runs.history import TaskRuns
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions


def _execution(events: int) -> FakeExecution:
    execution = FakeExecution("run")
    for number in range(events):
        execution.entered(f"state {number}")
    return execution


def _calls(events: int, after: int, many: bool = False) -> int:
    client = FakeStepFunctions(execution := _execution(events))
    found = Executions(client, MACHINE).new_events(execution.arn, after, many)
    assert [event["id"] for event in found] == list(range(after + 1, events + 1))
    return client.calls["GetExecutionHistory"]


@given(events=st.integers(0, 3 * LARGE_PAGE), after=st.integers(0, 3 * LARGE_PAGE), many=st.booleans())
def test_exactly_the_new_events_are_read(events: int, after: int, many: bool) -> None:
    """However long the history and however much of it is known, what is new comes once and in order."""
    known = min(events, after)
    assert _calls(events, known, many) <= 1 + 1 + (events - known) // LARGE_PAGE


@pytest.mark.parametrize("events", [SMALL_PAGE, 5000, 25_000])
@pytest.mark.parametrize("new", [0, 1, SMALL_PAGE - 1])
def test_a_look_is_one_call_however_long_the_history_is(events: int, new: int) -> None:
    """Little news is one small page, also of the longest history that Step Functions keeps."""
    assert _calls(events, max(1, events - new)) == 1


def test_the_first_look_reads_the_largest_pages() -> None:
    """Who comes late to the longest history reads it once, in as few pages as AWS gives."""
    client = FakeStepFunctions(execution := _execution(25_000))
    Executions(client, MACHINE).look(execution.arn, TaskRuns())
    assert client.calls["GetExecutionHistory"] == 25


def test_looks_with_much_news_are_one_call_each() -> None:
    """While every interval brings hundreds of events, only the first such look needs a second call."""
    client, runs = FakeStepFunctions(execution := _execution(10)), TaskRuns()
    for _ in range(5):
        Executions(client, MACHINE).look(execution.arn, runs)
        for number in range(300):
            execution.entered(f"state {number}")
    assert (runs.last_event, client.calls["GetExecutionHistory"]) == (10 + 4 * 300, 5 + 1)
