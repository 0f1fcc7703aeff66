"""The CloudFormation template. (`make check` also runs cfn-lint over infra/.)"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.stacks import MAX_INLINE
from elt_redshift.aws.template.choices import Choices
from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.aws.template.rendering import render
from elt_redshift.job.model import EltJob, Schedule
from tests.unit.asl.jobs import JOBS, job, task
from tests.unit.aws.template.rendered import (
    HERE,
    NO_VALUE,
    PREFIX,
    inline_policies,
    policy_documents,
    policy_names,
    state_machine_rights,
    template_of,
)


def test_the_articles_parameters_are_there() -> None:
    """The template asks for what AWS's article asks for, and for the alternatives."""
    assert set(template_of(JOBS["chain"])["Parameters"]) == {
        "RedshiftClusterIdentifier",
        "DatabaseUserName",
        "DatabaseName",
        "RedshiftIAMRoleARN",
        "WorkgroupName",
        "SecretArn",
        "PermissionsBoundary",
        "RolePath",
        "LogLevel",
        "LogExecutionData",
        "LogRetentionDays",
        "Tracing",
        "KmsKeyArn",
    }


def test_options_reach_each_resource_of_a_type() -> None:
    """Every role has the boundary and the path, whichever part it belongs to; without values it has neither."""
    resources = template_of(job(task("a", wait="event"), schedule=Schedule(rate="1 day")))["Resources"]
    roles = [made["Properties"] for made in resources.values() if made["Type"] == "AWS::IAM::Role"]
    assert len(roles) > 6
    assert all(role["Path"]["Fn::If"] == ["HasRolePath", {"Ref": "RolePath"}, NO_VALUE] for role in roles)
    assert all({"use-the-key"} <= policy_names(role) for role in roles)
    boundary = ["HasPermissionsBoundary", {"Ref": "PermissionsBoundary"}, NO_VALUE]
    assert all(role["PermissionsBoundary"]["Fn::If"] == boundary for role in roles)


def test_only_waiting_for_events_brings_a_rule() -> None:
    """The rule starts the Express machine; that one answers tokens and writes join items, and does nothing else."""
    assert "StatementEventRule" not in template_of(JOBS["n"])["Resources"]
    resources = template_of(JOBS["event"])["Resources"]
    (target,) = resources["StatementEventRule"]["Properties"]["Targets"]
    assert target["Arn"] == {"Ref": "StatementEventStepFunction"}
    assert resources["StatementEventStepFunction"]["Properties"]["StateMachineType"] == "EXPRESS"
    assert inline_policies(resources["StatementEventRuleRole"]) == [
        (["states:StartExecution"], {"Ref": "StatementEventStepFunction"})
    ]
    assert inline_policies(resources["StatementEventRole"]) == [
        (["states:SendTaskFailure", "states:SendTaskSuccess"], "*"),
        (["dynamodb:UpdateItem"], {"Fn::GetAtt": ["JoinTable", "Arn"]}),
    ]
    assert "JoinTable" in resources


