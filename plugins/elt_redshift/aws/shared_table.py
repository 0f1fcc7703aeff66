"""An audit table that several stacks share: whether a stack has, or may have, its lock in it.

A job's lock is the item of its id, so jobs with ids of their own get along in one table. A stack keeps the table that
it was made with: what runs under the lock of one table does not see the lock of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.aws.stacks import Stacks
from elt_redshift.aws.template.names import AUDIT
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.audit import JOB_ID
from elt_redshift.protocol.places import Place

_KEY = [{"AttributeName": JOB_ID, "KeyType": "HASH"}]
_USABLE = ("ACTIVE", "UPDATING")


class AuditTableError(EltError):
    """A stack cannot have its lock in that table."""


def shared(stacks: Stacks, client: Any, job: EltJob, stack: str, parameters: Mapping[str, str]) -> bool:
    """Whether the stack has its lock in a table of DynamoDB that it shares, or is to have it there.

    :param client: a boto3 DynamoDB client.
    :param parameters: those that are given; the table's name is one of them.
    :raises AuditTableError: the stack has another table, or this one cannot serve; nothing is changed.
    """
    wanted = parameters.get(AUDIT)
    found = [*stacks.all()] if wanted is not None else []
    before = next((one for one in found if one.stack == stack), None) if found else stacks.at(stack)
    if job.audit_in_redshift:
        return False
    if before is not None and before.audit_table and not Place.named(before.audit_table):  # one that failed has none
        if wanted not in (None, before.audit_table if before.shares_table or wanted else ""):
            raise AuditTableError(_other_table(before, wanted))
        return before.shares_table
    if wanted:
        _check_table(client, wanted)
        check_id(wanted, job, found)
    return bool(wanted)


def _other_table(before: Deployed, wanted: str | None) -> str:
    return (
        f"Stack {before.stack} has its lock in table {before.audit_table}, and keeps it: a run under the lock of one "
        f"table does not see that of another. To have it in {wanted or 'a table of its own'}, remove the stack first "
        f"(elt-redshift destroy {before.job}); its old table stays."
    )


def _check_table(client: Any, table: str) -> None:
    if Place.named(table):
        raise AuditTableError(
            f"Audit table '{table}' is in Redshift. Give the job audit_store: redshift, and name SCHEMA.TABLE alone."
        )
    try:
        with aws_errors(f"table {table}"):
            found = client.describe_table(TableName=table)["Table"]
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        said = f"There is no table {table} in this account and region. Make it: elt-redshift audit create {table}"
        raise AuditTableError(said) from error
    texts = [one["AttributeName"] for one in found["AttributeDefinitions"] if one["AttributeType"] == "S"]
    if found["KeySchema"] != _KEY or JOB_ID not in texts:
        raise AuditTableError(
            f"The key of table {table} is not {JOB_ID}, a text: it is no audit table. Name another one."
        )
    if found["TableStatus"] not in _USABLE:
        raise AuditTableError(f"Table {table} is {found['TableStatus']}. Deploy again when it is ACTIVE.")


def check_id(table: str, job: EltJob, deployed: Iterable[Deployed]) -> None:
    """Two state machines under one item could not ask about each other's runs.

    :param deployed: the other stacks.
    :raises AuditTableError: one of them has its lock there, under the same id.
    """
    for other in deployed:
        if other.audit_table == table and other.job_id == job.job_id:
            raise AuditTableError(
                f"Job id {job.job_id} has its lock in table {table} already: it is stack {other.stack}'s. "
                "Give this job another job_id, or name another table."
            )
