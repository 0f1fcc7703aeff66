"""What a job may hold whose calls Lambda functions make: tasks that a function can wait for."""

from __future__ import annotations

from datetime import timedelta

from elt_redshift.job.findings import Findings
from elt_redshift.job.parts import JobSpec, SqlTask
from elt_redshift.protocol.limits import LONGEST_FUNCTION_WAIT

_LONGEST = f"{LONGEST_FUNCTION_WAIT // 60}m"
_OR_NOT = "or leave out runtime: lambda"


def check(job: JobSpec, findings: Findings) -> None:
    """Note what no function can wait for in a job that has them."""
    if job.uses_functions:
        for task in job.tasks:
            _check_task(task, findings)


def _check_task(task: SqlTask, findings: Findings) -> None:
    key, timeout = ("tasks", str(task.name)), task.timeout
    if timeout is None and not findings.at(*key):
        problem = (
            f"The task '{task.name}' has no timeout, and a Lambda function waits for its end, which runs 15 minutes."
        )
        findings.add((*key, "timeout"), problem, f"Give it a timeout of at most {_LONGEST}, {_OR_NOT}.")
    if isinstance(timeout, timedelta) and timeout > timedelta(seconds=LONGEST_FUNCTION_WAIT):
        problem = f"The timeout of '{task.name}' is longer than a Lambda function can wait, which runs 15 minutes."
        findings.add((*key, "timeout"), problem, f"Give at most {_LONGEST}, {_OR_NOT}.")
    if task.wait in ("poll", "event"):
        problem = f"The task '{task.name}' waits by '{task.wait}', and a Lambda function waits for its end itself."
        findings.add((*key, "wait"), problem, f"Leave out wait, {_OR_NOT}.")
