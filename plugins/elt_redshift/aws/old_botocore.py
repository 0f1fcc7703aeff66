"""What a botocore older than a feature of the Data API is taught, and what it is spared.

A botocore sends only what its model of the service names, and the images of Amazon MWAA bring old ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.aws.errors import AwsError


def knows_long_polling(client: Any) -> bool:
    """Whether it can ask the Data API to answer only when a statement has ended. Botocore 1.43 can.

    https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html

    :param client: a boto3 client of ``redshift-data``, here as below.
    """
    return "WaitTimeSeconds" in _members(client, "DescribeStatement")


def teach_long_polling(client: Any) -> None:
    """Let one that is older than it ask for it all the same, as Lambda's runtimes may be: its model of each request
    gets a number, as it has others. Their model of the answers has no status then.
    """
    number = _members(client, "ListStatements")["MaxResults"]
    for operation in ("ExecuteStatement", "BatchExecuteStatement", "DescribeStatement"):
        _members(client, operation).setdefault("WaitTimeSeconds", number)


def teach_batches(client: Any) -> None:
    """Let one that is older than parameters and modes of batches, as on MWAA's images before Airflow 3.3, send them
    all the same: its model of the request gets members of the same shapes.

    https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
    """
    batch, single = _members(client, "BatchExecuteStatement"), _members(client, "ExecuteStatement")
    batch.setdefault("Parameters", single["Parameters"])
    batch.setdefault("ExecutionMode", single["Database"])  # text, as this


def refuse_sessions(client: Any, request: Mapping[str, Any]) -> None:
    """Stop a request with members that nothing teaches it: those of sessions.

    :raises AwsError: it is older than they are.
    """
    if not request.keys() <= _members(client, "ExecuteStatement").keys() | {"Sqls", "ExecutionMode"}:
        about = f"statement {request['StatementName']}"
        raise AwsError(about, "OldBotocore", "Sessions need a newer boto3 (1.35.16).")


def _members(client: Any, operation: str) -> dict[str, Any]:
    found: dict[str, Any] = client.meta.service_model.operation_model(operation).input_shape.members
    return found
