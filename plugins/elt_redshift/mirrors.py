"""The tasks of a DAG that show a job's execution: one for each task of the job, for each group of them, or for all.

::

    tasks:    start_execution ──> a ──> c             as the job's graph

    groups:   start_execution ──┬──> staging ──┬──> end_execution
                                │       ┆      │
                                └──> marts ────┘

Tasks of several groups run at the same time, whatever comes first in each. So every group begins right behind the
start, and shows its tasks from the first moment; the edges between groups (dotted) hold nothing up: they are there for
people, and for clearing what is behind. What waits for them all is ``end_execution``, so that a DAG run is red where
any of its groups is (docs/adr/0022-groups.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, get_args

from elt_redshift import notes
from elt_redshift.airflow_compat import DAG, empty_operator
from elt_redshift.exceptions import JobError, Problem
from elt_redshift.graph.groups import Groups
from elt_redshift.graph.of_job import groups_of
from elt_redshift.job.findings import did_you_mean
from elt_redshift.job.keys import END_TASK, START_TASK
from elt_redshift.job.model import EltJob
from elt_redshift.operators.group_mirror import GroupMirrorOperator
from elt_redshift.operators.mirror import MirrorOperator
from elt_redshift.operators.step_functions import StartExecutionOperator

Mirrors = Literal["auto", "tasks", "groups", "one"]
MIRRORS: tuple[Mirrors, ...] = get_args(Mirrors)

#: With ``auto``, jobs of more tasks are shown by groups: nobody reads a grid of so many rows.
MAX_TASKS = 200

#: A start that AWS refused is tried again: starting twice is the same as once.
START_RETRIES = 2
START_RETRY_DELAY = timedelta(seconds=30)

#: A mirror whose worker was lost looks again soon.
MIRROR_RETRIES = 2
MIRROR_RETRY_DELAY = timedelta(seconds=5)

#: Airflow reads the whole DAG again for each trigger that a task starts from: with more tasks than this, it costs no
#: more to begin the mirrors on workers, and the triggerer is left to its other work.
MAX_FROM_TRIGGER = 1000


def refuse(mirrors: str, where: str, engine: str = "step_functions") -> None:
    """
    :raises JobError: ``mirrors`` is no way to show a job, or not of this engine, which has no mirrors.
    """
    if mirrors not in MIRRORS:
        problem, remedy = f"There is no way '{mirrors}' to show a job.", did_you_mean(mirrors, MIRRORS)
    elif engine == "airflow" and mirrors in ("groups", "one"):
        problem = f'mirrors is {mirrors}, but with engine="airflow" nothing is mirrored: each task runs in the DAG.'
        remedy = "Leave mirrors out, or leave engine out."
    else:
        return
    raise JobError([Problem(f"{where}: mirrors", problem, remedy)])


def shown_groups(job: EltJob, mirrors: Mirrors) -> Groups | None:
    """The groups that a DAG shows; None: it shows tasks."""
    if mirrors == "one":
        return Groups({job.name: job.task_names}, {job.name: ()})
    return groups_of(job) if mirrors == "groups" or (mirrors == "auto" and len(job.tasks) > MAX_TASKS) else None


def add_mirrors(
    dag: DAG, job: EltJob, templates: Mapping[str, str], where: Mapping[str, Any], mirrors: Mirrors, **options: Any
) -> None:
    """The start task and the mirrors of a job, with their edges, in the DAG and the group at hand.

    :param where: which state machine, as StartExecutionOperator takes it.
    :param options: what MirrorOperator takes, for all of them.
    """
    common = {name: value for name, value in options.items() if name != "deferrable"}
    retries = {"retries": START_RETRIES, "retry_delay": START_RETRY_DELAY, **_chosen(dag)}
    start = StartExecutionOperator(task_id=START_TASK, job=job, parameters=templates, **where, **retries, **common)
    every = {
        "start_task_id": start.task_id,
        "fenced": bool(job.fence),
        "retries": MIRROR_RETRIES,
        "retry_delay": MIRROR_RETRY_DELAY,
        **options,
    }
    if groups := shown_groups(job, mirrors):
        _add_groups(job, groups, start, every)
    else:
        _add_tasks(job, start, every)


def _add_tasks(job: EltJob, start: StartExecutionOperator, every: Mapping[str, Any]) -> None:
    """A mirror for each task. The task's retries are the state machine's; those of a mirror are for workers that were
    lost."""
    described, from_trigger = notes.of_tasks(job), len(job.tasks) <= MAX_FROM_TRIGGER
    mirrors = {
        task.name: MirrorOperator(
            task_id=task.name,
            task_name=task.name,
            statements=task.statements,
            doc_md=described[task.name],
            from_trigger=from_trigger,
            **every,
        )
        for task in job.tasks
    }
    for task in job.tasks:
        mirrors[task.name].set_upstream([mirrors[name] for name in task.upstream] or start)


def _add_groups(job: EltJob, groups: Groups, start: StartExecutionOperator, every: Mapping[str, Any]) -> None:
    """A mirror for each group, all of which begin once the start has succeeded, and one task behind them all."""
    statements, described = {task.name: task.statements for task in job.tasks}, notes.of_groups(job, groups)
    mirrors = {
        group: GroupMirrorOperator(
            task_id=group,
            task_name=group,
            group={task: statements[task] for task in tasks},
            doc_md=described[group],
            trigger_rule="one_success",
            **every,
        )
        for group, tasks in groups.tasks.items()
    }
    for group, mirror in mirrors.items():
        mirror.set_upstream([start, *(mirrors[up] for up in groups.upstream[group])])
    if len(mirrors) > 1:
        empty_operator()(task_id=END_TASK, doc_md="Succeeds once every group has.").set_upstream([*mirrors.values()])


def _chosen(dag: DAG) -> dict[str, Any]:
    """What the user's default_args say about retries."""
    return {name: dag.default_args[name] for name in ("retries", "retry_delay") if name in dag.default_args}
