"""Links from a task in Airflow's UI to AWS's consoles."""

from __future__ import annotations

from typing import Any

from elt_redshift.airflow_compat import BaseOperatorLink, xcom
from elt_redshift.protocol import consoles

#: Under this key tasks push the ARN of the execution that they start or show, and in the value of a mirror that has
#: ended it is the one that shows the task.
EXECUTION_ARN = "execution_arn"


def execution_url(execution_arn: str) -> str:
    """An execution's page in the Step Functions console."""
    return "".join(consoles.execution_page(*_where(execution_arn), execution_arn))


def queries_url(execution_arn: str) -> str:
    """The Redshift console's list of queries, in the region of an execution.

    The console has pages by Redshift's own query id only, and none for a statement of the Data API.
    https://docs.aws.amazon.com/redshift/latest/mgmt/performance-metrics-queries.html
    """
    partition, region = _where(execution_arn)
    return f"{''.join(consoles.console(partition, region))}/redshiftv2/home?region={region}#queries"


def _found(ti_key: Any) -> str | None:
    """The ARN of a task's execution, if it is known."""
    returned = xcom(ti_key, "return_value")
    of_end = returned.get(EXECUTION_ARN) if isinstance(returned, dict) else None
    found = of_end or xcom(ti_key, EXECUTION_ARN)
    return str(found) if found else None


def _where(arn: str) -> tuple[str, str]:
    """A resource's partition and region."""
    _, partition, _, region = arn.split(":")[:4]
    return partition, region


class ExecutionLink(BaseOperatorLink):
    """The execution that a task started or shows, in the Step Functions console."""

    name = "Step Functions execution"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        found = _found(ti_key)
        return execution_url(found) if found else ""


class QueriesLink(BaseOperatorLink):
    """Where the statement of a mirror is found in the Redshift console."""

    name = "Redshift queries"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        found = _found(ti_key)
        return queries_url(found) if found else ""
