"""Locks that belong to no deployed job: their table is made, shown and unlocked by the command line."""

from __future__ import annotations

import uuid
from datetime import timedelta

import boto3
import pytest

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from tests.local.cli.conftest import Cli


@pytest.fixture
def table(cli: Cli) -> str:
    """An audit table that was just made."""
    name = f"audit-{uuid.uuid4().hex}"
    assert cli("audit", "create", name) == (0, f"Audit table {name} is made.\n", "")
    return name


def test_a_table_is_made_as_a_stack_has_it(table: str, cli: Cli) -> None:
    """Paid by request, encrypted, with point-in-time recovery; making it again changes nothing."""
    client = boto3.client("dynamodb")
    found = client.describe_table(TableName=table)["Table"]
    assert found["KeySchema"] == [{"AttributeName": "JobID", "KeyType": "HASH"}]
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert found["SSEDescription"]["Status"] == "ENABLED"
    backups = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert cli("audit", "create", table) == (0, f"Audit table {table} is there already.\n", "")


def test_another_table_is_no_audit_table(cli: Cli) -> None:
    """A table with another key is left alone, and the message says why."""
    name = f"other-{uuid.uuid4().hex}"
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    status, _, err = cli("audit", "create", name)
    assert (status, "its key is not JobID" in err) == (1, True)


def test_a_lock_without_a_job_is_shown_and_unlocked(table: str, cli: Cli) -> None:
    """By table and key; the item keeps who did it and why."""
    store = DynamoDbAuditStore(boto3.client("dynamodb"), table)
    for job_id in ("nightly", "hourly"):
        store.acquire(job_id, f"airflow:{job_id}/run-1")
    store.record_failure("nightly", "airflow:nightly/run-1", task="load", statement="none", message="ERROR: no")
    shown = cli("status", "--table", table)[1]
    assert all(text in shown for text in ("nightly", "hourly", "Task load failed: ERROR: no"))
    assert "hourly" not in cli("status", "--table", table, "--job-id", "nightly")[1]
    status, out, _ = cli("unlock", "--table", table, "--job-id", "nightly", "--reason", "mended by hand")
    assert (status, out) == (0, "Job nightly is unlocked: the next run takes over and runs from the start.\n")
    item = store.read("nightly")
    assert item
    assert item.free


def test_a_lock_in_redshift_is_made_shown_and_unlocked(cli: Cli) -> None:
    """By the table's address, wherever a table's name may stand; a job that does not say so has no lock there."""
    address = f"redshift://demo/dev/audit_{uuid.uuid4().hex}?user=awsuser"
    made = f"Audit table {address} is made.\nJob nightly has its item there.\n"
    assert cli("audit", "create", address, "--job-id", "nightly") == (0, made, "")
    store = Account.here().audit(address)
    store.acquire("nightly", "airflow:nightly/run-1")
    store.record_failure("nightly", "airflow:nightly/run-1", task="load", statement="none", message="ERROR: no")
    assert "Task load failed: ERROR: no" in cli("status", "--table", address)[1]
    assert cli("unlock", "--table", address, "--job-id", "nightly", "--reason", "mended by hand")[0] == 0
    item = store.read("nightly")
    assert item
    assert (item.free, "mended by hand" in str(item.unlocked)) == (True, True)
    where = ("--cluster", "demo", "--user", "awsuser", "--database", "dev")
    refused = cli("deploy", "yearly_sales", "--stack", "in-redshift", *where, "--audit-table", address)
    remedy = f"Audit table '{address}' is in Redshift. Give the job audit_store: redshift, and name SCHEMA.TABLE alone."
    assert (refused[0], remedy in refused[2]) == (1, True)


def test_an_owner_that_may_live_is_told_before_it_loses_the_lock(table: str, cli: Cli) -> None:
    """A lease that lasts is respected unless --force is given; an owner that does not exist is no reason to refuse."""
    client, unlock = boto3.client("dynamodb"), ("unlock", "--table", table, "--reason", "it is dead", "--job-id")
    DynamoDbAuditStore(client, table).acquire("leased", "airflow:leased/run-1", timedelta(hours=1))
    status, _, err = cli(*unlock, "leased")
    assert (status, "its lease runs out at" in err, "--force" in err) == (1, True, True)
    assert cli(*unlock, "leased", "--force")[0] == 0
    for job_id, owner in {"text": {"S": "bob"}, "number": {"N": "7"}, "blank": {"S": " "}}.items():
        client.put_item(TableName=table, Item={"JobID": {"S": job_id}, "JobState": {"S": "Running"}, "Owner": owner})
        assert "its audit item" in cli("status", "--table", table, "--job-id", job_id)[1]
        assert cli(*unlock, job_id)[0] == 0
    shown = cli("status", "--table", table)[1]
    assert "its audit item" not in shown
    assert shown.count("it is dead") == 4


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("unlock", "--reason", "r"), "Name what to unlock"),
        (("unlock", "--reason", "r", "--table", "t"), "Name what to unlock"),
        (("unlock", "--reason", "r", "--job-id", "i"), "--job-id needs --table"),
        (("unlock", "yearly_sales", "--table", "t", "--reason", "r"), "either JOB"),
        (("status", "--job-id", "i"), "--job-id needs --table"),
        (("unlock", "--reason", "r", "--table", "nowhere", "--job-id", "i"), "audit item i in table nowhere"),
    ],
)
def test_options_that_do_not_fit_are_told(cli: Cli, command: tuple[str, ...], words: str) -> None:
    """One line says what is missing or too much."""
    status, _, err = cli(*command)
    assert status == 1
    assert len(err.splitlines()) == 1
    assert words in err
