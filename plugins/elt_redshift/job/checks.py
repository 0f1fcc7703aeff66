"""Which values a job may hold, however it was made.

Limits are the Redshift Data API's (https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html) and Step Functions'
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta

from elt_redshift.job import graph, parameters, statements
from elt_redshift.job.findings import Findings, did_you_mean, shown
from elt_redshift.job.findings import Path as Key
from elt_redshift.job.parts import (
    AFTER_FAILURE,
    DURATIONS,
    LAYOUTS,
    ON_TASK_FAILURE,
    WAITS,
    WHEN_HELD,
    WHEN_LOCKED,
    JobSpec,
    Parameter,
    SqlTask,
)
from elt_redshift.protocol.limits import LONGEST_STATEMENT, MAX_ACTIVE_STATEMENTS

MAX_RETRIES = 10
#: Airflow's tags may have as many characters, and its owners more.
MAX_LABEL = 100
#: States are named ``<task>: <step>``, and Step Functions allows 80 characters.
MAX_TASK_NAME = 60
#: States that every generated state machine has.
RESERVED_TASK_NAMES = ("start_execution", "acquire_lock", "release_lock")

_JOB_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_JOB_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def require(job: JobSpec, findings: Findings) -> None:
    """Check ``job``.

    :param findings: what its reader noted; they stay as they are.
    :raises JobError: with every mistake, those that the reader noted too.
    """
    found = findings.copy()
    check(job, found)
    found.raise_if_any()


def check(job: JobSpec, findings: Findings) -> None:
    """Note every mistake in the values of ``job``; what could not be read is left alone."""
    _check_identity(job, findings)
    _check_words(job, findings)
    _check_choice(("wait",), job.wait, WAITS, findings)
    _check_choice(("layout",), job.layout, LAYOUTS, findings)
    for parameter in job.parameters:
        _check_parameter(parameter, findings)
    for name, count in Counter(parameter.name for parameter in job.parameters).items():
        if count > 1:
            findings.add(("parameters", str(name)), f"The parameter '{name}' is declared twice.", "Keep one of them.")
    if not job.tasks and not findings.at("tasks"):
        findings.add(("tasks",), "The job has no tasks.", "Add at least one.")
    _check_task_names(job.tasks, findings)
    names = dict.fromkeys(task.name for task in job.tasks)
    for task in job.tasks:
        _check_task(task, names, findings)
    _check_cycle(job.tasks, findings)
    _check_references(job, findings)
    _check_choice(("on_task_failure",), job.on_task_failure, ON_TASK_FAILURE, findings)
    _check_max_active_statements(job.max_active_statements, findings)
    _check_choice(("lock", "when_locked"), job.lock.when_locked, WHEN_LOCKED, findings)
    _check_choice(("lock", "after_failure"), job.lock.after_failure, AFTER_FAILURE, findings)
    _check_choice(("lock", "when_held"), job.lock.meeting_a_failure, WHEN_HELD, findings)


def _check_identity(job: JobSpec, findings: Findings) -> None:
    job_id, name = job.job_id, job.name
    if not findings.at("job_id"):
        if not isinstance(job_id, str):
            findings.add(("job_id",), f"The job_id is {shown(job_id)}, not text.", f'Quote it: "{job_id}".')
        elif not _JOB_ID.fullmatch(job_id):
            remedy = "Use 1 to 64 letters, digits, '_', '.', '-'."
            findings.add(("job_id",), f"The job_id {shown(job_id)} cannot name statements and the audit item.", remedy)
    if not findings.at("name") and not (isinstance(name, str) and _JOB_NAME.fullmatch(name)):
        remedy = "Use 1 to 64 lower-case letters, digits and '_', a letter first."
        findings.add(("name",), f"The name {shown(name)} cannot name a state machine, a stack and a DAG.", remedy)


def _check_words(job: JobSpec, findings: Findings) -> None:
    """What people read about the job. Airflow keeps owners and tags of at most 100 characters."""
    if not isinstance(job.description, str):
        findings.add(("description",), f"The description is {shown(job.description)}, not text.", "Give it a text.")
    if not isinstance(job.owner, str) or len(job.owner) > MAX_LABEL or "\n" in job.owner:
        findings.add(("owner",), f"The owner is {shown(job.owner)}.", f"Give a line of at most {MAX_LABEL} characters.")
    if not isinstance(job.tags, tuple) or not all(_is_label(tag) for tag in job.tags):
        remedy = f"Write a list of texts, such as [sales, yearly], each of at most {MAX_LABEL} characters."
        findings.add(("tags",), f"The tags are {shown(job.tags)}.", remedy)


def _is_label(text: object) -> bool:
    return isinstance(text, str) and 0 < len(text) <= MAX_LABEL and "\n" not in text


def _check_parameter(parameter: Parameter, findings: Findings) -> None:
    key = ("parameters", str(parameter.name))
    if not isinstance(parameter.name, str) or not _NAME.fullmatch(parameter.name):
        remedy = "Use letters, digits and '_', a letter first."
        findings.add(key, f"The parameter '{parameter.name}' cannot be referred to in SQL.", remedy)
    parameters.check(parameter, findings)


def _check_task_names(tasks: Sequence[SqlTask], findings: Findings) -> None:
    taken: dict[str, str] = {}
    for task in tasks:
        key, name = ("tasks", str(task.name)), str(task.name)
        if not _NAME.fullmatch(name) or not isinstance(task.name, str):
            remedy = "Use letters, digits and '_', a letter first."
            findings.add(key, f"The task name '{name}' cannot name a state and an Airflow task.", remedy)
        elif len(name) > MAX_TASK_NAME:
            problem = f"The task name '{name}' has {len(name)} characters; {MAX_TASK_NAME} are allowed."
            findings.add(key, problem, "Shorten it.")
        elif name.lower() in RESERVED_TASK_NAMES:
            findings.add(key, f"The task name '{name}' is taken by the state machine itself.", "Choose another.")
        elif (other := taken.setdefault(name.lower(), name)) != name:
            findings.add(key, f"The tasks '{other}' and '{name}' differ only in case.", "Rename one of them.")


def _check_task(task: SqlTask, names: Collection[str], findings: Findings) -> None:
    key = ("tasks", str(task.name))
    if not task.statements and not findings.at(*key):
        findings.add(key, f"The task '{task.name}' has no SQL.", "Give it exactly one of sql, statement, call.")
    _check_retries(task, findings)
    _check_durations(task, findings)
    if not isinstance(task.transaction, bool):
        problem = f"The transaction of '{task.name}' is {shown(task.transaction)}, not true or false."
        findings.add((*key, "transaction"), problem, "Write true or false, without quotes.")
    if not findings.at("wait"):
        _check_choice((*key, "wait"), task.wait, WAITS, findings)
    _check_upstream(task, names, findings)
    statements.check(task, findings)


def _check_retries(task: SqlTask, findings: Findings) -> None:
    retries = task.retries
    if not isinstance(retries, int) or isinstance(retries, bool) or not 0 <= retries <= MAX_RETRIES:
        problem = f"The retries of '{task.name}' are {shown(retries)}."
        findings.add(("tasks", str(task.name), "retries"), problem, f"Give a whole number from 0 to {MAX_RETRIES}.")


def _check_max_active_statements(given: object, findings: Findings) -> None:
    if given is None or (
        isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= MAX_ACTIVE_STATEMENTS
    ):
        return
    remedy = f"Give a whole number from 1 to {MAX_ACTIVE_STATEMENTS}, or leave it out."
    findings.add(("max_active_statements",), f"The max_active_statements are {shown(given)}.", remedy)


def _check_durations(task: SqlTask, findings: Findings) -> None:
    _check_duration(task, "timeout", task.timeout, findings)
    _check_duration(task, "expected", task.expected, findings)
    expected, timeout = task.expected, task.timeout
    if isinstance(expected, timedelta) and isinstance(timeout, timedelta) and expected > timeout:
        problem = f"The task '{task.name}' is expected to take longer than its timeout."
        findings.add(("tasks", str(task.name), "expected"), problem, "Give it more timeout, or expect less.")


def _check_duration(task: SqlTask, name: str, value: object, findings: Findings) -> None:
    if value is None:
        return
    key = ("tasks", str(task.name), name)
    words = f"The {DURATIONS[name]} of '{task.name}'"
    if not isinstance(value, timedelta):
        findings.add(key, f"{words} is {shown(value)}.", "Give a datetime.timedelta.")
    elif value < timedelta(seconds=1):
        findings.add(key, f"{words} is no time at all.", "Give at least 1s, or leave it out.")
    elif value > LONGEST_STATEMENT:
        problem = f"{words} is over 24 hours, after which Redshift ends any Data API query."
        findings.add(key, problem, "Give at most 24h, or leave it out.")


def _check_upstream(task: SqlTask, names: Collection[str], findings: Findings) -> None:
    key = ("tasks", str(task.name), "upstream")
    for name, count in Counter(task.upstream).items():
        if name == task.name:
            findings.add(key, f"The task '{name}' waits for itself.", "Take it out of its own upstream.")
        elif name not in names:
            findings.add(
                key, f"The task '{task.name}' waits for '{name}', which is no task.", did_you_mean(name, names)
            )
        if count > 1:
            findings.add(key, f"The task '{task.name}' waits for '{name}' {count} times.", "Name it once.")


def _check_cycle(tasks: Sequence[SqlTask], findings: Findings) -> None:
    waiting_for_itself = any(task.name in task.upstream for task in tasks)
    if not waiting_for_itself and (cycle := graph.cycle(tasks)):
        key = ("tasks", cycle[0], "upstream")
        remedy = "Take one of these edges out of an upstream."
        findings.add(key, f"The tasks wait for each other in a circle: {' -> '.join(cycle)}.", remedy)


def _check_references(job: JobSpec, findings: Findings) -> None:
    """Every ``:name`` is declared, and every declared parameter is used (the Data API refuses unused ones)."""
    declared = [parameter.name for parameter in job.parameters]
    for task in job.tasks:
        statements.check_references(task, declared, findings)
    unread = any(not task.statements for task in job.tasks)
    used = {name for task in job.tasks for name in task.parameters}
    for name in declared:
        if name not in used and not unread and not findings.at("parameters", str(name)):
            remedy = f"Refer to it as :{name}, or take it out."
            findings.add(("parameters", str(name)), f"No statement uses the parameter '{name}'.", remedy)


def _check_choice(key: Key, value: object, choices: Sequence[str], findings: Findings) -> None:
    if value not in choices:
        findings.add(key, f"'{'.'.join(key)}' is {shown(value)}.", f"Choose one of {', '.join(choices)}.")
