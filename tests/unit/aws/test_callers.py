"""The policies of those who deploy, run and follow jobs, as documents; tests/local/cli/test_policy.py holds what they
do against them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from elt_redshift.asl import cutting
from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.callers import policies
from elt_redshift.aws.callers.policies import BOUNDARY, MAX_CHARACTERS, MAX_INLINE
from elt_redshift.aws.callers.resource_types import TYPES, WIDER
from elt_redshift.aws.callers.rights import CALLERS, RIGHTS, Caller
from elt_redshift.aws.callers.scope import Place, Scope, Warehouse
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.template.rendering import render
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob, Notify, Schedule
from tests.unit.asl.jobs import JOBS, job, task

PLACE = Place("aws", "eu-central-1", "123456789012")
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0f4b5d0e-8f5a-4e0e-9a43-7f0f1f7c2f4e"
BOUND = "arn:aws:iam::123456789012:policy/elt/what-elt-roles-may-do-at-most"
EVERYTHING = job(task("a", wait="event"), schedule=Schedule(rate="1 day"), notify=Notify(not_succeeded_for=2))
LARGE = job(task("a"), layout="parts", schedule=Schedule(rate="1 day"), notify=Notify(not_succeeded_for=2))
WAREHOUSE = Warehouse(cluster="warehouse", user="etl")

#: CloudFormation's registry as of 2026, without the handlers that only list: what each type's handlers may use.
HANDLERS = json.loads(Path(__file__).with_name("handler_permissions.json").read_text())

#: Why a permission of a handler is left out, by what it looks like.
LEFT_OUT = {
    r"iam:PassRole": "a statement of its own, for the services that roles are passed to",
    r"kms:.*": "with a key of one's own only, on that key",
    r"dynamodb:(DescribeImport|ImportTable)|s3:(GetObjectMetadata|ListBucket)|logs:.*Log(Stream|Event).*": "no imports",
    r"dynamodb:(Enable|Disable|Update)Kinesis.*|kinesis:.*": "no table has a Kinesis stream",
    r"dynamodb:UpdateContributorInsights": "no table has Contributor Insights",
    r"dynamodb:(Put|Delete)ResourcePolicy": "no table has a policy",
    r"iam:CreateServiceLinkedRole": "for replicas, which no table has",
    r"iam:\w+(User|Group)Policy": "policies are roles' only",
    r"iam:(Attach|Detach)RolePolicy": "no role has a managed policy",
    r"(sns|logs):(Put|Delete)DataProtectionPolicy": "nothing has one",
    r"sns:(Subscribe|Unsubscribe)|iam:GetRole": "topics come without subscriptions and delivery logs",
    r"logs:(CreateLogDelivery|PutResourcePolicy|DescribeResourcePolicies)|firehose:.*|s3:REST.*": "for data protection",
    r"lambda:.*(Concurrency|CodeSigningConfig)|lambda:(GetLayerVersion|PutRuntimeManagementConfig)": "none has one",
    r"ec2:.*|elasticfilesystem:.*": "functions are in no VPC",
    r"s3:GetObject(Version)?": "a statement of its own, on what was uploaded; no versions",
    r"logs:(CreateLogGroup|PutRetentionPolicy|DescribeLogGroups)": "of a table's imports, or a statement of its own",
    r"cloudwatch:DescribeAlarms": "no alias is shifted by alarms",
    r"scheduler:DeleteSchedule": "stands with the schedules",
}
#: What the registry does not list, and why it is needed all the same.
BEYOND = {
    "events:ListTagsForResource": "a stack's tags go to its rules",
    "events:TagResource": "a stack's tags go to its rules",
    "events:UntagResource": "a stack's tags go to its rules",
}


#: Rights that are no calls.
NO_CALLS = ("cloudformation:TagResource", "kms:ReEncryptFrom", "kms:ReEncryptTo")


def _templates(*jobs: EltJob) -> list[dict[str, Any]]:
    return [render(compile_job(one)).template for one in jobs]


def _document(caller: Caller, scope: Scope, *jobs: EltJob, boundary: str = "") -> dict[str, Any]:
    return policies.document(policies.needed(caller, scope, _templates(*jobs), boundary))


def _statement(document: dict[str, Any], sid: str) -> dict[str, Any]:
    (found,) = (one for one in document["Statement"] if one["Sid"] == sid)
    return dict(found)


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_rights_to_make_every_type_of_resource_are_known() -> None:
    """Whatever a job's template may have in it: a new type needs a row."""
    types = {made["Type"] for one in _templates(*JOBS.values(), EVERYTHING) for made in one["Resources"].values()}
    assert types <= TYPES.keys()
    with pytest.raises(EltError, match="to make AWS::S3::Bucket is not known"):
        policies.needed("deployer", Scope(PLACE), [{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}])


