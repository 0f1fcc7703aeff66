"""A job as a DAG: it starts the state machine's execution, and each task of the job shows as a task of Airflow.

::

    from elt_redshift import EltJob, elt_dag

    dag = elt_dag(EltJob.load("yearly_sales"), schedule="@yearly")

In a DAG of one's own, the same tasks are a TaskGroup::

    with DAG("mine", schedule="@yearly"):
        elt_task_group(EltJob.load("yearly_sales")) >> my_task
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from elt_redshift import forms, notes
from elt_redshift.airflow_compat import DAG, TaskGroup
from elt_redshift.exceptions import JobError, Problem
from elt_redshift.hooks.connection import Connection
from elt_redshift.job import schedules
from elt_redshift.job.findings import Findings, did_you_mean
from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.job.parameters import check as check_parameter
from elt_redshift.mirrors import Mirrors, add_mirrors, refuse, shown_groups
from elt_redshift.operators.drift import OnDrift

__all__ = ["elt_dag", "elt_task_group"]

#: Airflow wants a first date. Without catchup it starts nothing, it only allows.
FIRST_DATE = datetime(1970, 1, 1, tzinfo=UTC)


def elt_dag(
    job: EltJob,
    *,
    engine: Literal["step_functions", "airflow"] = "step_functions",
    dag_id: str | None = None,
    schedule: Any = None,
    start_date: datetime | None = None,
    parameters: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    state_machine_arn: str | None = None,
    stack: str | None = None,
    audit_table: str | None = None,
    warehouse: Mapping[str, str] | None = None,
    role_arn: str | None = None,
    aws_conn_id: str | None = "aws_default",
    region_name: str | None = None,
    verify: bool | str | None = None,
    botocore_config: dict[str, Any] | None = None,
    poll_interval: float = 5.0,
    deferrable: bool = True,
    mirrors: Mirrors = "auto",
    on_drift: OnDrift | None = None,
    catchup: bool = False,
    **dag_kwargs: Any,
) -> DAG:
    """The DAG of a job: ``start_execution``, then one mirror for each task of the job, with the job's names and edges.

    :param engine: who runs the SQL: the job's state machine, which the DAG shows; or ``airflow``, whose workers run it
        between ``acquire_lock`` and ``release_lock``.
    :param dag_id: default: the job's name.
    :param schedule: as Airflow's DAG takes it; default: only when triggered. Beside a schedule in the job, by which
        EventBridge Scheduler starts it, this is warned of.
    :param start_date: the first date that runs and backfills may have; default: any. Needed with ``catchup``.
    :param parameters: a Jinja template for each of the job's parameters, such as
        ``{"year": "{{ data_interval_start.year }}"}``. A parameter without one becomes a Param, which Airflow's trigger
        form asks for.
    :param params: Params of your own, beside those.
    :param state_machine_arn: default: the state machine of the job's stack, looked up when the DAG runs.
    :param stack: the stack; needed only where the job is deployed more than once.
    :param audit_table: engine ``airflow`` only: the name of the audit table, or the address of one in Redshift; a job
        with ``audit_store: redshift`` has it in its warehouse by default.
    :param warehouse: engine ``airflow`` only: where to run, as RedshiftSqlOperator takes it, such as
        ``{"database": "dev", "workgroup_name": "etl", "secret_arn": "arn:…"}``.
    :param role_arn: engine ``airflow`` only: what ``${RedshiftIAMRoleARN}`` stands for.
    :param aws_conn_id: the Airflow connection to AWS.
    :param region_name: default: the connection's.
    :param verify: as Amazon's operators take it, like ``botocore_config``, a dict.
    :param poll_interval: seconds between two looks at the execution; one look serves all mirrors.
    :param deferrable: let mirrors wait in the triggerer (default), or on their workers.
    :param mirrors: what each of the DAG's tasks shows: a task of the job (``tasks``), a group of them, by their folders
        (``groups``), or all (``one``); default: tasks, and groups in jobs of more than 200.
    :param on_drift: what a run does where the deployed job is another than this one: see
        :class:`~elt_redshift.operators.step_functions.StartExecutionOperator`.
    :param dag_kwargs: whatever else Airflow's DAG takes, such as ``tags`` or ``default_args``; it goes before what the
        job says about itself.
    :raises JobError: ``mirrors`` is none of these; a template is for a parameter that the job does not have; a
        parameter's default is not of its type; the DAG has a schedule and a parameter has neither template nor default;
        it catches up from no date; or its ``default_args`` ask for more retries than tasks of the job have, which only
        the state machine could make.
    """
    if schedule is not None and job.schedule and job.schedule.enabled:
        warnings.warn(schedules.scheduled_twice(job.name, job.schedule), stacklevel=2)
    templates = dict(parameters or {})
    asked = {p.name: p for p in job.parameters if p.name not in templates}
    default_args = dag_kwargs.get("default_args") or {}
    begin = start_date or default_args.get("start_date")
    retries = default_args.get("retries") if engine == "step_functions" else None
    refuse(mirrors, f"elt_dag of job {job.name}", engine)
    _check(job, templates, asked, schedule, catches_up=catchup and begin is None, retries=retries)
    dag = DAG(
        dag_id=dag_id or job.name,
        schedule=schedule,
        start_date=begin or FIRST_DATE,
        catchup=catchup,
        params={**{name: forms.param(parameter) for name, parameter in asked.items()}, **(params or {})},
        **{**_words(job, mirrors), **dag_kwargs, "default_args": {**_owner(job), **default_args}},
    )
    templates = {**{name: forms.template(name) for name in asked}, **templates}
    aws = Connection(aws_conn_id, region_name, verify, botocore_config)
    options: dict[str, Any] = {"poll_interval": poll_interval, "deferrable": deferrable}
    if engine == "airflow":
        from elt_redshift.native import add_tasks  # other DAG files need none of it

        native: dict[str, Any] = {"audit_table": audit_table, "warehouse": warehouse, "role_arn": role_arn}
        add_tasks(dag, job, templates, aws, **native, **options)
        return dag
    where = {"state_machine_arn": state_machine_arn, "stack": stack, "on_drift": on_drift}
    with dag:
        add_mirrors(dag, job, templates, where, mirrors, **options, **aws.arguments)
    return dag


def _words(job: EltJob, mirrors: Mirrors) -> dict[str, Any]:
    """What the job says about itself, as a DAG shows it."""
    described = notes.of_job(job, shown_groups(job, mirrors))
    words = {"description": job.description, "tags": list(job.tags), "doc_md": described}
    return {name: value for name, value in words.items() if value}


def _owner(job: EltJob) -> dict[str, str]:
    return {"owner": job.owner} if job.owner else {}


def elt_task_group(
    job: EltJob,
    *,
    group_id: str | None = None,
    parameters: Mapping[str, str] | None = None,
    state_machine_arn: str | None = None,
    stack: str | None = None,
    aws_conn_id: str | None = "aws_default",
    region_name: str | None = None,
    verify: bool | str | None = None,
    botocore_config: dict[str, Any] | None = None,
    poll_interval: float = 5.0,
    deferrable: bool = True,
    mirrors: Mirrors = "auto",
    on_drift: OnDrift | None = None,
    default_args: Mapping[str, Any] | None = None,
) -> TaskGroup:
    """The tasks of :func:`elt_dag` in the DAG at hand, as a TaskGroup: for several jobs, or other tasks, in one DAG.

    :param group_id: default: the job's name.
    :param parameters: a Jinja template, or text, for each of the job's parameters that has no default, and for others
        at will. (The DAG is yours, so no Params are made: write ``{{ params.year }}`` where you have one.)
    :param default_args: of these tasks only; they go before the DAG's.
    :raises JobError: a template is for a parameter that the job does not have; a parameter has neither template nor
        default; or the ``default_args`` ask for more retries than tasks of the job have, which only the state machine
        could make.
    """
    templates = dict(parameters or {})
    missing = {p.name: p for p in job.parameters if p.name not in templates}
    where = {"state_machine_arn": state_machine_arn, "stack": stack, "on_drift": on_drift}
    aws = Connection(aws_conn_id, region_name, verify, botocore_config).arguments
    own: Any = dict(default_args or {})
    refuse(mirrors, f"elt_task_group of job {job.name}")
    with TaskGroup(group_id or job.name, tooltip=job.description, default_args=own) as group:
        group.default_args = {**_owner(job), **group.dag.default_args, **group.default_args}
        retries = group.default_args.get("retries")
        _check(job, templates, missing, "the DAG's", catches_up=False, retries=retries, caller="elt_task_group")
        options: dict[str, Any] = {"poll_interval": poll_interval, "deferrable": deferrable}
        add_mirrors(group.dag, job, templates, where, mirrors, **options, **aws)
    return group


def _check(
    job: EltJob,
    templates: Mapping[str, str],
    asked: Mapping[str, Parameter],
    schedule: Any,
    catches_up: bool,
    retries: int | None,
    caller: str = "elt_dag",
) -> None:
    findings = Findings(f"job {job.name}")
    for parameter in job.parameters:
        check_parameter(parameter, findings)
    where = f"{caller} of job {job.name}"
    place = f"{where}: parameters"
    known = [parameter.name for parameter in job.parameters]
    problems = list(findings.problems)
    problems += [
        Problem(place, f"The job has no parameter '{name}'.", did_you_mean(name, known))
        for name in templates
        if name not in known
    ]
    problems += [
        Problem(
            place,
            f"Parameter '{name}' has neither a template nor a default, and nobody is asked for it.",
            f'Give a template, parameters={{"{name}": "{{{{ … }}}}"}}, or a default in the job.',
        )
        for name, parameter in asked.items()
        if schedule is not None and parameter.default is None
    ]
    if catches_up:
        place = f"{where}: catchup"
        problems.append(Problem(place, "There is no date to catch up from.", "Give a start_date."))
    problems += _retries(job, retries or 0, caller)
    if problems:
        raise JobError(problems)


def _retries(job: EltJob, wanted: int, caller: str) -> list[Problem]:
    """Retries that a mirror cannot make: it only shows what the state machine does."""
    fewer = [task.name for task in job.tasks if task.retry_rule.times < wanted]
    if not fewer:
        return []
    others = f" and {len(fewer) - 1} more" if len(fewer) > 1 else ""
    message = f"retries is {wanted}, but Airflow's retries do not run the SQL of {fewer[0]}{others} again."
    own = 'give elt_task_group default_args={"retries": 0}'
    otherwise = 'use engine="airflow"' if caller == "elt_dag" else own
    remedy = f"Write retries: {wanted} at the tasks in the job, or take it out of default_args, or {otherwise}."
    return [Problem(f"{caller} of job {job.name}: default_args", message, remedy)]
