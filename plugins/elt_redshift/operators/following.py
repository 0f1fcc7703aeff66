"""How a mirror learns on its worker what became of what it shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from elt_redshift.airflow_compat import AirflowFailException
from elt_redshift.aws.executions import FollowTimeoutError
from elt_redshift.runs.history import TaskRuns

if TYPE_CHECKING:
    from elt_redshift.aws.execution_status import Snapshot
    from elt_redshift.hooks.step_functions import EltHook
    from elt_redshift.operators.redriving import Pursued
    from elt_redshift.triggers.group import Decide
    from elt_redshift.triggers.outcome import Outcome


def look(hook: EltHook, pursued: Pursued, decide: Decide) -> Outcome | None:
    """The outcome, if it is known already.

    :raises AwsError: the execution cannot be looked at.
    """
    snapshot = hook.executions().look(pursued.arn, TaskRuns())
    return _outcome(hook, snapshot, decide) if snapshot.execution.redrive_count >= pursued.redrives else None


def follow(hook: EltHook, pursued: Pursued, decide: Decide, interval: float, timeout: timedelta) -> Outcome:
    """The outcome, once it is known.

    :param interval: seconds between two looks.
    :raises AirflowFailException: the time is over.
    :raises AwsError: the execution cannot be looked at.
    """
    try:
        for snapshot in hook.executions().follow(pursued.arn, None, interval, timeout, pursued.redrives):
            if outcome := _outcome(hook, snapshot, decide):
                return outcome
    except FollowTimeoutError as error:
        raise AirflowFailException(str(error)) from error
    raise AssertionError(f"no outcome although {pursued.arn} has ended")


def _outcome(hook: EltHook, snapshot: Snapshot, decide: Decide) -> Outcome | None:
    outcome = decide(snapshot)
    return outcome.seen(hook.statement) if outcome else None
