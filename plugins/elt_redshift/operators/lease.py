"""Keeping the lock of a DAG run while one of its tasks works."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from elt_redshift.airflow_compat import AirflowFailException
from elt_redshift.aws.audit import NotOwnerError

if TYPE_CHECKING:
    from elt_redshift.hooks.step_functions import EltHook


def renew(hook: EltHook, table_name: str, job_id: str, owner: str, lease: float) -> None:
    """Let the lease last for ``lease`` seconds from now on.

    :raises AirflowFailException: the lock was lost. (Another try would find it so too.)
    """
    try:
        hook.audit(table_name).renew(job_id, owner, timedelta(seconds=lease))
    except NotOwnerError as error:
        raise AirflowFailException(str(error)) from error
