"""What somebody has deleted of a job's stack, outside of CloudFormation: every command says so, and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.local.cli.conftest import Cli

JOB = 'job_id: "{name}"\nname: {name}\ntasks:\n  a: {{statement: "{sql}"}}\n'
WAREHOUSE = ("--cluster", "warehouse", "--user", "awsuser")
REMEDY = "`elt-redshift destroy`, then deploy the job as the first time."


@pytest.fixture
def job(tmp_path: Path, cli: Cli, unique: str) -> Iterator[Path]:
    """One that is deployed, and has failed once. What is left of it goes: commands for all jobs would tell of it."""
    (tmp_path / "job.yaml").write_text(JOB.format(name=unique, sql="select 1/0"))
    assert cli("deploy", tmp_path, "--stack", unique, *WAREHOUSE)[0] == 0
    assert cli("run", tmp_path, "--name", "one", "--watch")[0] == 1
    assert cli("history", tmp_path)[0] == 0
    yield tmp_path
    cli("destroy", tmp_path, "--all", "--yes")
    assert unique not in str(cli("status"))


def _output(stack: str, name: str) -> str:
    outputs = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return next(one["OutputValue"] for one in outputs if one["OutputKey"] == name)


def _delete_machine(stack: str) -> str:
    machine = _output(stack, "StateMachineArn")
    boto3.client("stepfunctions").delete_state_machine(stateMachineArn=machine)
    return machine


def test_a_state_machine_that_is_gone_is_told_by_every_command(job: Path, cli: Cli, unique: str) -> None:
    """In one line that names it and what helps; what the tables still know is shown."""
    machine = _delete_machine(unique)
    for command in (
        ("run", job),
        ("redrive", job),
        ("redrive", job, "--execution", "one"),
        ("watch", job),
        ("watch", job, "one"),
        ("stop", job, "--reason", "why"),
        ("stop", job, "one", "--reason", "why"),
        ("tasks", job),
        ("tasks", job, "another"),
        ("history", job, "--outcome", "running"),
        ("plan", job, "--execution", "one"),
        ("deploy", job, "--stack", unique),
        ("deploy", job, "--stack", unique, "--dry-run"),
    ):
        status, out, err = cli(*command)
        assert (status, out, len(err.splitlines())) == (1, "", 1), (command, out, err)
        assert machine in err, command
        assert err.endswith(f"{REMEDY}\n"), command
    for command, shown in (
        (("status", job), "Failed"),
        (("status",), "Failed"),
        (("history", job), "one"),
        (("history", job, "--outcome", "failed"), "one"),
        (("unlock", job, "--reason", "why"), "is unlocked"),
    ):
        status, out, err = cli(*command)
        assert (status, shown in out) == (0, True), (command, out, err)
        assert machine in err, command
        assert err.endswith(f"{REMEDY}\n"), command


@pytest.mark.parametrize("kept", ["yes", "no"])
def test_a_job_whose_state_machine_is_gone_is_brought_back(job: Path, cli: Cli, unique: str, kept: str) -> None:
    """By what the commands say; with the old audit table, if it is named, so that a held failure stays held."""
    assert cli("deploy", job, "--stack", unique, "--keep-tables", kept)[0] == 0
    machine, table = _delete_machine(unique), _output(unique, "AuditTable")
    status, out, err = cli("destroy", job, "--yes")
    assert (status, err) == (0, "")
    assert f"Gone already: state machine {machine}, which somebody has deleted" in out
    (job / "job.yaml").write_text(JOB.format(name=unique, sql="select 1"))
    old = ("--audit-table", table) if kept == "yes" else ()
    assert cli("deploy", job, "--stack", unique, *old, *WAREHOUSE)[0] == 0
    status, out, err = cli("run", job, "--watch")
    assert status == (1 if old else 0), out + err


def test_an_audit_table_that_is_gone_is_told_and_made_anew(job: Path, cli: Cli, unique: str) -> None:
    """Under its name, empty; then the job runs again."""
    table = _output(unique, "AuditTable")
    boto3.client("dynamodb").delete_table(TableName=table)
    remedy = f"Make it with `elt-redshift audit create {table}`, or name another.\n"
    for command in (
        ("redrive", job),
        ("unlock", job, "--reason", "why"),
        ("deploy", job, "--stack", unique),
    ):
        status, out, err = cli(*command)
        assert (status, out, len(err.splitlines())) == (1, "", 1), (command, out, err)
        assert err.endswith(remedy), (command, err)
    status, out, err = cli("status")
    assert (status, err.endswith(remedy)) == (0, True)
    assert cli("audit", "create", table)[0] == 0
    (job / "job.yaml").write_text(JOB.format(name=unique, sql="select 1"))
    assert cli("deploy", job, "--stack", unique)[0] == 0
    assert cli("run", job, "--watch")[0] == 0


@pytest.mark.parametrize("kept", ["yes", "no"])
def test_tables_that_are_gone_are_in_no_removals_way(job: Path, cli: Cli, unique: str, kept: str) -> None:
    """Whether they were to stay, or to go with the stack."""
    assert cli("deploy", job, "--stack", unique, "--keep-tables", kept)[0] == 0
    for name in ("AuditTable", "HistoryTable"):
        boto3.client("dynamodb").delete_table(TableName=_output(unique, name))
    status, out, err = cli("history", job)
    assert (status, "history table" in err) == (1, True)
    assert err.endswith(f"{REMEDY}\n")
    status, out, err = cli("destroy", job, "--all", "--yes")
    assert (status, err) == (0, ""), out