@pytest.mark.parametrize("kind", TYPES)
def test_types_take_what_cloudformations_registry_says(kind: str) -> None:
    """Each permission that its handlers may use is in the policy, or left out for a reason; what is in it beyond has
    one too."""
    listed = set(HANDLERS[kind])
    ours = {f"{TYPES[kind].service}:{action}" for action in TYPES[kind].actions}
    assert [one for one in listed - ours if not any(re.fullmatch(reason, one) for reason in LEFT_OUT)] == []
    assert ours - listed <= BEYOND.keys()
    assert ("iam:PassRole" in listed) == bool(TYPES[kind].passes_to) or kind == "AWS::SNS::Topic"


def _actions() -> set[str]:
    of_types = {f"{made.service}:{action}" for made in TYPES.values() for action in made.actions}
    of_rights = {action for rights in RIGHTS.values() for one in rights for action in one.actions}
    return of_types | of_rights | {*WIDER.values()}


def test_every_action_is_one_of_its_services() -> None:
    """As botocore's models name them; IAM has few actions that are no calls."""
    session, services = botocore.session.get_session(), {"states": "stepfunctions"}
    known: dict[str, set[str]] = {}
    for action in _actions():
        prefix, _, name = action.partition(":")
        if prefix not in known:
            known[prefix] = set(session.get_service_model(services.get(prefix, prefix)).operation_names)
        assert name in known[prefix] or action in NO_CALLS, action


def test_what_is_allowed_on_anything_has_its_reason() -> None:
    """Each action on `*` stands in the table of docs/security.md, and no other does."""
    documents = [_document(one, Scope(PLACE, warehouses=(WAREHOUSE,)), EVERYTHING) for one in CALLERS]
    wide = {
        action
        for document in documents
        for one in document["Statement"]
        if one["Resource"] == "*"
        for action in _list(one["Action"])
    }
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    table = page.partition("#### On `*`, and why")[2].partition("\n\n")[2].partition("\n\n")[0]
    assert wide == set(re.findall(r"`([a-z0-9-]+:[A-Z]\w+)`", table))


@pytest.mark.parametrize("caller", CALLERS)
def test_a_policy_is_no_larger_than_iam_takes(caller: Caller) -> None:
    """For a job that has everything: it is a managed policy. With all options and names as long as people choose, a
    role's inline policy holds it."""
    sql = (WAREHOUSE,) if caller == "mwaa" else ()
    for usual in (EVERYTHING, LARGE):
        document = _document(caller, Scope(PLACE, "elt-*", warehouses=sql, functions=False), usual)
        assert policies.size(document) <= MAX_CHARACTERS
    most = Scope(
        PLACE,
        "a-stack-with-a-name-of-forty-characters-*",
        shared=("the-audit-table-of-all-jobs",),
        warehouses=(WAREHOUSE,),
        bucket="a-bucket-with-quite-a-long-name-of-its-own",
        key=KEY,
        role_path="/elt/roles/",
    )
    document = _document(caller, most, EVERYTHING, LARGE, JOBS["map"], JOBS["functions"], boundary=BOUND)
    assert policies.size(document) <= MAX_INLINE
    sids = [one["Sid"] for one in document["Statement"]]
    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() for sid in sids)


