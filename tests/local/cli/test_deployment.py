"""Deploying and destroying: what is told, what stays, and what a failure leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from elt_redshift.local.faults import Faults
from elt_redshift.local.iam.record import Rights
from elt_redshift.local.process import LocalAws
from tests.local.cli.conftest import Cli
from tests.local.conftest import client_factory
from tests.local.runs.conftest import closed_barrier

JOB = 'job_id: "{name}"\nname: {name}\ntasks:\n  a: {{statement: "{sql}"}}\n'
WAREHOUSE = ("--cluster", "warehouse", "--user", "awsuser")


@pytest.fixture
def job(tmp_path: Path, unique: str) -> Path:
    (tmp_path / "job.yaml").write_text(JOB.format(name=unique, sql="select 1"))
    return tmp_path


def _table(stack: str) -> str:
    found = boto3.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId="DynamoDBETLAuditTable"
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def _tables() -> list[str]:
    pages = boto3.client("dynamodb").get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"]]


def _exists(stack: str) -> bool:
    try:
        return bool(boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"])
    except ClientError:
        return False


def test_deploy_tells_what_becomes_of_each_resource(job: Path, cli: Cli, unique: str) -> None:
    """One line a resource, in the order in which they are done, and none of an earlier deployment."""
    _, out, _ = cli("deploy", job, "--stack", unique, *WAREHOUSE)
    done = [line.split() for line in out.splitlines() if line.startswith("CREATE_COMPLETE")]
    assert ["CREATE_COMPLETE", "AWS::DynamoDB::Table", "DynamoDBETLAuditTable"] in done
    assert done[-1][:2] == ["CREATE_COMPLETE", "AWS::CloudFormation::Stack"]
    (job / "job.yaml").write_text(JOB.format(name=unique, sql="select 2"))
    _, out, _ = cli("deploy", job, "--stack", unique)
    assert "CREATE_COMPLETE" not in out
    assert "UPDATE_COMPLETE" in out


def test_a_failed_deployment_tells_its_own_reason(job: Path, cli: Cli, unique: str, local_aws: LocalAws) -> None:
    """The resource that failed, and AWS's words for it, not those of the deployment before. It can be tried again."""
    with Faults(local_aws) as faults:
        for message in ("The first reason.", "The second reason."):
            faults.clear()
            faults.fail("events", "PutTargets", "ValidationException", message, times=99)
            status, _, err = cli("deploy", job, "--stack", unique, *WAREHOUSE)
            assert (status, message in err) == (1, True)
            assert f"Stack {unique} was not deployed: RunEndRule: " in err
    assert "The first reason." not in err


def test_destroy_says_what_stays_and_asks(job: Path, cli: Cli, unique: str) -> None:
    """Nothing is deleted unless somebody says so; then the stack goes, and the audit trail stays."""
    cli("deploy", job, "--stack", unique, *WAREHOUSE)
    table = _table(unique)
    status, out, err = cli("destroy", job)
    assert (status, f"Stays: AWS::DynamoDB::Table {table}" in out) == (1, True)
    assert err == "error: Nothing was deleted. To go on without being asked, give --yes.\n"
    assert _exists(unique)
    status, out, _ = cli("destroy", job, "--yes")
    assert (status, out.splitlines()[-1]) == (0, f"Stack {unique} is deleted.")
    assert "DELETE_COMPLETE  AWS::StepFunctions::StateMachine" in out
    assert not _exists(unique)
    assert table in _tables()
    status, _, err = cli("destroy", job, "--yes")
    assert (status, "is not deployed in this account and region" in err) == (1, True)


def test_destroy_takes_the_audit_trail_too_if_it_is_told_to(job: Path, cli: Cli, unique: str) -> None:
    """With --all no table of the job is left."""
    cli("deploy", job, "--stack", unique, *WAREHOUSE)
    table = _table(unique)
    status, out, _ = cli("destroy", job, "--yes", "--all")
    assert (status, f"Deleted: AWS::DynamoDB::Table {table}" in out) == (0, True)
    assert not {name for name in _tables() if name.startswith(unique)}


