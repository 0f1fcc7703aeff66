"""Policies are evaluated as IAM documents it."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.local.iam.asked import asked_by
from elt_redshift.local.iam.policies import Asked, Grant, allowing, grants, trusts

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/audit"


def _allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}]}


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        (_allow("dynamodb:GetItem", TABLE), True),
        (_allow(["dynamodb:getitem", "s3:*"], [TABLE]), True),
        (_allow("dynamodb:Get*", f"{TABLE[:-2]}??"), True),
        (_allow("*", "*"), True),
        (_allow("dynamodb:GetItem", f"{TABLE}/index/*"), False),
        (_allow("dynamodb:PutItem", TABLE), False),
        (_allow("dynamodb:GetItem", TABLE, Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}}), False),
        (_allow("dynamodb:GetItem", TABLE, Condition={"StringLike": {"Dynamodb:Attributes": ["x", "a*"]}}), True),
        (_allow("dynamodb:GetItem", TABLE, Condition={"DateLessThan": {"dynamodb:attributes": "ab"}}), False),
    ],
)
def test_actions_resources_and_conditions(document: dict[str, Any], allowed: bool) -> None:
    """Actions and condition keys in any case, resources in theirs; a key that the call has not meets no condition, and
    neither does an operator that nobody knows."""
    asked = Asked("dynamodb:GetItem", TABLE, {"dynamodb:Attributes": "ab"})
    assert bool(allowing({"p": document}, asked)) == allowed


def test_a_refusal_counts_more_than_anything_else() -> None:
    """Whatever other policy allows it."""
    refused = {"Statement": {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}}
    policies = {"p": _allow("dynamodb:GetItem", "*"), "q": refused}
    assert not allowing(policies, Asked("dynamodb:GetItem", TABLE))
    assert grants(policies) == {Grant("p", "dynamodb:GetItem", "*")}


def test_wildcards_of_a_source_do_not_cross_its_parts() -> None:
    """`ArnLike` compares part by part."""
    source = "arn:aws:states:us-east-1:123456789012:stateMachine:one"

    def trusted(pattern: str, service: str = "states.amazonaws.com") -> bool:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        condition = {"ArnLike": {"aws:SourceArn": pattern}}
        document = {"Statement": [{**statement, "Condition": condition}]}
        return trusts(document, "states.amazonaws.com", {"aws:SourceArn": source})

    assert trusted("arn:aws:states:us-east-1:123456789012:stateMachine:*")
    assert trusted("arn:aws:states:*:123456789012:*")
    assert not trusted("arn:aws:states:*:stateMachine:*")
    assert not trusted("arn:aws:states:us-east-1:123456789012:stateMachine:*", "events.amazonaws.com")


def test_a_submission_needs_what_it_takes_to_connect() -> None:
    """As a database user, as oneself in a cluster or a workgroup, or with a secret."""
    cluster = {"ClusterIdentifier": "c", "Database": "d", "Sql": "select 1"}

    def needed(**request: str) -> list[str]:
        asked = asked_by("redshift-data", "ExecuteStatement", request)
        return [f"{one.action} {one.resource.split(':', 5)[-1]}" for one in asked]

    submit = "redshift-data:ExecuteStatement"
    connect = "redshift:GetClusterCredentials"
    assert needed(**cluster, DbUser="u") == [f"{submit} cluster:c", f"{connect} dbuser:c/u", f"{connect} dbname:c/d"]
    assert needed(**cluster) == [f"{submit} cluster:c", f"{connect}WithIAM dbname:c/d"]
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"
    assert needed(**cluster, SecretArn=secret) == [f"{submit} cluster:c", "secretsmanager:GetSecretValue secret:s"]
    assert needed(**cluster) == [f"{submit} cluster:c", f"{connect}WithIAM dbname:c/d"]
    assert needed(WorkgroupName="w", Sql="") == [
        f"{submit} workgroup/w",
        "redshift-serverless:GetCredentials workgroup/w",
    ]


def test_an_index_is_a_resource_of_its_own() -> None:
    """A query of a table's index is not one of the table."""
    (asked,) = asked_by("dynamodb", "Query", {"TableName": "audit", "IndexName": "by-outcome"})
    assert asked == Asked("dynamodb:Query", f"{TABLE}/index/by-outcome")


def test_a_metric_s_namespace_is_a_condition_of_its_call() -> None:
    """PutMetricData knows no resource."""
    (asked,) = asked_by("cloudwatch", "PutMetricData", {"Namespace": "ELT", "MetricData": []})
    assert asked == Asked("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "ELT"})


def test_stacks_and_buckets_are_resources() -> None:
    """A stack by its name or ARN, all of them where none is named; a bucket, and what is in it."""
    stack = "arn:aws:cloudformation:us-east-1:123456789012:stack/sales"
    requests = ({"StackName": "sales"}, {"StackName": f"{stack}/id"}, {})
    asked = [one for request in requests for one in asked_by("cloudformation", "DescribeStacks", request)]
    assert [one.resource for one in asked] == [f"{stack}/*", f"{stack}/id", "*", "*"]
    assert asked[-1].action == "cloudformation:ListStacks"  # whoever asks for all needs it too
    made = asked_by("cloudformation", "CreateChangeSet", {"StackName": "sales", "Tags": [{"Key": "a", "Value": "b"}]})
    assert [one.action for one in made] == ["cloudformation:CreateChangeSet", "cloudformation:TagResource"]
    objects = ({"Bucket": "b"}, {"Bucket": "b", "Key": "k/1"})
    asked = [one.resource for request in objects for one in asked_by("s3", "GetObject", request)]
    assert asked == ["arn:aws:s3:::b", "arn:aws:s3:::b/k/1"]
