"""What Amazon MWAA Serverless is given: for each job a workflow that starts an execution of its state machine and waits
for it.

A workflow is YAML as dag-factory reads it, of Amazon's own operators only, and has no plugins:
https://docs.aws.amazon.com/mwaa/latest/mwaa-serverless-userguide/operators.html. Which members it may have, AWS's
converter publishes (validator_schema.yaml of https://github.com/awslabs/python-to-yaml-dag-converter-mwaa-serverless);
their limits, https://docs.aws.amazon.com/mwaa/latest/mwaa-serverless-userguide/supported-airflow-parameters.html.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from elt_redshift.exceptions import JobError, Problem
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.executions import STARTED_BY
from elt_redshift.protocol.limits import MAX_NAME

START, WAIT = "start_execution", "wait_for_execution"
_PROVIDER = "airflow.providers.amazon.aws"

#: A task may be tried so often again. One try lasts an hour at most, which Amazon MWAA Serverless does not prolong.
RETRIES = 3
POKE_SECONDS = 30

#: Minute, hour, day, month, day of the week.
_CRON = re.compile(r"\S+( \S+){4}")

#: Step Functions starts a name once, so a start that is tried again starts nothing more. A run's id has what names may
#: not have. (Without an id, which Airflow promises and AWS's list of variables does not name, each try has its own.)
_NAME = f"{{{{ ((ti.run_id or macros.uuid.uuid4()) | string | replace(':', '-') | replace('+', '_'))[:{MAX_NAME}] }}}}"


def workflow(job: EltJob, state_machine_arn: str, schedule: str | None = None) -> bytes:
    """The workflow's definition.

    :param schedule: five fields of cron, in UTC; default: it runs when somebody starts it.
    :raises JobError: the schedule is none, or a run of it would lack a value.
    """
    if schedule is not None:
        _check(job, schedule)
    # A value that is missing is an empty one, which the state machine refuses with its name.
    values = {one.name: "" if one.default is None else str(one.default) for one in job.parameters}
    definition = {
        "dag_id": job.name,
        **({"schedule": schedule} if schedule else {}),
        **({"params": values} if values else {}),
        "tasks": {START: _start(job, state_machine_arn), WAIT: _wait()},
    }
    return yaml.safe_dump({job.name: definition}, sort_keys=False, width=120).encode()


def _start(job: EltJob, state_machine_arn: str) -> dict[str, Any]:
    values = {one.name: _value(one.name) for one in job.parameters}
    return {
        "operator": f"{_PROVIDER}.operators.step_function.StepFunctionStartExecutionOperator",
        "state_machine_arn": state_machine_arn,
        "name": _NAME,
        "state_machine_input": {"parameters": values, STARTED_BY: f"Amazon MWAA Serverless, workflow {job.name}"},
        "retries": RETRIES,
    }


def _value(parameter: str) -> str:
    """A parameter as text, also where a run was given a number or a boolean."""
    given = f"params.{parameter}"
    return f"{{{{ {given} if {given} is string else {given} | tojson }}}}"


def _wait() -> dict[str, Any]:
    return {
        "operator": f"{_PROVIDER}.sensors.step_function.StepFunctionExecutionSensor",
        "execution_arn": f"{{{{ ti.xcom_pull(task_ids='{START}') }}}}",
        "poke_interval": POKE_SECONDS,
        "retries": RETRIES,
        "dependencies": [START],
    }


def _check(job: EltJob, schedule: str) -> None:
    place = f"job {job.name}"
    if not _CRON.fullmatch(schedule):
        raise JobError([Problem(place, f"'{schedule}' is no schedule of five fields.", "Give one, as '30 5 * * *'.")])
    missing = [one.name for one in job.parameters if one.default is None]
    if missing:
        problems = [f"A scheduled run has no value of '{name}', which has no default." for name in missing]
        raise JobError([Problem(place, problem, "Give it one in job.yaml.") for problem in problems])