def test_tables_go_with_the_stack_where_that_was_chosen(job: Path, cli: Cli, unique: str) -> None:
    """The choice stays for later deployments until another one is made, and `destroy` says what it comes to."""
    for number, (options, word) in enumerate(
        ([("--keep-tables", "no"), "no"], [(), "no"], [("--keep-tables", "yes"), "yes"])
    ):
        (job / "job.yaml").write_text(JOB.format(name=unique, sql=f"select {number}"))
        status, out, err = cli("deploy", job, "--stack", unique, *WAREHOUSE, *options)
        assert status == 0, out + err
        table = _table(unique)
        arn = boto3.client("dynamodb").describe_table(TableName=table)["Table"]["TableArn"]
        tags = boto3.client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]
        assert {"Key": "elt-redshift:outlives-stack", "Value": word} in tags
        _, out, _ = cli("destroy", job)
        assert (f"Deleted: AWS::DynamoDB::Table {table}" in out, f"Stays: AWS::DynamoDB::Table {table}" in out) == (
            word == "no",
            word == "yes",
        )
    assert cli("deploy", job, "--stack", unique, "--keep-tables", "no")[0] == 0
    assert cli("destroy", job, "--yes")[0] == 0
    assert not {name for name in _tables() if name.startswith(unique)}


@pytest.mark.exhaustive
def test_a_cluster_is_used_as_the_role_where_no_user_is_named(
    job: Path, cli: Cli, unique: str, local_aws: LocalAws
) -> None:
    """The role gets its own credentials for that database and no others; who that is there, the command tells, and a
    user that is given later, and taken back, changes it."""
    role, told, asked = "", [], []
    for options in ([*WAREHOUSE[:2], "--database", "dev"], [*WAREHOUSE[2:]], ["--user", ""]):
        status, out, err = cli("deploy", job, "--stack", unique, *options)
        assert status == 0, out + err
        role = role or out.partition(" as database user IAMR:")[2].partition(":")[0]
        told.append(f"The SQL runs as database user IAMR:{role}: grant it what the SQL needs." in out)
        assert cli("run", job, "--watch")[0] == 0
        used = {use for use in Rights(local_aws).used() if use.role == role and use.action.startswith("redshift:")}
        asked.append({(use.action, use.resource.rpartition(":")[2], use.denied) for use in used})
    alone = ("redshift:GetClusterCredentialsWithIAM", "warehouse/dev", False)
    with_user = ("redshift:GetClusterCredentials", "warehouse/awsuser", False)
    assert told == [True, False, True]
    assert asked[0] == {alone}
    assert asked[1] - asked[0] == {with_user, ("redshift:GetClusterCredentials", "warehouse/dev", False)}


def test_destroy_leaves_a_job_that_runs(job: Path, cli: Cli, unique: str, local_aws: LocalAws) -> None:
    """While an execution runs nothing is deleted; --stop ends it and what it runs in the database first."""
    with closed_barrier(client_factory(local_aws.endpoint)) as barrier:
        (job / "job.yaml").write_text(JOB.format(name=unique, sql=barrier.pass_))
        cli("deploy", job, "--stack", unique, *WAREHOUSE)
        cli("run", job, "--name", "one")
        status, out, err = cli("destroy", job, "--yes")
        assert (status, "Running: arn:" in out) == (1, True)
        assert err.startswith(f"error: Execution one of job {unique} runs. Wait for its end, or give --stop")
        assert _exists(unique)
        status, out, _ = cli("destroy", job, "--yes", "--stop")
        assert (status, "Stopped: arn:" in out) == (0, True)
        open_ = boto3.client("redshift-data").list_statements(StatementName=f"{unique}/", Status="STARTED")
        assert not open_["Statements"]
    assert not _exists(unique)


