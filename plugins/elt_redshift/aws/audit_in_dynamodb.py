"""The audit table in DynamoDB: a stack's own, another stack's, or one of locks that belong to no deployed job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from elt_redshift.aws.audit import AuditStore, utc_now
from elt_redshift.aws.audit_item import AuditItem, LockedError
from elt_redshift.aws.errors import aws_errors, error_code
from elt_redshift.aws.waiting import Clock, Sleep, until
from elt_redshift.exceptions import EltError
from elt_redshift.protocol import audit, dynamodb
from elt_redshift.protocol.writes import Write

_KEY = [{"AttributeName": audit.JOB_ID, "KeyType": "HASH"}]

#: DynamoDB turns point-in-time recovery on some seconds after a table is there: it is asked every 5 s so long.
TIMEOUT = 115.0
PAUSE = 5.0


class DynamoDbAuditStore(AuditStore):
    """The audit table in DynamoDB.

    :param client: a boto3 DynamoDB client.
    :param table: the table's name.
    """

    def __init__(self, client: Any, table: str, now: Callable[[], datetime] = utc_now) -> None:
        super().__init__(table, now)
        self._client = client

    def create(self, sleep: Sleep = time.sleep, clock: Clock = time.monotonic) -> bool:
        """Make the table as a job's template has it, and wait until it can be used.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html

        :raises EltError: there is a table of that name that has another key.
        :raises AwsError: AWS refused a call.
        """
        with aws_errors(f"table {self.table}"):
            made = _made(self._client, self.table)
            self._client.get_waiter("table_exists").wait(TableName=self.table)
            found = self._client.describe_table(TableName=self.table)["Table"]
            text = {"AttributeName": audit.JOB_ID, "AttributeType": "S"}
            if found["KeySchema"] != _KEY or text not in found["AttributeDefinitions"]:
                raise EltError(f"Table {self.table} exists, but its key is not JobID, a text. Choose another name.")
            _recoverable(self._client, self.table, sleep, clock)
        return made

    def read(self, job_id: str) -> AuditItem | None:
        with aws_errors(self._about(job_id)):
            answer = self._client.get_item(**dynamodb.get(self.table, audit.key(job_id)))
        return AuditItem.parse(answer["Item"]) if "Item" in answer else None

    def items(self) -> Iterator[AuditItem]:
        with aws_errors(f"audit table {self.table}"):
            for page in self._client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True):
                yield from (AuditItem.parse(item) for item in page["Items"])

    def introduce(self, job_id: str) -> None:
        self._write(audit.INTRODUCE, job_id)

    def remove(self, job_id: str) -> None:
        with aws_errors(self._about(job_id)):
            try:
                self._client.delete_item(**dynamodb.delete(self.table, audit.key(job_id), audit.UNHELD))
            except self._client.exceptions.ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    raise LockedError(job_id, self.read(job_id), self.table) from error
                raise

    def _write(self, write: Write, job_id: str, **values: Any) -> bool:
        with aws_errors(self._about(job_id)):
            try:
                self._client.update_item(**dynamodb.update(self.table, audit.key(job_id), write, values))
            except self._client.exceptions.ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    return False
                raise
        return True


def _made(client: Any, table: str) -> bool:
    """Whether the table was made by this call."""
    try:
        client.create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": audit.JOB_ID, "AttributeType": "S"}],
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
