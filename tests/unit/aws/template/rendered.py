"""A job's CloudFormation template, and what tests read in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.template.rendering import render
from elt_redshift.job.model import EltJob

NO_VALUE = {"Ref": "AWS::NoValue"}

PREFIX, HERE = "arn:${AWS::Partition}", "${AWS::Region}:${AWS::AccountId}"


def template_of(job: EltJob) -> dict[str, Any]:
    return render(compile_job(job)).template


def state_machine_rights(template: dict[str, Any]) -> list[dict[str, Any]]:
    return template["Resources"]["StateMachineRights"]["Properties"]["PolicyDocument"]["Statement"]


def policy_names(role: dict[str, Any]) -> set[str]:
    return {(one["Fn::If"][1] if "Fn::If" in one else one)["PolicyName"] for one in role["Policies"]}


def inline_policies(role: dict[str, Any]) -> list[tuple[list[str], Any]]:
    policy = role["Properties"]["Policies"][0]  # behind it are those of options
    return [(one["Action"], one["Resource"]) for one in policy["PolicyDocument"]["Statement"]]


def policy_documents(value: Any) -> Iterator[dict[str, Any]]:
    """All policy statements in a part of a template."""
    match value:
        case {"Effect": "Allow", "Resource": _}:
            yield value
        case dict():
            yield from (found for one in value.values() for found in policy_documents(one))
        case list():
            yield from (found for one in value for found in policy_documents(one))
