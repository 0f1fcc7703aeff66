"""Redshift's SQL gives Redshift's results."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import CLUSTER, fetch, finish
from .corpus import CASES, Case

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run_in_session(client: Any) -> Iterator[Run]:
    """Runs a statement to its end, in a session whose search path begins with a schema of its own."""
    schema = f"s{uuid.uuid4().hex[:12]}"

    def run(sql: str, keep: int = 60, **members: Any) -> dict[str, Any]:
        where = members or {"SessionId": opened["SessionId"]}
        asked = {"Sql": sql, "SessionKeepAliveSeconds": keep, "WaitTimeSeconds": 30}
        answer: dict[str, Any] = client.execute_statement(**asked, **where)
        return answer

    opened = run(f"create schema {schema}; set search_path to {schema}", **CLUSTER)
    yield run
    run("rollback")
    run(f"drop schema {schema} cascade", keep=0)


def test_the_corpus_is_large_and_unambiguous() -> None:
    """There are at least 80 cases, their names differ, and each says exactly one thing to expect."""
    assert len(CASES) >= 80
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert sum(expected is not None for expected in (case.rows, case.count, case.error)) == 1, case.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, run_in_session: Run, client: Any) -> None:
    """The statement ends as the case says."""
    for statement in case.setup:
        prepared = run_in_session(statement)
        assert prepared["Status"] == "FINISHED", finish(client, prepared["Id"])["Error"]
    outcome = finish(client, run_in_session(case.sql)["Id"])
    if case.error is not None:
        assert outcome["Status"] == "FAILED"
        assert case.error in outcome["Error"]
        return
    if not case.check or outcome["Status"] != "FAILED":
        assert outcome["Status"] == "FINISHED" or case.check, outcome.get("Error")
    if case.check:
        outcome = finish(client, run_in_session(case.check)["Id"])
        assert outcome["Status"] == "FINISHED", outcome["Error"]
    if case.count is not None:
        assert outcome["ResultRows"] == case.count
    else:
        assert fetch(client, outcome["Id"]) == case.rows
