"""The Express state machine that answers to events."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.patterns.answering import event_pattern
from elt_redshift.job.model import EltJob
from elt_redshift.local.stepfunctions.jsonata import evaluate

from .jobs import JOBS, task

GOLDEN = Path(__file__).parent / "answering.json"
TOKEN = "AAAA/KgAA+AAB//" + "x" * 600 + "=="


def test_the_machine_is_the_golden_one() -> None:
    """It is exactly the one that was reviewed, whatever the job's tasks are."""
    definition = compile_job(JOBS["event"]).answering()
    if os.environ.get("ELT_REDSHIFT_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(definition, indent=1, ensure_ascii=False) + "\n")
    assert definition == json.loads(GOLDEN.read_text()) == compile_job(JOBS["events"]).answering()


def _first_rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = compile_job(JOBS["event"]).answering()["States"]["end of statement"]["Choices"]
    return rules


def _value(code: str, detail: dict[str, str]) -> Any:
    return evaluate(code.removeprefix("{%").removesuffix("%}").strip(), {"states": {"input": detail}})


@pytest.mark.parametrize(
    ("name", "id", "state", "expected"),
    [
        (f"101/run/a/1/{TOKEN}", "s1", "FINISHED", "succeed task"),
        (f"101/run/a/1/{TOKEN}", "s1", "FAILED", "fail task"),
        (f"101/run/a/1/{TOKEN}", "s1", "ABORTED", "fail task"),
        (f"101/run/a/1/{TOKEN}", "s1:1", "FINISHED", None),
        ("101/run/a/1", "s1", "FINISHED", None),
        ("101/run/a/1/t", "s1", "STARTED", None),
    ],
)
def test_events_are_sorted(name: str, id: str, state: str, expected: str | None) -> None:
    """A name without a token, and a batch's single statements, which end before their batch, are left alone."""
    detail = {"statementName": name, "statementId": id, "state": state}
    assert next((rule["Next"] for rule in _first_rules() if _value(rule["Condition"], detail)), None) == expected


@pytest.mark.parametrize("token", [TOKEN, "plain"])
def test_the_token_is_all_that_stands_behind_the_attempt(token: str) -> None:
    """A token holds slashes of its own."""
    detail = {"statementName": f"101/run/a/1/{token}", "statementId": "s1", "state": "FINISHED"}
    assert _value(_first_rules()[0]["Output"]["token"], detail) == token


def test_the_pattern_takes_the_jobs_own_statements() -> None:
    """The slash keeps job 101 from getting the events of job 1012."""
    assert event_pattern("101")["detail"]["statementName"] == [{"prefix": "101/"}]


def test_the_map_layout_polls_instead() -> None:
    """One set of states serves every task there, and none of it waits for an event."""
    tasks = (task("a", wait="event"), task("b", "a", wait="event"))
    machine = compile_job(EltJob(job_id="101", name="sample", tasks=tasks, layout="map"))
    definition = json.dumps(machine.definition())
    assert not machine.events
    assert "WithEvent" not in definition
    assert "WaitTimeSeconds" in definition