def test_options_of_machines_reach_all_of_them() -> None:
    """Each is logged, traced and encrypted as the stack's parameters say, and its role may do what that takes."""
    resources = template_of(job(task("a", wait="event"), schedule=Schedule(rate="1 day")))["Resources"]
    machines = [made["Properties"] for made in resources.values() if made["Type"] == "AWS::StepFunctions::StateMachine"]
    assert len(machines) == 4
    for machine in machines:
        assert machine["LoggingConfiguration"]["Fn::If"][2] == {"Level": "OFF"}
        assert machine["TracingConfiguration"] == {"Enabled": {"Fn::If": ["TracesExecutions", True, False]}}
        assert machine["EncryptionConfiguration"]["Fn::If"][2] == {"Type": "AWS_OWNED_KEY"}
        role = resources[machine["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
        assert {"log-executions", "trace-executions", "use-the-key"} <= policy_names(role)
    assert not {"log-executions"} & policy_names(resources["ScheduleRole"]["Properties"])


def test_what_is_kept_is_encrypted_with_the_stacks_key() -> None:
    """Tables, queues and logs, by the same parameter; without it AWS's keys do it, as before."""
    resources = template_of(job(task("a", wait="event"), schedule=Schedule(rate="1 day")))["Resources"]
    key = {"Ref": "KmsKeyArn"}
    for made in resources.values():
        properties = made.get("Properties", {})
        if made["Type"] == "AWS::DynamoDB::Table":
            own = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
            assert properties["SSESpecification"]["Fn::If"] == ["OwnKey", own, {"SSEEnabled": True}]
        elif made["Type"] == "AWS::SQS::Queue":
            assert properties["KmsMasterKeyId"] == {"Fn::If": ["OwnKey", key, NO_VALUE]}
            assert properties["SqsManagedSseEnabled"] == {"Fn::If": ["OwnKey", False, True]}
        elif made["Type"] == "AWS::Logs::LogGroup":
            assert properties["KmsKeyId"] == {"Fn::If": ["OwnKey", key, NO_VALUE]}


def test_the_copy_role_is_required_only_where_sql_uses_it() -> None:
    """A job whose SQL names ${RedshiftIAMRoleARN} cannot be deployed without it."""
    copying = job(task("a", sql=("copy t from 's3://b/k' iam_role '${RedshiftIAMRoleARN}'",)))
    parameters = [template_of(one)["Parameters"]["RedshiftIAMRoleARN"] for one in (copying, JOBS["chain"])]
    assert ["Default" in parameter for parameter in parameters] == [False, True]
    assert [bool(re.fullmatch(parameter["AllowedPattern"], "")) for parameter in parameters] == [False, True]


@pytest.mark.parametrize("name", ["n", "map", "functions", "audit_in_redshift"])
def test_what_a_parameter_has_to_be_is_said_in_words(name: str) -> None:
    """CloudFormation tells who gives a wrong one these words, instead of a pattern or nothing; an example in them is a
    right one."""
    parameters = render(compile_job(JOBS[name]), Choices(shared_audit_table=True)).template["Parameters"]
    assert len(parameters) > 10
    for parameter in parameters.values():
        words = parameter["ConstraintDescription"]
        _, as_in, example = words.partition(", as in ")
        assert not as_in or re.fullmatch(parameter["AllowedPattern"], example), words
        assert "AllowedValues" not in parameter or f"{parameter['Default']}" in words


def test_infra_is_in_step() -> None:
    """The rendered template of the demo's job under infra/ is what `elt-redshift template yearly_sales` prints."""
    root = Path(__file__).parents[4]
    rendered = template_of(EltJob.load(root / "sql" / "yearly_sales"))
    assert json.loads((root / "infra" / "yearly_sales.template.json").read_text()) == rendered


def test_the_definition_names_the_warehouse_by_condition() -> None:
    """Cluster or workgroup, user or secret: the parameters decide at deployment."""
    machine = template_of(JOBS["one_task"])["Resources"][MACHINE]["Properties"]["Definition"]
    arguments = machine["States"]["a"]["Arguments"]
    assert arguments["ClusterIdentifier"]["Fn::If"][0] == "UseCluster"
    assert arguments["WorkgroupName"]["Fn::If"][0] == "UseWorkgroup"
    assert "Fn::If" not in arguments["Database"]


def test_only_a_graph_with_joins_brings_their_table() -> None:
    """The table's items expire by themselves; the role may write them, and wake who waits."""
    assert "JoinTable" not in template_of(JOBS["nested"])["Resources"]
    template = template_of(JOBS["n"])
    expiry = template["Resources"]["JoinTable"]["Properties"]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "ExpiresAt", "Enabled": True}
    allowed = [(one["Action"], one["Resource"]) for one in state_machine_rights(template) if "Action" in one]
    assert (["dynamodb:UpdateItem"], {"Fn::GetAtt": ["JoinTable", "Arn"]}) in allowed
    assert any("states:SendTaskSuccess" in actions and resource == "*" for actions, resource in allowed)


def test_past_runs_expire_by_themselves() -> None:
    """They are found by job and by outcome, in the order of their starts; the table outlives the stack."""
    table = template_of(JOBS["one_task"])["Resources"]["HistoryTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "ExpiresAt", "Enabled": True}
    indexes = [table["Properties"], *table["Properties"]["GlobalSecondaryIndexes"]]
    keys = [[part["AttributeName"] for part in one["KeySchema"]] for one in indexes]
    assert keys == [["RunsOf", "Entry"], ["JobOutcome", "Entry"]]


@pytest.mark.parametrize(("runtime", "role"), [("data_api", "StateMachineRole"), ("lambda", "SqlFunctionRole")])
def test_the_database_user_is_that_of_the_role_that_connects(runtime: Any, role: str) -> None:
    """Where nobody has named one, the output tells to whom to grant what the SQL needs."""
    made = job(task("a", timeout=timedelta(minutes=1)), runtime=runtime)
    output = template_of(made)["Outputs"]["DatabaseUser"]
    assert (output["Condition"], output["Value"]) == ("UseIdentity", {"Fn::Sub": f"IAMR:${{{role}}}"})


def test_tables_go_with_the_stack_where_that_is_chosen() -> None:
    """The policies of deletion say so, and a tag, by whose change CloudFormation takes another policy; a replaced table
    is never deleted, and what serves running executions always goes."""
    kept, gone = (render(compile_job(JOBS["n"]), Choices(keeps_tables=keeps)).template for keeps in (True, False))
    for table in ("DynamoDBETLAuditTable", "HistoryTable"):
        policies = [
            (one["DeletionPolicy"], one["UpdateReplacePolicy"], one["Properties"]["Tags"])
            for one in (kept["Resources"][table], gone["Resources"][table])
        ]
        assert policies == [
            (policy, "Retain", [{"Key": "elt-redshift:outlives-stack", "Value": said}])
            for policy, said in (("RetainExceptOnCreate", "yes"), ("Delete", "no"))
        ]
    assert kept["Resources"]["JoinTable"] == gone["Resources"]["JoinTable"]
    assert [one["Outputs"]["TablesOutliveStack"]["Value"] for one in (kept, gone)] == ["yes", "no"]


def test_the_template_of_a_large_job_is_small() -> None:
    """A job of any size has a template of some 115 KB, 13 of them for the follower of runs that began with less;
    its tasks are in the job file, with which it is uploaded."""
    rendered = render(compile_job(job(*(task(f"t{number}") for number in range(1200)))))
    assert len(json.dumps(rendered.template, separators=(",", ":"))) <= 2.3 * MAX_INLINE
    assert len(json.loads(rendered.job_file or b"[]")) == 1200


def test_a_shared_audit_table_is_a_parameter() -> None:
    """No table of its own, and rights on the job's own item only; whatever else refers to it does so as before."""
    own, shared = (render(compile_job(JOBS["chain"]), Choices(shared)).template for shared in (False, True))
    table = "DynamoDBETLAuditTable"
    assert (table in own["Resources"], table in own["Parameters"]) == (True, False)
    assert (table in shared["Resources"], table in shared["Parameters"]) == (False, True)
    assert shared["Resources"][MACHINE] == own["Resources"][MACHINE]
    for policy in (shared["Resources"]["StateMachineRights"], shared["Resources"]["RunEndRole"]):
        (touched,) = [one for one in policy_documents(policy) if one["Resource"] == {"Fn::Sub": SHARED}]
        assert touched["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["101"]}}


SHARED = f"{PREFIX}:dynamodb:{HERE}:table/${{DynamoDBETLAuditTable}}"