def test_tags_of_a_stack_stay(job: Path, cli: Cli, unique: str) -> None:
    """A deployment that gives no tag leaves those that are there; one that gives them changes only these."""
    cli("deploy", job, "--stack", unique, *WAREHOUSE, "--tag", "team=sales", "--tag", "stage=test")
    (job / "job.yaml").write_text(JOB.format(name=unique, sql="select 2"))
    cli("deploy", job, "--stack", unique, "--tag", "stage=live")
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=unique)["Stacks"]
    tags = {tag["Key"]: tag["Value"] for tag in stack["Tags"]}
    assert tags == {"team": "sales", "stage": "live", "elt-redshift:job": unique}


def _roles(stack: str) -> list[dict[str, Any]]:
    """The roles of a stack, as IAM has them."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [one for page in pages for one in page["StackResourceSummaries"]]
    names = [one["PhysicalResourceId"] for one in found if one["ResourceType"] == "AWS::IAM::Role"]
    return [boto3.client("iam").get_role(RoleName=name)["Role"] for name in names]


def test_roles_have_the_boundary_and_path_that_an_account_wants(job: Path, cli: Cli, unique: str) -> None:
    """A boundary is put on the roles that are there, until it is given as nothing; a path makes them anew."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    policy = boto3.client("iam").create_policy(PolicyName=unique, PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    cli("deploy", job, "--stack", unique, *WAREHOUSE)
    plain = {role["RoleName"] for role in _roles(unique)}
    told = {}
    for options in (["--permissions-boundary", policy], ["--permissions-boundary", "", "--role-path", "/elt/"]):
        (job / "job.yaml").write_text(JOB.format(name=unique, sql=f"select {len(told)}"))
        status, out, err = cli("deploy", job, "--stack", unique, *options)
        assert status == 0, out + err
        roles = _roles(unique)
        bounds_ = {role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") for role in roles}
        told[" ".join(options)] = (
            bounds_,
            {role["Path"] for role in roles},
            {role["RoleName"] for role in roles} == plain,
        )
    assert list(told.values()) == [({policy}, {"/"}, True), ({None}, {"/elt/"}, False)]


def test_executions_are_logged_traced_and_encrypted_as_the_stack_says(job: Path, cli: Cli, unique: str) -> None:
    """Options are given to a stack that is there, kept by later deployments, and taken back; runs go on as before."""
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    with (job / "job.yaml").open("a") as file:
        file.write("schedule: {rate: 1 day, enabled: false}\n")
    on = ["--log-level", "ERROR", "--log-execution-data", "true", "--tracing", "true", "--kms-key", key]
    off = ["--log-level", "OFF", "--tracing", "false", "--kms-key", ""]
    told = []
    for options in ([*WAREHOUSE], on, ["--log-retention-days", "90"], off):
        status, out, err = cli("deploy", job, "--stack", unique, *options)
        assert status == 0, out + err
        ways, keys, of_queue, logs = _options(unique)
        told.append((ways, keys == {key}, of_queue, logs))
    group = {"logGroupName": f"/aws/vendedlogs/states/{unique}", "kmsKeyId": key}
    plain = ({("OFF", False, "AWS_OWNED_KEY")}, False, None, [])
    chosen = ({("ERROR", True, "CUSTOMER_MANAGED_KMS_KEY")}, True, key)
    assert told == [plain, (*chosen, [{**group, "days": 30}]), (*chosen, [{**group, "days": 90}]), plain]
    assert cli("run", job, "--watch")[0] == 0


def _options(stack: str) -> tuple[Any, ...]:
    """How machines are logged, traced and encrypted, the keys of tables and queue, and the log group."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [
        (one["ResourceType"], one["PhysicalResourceId"]) for page in pages for one in page["StackResourceSummaries"]
    ]

    def all_of(kind: str) -> list[str]:
        return [name for of, name in found if of == kind]

    steps, tables, sqs = map(boto3.client, ("stepfunctions", "dynamodb", "sqs"))
    machines = [steps.describe_state_machine(stateMachineArn=one) for one in all_of("AWS::StepFunctions::StateMachine")]
    ways = {
        (
            one["loggingConfiguration"]["level"],
            one["tracingConfiguration"]["enabled"],
            one["encryptionConfiguration"]["type"],
        )
        for one in machines
    }
    described = [tables.describe_table(TableName=one)["Table"] for one in all_of("AWS::DynamoDB::Table")]
    keys = {one["SSEDescription"].get("KMSMasterKeyArn") for one in described}
    (queue,) = all_of("AWS::SQS::Queue")
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    groups = boto3.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/vendedlogs/states/{stack}")["logGroups"]
    logs = [
        {"logGroupName": one["logGroupName"], "kmsKeyId": one.get("kmsKeyId"), "days": one["retentionInDays"]}
        for one in groups
    ]
    return ways, keys, attributes.get("KmsMasterKeyId") or None, logs


def test_what_could_not_be_made_hides_no_job(job: Path, cli: Cli, unique: str, local_aws: LocalAws) -> None:
    """What is left of a stack has no tables and no state machine: `status` shows the others, and commands about it say
    that it is not made."""
    with Faults(local_aws) as faults:
        faults.fail("events", "PutTargets", "ValidationException", "No.", times=99)
        cli("deploy", job, "--stack", f"{unique}-left", *WAREHOUSE)
    status, _, err = cli("run", job)
    assert status == 1
    assert f"stack {unique}-left is not made, and nothing runs there. Deploy it with `elt-redshift deploy" in err
    cli("deploy", job, "--stack", unique, *WAREHOUSE)
    status, out, err = cli("status")
    assert (status, unique in err, unique in out) == (0, False, True)
    assert cli("status", job)[0] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Give --cluster or --workgroup."),
        (("--cluster", "c", "--user", "no user!"), "Parameter --user failed to satisfy constraint: a user's name: "),
        (
            (*WAREHOUSE, "--log-level", "LOUD"),
            "--log-level failed to satisfy constraint: one of OFF, ERROR, FATAL, ALL",
        ),
        ((*WAREHOUSE, "--kms-key", "alias/own"), "--kms-key failed to satisfy constraint: the ARN of a key, not of an"),
    ],
)
def test_what_is_wrong_is_told_by_its_option(
    job: Path, cli: Cli, unique: str, options: tuple[str, ...], said: str
) -> None:
    """And not by the name that it has in the template."""
    status, _, err = cli("deploy", job, "--stack", unique, *options)
    assert (status, err.count("\n")) == (1, 1)
    assert said in err
    assert not _exists(unique)


def test_a_job_of_several_stacks_is_meant_by_name(job: Path, cli: Cli, unique: str) -> None:
    """Each has a lock of its own, so no command takes one for the other; where they are named, each is its own. What
    another job's stack is called plays no part."""
    stacks = f"{unique}-a", f"{unique}-b"
    for stack in stacks:
        assert cli("deploy", job, "--stack", stack, *WAREHOUSE)[0] == 0
    for command in ("run", "status", "history", "tasks", "redrive", "destroy"):
        status, out, err = cli(command, job)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert f"is deployed more than once in this account and region: as stacks {', '.join(stacks)}." in err
        assert "--stack NAME" in err
    assert cli("run", job, "--stack", stacks[1], "--watch")[0] == 0
    assert cli("history", job, "--stack", stacks[0], "--json")[1] == "[]\n"
    assert cli("destroy", job, "--stack", stacks[1], "--yes")[0] == 0
    assert cli("run", job, "--watch")[0] == 0


def test_a_stack_that_is_not_there_is_told(job: Path, cli: Cli, unique: str) -> None:
    """With how to make it; so is an audit table."""
    assert f"as stack {unique}. Deploy it with `elt-redshift deploy {unique} --stack {unique}`" in cli(
        "run", job, "--stack", unique
    )[2].replace(str(job), unique)
    assert f"Make it with `elt-redshift audit create {unique}`" in cli("status", "--table", unique)[2]
