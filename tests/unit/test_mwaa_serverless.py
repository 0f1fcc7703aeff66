"""Workflows for Amazon MWAA Serverless, held to what AWS publishes of them."""

from __future__ import annotations

import json
import re
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from airflow.providers.amazon.aws.operators.step_function import StepFunctionStartExecutionOperator
from airflow.providers.amazon.aws.sensors.step_function import StepFunctionExecutionSensor
from jinja2 import Environment

from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob
from elt_redshift.mwaa_serverless import workflow
from tests.unit.asl.jobs import JOBS, job, task

ARN = "arn:aws:states:eu-west-1:111122223333:stateMachine:Sales"
#: Of validator_schema.yaml, version 0.1.4 of AWS's converter: the members that we use, and their types.
DAG = {"dag_id": str, "schedule": str, "params": dict, "tasks": dict}
TASK: dict[str, tuple[type, ...]] = {
    "operator": (str,),
    "dependencies": (list,),
    "retries": (int,),
    "poke_interval": (int,),
    "state_machine_arn": (str, dict, list),
    "state_machine_input": (str, dict, list),
    "name": (str, dict, list),
    "execution_arn": (str, dict, list),
}
DAG_ID = r"[a-zA-Z0-9\-\._]+"
OPERATORS = {
    "airflow.providers.amazon.aws.operators.step_function.StepFunctionStartExecutionOperator": (
        StepFunctionStartExecutionOperator
    ),
    "airflow.providers.amazon.aws.sensors.step_function.StepFunctionExecutionSensor": StepFunctionExecutionSensor,
}
SALES = EltJob(job_id="1", name="sales", parameters={"year": "1998", "region": None})


def _read(of: EltJob, schedule: str | None = None) -> tuple[str, dict[str, Any]]:
    ((name, dag),) = yaml.safe_load(workflow(of, ARN, schedule)).items()
    return name, dag


def _rendered(value: Any, **context: Any) -> Any:
    """As Airflow renders templated fields: texts within objects, too."""
    if isinstance(value, dict):
        return {key: _rendered(one, **context) for key, one in value.items()}
    return Environment().from_string(value).render(macros=SimpleNamespace(uuid=uuid), **context)


@pytest.mark.parametrize("schedule", [None, "30 5 * * 1-5"])
@pytest.mark.parametrize("name", ["chain", "parameters"])
def test_a_workflow_is_of_the_published_form(name: str, schedule: str | None) -> None:
    """Members, types, operators, and limits: up to three retries, texts as parameters."""
    key, dag = _read(JOBS[name], None if name == "parameters" else schedule)
    assert key == dag["dag_id"]
    assert re.fullmatch(DAG_ID, key)
    assert {member: type(value) for member, value in dag.items()}.items() <= DAG.items()
    assert all(isinstance(value, str) for value in dag.get("params", {}).values())
    for one in dag["tasks"].values():
        assert all(isinstance(value, TASK[member]) for member, value in one.items())
        assert one["operator"] in OPERATORS
        assert 0 <= one["retries"] <= 3


def test_amazons_operators_take_what_is_given() -> None:
    """Each member is an argument, and each template is in a field that Airflow renders."""
    _, dag = _read(SALES)
    for name, one in dag["tasks"].items():
        kind = OPERATORS[one["operator"]]
        operator = kind(
            task_id=name, **{key: value for key, value in one.items() if key not in ("operator", "dependencies")}
        )
        templated = {key for key, value in one.items() if "{{" in str(value)}
        assert templated <= set(operator.template_fields)


def test_a_run_is_started_once_under_its_own_name_with_its_values() -> None:
    """Whatever kind of value a run is given is text to the job; what names may not have is not in them."""
    start = _read(SALES)[1]["tasks"]["start_execution"]
    ti = SimpleNamespace(run_id="scheduled__2026-11-26T05:30:00+00:00")
    given = {"params": {"year": 1997, "region": 'a "b" <c>'}, "ti": ti}
    assert _rendered(start["state_machine_input"], **given) == {
        "parameters": {"year": "1997", "region": 'a "b" <c>'},
        "started_by": "Amazon MWAA Serverless, workflow sales",
    }
    assert _rendered(start["name"], **given) == "scheduled__2026-11-26T05-30-00_00-00"
    assert len(_rendered(start["name"], ti=SimpleNamespace(run_id="x" * 200))) == 80
    assert uuid.UUID(_rendered(start["name"], ti=SimpleNamespace()))


def test_the_wait_is_for_the_execution_that_was_started() -> None:
    """Its ARN is what the first task has returned."""
    wait = _read(SALES)[1]["tasks"]["wait_for_execution"]
    pulled = SimpleNamespace(xcom_pull=lambda task_ids: {"start_execution": "arn"}[task_ids])
    assert (_rendered(wait["execution_arn"], ti=pulled), wait["dependencies"]) == ("arn", ["start_execution"])


def test_a_scheduled_workflow_needs_every_value() -> None:
    """Nobody is asked; every parameter without a default is told."""
    with pytest.raises(JobError, match="A scheduled run has no value of 'region', which has no default"):
        workflow(SALES, ARN, "30 5 * * *")


@pytest.mark.parametrize("schedule", ["daily", "@daily", "rate(1 day)", "0 5 * *", ""])
def test_a_schedule_is_five_fields(schedule: str) -> None:
    """MWAA Serverless takes no other."""
    with pytest.raises(JobError, match="is no schedule of five fields"):
        workflow(job(task("a")), ARN, schedule)


def test_texts_stay_texts() -> None:
    """A year is no number in YAML."""
    assert json.loads(json.dumps(_read(SALES)[1]["params"])) == {"year": "1998", "region": ""}
