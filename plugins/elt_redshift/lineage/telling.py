"""What OpenLineage's provider asks an operator, where it is installed, and how our operators answer.

Its listener runs on the worker, before and after the task; nothing here imports it before that.
https://airflow.apache.org/docs/apache-airflow-providers-openlineage/stable/guides/developer.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from elt_redshift.airflow_compat import Context, listened_to
from elt_redshift.lineage.told import Told, ToldStatement, Warehouse
from elt_redshift.triggers.outcome import RUN, Outcome

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from elt_redshift.aws.statement_status import StatementStatus

log = logging.getLogger(__name__)


class TellsLineage:
    """An operator that tells what it did. The provider's extraction forgives whatever goes wrong in these methods."""

    def lineage(self) -> Told:
        """What is known by now."""
        raise NotImplementedError

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        from elt_redshift.lineage import facets  # OpenLineage's provider, which need not be there

        return facets.lineage(self.lineage())

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """Also of a task that was skipped."""
        return self.get_openlineage_facets_on_start()

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """The provider itself adds the error."""
        return self.get_openlineage_facets_on_start()


def mirrored(
    context: Context, start_task_id: str, told: Told, outcome: Outcome, look: Callable[[str], StatementStatus | None]
) -> Told:
    """What a mirror tells once its task has ended; nothing is asked where nobody listens, and no error leaves.

    :param told: what it could tell before.
    :param look: gives a statement, and the whole of a batch for a part of it, as the Data API has it.
    """
    if not listened_to():
        return told
    try:
        run = context["ti"].xcom_pull(task_ids=start_task_id, key=RUN) or {"job": {}}
        told = replace(told, job_id=run["job"].get("job_id"), job_name=run["job"].get("name"))
        told = replace(told, execution_arn=outcome.execution_arn)
        if outcome.statement_id and (status := look(outcome.statement_id)):
            return replace(told, statement=_statement(outcome, status))
    except Exception:
        log.warning("The lineage of task %s is not known", context["ti"].task_id, exc_info=True)
    return told


def _statement(outcome: Outcome, status: StatementStatus) -> ToldStatement:
    """The statements of an execution run where it runs."""
    region = outcome.execution_arn.split(":")[3] if outcome.execution_arn else None
    return ToldStatement(
        sqls=tuple(part.sql for part in status.parts if part.sql),
        warehouse=Warehouse.known(status.warehouse, region, status.database),
        id=outcome.statement_id,
        rows=outcome.rows,
        seconds=outcome.seconds,
    )
