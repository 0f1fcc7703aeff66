"""What roles and callers are allowed is spelled as AWS's service authorization reference has it: actions that there
are, on resources that they know, under conditions that they have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.target import Target
from elt_redshift.aws.callers import policies
from elt_redshift.aws.callers.rights import CALLERS, Caller
from elt_redshift.aws.callers.scope import Place, Warehouse
from elt_redshift.aws.callers.scope import Scope as About
from elt_redshift.aws.template.choices import Choices
from elt_redshift.aws.template.rendering import render
from elt_redshift.job.model import EltJob, Notify, Schedule
from elt_redshift.local.cloudformation.functions import NO_VALUE, Scope
from elt_redshift.local.cloudformation.parameters import complete
from elt_redshift.local.cloudformation.template import parse
from tests.unit.asl.jobs import JOBS, job, task
from tests.unit.aws.authorization import dependent, findings

INFRA = Path(__file__).parents[3] / "infra"
REGION, ACCOUNT = "eu-central-1", "123456789012"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": "sales",
    "AWS::URLSuffix": "amazonaws.com",
}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0f4b5d0e-8f5a-4e0e-9a43-7f0f1f7c2f4e"
BOUND = f"arn:aws:iam::{ACCOUNT}:policy/bound"
ABROAD = "arn:aws:iam::210987654321:role/elt-warehouse"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:warehouse-AbCdEf"

#: How the ARN of a resource goes on behind the account, by its type.
ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{place}:table/{name}",
    "AWS::EC2::SecurityGroup": "ec2:{place}:security-group/{name}",
    "AWS::Events::Rule": "events:{place}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{place}:key/{name}",
    "AWS::Lambda::Function": "lambda:{place}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{place}:log-group:{name}:*",
    "AWS::MWAA::Environment": "airflow:{place}:environment/{name}",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{place}:{name}",
    "AWS::SQS::Queue": "sqs:{place}:{name}",
    "AWS::Scheduler::ScheduleGroup": "scheduler:{place}:schedule-group/{name}",
    "AWS::StepFunctions::StateMachine": "states:{place}:stateMachine:{name}",
}
#: What of these is named by its ARN.
BY_ARN = ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")

FULL = job(
    task("a", wait="event"), task("b"), task("c", "a", "b"), task("d", "b"), schedule=Schedule(rate="1 day"),
    notify=Notify(not_succeeded_for=2),
)  # fmt: skip
FORMS: Mapping[str, tuple[EltJob, Target, Choices]] = {
    "everything": (FULL, Target(), Choices()),
    "chain": (JOBS["chain"], Target(), Choices()),
    "map": (JOBS["map"], Target(), Choices()),
    "fence": (JOBS["fence"], Target(), Choices()),
    "functions": (JOBS["functions"], Target(), Choices()),
    "shared table": (FULL, Target(), Choices(shared_audit_table=True)),
    "another account": (JOBS["map"], Target(other_account=True), Choices()),
}
CLUSTER = {"RedshiftClusterIdentifier": "warehouse", "DatabaseName": "dev"}
CONNECTIONS: Mapping[str, dict[str, str]] = {
    "user": {**CLUSTER, "DatabaseUserName": "etl"},
    "itself": CLUSTER,
    "secret": {**CLUSTER, "SecretArn": SECRET},
    "workgroup": {"WorkgroupName": "warehouse", "DatabaseName": "dev"},
}
#: What is allowed on anything though it knows resources, and why.
EXPLAINED = {
    "cloudformation:DescribeStacks": "of all stacks, together with ListStacks",
    "cloudwatch:PutMetricData": "the resource is a dataset, where metrics of namespaces are in none",
}

#: Every option of a stack that brings rights.
OPTIONS = {"KmsKeyArn": KEY, "LogLevel": "ALL", "Tracing": "true", "PermissionsBoundary": BOUND, "RolePath": "/elt/"}


class Made:
    """A resource as others refer to it."""

    def __init__(self, name: str, kind: str) -> None:
        end = ARNS.get(kind, "none:{place}:{name}").format(place=f"{REGION}:{ACCOUNT}", account=ACCOUNT, name=name)
        self._name, self._arn = name, f"arn:aws:{end}"
        self.physical_id = self._arn if kind in BY_ARN else name

    def attribute(self, name: str) -> str:
        return self._arn if "Arn" in name else self._name


def documents(template: dict[str, Any], given: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The policies that a template makes with these parameters, by where they stand."""
    values = complete(
        template["Parameters"], {name: one for name, one in given.items() if name in template["Parameters"]}
    )
    made = {name: Made(name, one["Type"]) for name, one in template["Resources"].items()}
    scope = Scope(template, values, PSEUDO, made)
    for name, one in template["Resources"].items():
        properties = one.get("Properties", {})
        found = [properties.get("PolicyDocument"), properties.get("AssumeRolePolicyDocument")]
        found += [properties["KeyPolicy"]] if "KeyPolicy" in properties else []
        inline = [scope.evaluate(policy) for policy in properties.get("Policies", [])]
        found += [policy["PolicyDocument"] for policy in inline if policy is not NO_VALUE]
        if scope.included(name):
            yield from ((name, scope.evaluate(policy)) for policy in found if policy)


