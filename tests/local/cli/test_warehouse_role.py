"""A warehouse in another account, by the role that infra/ has for that account. (The embedded AWS has one account.)"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from elt_redshift.aws.account import Account
from elt_redshift.aws.statements import Statements
from elt_redshift.aws.stopping import stop_and_settle
from elt_redshift.local.iam.policies import grants
from elt_redshift.local.iam.record import Rights
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol.owners import Owner
from tests import bounds
from tests.local.cli.conftest import Cli
from tests.local.conftest import client_factory
from tests.local.runs.conftest import Barrier, closed_barrier
from tests.local.waiting import wait_for

TEMPLATE = Path(__file__).parents[3] / "infra" / "warehouse_role.template.json"
JOB = """
job_id: "{name}"
name: {name}
tasks:
  a: {{statement: "{wait}"}}
  b: {{sql: b.sql, upstream: [a]}}
"""


def _write(folder: Path, name: str, waits: str) -> None:
    (folder / "job.yaml").write_text(JOB.format(name=name, wait=waits))
    (folder / "b.sql").write_text("select 1;\nselect 2;\n")


@pytest.fixture
def barrier(local_aws: LocalAws) -> Iterator[Barrier]:
    with closed_barrier(client_factory(local_aws.endpoint)) as made:
        yield made


def _role(unique: str, **more: str) -> str:
    """Made as the other account makes it; gives its ARN."""
    given = {"JobsAccount": "123456789012", "RedshiftClusterIdentifier": "warehouse", **more}
    client, stack = boto3.client("cloudformation"), f"{unique}-role"
    client.create_stack(
        StackName=stack,
        TemplateBody=TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    (output,) = client.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return str(output["OutputValue"])


class _AtHome:
    """The Data API of the job's own account, where none of its statements is."""

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return [{"Statements": []}]

    def cancel_statement(self, **_: Any) -> Any:
        error = {"Code": "ResourceNotFoundException", "Message": "Query does not exist."}
        raise ClientError({"Error": error}, "CancelStatement")


def _until(job_id: str, status: str) -> None:
    """A statement of the job has that status."""
    data, wanted = boto3.client("redshift-data"), {"StatementName": f"{job_id}/", "Status": status}
    wait_for(lambda: data.list_statements(**wanted)["Statements"], f"a statement is {status}", bounds.EXECUTION)


def test_a_job_runs_as_the_role_of_the_warehouses_account(
    tmp_path: Path, cli: Cli, unique: str, local_aws: LocalAws, barrier: Barrier
) -> None:
    """A run is stopped by somebody who sees no statement there: its lock is let go, and the next run cancels what it
    has left, as that role. Every right of the role is needed, no other is, and the machine's own role touches no
    warehouse. The role stays until it is taken back."""
    _write(tmp_path, unique, barrier.pass_)
    arn = _role(unique, DatabaseUserName="awsuser")
    where = ("--cluster", "warehouse", "--user", "awsuser")
    status, out, err = cli("deploy", tmp_path, "--stack", unique, *where, "--warehouse-role", arn)
    assert status == 0, out + err
    cli("run", tmp_path, "--name", "one")
    _until(unique, "STARTED")
    _, out, _ = cli("destroy", tmp_path, "--stop")
    assert f"Goes on: what they run in the warehouse, which only {arn} may cancel" in out
    machine = boto3.client("cloudformation").describe_stacks(StackName=unique)["Stacks"][0]["Outputs"]
    (of,) = [one["OutputValue"] for one in machine if one["OutputKey"] == "StateMachineArn"]
    execution = of.replace(":stateMachine:", ":execution:")
    steps, account = boto3.client("stepfunctions"), Account.here()
    audit = account.audit(account.stacks.find(unique).audit_table)
    stop_and_settle(account.executions(), Statements(_AtHome()), audit, unique, f"{execution}:one", "Somebody.")
    item = audit.read(unique)
    assert item is not None
    assert (item.owner, item.after) == (Owner(f"{execution}:one"), "release")
    cli("run", tmp_path, "--name", "two")
    _until(unique, "ABORTED")
    barrier.open()
    ended = lambda: steps.describe_execution(executionArn=f"{execution}:two")["status"] == "SUCCEEDED"  # noqa: E731
    wait_for(ended, "the second run has done its work", bounds.EXECUTION)
    name = arn.rpartition("/")[2]
    policy = boto3.client("iam").get_role_policy(RoleName=name, PolicyName="run-sql")["PolicyDocument"]
    used = Rights(local_aws).used()
    assert [use for use in used if use.denied and unique in use.role] == []
    of_role = {(use.granted_action, use.granted_resource) for use in used if use.role == name}
    assert of_role == {(grant.action, grant.resource) for grant in grants({"run-sql": policy})}
    own = {use.action for use in used if unique in use.role and use.role != name}
    assert "sts:AssumeRole" in own
    assert not [action for action in own if action.startswith("redshift")]
    _write(tmp_path, unique, "select 3")
    for options in ((), ("--warehouse-role", "")):
        cli("deploy", tmp_path, "--stack", unique, *options)
        (stack,) = boto3.client("cloudformation").describe_stacks(StackName=unique)["Stacks"]
        given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
        assert given.get("WarehouseRoleArn") == (None if options else arn)


def test_a_role_trusts_only_roles_that_it_names(tmp_path: Path, cli: Cli, unique: str, local_aws: LocalAws) -> None:
    """Another account's roles with other names are refused."""
    _write(tmp_path, unique, "select 3")
    arn = _role(unique, JobRoles="somebody-else*")
    cli("deploy", tmp_path, "--stack", unique, "--cluster", "warehouse", "--warehouse-role", arn)
    cli("run", tmp_path, "--watch")
    denied = {use.action for use in Rights(local_aws).used() if use.denied and use.role == arn.rpartition("/")[2]}
    assert denied == {"sts:AssumeRole"}
