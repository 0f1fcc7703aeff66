"""What is kept of the tasks of a run that cannot tell of them any more: the machines of its parts, or its table of
joins, went when the job got another layout."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from elt_redshift.aws.attempts import machine_arn
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.errors import DENIED, GONE, AwsError
from elt_redshift.aws.execution_status import Execution
from elt_redshift.aws.past_runs import PastRuns
from elt_redshift.runs.history import TaskRun


def kept_tasks(
    stacks: Callable[[], Iterable[Deployed]],
    past_runs: Callable[[str], PastRuns],
    execution: Execution,
    known: Iterable[str],
) -> tuple[TaskRun, ...] | None:
    """By the history table of its stack; None: not all is kept, it is gone, or the caller may not ask for it.

    :param stacks: gives every job's stack.
    :param past_runs: gives the history table of a name.
    :param execution: it has ended.
    :param known: names of tasks, of whose states shorter names may be kept.
    :raises AwsError: AWS refused a call for another reason.
    """
    machine = machine_arn(execution.arn)
    try:
        deployed = next((one for one in stacks() if one.state_machine_arn == machine), None)
        if deployed is None or not deployed.history_table:
            return None
        kept = past_runs(deployed.history_table).tasks(deployed.job_id, execution.name, execution.redrive_count, known)
    except AwsError as error:
        if error.code not in (*DENIED, *GONE):
            raise
        return None
    return kept.tasks if kept and kept.whole else None
