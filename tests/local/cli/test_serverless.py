"""`elt-redshift package --serverless`: what Amazon MWAA Serverless would start."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import yaml
from airflow.providers.amazon.aws.operators.step_function import StepFunctionStartExecutionOperator
from airflow.providers.amazon.aws.sensors.step_function import StepFunctionExecutionSensor

from tests import bounds
from tests.local.cli.conftest import Cli
from tests.local.waiting import wait_for

JOB = """
job_id: "{name}"
name: {name}
parameters:
  divisor: {{default: "1"}}
tasks:
  a: {{statement: "select 1 / :divisor::int"}}
"""


def _rendered(operator: Any, context: Any) -> Any:
    operator.render_template_fields(context)
    return operator


def test_a_workflow_starts_its_job_and_waits_for_it(tmp_path: Path, cli: Cli, unique: str) -> None:
    """Amazon's own operators, given what the file says, run the deployed job with the values of the run."""
    (tmp_path / "job.yaml").write_text(JOB.format(name=unique))
    folder = tmp_path / "dist"
    arguments = ("package", tmp_path, "--serverless", "--schedule", "30 5 * * *", "--output", folder)
    status, _, err = cli(*arguments)
    assert (status, "is not deployed in this account and region" in err) == (1, True)
    assert not folder.exists()
    cli("deploy", tmp_path, "--stack", unique, "--cluster", "warehouse", "--user", "awsuser")
    status, out, err = cli(*arguments)
    assert status == 0, out + err
    (file,) = folder.rglob("*.yaml")
    tasks = yaml.safe_load(file.read_text())[unique]["tasks"]
    ti = SimpleNamespace(run_id="manual__2026-11-26T05:30:00+00:00", xcom_pull=lambda task_ids: pushed[task_ids])
    context: Any = {"params": {"divisor": 2}, "ti": ti}
    start, wait = (
        {key: value for key, value in tasks[name].items() if key not in ("operator", "dependencies")}
        for name in ("start_execution", "wait_for_execution")
    )
    started = _rendered(StepFunctionStartExecutionOperator(task_id="start_execution", **start), context)
    arn = started.hook.start_execution(started.state_machine_arn, started.name, started.state_machine_input)
    pushed = {"start_execution": arn}
    waiting = _rendered(StepFunctionExecutionSensor(task_id="wait_for_execution", **wait), context)
    assert waiting.execution_arn == arn
    told = boto3.client("stepfunctions").describe_execution
    wait_for(lambda: told(executionArn=arn)["status"] == "SUCCEEDED", "it has run", bounds.EXECUTION)
    assert '"divisor": "2"' in told(executionArn=arn)["input"]
