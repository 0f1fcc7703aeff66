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
    _, partition, _, region = execution_arn.split(":")[:4]
    host = {"aws": f"{region}.console"}.get(partition, "console")
    domain = DOMAINS.get(partition, DOMAINS["aws"])
    return f"https://{host}.{domain}/states/home?region={region}#/v2/executions/details/{execution_arn}"


class ExecutionLink(BaseOperatorLink):
    """The execution that a task started or shows, in the Step Functions console."""

    name = "Step Functions execution"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        found = xcom(ti_key, EXECUTION_ARN)
        return execution_url(str(found)) if found else ""
