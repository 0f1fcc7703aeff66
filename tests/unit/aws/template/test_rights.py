"""What the roles of a template may do, and for whom."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from elt_redshift.asl.patterns.answering import answering_flow
from elt_redshift.asl.target import Target
from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.job.model import Notify, Schedule
from tests.unit.asl.jobs import JOBS, job, task
from tests.unit.aws.template.rendered import (
    HERE,
    PREFIX,
    inline_policies,
    policy_documents,
    state_machine_rights,
    template_of,
)


def test_the_role_may_do_what_the_machine_does_and_nothing_else() -> None:
    """A job without batches needs no BatchExecuteStatement; only actions that know no resource have '*'."""
    rights = {
        action: statement["Resource"]
        for statement in state_machine_rights(template_of(JOBS["chain"]))
        if "Action" in statement
        for action in statement["Action"]
    }
    assert sorted(rights) == [
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "redshift-data:CancelStatement",
        "redshift-data:DescribeStatement",
        "redshift-data:ExecuteStatement",
        "redshift-data:ListStatements",
        "states:DescribeExecution",
    ]
    assert [action for action, resource in rights.items() if resource == "*"] == [
        "redshift-data:CancelStatement",
        "redshift-data:DescribeStatement",
        "redshift-data:ListStatements",
    ]
    assert "redshift-data:BatchExecuteStatement" in json.dumps(template_of(JOBS["batch_auto_commit"]))


def test_every_job_has_a_machine_for_what_follows_its_ends() -> None:
    """A rule for the ends of the job's runs starts it; it reads these runs and their histories, reads and writes the
    audit item, keeps how they ended, and no more."""
    resources = template_of(JOBS["n"])["Resources"]
    rule = resources["RunEndRule"]["Properties"]
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [{"Ref": MACHINE}],
            "status": ["RUNNING", "ABORTED", "FAILED", "SUCCEEDED", "TIMED_OUT"],
        },
    }
    assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": "RunEndStepFunction"}]
    assert resources["RunEndStepFunction"]["Properties"]["StateMachineType"] == "EXPRESS"
    runs = f"{PREFIX}:states:{HERE}:execution:${{{MACHINE}.Name}}:*"
    assert inline_policies(resources["RunEndRole"]) == [
        (["dynamodb:GetItem", "dynamodb:UpdateItem"], {"Fn::GetAtt": ["DynamoDBETLAuditTable", "Arn"]}),
        (["dynamodb:Query", "dynamodb:UpdateItem"], {"Fn::GetAtt": ["HistoryTable", "Arn"]}),
        (["events:PutEvents"], {"Fn::Sub": f"{PREFIX}:events:{HERE}:event-bus/default"}),
        (["states:DescribeExecution", "states:GetExecutionHistory"], {"Fn::Sub": runs}),
        (["states:ListExecutions"], {"Ref": MACHINE}),
    ]
    assert resources["RunEndRights"]["Properties"]["Roles"] == [{"Ref": "RunEndRole"}]
    (itself,) = resources["RunEndRights"]["Properties"]["PolicyDocument"]["Statement"]
    assert (itself["Action"], itself["Resource"]) == (["states:StartExecution"], {"Ref": "RunEndStepFunction"})


def test_the_express_machine_calls_what_its_role_allows() -> None:
    """Every action of its states is in the role's policy, and nothing more."""
    allowed = {
        action
        for actions, _ in inline_policies(template_of(JOBS["event"])["Resources"]["StatementEventRole"])
        for action in actions
    }
    assert {need.action for need in answering_flow(Target()).needs()} == allowed


def test_whatever_is_allowed_on_anything_has_its_reason() -> None:
    """Each action on `*`, in the template of any job, stands in the table of docs/security.md, and no other does."""
    notify = Notify(not_succeeded_for=2)
    everything = job(task("a", wait="event"), schedule=Schedule(rate="1 day"), notify=notify)
    statements = [
        one for made in (*JOBS.values(), everything) for one in policy_documents(template_of(made)["Resources"])
    ]
    wide = {action for one in statements if one["Resource"] == "*" for action in one["Action"]}
    page = (Path(__file__).parents[4] / "docs" / "security.md").read_text()
    table = page.partition("### What is allowed on `*`")[2].partition("\n\nTwo more")[0]
    assert wide == set(re.findall(r"`([a-z-]+:[A-Z]\w+)`", table))


def test_each_role_is_one_service_s_that_acts_for_something_here() -> None:
    """Who else has it assumed, or for whom else, is refused."""
    resources = template_of(job(task("a", wait="event"), schedule=Schedule(rate="1 day"), notify=Notify()))["Resources"]
    trusted = {}
    for name, made in resources.items():
        if made["Type"] == "AWS::IAM::Role":
            (statement,) = made["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
            trusted[name] = statement["Principal"]["Service"], statement["Condition"]["ArnLike"]["aws:SourceArn"]
    machines = "states.amazonaws.com", {"Fn::Sub": f"{PREFIX}:states:{HERE}:stateMachine:*"}
    rules = "events.amazonaws.com", {"Fn::Sub": f"{PREFIX}:events:{HERE}:rule/*"}
    assert trusted == {
        "StateMachineRole": machines,
        "RunEndRole": machines,
        "StatementEventRole": machines,
        "ScheduledStartRole": machines,
        "RunEndRuleRole": rules,
        "StatementEventRuleRole": rules,
        "ScheduleRole": ("scheduler.amazonaws.com", {"Fn::GetAtt": ["ScheduleGroup", "Arn"]}),
    }


def test_a_distributed_map_may_do_what_it_needs() -> None:
    """It starts, stops and redrives its own children only, and reads the job file and nothing else in S3."""
    template = template_of(JOBS["map"])
    rights: dict[str, list[Any]] = {}
    for statement in state_machine_rights(template):
        for action in statement.get("Action", ()):
            rights.setdefault(action, []).append(statement["Resource"])
    children = {"Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:" + _CHILDREN}
    assert rights["states:StartExecution"] == [{"Ref": MACHINE}]
    assert rights["states:StopExecution"] == rights["states:RedriveExecution"] == [children]
    assert children in rights["states:DescribeExecution"]
    assert rights["s3:GetObject"] == [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${JobFileBucket}/${JobFileKey}"}]
    assert {"JobFileBucket", "JobFileKey"} <= set(template["Parameters"])


_CHILDREN = f"${{{MACHINE}.Name}}/tasks:*"
