"""Several stacks have their locks in one audit table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from elt_redshift.local.iam.record import Rights
from elt_redshift.local.process import LocalAws
from tests.local.cli.conftest import Cli

WAREHOUSE = ("--cluster", "warehouse", "--user", "awsuser")


@pytest.fixture
def job(tmp_path: Path, unique: str) -> Path:
    return _job(tmp_path, unique, unique)


def _job(folder: Path, name: str, job_id: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "job.yaml").write_text(f'job_id: "{job_id}"\nname: {name}\ntasks:\n  a: {{statement: "select 1"}}\n')
    return folder


def _make(table: str, key: str) -> None:
    boto3.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _items(table: str) -> dict[str, str]:
    """The states of a table's items, by their job ids."""
    items: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName=table)["Items"]
    return {item["JobID"]["S"]: item["JobState"]["S"] for item in items}


def _stacks() -> set[str]:
    pages = boto3.client("cloudformation").get_paginator("describe_stacks").paginate()
    return {stack["StackName"] for page in pages for stack in page["Stacks"]}


def test_jobs_share_a_table(job: Path, cli: Cli, unique: str, tmp_path: Path, local_aws: LocalAws) -> None:
    """Each has its item from its deployment on, which status shows, and touches no other; a later deployment keeps the
    table; what is removed leaves it, and takes the item if it is told to."""
    table, second, third = f"{unique}-audit", f"{unique}b", f"{unique}c"
    cli("audit", "create", table)
    other = _job(tmp_path / "b", second, second)
    for folder, stack in ((job, unique), (other, second)):
        status, out, err = cli("deploy", folder, "--stack", stack, "--audit-table", table, *WAREHOUSE)
        assert (status, f"audit table {table}." in out) == (0, True), err
        assert "AWS::DynamoDB::Table                 DynamoDBETLAuditTable" not in out
    assert _items(table) == {unique: "Ready", second: "Ready"}
    shown = cli("status", job)[1]
    assert (shown.count("Ready"), second in shown) == (1, False)
    assert cli("run", job, "--watch")[0] == 0
    assert "DynamoDBETLAuditTable" not in cli("deploy", job, "--stack", unique, "--log-level", "ERROR")[1]
    used = [one for one in Rights(local_aws).used() if one.role.startswith(unique) and "/" + table in one.resource]
    assert {one.action for one in used} >= {"dynamodb:UpdateItem", "dynamodb:GetItem"}
    assert [one for one in used if one.denied] == []

    status, _, err = cli(
        "deploy", _job(tmp_path / "c", third, unique), "--stack", third, "--audit-table", table, *WAREHOUSE
    )
    assert (status, f"has its lock in table {table} already: it is stack {unique}'s." in err) == (1, True)

    _, out, _ = cli("destroy", job, "--yes")
    assert f"Stays: the item of job id {unique} in the shared audit table {table}" in out
    assert _items(table) == {unique: "Ready", second: "Ready"}
    _, out, _ = cli("destroy", other, "--yes", "--all")
    assert f"Deleted: the item of job id {second} in the shared audit table {table}" in out
    assert _items(table) == {unique: "Ready"}


def test_jobs_share_a_table_in_the_warehouse(job: Path, cli: Cli, unique: str, tmp_path: Path) -> None:
    """`deploy` makes it, and each job's row, before the stack; commands know the row by the stack; what is removed
    leaves it, and takes it if it is told to."""
    second = f"{unique}b"
    other = _job(tmp_path / "b", second, second)
    for folder, stack in ((job, unique), (other, second)):
        (folder / "job.yaml").write_text((folder / "job.yaml").read_text() + "audit_store: redshift\n")
        status, out, err = cli("deploy", folder, "--stack", stack, "--audit-table", f"public.{unique}", *WAREHOUSE)
        assert (status, "DynamoDBETLAuditTable" in out) == (0, False), err
    address = f"redshift://warehouse/dev/public.{unique}?user=awsuser"
    assert f"audit table {address}." in out
    assert json.loads(cli("status", "--table", address, "--json")[1])[1]["state"] == "Ready"
    assert [one["job_id"] for one in json.loads(cli("status", job, "--json")[1])] == [unique]
    assert cli("run", job, "--watch")[0] == 0
    third = _job(tmp_path / "c", f"{unique}c", unique)
    (third / "job.yaml").write_text((third / "job.yaml").read_text() + "audit_store: redshift\n")
    _, _, err = cli("deploy", third, "--stack", f"{unique}c", "--audit-table", f"public.{unique}", *WAREHOUSE)
    assert f"has its lock in table {address} already: it is stack {unique}'s." in err
    _, out, _ = cli("destroy", job, "--yes")
    assert f"Stays: the item of job id {unique} in the shared audit table {address}" in out
    _, out, _ = cli("destroy", other, "--yes", "--all")
    assert f"Deleted: the item of job id {second} in the shared audit table {address}" in out
    assert [one["job_id"] for one in json.loads(cli("status", "--table", address, "--json")[1])] == [unique]


def test_a_warehouse_that_cannot_serve_is_refused(job: Path, cli: Cli, unique: str) -> None:
    """Without a login that all share, with a table that is none, or with one that cannot be made; no stack is left."""
    (job / "job.yaml").write_text((job / "job.yaml").read_text() + "audit_store: redshift\n")

    def refused(*options: str) -> str:
        status, _, err = cli("deploy", job, "--stack", unique, "--cluster", "warehouse", *options)
        assert (status, unique in _stacks()) == (1, False)
        return err

    assert "An audit table in Redshift needs --secret, or of a cluster --user." in refused()
    assert "RedshiftETLAuditTable" in refused("--user", "awsuser", "--audit-table", "elt-audit")
    assert 'schema "nowhere" does not exist' in refused("--user", "awsuser", "--audit-table", "nowhere.audit")


def test_a_table_that_cannot_serve_is_refused(job: Path, cli: Cli, unique: str) -> None:
    """One that is missing or has another key, before anything is made; and another one than a stack has."""

    def refused(table: str) -> str:
        status, _, err = cli("deploy", job, "--stack", unique, "--audit-table", table, *WAREHOUSE)
        assert status == 1
        return err

    missing, wrong, right = f"{unique}-none", f"{unique}-wrong", f"{unique}-right"
    _make(wrong, "Id")
    _make(right, "JobID")
    assert f"There is no table {missing} in this account and region. Make it: elt-redshift audit create {missing}" in (
        refused(missing)
    )
    assert f"The key of table {wrong} is not JobID, a text" in refused(wrong)
    assert unique not in _stacks()
    assert cli("deploy", job, "--stack", unique, *WAREHOUSE)[0] == 0
    assert f"Stack {unique} has its lock in table {unique}" in refused(right)
    assert cli("deploy", job, "--stack", unique, "--audit-table", "", "--dry-run")[0] == 0
    assert _items(right) == {}


def test_an_item_that_is_held_stays(job: Path, cli: Cli, unique: str) -> None:
    """Whoever holds it may still be at work; the stack is gone."""
    table = f"{unique}-audit"
    cli("audit", "create", table)
    cli("deploy", job, "--stack", unique, "--audit-table", table, *WAREHOUSE)
    boto3.client("dynamodb").update_item(
        TableName=table,
        Key={"JobID": {"S": unique}},
        UpdateExpression="SET JobState = :running",
        ExpressionAttributeValues={":running": {"S": "Running"}},
    )
    status, _, err = cli("destroy", job, "--yes", "--all")
    assert (status, f"Job {unique} is Running" in err) == (1, True)
    assert _items(table) == {unique: "Running"}
