"""Which values a job may hold, however it was made. Choices and limits are those of the table of :mod:`.keys`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from elt_redshift.job import edges, fencing, functions, keys, notifying, parameters, schedules, statements
from elt_redshift.job.findings import Findings, Path
from elt_redshift.job.keys import MAX_BACKOFF, MAX_HISTORY_DAYS, MAX_LABEL, MAX_RETRIES, MAX_TASK_NAME, Key
from elt_redshift.job.parts import DURATIONS, RETRY_DURATIONS, RETRY_ON, JobSpec, Parameter, SqlTask
from elt_redshift.job.written import bare, is_text, shown, unsendable
from elt_redshift.protocol.limits import LONGEST_STATEMENT, MAX_ACTIVE_STATEMENTS

_DURATION_WORDS = {**DURATIONS, **RETRY_DURATIONS}
_WHOLE = f"Give a whole number from 0 to {MAX_RETRIES}."

_JOB_ID, _JOB_NAME, _NAME, _GROUP = map(re.compile, (keys.JOB_ID, keys.JOB_NAME, keys.NAME, keys.GROUP))


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
    _check_choices((), keys.JOB, job, findings)
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
    _check_max_active_statements(job.max_active_statements, findings)
    schedules.check(job, findings)
    notifying.check(job, findings)
    _check_history_days(job.history_days, findings)
    fencing.check(job, findings)
    functions.check(job, findings)
    _check_choices(("lock",), keys.LOCK, replace(job.lock, when_held=job.lock.meeting_a_failure), findings)


def _check_identity(job: JobSpec, findings: Findings) -> None:
    job_id, name = job.job_id, job.name
    if not findings.at("job_id"):
        if not is_text(job_id):
            findings.add(("job_id",), f"The job_id is {shown(job_id)}, not text.", f'Quote it: "{bare(job_id)}".')
        elif not _JOB_ID.fullmatch(job_id):
            remedy = "Use 1 to 64 letters, digits, '_', '.', '-'."
            findings.add(("job_id",), f"The job_id {shown(job_id)} cannot name statements and the audit item.", remedy)
    if not findings.at("name") and not (isinstance(name, str) and _JOB_NAME.fullmatch(name)):
        remedy = "Use 1 to 64 lower-case letters, digits and '_', a letter first."
        findings.add(("name",), f"The name {shown(name)} cannot name a state machine, a stack and a DAG.", remedy)


def _check_words(job: JobSpec, findings: Findings) -> None:
    """What people read about the job. Airflow keeps owners and tags of at most 100 characters."""
    if not is_text(job.description):
        findings.add(("description",), f"The description is {shown(job.description)}, not text.", "Give it a text.")
    elif found := unsendable(job.description):
        findings.add(("description",), f"The description holds {found}.", "Take it out.")
    if not is_text(job.owner) or (job.owner and not _is_label(job.owner)):
        findings.add(("owner",), f"The owner is {shown(job.owner)}.", f"Give a line of at most {MAX_LABEL} characters.")
    if not isinstance(job.tags, tuple) or not all(_is_label(tag) for tag in job.tags):
        remedy = f"Write a list of texts, such as [sales, yearly], each of at most {MAX_LABEL} characters."
        findings.add(("tags",), f"The tags are {shown(job.tags)}.", remedy)


def _is_label(text: object) -> bool:
    return is_text(text) and 0 < len(text) <= MAX_LABEL and "\n" not in text and not unsendable(text)


def _check_parameter(parameter: Parameter, findings: Findings) -> None:
    key = ("parameters", str(parameter.name))
    if not isinstance(parameter.name, str) or not _NAME.fullmatch(parameter.name):
        remedy = "Use letters, digits and '_', a letter first."
        findings.add(key, f"The parameter '{bare(parameter.name)}' cannot be referred to in SQL.", remedy)
    parameters.check(parameter, findings)


def _check_task_names(tasks: Sequence[SqlTask], findings: Findings) -> None:
    taken: dict[str, str] = {}
    for task in tasks:
        key, name = ("tasks", str(task.name)), str(task.name)
        if not _NAME.fullmatch(name) or not isinstance(task.name, str):
            remedy = "Use letters, digits and '_', a letter first."
            findings.add(key, f"The task name '{bare(name)}' cannot name a state and an Airflow task.", remedy)
        elif len(name) > MAX_TASK_NAME:
            problem = f"The task name '{bare(name)}' has {len(name)} characters; {MAX_TASK_NAME} are allowed."
            findings.add(key, problem, "Shorten it.")
        elif name.lower() in keys.RESERVED_TASK_NAMES:
            findings.add(key, f"The task name '{name}' is taken by the state machine itself.", "Choose another.")
        elif name in keys.TEMPLATE_WORDS:
            findings.add(key, f"The task name '{name}' is a word of CloudFormation's.", "Choose another.")
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
        _check_choices(key, keys.TASK, task, findings)
    _check_upstream(task, names, findings)
    _check_group(task, findings)
    statements.check(task, findings)


def _check_group(task: SqlTask, findings: Findings) -> None:
    key, group = ("tasks", str(task.name), "group"), task.group_name
    if group is None or findings.at(*key[:2], "sql"):
        return
    whose = f"The group of '{task.name}'" if task.group is not None else f"The folder of '{task.name}', as its group,"
    if not is_text(group) or not _GROUP.fullmatch(group):
        remedy = "Use 1 to 128 letters, digits, '_', '.', '-', a letter or a digit first."
        findings.add(
            key, f"{whose} is {shown(group)}, which cannot name an Airflow task.", f"Give it a group. {remedy}"
        )
    elif group in (keys.START_TASK, keys.END_TASK):
        findings.add(key, f"{whose} is '{group}', the name of another task of the DAG.", "Give it another group.")


def _check_retries(task: SqlTask, findings: Findings) -> None:
    key, rule = ("tasks", str(task.name), "retries"), task.retry_rule
    if not _is_whole(rule.times, MAX_RETRIES):
        place = (*key, "times") if rule is task.retries else key
        findings.add(place, f"The retries of '{task.name}' are {shown(rule.times)}.", _WHOLE)
    for name in RETRY_DURATIONS:
        _check_duration((*key, name), str(task.name), name, getattr(rule, name), findings)
    if isinstance(rule.delay, timedelta) and isinstance(rule.max_delay, timedelta) and rule.delay > rule.max_delay:
        problem = f"The retries of '{task.name}' begin with a longer delay than their longest one."
        findings.add((*key, "delay"), problem, "Give a longer max_delay too, or a shorter delay.")
    if not _is_number(rule.backoff) or not 1 <= rule.backoff <= MAX_BACKOFF:
        problem = f"The backoff of the retries of '{task.name}' is {shown(rule.backoff)}."
        findings.add((*key, "backoff"), problem, f"Give a number from 1 to {MAX_BACKOFF}.")
    if not isinstance(rule.on, tuple) or not rule.on or any(one not in RETRY_ON for one in rule.on):
        problem = f"The retries of '{task.name}' are on {shown(rule.on)}."
        findings.add((*key, "on"), problem, f"Give a list of {', '.join(RETRY_ON)}, such as [conflict].")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _check_max_active_statements(given: object, findings: Findings) -> None:
    if given is None or (
        isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= MAX_ACTIVE_STATEMENTS
    ):
        return
    remedy = f"Give a whole number from 1 to {MAX_ACTIVE_STATEMENTS}, or leave it out."
    findings.add(("max_active_statements",), f"The max_active_statements are {shown(given)}.", remedy)


def _check_history_days(given: object, findings: Findings) -> None:
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= MAX_HISTORY_DAYS:
        return
    remedy = f"Give a whole number from 1 to {MAX_HISTORY_DAYS}, or leave it out."
    findings.add(("history_days",), f"The history_days are {shown(given)}.", remedy)


def _check_durations(task: SqlTask, findings: Findings) -> None:
    for name in DURATIONS:
        _check_duration(("tasks", str(task.name), name), str(task.name), name, getattr(task, name), findings)
    expected, timeout = task.expected, task.timeout
    if isinstance(expected, timedelta) and isinstance(timeout, timedelta) and expected > timeout:
        problem = f"The task '{task.name}' is expected to take longer than its timeout."
        findings.add(("tasks", str(task.name), "expected"), problem, "Give it more timeout, or expect less.")


def _check_duration(key: Path, task: str, name: str, value: object, findings: Findings) -> None:
    if value is None:
        return
    words = f"The {_DURATION_WORDS[name]} of '{task}'"
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
                key, f"The task '{task.name}' waits for '{name}', which is no task.", findings.did_you_mean(name, names)
            )
        if count > 1:
            findings.add(key, f"The task '{task.name}' waits for '{name}' {count} times.", "Name it once.")


def _check_cycle(tasks: Sequence[SqlTask], findings: Findings) -> None:
    waiting_for_itself = any(task.name in task.upstream for task in tasks)
    if not waiting_for_itself and (cycle := edges.cycle(tasks)):
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


def _check_choices(path: Path, known: Mapping[str, Key], of: object, findings: Findings) -> None:
    """What has few choices holds one of them."""
    for name, key in known.items():
        if key.choices and (value := getattr(of, name)) not in key.choices:
            place = (*path, name)
            findings.add(place, f"'{'.'.join(place)}' is {shown(value)}.", f"Choose one of {', '.join(key.choices)}.")
