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
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from elt_redshift import forms, notes
from elt_redshift.airflow_compat import DAG, TaskGroup
from elt_redshift.exceptions import JobError, Problem
from elt_redshift.hooks.connection import Connection
from elt_redshift.job import schedules
from elt_redshift.job.findings import Findings, did_you_mean
from elt_redshift.job.keys import START_TASK
from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.job.parameters import check as check_parameter
from elt_redshift.operators.drift import OnDrift
from elt_redshift.operators.mirror import MirrorOperator
from elt_redshift.operators.step_functions import StartExecutionOperator

__all__ = ["elt_dag", "elt_task_group"]

#: Airflow wants a first date. Without catchup it starts nothing, it only allows.
FIRST_DATE = datetime(1970, 1, 1, tzinfo=UTC)

#: A start that AWS refused is tried again: starting twice is the same as once.
START_RETRIES = 2
START_RETRY_DELAY = timedelta(seconds=30)

#: A mirror whose worker was lost looks again soon.
MIRROR_RETRIES = 2
MIRROR_RETRY_DELAY = timedelta(seconds=5)

#: Airflow reads the whole DAG again for each trigger that a task starts from: with more tasks than this, it costs no
#: more to begin the mirrors on workers, and the triggerer is left to its other work.
MAX_FROM_TRIGGER = 1000


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
    :param audit_table: engine ``airflow`` only: the name of the audit table.
    :param warehouse: engine ``airflow`` only: where to run, as RedshiftSqlOperator takes it, such as
        ``{"database": "dev", "workgroup_name": "etl", "secret_arn": "arn:…"}``.
    :param role_arn: engine ``airflow`` only: what ``${RedshiftIAMRoleARN}`` stands for.
    :param aws_conn_id: the Airflow connection to AWS.
    :param region_name: default: the connection's.
    :param verify: as Amazon's operators take it, like ``botocore_config``, a dict.
    :param poll_interval: seconds between two looks at the execution; one look serves all mirrors.
    :param deferrable: let mirrors wait in the triggerer (default), or on their workers.
    :param on_drift: what a run does where the deployed job is another than this one: see
        :class:`~elt_redshift.operators.step_functions.StartExecutionOperator`.
    :param dag_kwargs: whatever else Airflow's DAG takes, such as ``tags`` or ``default_args``; it goes before what the
        job says about itself.
    :raises JobError: a template is for a parameter that the job does not have; a parameter's default is not of its
        type; the DAG has a schedule and a parameter has neither template nor default; it catches up from no date; or
        its ``default_args`` ask for more retries than tasks of the job have, which only the state machine could make.
    """
    if schedule is not None and job.schedule and job.schedule.enabled:
        warnings.warn(schedules.scheduled_twice(job.name, job.schedule), stacklevel=2)
    templates = dict(parameters or {})
    asked = {p.name: p for p in job.parameters if p.name not in templates}
    default_args = dag_kwargs.get("default_args") or {}
    begin = start_date or default_args.get("start_date")
    retries = default_args.get("retries") if engine == "step_functions" else None
    _check(job, templates, asked, schedule, catches_up=catchup and begin is None, retries=retries)
    dag = DAG(
        dag_id=dag_id or job.name,
        schedule=schedule,
        start_date=begin or FIRST_DATE,
        catchup=catchup,
        params={**{name: forms.param(parameter) for name, parameter in asked.items()}, **(params or {})},
        **{**_words(job), **dag_kwargs, "default_args": {**_owner(job), **default_args}},
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
        _tasks(dag, job, templates, where, **options, **aws.arguments)
    return dag


def _words(job: EltJob) -> dict[str, Any]:
    """What the job says about itself, as a DAG shows it."""
    words = {"description": job.description, "tags": list(job.tags), "doc_md": notes.of_job(job)}
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
    with TaskGroup(group_id or job.name, tooltip=job.description, default_args=own) as group:
        group.default_args = {**_owner(job), **group.dag.default_args, **group.default_args}
        retries = group.default_args.get("retries")
        _check(job, templates, missing, "the DAG's", catches_up=False, retries=retries, caller="elt_task_group")
        _tasks(group.dag, job, templates, where, poll_interval=poll_interval, deferrable=deferrable, **aws)
    return group


def _tasks(dag: DAG, job: EltJob, templates: Mapping[str, str], where: Mapping[str, Any], **options: Any) -> None:
    """The tasks of a job, with their edges, in the DAG and the group at hand."""
    common = {name: value for name, value in options.items() if name != "deferrable"}
    retries = {"retries": START_RETRIES, "retry_delay": START_RETRY_DELAY, **_chosen(dag)}
    start = StartExecutionOperator(task_id=START_TASK, job=job, parameters=templates, **where, **retries, **common)
    mirrors = _mirrors(job, start.task_id, **options)
    for task in job.tasks:
        mirrors[task.name].set_upstream([mirrors[name] for name in task.upstream] or start)


def _mirrors(job: EltJob, start_task_id: str, **options: Any) -> dict[str, MirrorOperator]:
    """A mirror for each task, without its edges. The task's retries are the state machine's; those of a mirror are for
    workers that were lost."""
    described, from_trigger = notes.of_tasks(job), len(job.tasks) <= MAX_FROM_TRIGGER
    return {
        task.name: MirrorOperator(
            task_id=task.name,
            task_name=task.name,
            statements=task.statements,
            fenced=bool(job.fence),
            doc_md=described[task.name],
            start_task_id=start_task_id,
            retries=MIRROR_RETRIES,
            retry_delay=MIRROR_RETRY_DELAY,
            from_trigger=from_trigger,
            **options,
        )
        for task in job.tasks
    }


def _chosen(dag: DAG) -> dict[str, Any]:
    """What the user's default_args say about retries."""
    return {name: dag.default_args[name] for name in ("retries", "retry_delay") if name in dag.default_args}


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
