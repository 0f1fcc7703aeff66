"""Redshift's SQL gives Redshift's results."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .conftest import CLUSTER, fetch, finish
from .corpus import CASES, Case

Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run_in_session(client: Any) -> Iterator[Run]:
    """Runs statements in a session whose search path begins with a schema of its own."""
    schema = f"s{uuid.uuid4().hex[:12]}"
    opened = client.execute_statement(
        Sql=f"create schema {schema}; set search_path to {schema}", SessionKeepAliveSeconds=60, **CLUSTER
    )
    finish(client, opened["Id"])

    def run(sql: str, keep: int = 60) -> dict[str, Any]:
        submitted = client.execute_statement(Sql=sql, SessionId=opened["SessionId"], SessionKeepAliveSeconds=keep)
        return finish(client, submitted["Id"])

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
        assert prepared["Status"] == "FINISHED", prepared["Error"]
    outcome = run_in_session(case.sql)
    if case.error is not None:
        assert outcome["Status"] == "FAILED"
        assert case.error in outcome["Error"]
        return
    if not case.check or outcome["Status"] != "FAILED":
        assert outcome["Status"] == "FINISHED" or case.check, outcome.get("Error")
    if case.check:
        outcome = run_in_session(case.check)
        assert outcome["Status"] == "FINISHED", outcome["Error"]
    if case.count is not None:
        assert outcome["ResultRows"] == case.count
    else:
        assert fetch(client, outcome["Id"]) == case.rows
