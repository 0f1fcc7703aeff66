"""Reads what the tasks of a run in the map layout have told of their ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elt_redshift.aws.errors import aws_errors
from elt_redshift.protocol import joins
from elt_redshift.protocol.joins import RunItems


def items_of(client: Any, items: RunItems) -> Iterator[dict[str, Any]]:
    """The items of all tasks of a run, in pages of 1 MB: of some thousand tasks each.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html

    :param client: a boto3 DynamoDB client.
    :raises AwsError: AWS refused the call.
    """
    names = {f"#{number}": name for number, name in enumerate((joins.TASK_KEY, *joins.REPORT))}
    pages = client.get_paginator("query").paginate(
        TableName=items.table,
        KeyConditionExpression="#run = :run",
        ExpressionAttributeNames={"#run": joins.RUN_KEY, **names},
        ExpressionAttributeValues={":run": {"S": items.run}},
        ProjectionExpression=", ".join(names),
        ConsistentRead=True,
    )
    with aws_errors(f"table {items.table}"):
        for page in pages:
            yield from page["Items"]
