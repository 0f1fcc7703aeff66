"""A DAG that shows another job than the deployed one says so before anything runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from elt_redshift.airflow_compat import AirflowException, AirflowFailException
from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.definitions import Definitions
from elt_redshift.job.model import EltJob
from elt_redshift.operators.drift import drift
from elt_redshift.operators.step_functions import StartExecutionOperator
from tests.unit.asl.jobs import job, task
from tests.unit.fake_step_functions import MACHINE, FakeStepFunctions

DAGS_JOB = job(task("a"), task("b", "a", sql=("select 1", "select 2")))


def _deployed(deployed: EltJob) -> FakeStepFunctions:
    definition = compile_job(deployed).definition()
    return FakeStepFunctions(definition=json.dumps(definition))


def _found(deployed: EltJob) -> Any:
    return drift(DAGS_JOB, Definitions(_deployed(deployed), lambda: None).deployed(MACHINE))


def test_the_same_job_does_not_differ() -> None:
    """Neither how it is run nor the order of its tasks counts."""
    assert _found(job(task("b", "a", sql=("select 1", "select 2"), retries=3), task("a", wait="poll"))) is None


@pytest.mark.parametrize(
    ("deployed", "words"),
    [
        (job(task("a")), "only the DAG has b"),
        (job(*DAGS_JOB.tasks, task("c")), "the DAG lacks c"),
        (job(task("a"), task("b", sql=("select 1", "select 2"))), "other upstreams of b"),
    ],
)
def test_another_graph_fails_the_start(deployed: EltJob, words: str) -> None:
    """The DAG would show one graph and run another; the message names the tasks, and what to do."""
    found = _found(deployed)
    assert words in str(found)
    assert "elt-redshift deploy" in str(found)
    assert (found.fails(None), found.fails("warn"), found.fails("fail")) == (True, False, True)


def test_other_sql_is_a_warning_and_shows() -> None:
    """What is behind the changed task does not differ itself; the deployed SQL is what mirrors show."""
    found = _found(job(task("a", sql=("select 'new'",)), DAGS_JOB.task("b")))
    assert "other SQL in a." in str(found)
    assert found.shown == {"a": "select 'new';"}
    assert (found.fails(None), found.fails("fail")) == (False, True)


def test_a_definition_of_an_older_version_is_not_judged() -> None:
    """It does not tell what its tasks are."""
    client = FakeStepFunctions(definition='{"States": {}}')
    assert drift(DAGS_JOB, Definitions(client, lambda: None).deployed(MACHINE)) is None


def test_an_unknown_policy_is_refused_when_the_file_is_parsed() -> None:
    """The error names it and its choices."""
    with pytest.raises(AirflowException, match="on_drift is 'no'; it must be one of fail, warn, ignore"):
        StartExecutionOperator(task_id="start", job=DAGS_JOB, on_drift="no")  # type: ignore[arg-type]


@pytest.mark.parametrize(("on_drift", "started"), [(None, False), ("fail", False), ("warn", True), ("ignore", True)])
def test_nothing_starts_where_the_graph_differs(monkeypatch: pytest.MonkeyPatch, on_drift: Any, started: bool) -> None:
    """Unless the user has said otherwise."""
    from elt_redshift.hooks.connection import Connection
    from tests.unit.operators.stand_ins import FakeHook, FakeTaskInstance

    client = _deployed(job(task("a")))
    monkeypatch.setattr(Connection, "hook", lambda _: FakeHook(client))
    start = StartExecutionOperator(task_id="start_execution", job=DAGS_JOB, on_drift=on_drift)
    if started:
        start.execute({"ti": FakeTaskInstance()})  # type: ignore[typeddict-item]
    else:
        with pytest.raises(AirflowFailException, match="only the DAG has b"):
            start.execute({"ti": FakeTaskInstance()})  # type: ignore[typeddict-item]
    assert bool(client.executions) == started