def test_a_policy_does_not_grow_with_the_parts_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pattern names the machines of all, and another one their executions."""
    one = _document("deployer", Scope(PLACE, "elt-*"), LARGE)
    monkeypatch.setattr(cutting, "AUTO_DEFINITION", 14_000)
    many = job(*map(task, "abcdefghijkl"), layout="parts", schedule=LARGE.schedule, notify=LARGE.notify)
    assert len(compile_job(many).parts) > 2
    assert _document("deployer", Scope(PLACE, "elt-*"), many) == one


@pytest.mark.parametrize(
    ("warehouse", "connecting"),
    [
        (
            Warehouse(cluster="c", user="u"),
            {"redshift:GetClusterCredentials": ["dbuser:c/u", "dbname:c/dev"]},
        ),
        (Warehouse(cluster="c"), {"redshift:GetClusterCredentialsWithIAM": ["dbname:c/dev"]}),
        (Warehouse(workgroup="w"), {"redshift-serverless:GetCredentials": ["workgroup/*"]}),
        (
            Warehouse(cluster="c", secret="arn:aws:secretsmanager:eu-central-1:123456789012:secret:s"),
            {"secretsmanager:GetSecretValue": ["secret:s"]},
        ),
    ],
)
def test_airflow_connects_in_one_way(warehouse: Warehouse, connecting: dict[str, list[str]]) -> None:
    """As a database user, as itself, or with a secret; and without a warehouse it may submit no SQL."""
    ways = ("redshift:", "redshift-serverless:", "secretsmanager:")
    allowed = {
        action: [one.split(":", 5)[5] for one in _list(statement["Resource"])]
        for statement in _document("mwaa", Scope(PLACE, warehouses=(warehouse,)))["Statement"]
        for action in _list(statement["Action"])
        if action.startswith(ways)
    }
    assert allowed == connecting
    without = json.dumps(_document("mwaa", Scope(PLACE)))
    assert not any(one in without for one in (*ways, "ExecuteStatement", "GetStatementResult"))


def test_named_jobs_are_named() -> None:
    """Their machines exactly; and no rights that only large jobs need."""
    machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:Sales-1"
    deployed = Deployed("sales", "Sales", machine, "audit", "history", f"{machine}-end", "1", shares_table=True)
    document = _document("operator", Scope(PLACE, deployed=(deployed,), large=False))
    assert _statement(document, "Machine")["Resource"] == machine
    assert _statement(document, "Executions")["Resource"] == machine.replace(":stateMachine:", ":execution:") + ":*"
    assert _statement(document, "AuditTable")["Resource"].endswith(":table/audit")
    assert not {"MapRuns", "Children", "JobFiles", "JoinTable"} & {one["Sid"] for one in document["Statement"]}


def test_a_lock_in_the_warehouse_takes_rights_there() -> None:
    """Of the stacks that have theirs there, and none on a table of DynamoDB."""
    machine, address = "arn:aws:states:eu-west-1:123456789012:stateMachine:Sales", "redshift://c/dev/ops.audit?user=u"
    deployed = Deployed("sales", "Sales", machine, address, "history", f"{machine}-end", "1", shares_table=True)
    for caller in ("operator", "mwaa"):
        found = {one.name: one.resources for one in policies.needed(caller, Scope(PLACE, deployed=(deployed,)))}
        assert found["warehouse"] == ("arn:aws:redshift:eu-central-1:123456789012:cluster:c",)
        assert "arn:aws:redshift:eu-central-1:123456789012:dbuser:c/u" in found["database user"]
        assert "audit table" not in found


def test_a_bounded_deployer_makes_bounded_roles_only() -> None:
    """Nothing that makes or fills a role goes without the boundary, and none is taken off."""
    document = _document("deployer", Scope(PLACE, "elt"), EVERYTHING, boundary=BOUND)
    bounded = _statement(document, "BoundedIAMPolicy")
    assert bounded["Condition"] == {"StringEquals": {BOUNDARY: BOUND}}
    assert {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"} <= set(bounded["Action"])
    rest = {action for one in document["Statement"] if one != bounded for action in _list(one["Action"])}
    assert not rest & {*bounded["Action"], "iam:DeleteRolePermissionsBoundary"}


def test_short_names_begin_with_part_of_a_long_stacks() -> None:
    """CloudFormation cuts the stack's name where the service allows few characters."""
    stack = "a-stack-with-a-name-of-forty-characters-"
    document = _document("deployer", Scope(PLACE, stack), EVERYTHING)
    assert _statement(document, "IAMPolicy")["Resource"].endswith(f":role/{stack[:24]}*")
    assert _statement(document, "DynamoDBTable")["Resource"].endswith(f":table/{stack}-*")