def _unexplained(document: Mapping[str, Any]) -> list[str]:
    return [one for one in findings(document) if not one.startswith(tuple(f"{action} on *" for action in EXPLAINED))]


def _against(template: dict[str, Any], given: Mapping[str, str]) -> list[str]:
    judged = [(name, _unexplained(document)) for name, document in documents(template, given)]
    assert judged
    return [f"{name}: {one}" for name, said in judged for one in said]


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_roles_of_stacks(form: str, connection: str) -> None:
    """Whatever the job, however it connects, with and without all options."""
    of, target, choices = FORMS[form]
    template = parse(json.dumps(render(compile_job(of, target), choices).template))
    more = {
        "DynamoDBETLAuditTable": "elt-audit",
        "WarehouseRoleArn": ABROAD,
        "JobFileBucket": "bucket",
        "JobFileKey": "elt-redshift/jobs/sample.json",
        "FunctionsBucket": "bucket",
        "FunctionsKey": "elt-redshift/functions/code.zip",
    }
    required = {name for name, one in template["Parameters"].items() if "Default" not in one}
    given = {name: value for name, value in more.items() if name in required or choices.shared_audit_table}
    for options in ({}, OPTIONS):
        assert _against(template, {**CONNECTIONS[connection], **given, **options}) == []


def test_the_role_in_a_warehouses_account() -> None:
    """Of a cluster, with and without a user, and of a workgroup."""
    template = parse((INFRA / "warehouse_role.template.json").read_text())
    for connection in ({**CLUSTER, "DatabaseUserName": "etl"}, CLUSTER, {"WorkgroupId": "0f4b5d0e"}):
        assert _against(template, {"JobsAccount": ACCOUNT, **connection}) == []


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("bound", ["", BOUND])
def test_callers(caller: Caller, bound: str) -> None:
    """Of every job, and with all options."""
    ways = tuple(
        Warehouse(cluster="" if "WorkgroupName" in one else "c", workgroup=one.get("WorkgroupName", ""),
                  user=one.get("DatabaseUserName", ""), secret=one.get("SecretArn", ""))
        for one in CONNECTIONS.values()
    )  # fmt: skip
    place = Place("aws", REGION, ACCOUNT)
    about = About(place, "sales", shared=("elt-audit",), warehouses=ways, bucket="b", key=KEY, role_path="/elt/")
    templates = [render(compile_job(of, target), choices).template for of, target, choices in FORMS.values()]
    document = policies.document(policies.needed(caller, about, templates, bound))
    assert _unexplained(document) == []
    assert dependent(document) == set()


def test_the_role_of_an_environment() -> None:
    """Airflow's own, in the template for MWAA, and the policies of what stands beside it, with NAT and endpoints."""
    template = parse((INFRA / "mwaa.template.yaml").read_text())
    for way_out in ("NAT", "ENDPOINTS"):
        assert _against(template, {"WayOut": way_out}) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ({"Action": "states:RunExecution", "Resource": "*"}, "unknown"),
        ({"Action": "states:StartExecution", "Resource": "*"}, "states:StartExecution on * knows"),
        ({"Action": "states:ListStateMachines", "Resource": ABROAD}, "states:ListStateMachines takes * only"),
        ({"Action": ["sqs:*"], "Resource": ABROAD}, "takes ['arn:aws:iam::"),
        (
            {"Action": "states:TagResource", "Condition": {"Null": {"states:Colour": "true"}}},
            "has no ['states:Colour']",
        ),
        ({"Action": "sqs:Fly*"}, "no action is called sqs:Fly*"),
    ],
)
def test_the_judge_sees_what_is_wrong(statement: dict[str, Any], said: str) -> None:
    """Each way of being wrong once."""
    assert said in findings({"Statement": [statement]})[0]
