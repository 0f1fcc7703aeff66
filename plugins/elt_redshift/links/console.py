"""Links from a task in Airflow's UI to AWS's consoles."""

from __future__ import annotations

from typing import Any

from elt_redshift.airflow_compat import BaseOperatorLink, xcom

#: Under this key tasks push the ARN of the execution that they start or show.
EXECUTION_ARN = "execution_arn"

#: The console's domain in each partition of AWS.
DOMAINS = {"aws": "aws.amazon.com", "aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}


def execution_url(execution_arn: str) -> str:
    """An execution's page in the Step Functions console."""
    console, region = _console(execution_arn)
    return f"{console}/states/home?region={region}#/v2/executions/details/{execution_arn}"


def queries_url(execution_arn: str) -> str:
    """The Redshift console's list of queries, in the region of an execution.

    The console has pages by Redshift's own query id only, and none for a statement of the Data API.
    https://docs.aws.amazon.com/redshift/latest/mgmt/performance-metrics-queries.html
    """
    console, region = _console(execution_arn)
    return f"{console}/redshiftv2/home?region={region}#queries"


def _console(arn: str) -> tuple[str, str]:
    """Where the console of a resource's partition and region is, and the region."""
    _, partition, _, region = arn.split(":")[:4]
    host = {"aws": f"{region}.console"}.get(partition, "console")
    return f"https://{host}.{DOMAINS.get(partition, DOMAINS['aws'])}", region


class ExecutionLink(BaseOperatorLink):
    """The execution that a task started or shows, in the Step Functions console."""

    name = "Step Functions execution"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        found = xcom(ti_key, EXECUTION_ARN)
        return execution_url(str(found)) if found else ""


class QueriesLink(BaseOperatorLink):
    """Where the statement of a mirror is found in the Redshift console."""

    name = "Redshift queries"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        found = xcom(ti_key, EXECUTION_ARN)
        return queries_url(str(found)) if found else ""
