"""Making an audit table, for locks that belong to no deployed job; a job's stack brings its own."""

from __future__ import annotations

import time
from typing import Any

from elt_redshift.aws.errors import aws_errors, error_code
from elt_redshift.aws.waiting import Clock, Sleep, until
from elt_redshift.exceptions import EltError
from elt_redshift.protocol.audit import JOB_ID

_KEY = [{"AttributeName": JOB_ID, "KeyType": "HASH"}]

#: DynamoDB turns point-in-time recovery on some seconds after a table is there: it is asked every 5 s so long.
TIMEOUT = 115.0
PAUSE = 5.0


def create(client: Any, table: str, sleep: Sleep = time.sleep, clock: Clock = time.monotonic) -> bool:
    """Make the table as a job's template has it, wait until it can be used, and tell whether it was not there before.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html

    :param client: a boto3 DynamoDB client.
    :raises EltError: there is a table of that name that has another key.
    :raises AwsError: AWS refused a call.
    """
    with aws_errors(f"table {table}"):
        made = _made(client, table)
        client.get_waiter("table_exists").wait(TableName=table)
        found = client.describe_table(TableName=table)["Table"]
        if (
            found["KeySchema"] != _KEY
            or {"AttributeName": JOB_ID, "AttributeType": "S"} not in found["AttributeDefinitions"]
        ):
            raise EltError(f"Table {table} exists, but its key is not JobID, a text. Choose another name.")
        _recoverable(client, table, sleep, clock)
    return made


def _made(client: Any, table: str) -> bool:
    """Whether the table was made by this call."""
    try:
        client.create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": JOB_ID, "AttributeType": "S"}],
            KeySchema=_KEY,
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"Enabled": True},
        )
    except client.exceptions.ResourceInUseException:
        return False
    return True


def _recoverable(client: Any, table: str, sleep: Sleep, clock: Clock) -> None:
    def turn_on() -> bool:
        recovery = {"PointInTimeRecoveryEnabled": True}
        client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
        return True

    def turned_on() -> bool:
        try:
            return turn_on()
        except client.exceptions.ClientError as error:
            if error_code(error) == "ContinuousBackupsUnavailableException":
                return False
            raise

    # When time is up, DynamoDB's own words tell why.
    _ = until(turned_on, TIMEOUT, PAUSE, clock, sleep) or turn_on()
